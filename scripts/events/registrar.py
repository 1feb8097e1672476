"""From events to jobs: one job at a time, which takes all events that came before it was asked for."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from scripts.az import AzError
from scripts.events.endpoint import ENDED, Endpoint, put_away
from scripts.events.journal import Journal
from scripts.events.retry import GaveUp, Retries
from scripts.looking.files import write_whole


class Undelivered(Exception):
    """The endpoint took no job; the events were put away."""


class Registrar:
    """Hands on what the journal has.

    Args:
        there: whether a blob, named by its path, is there.
        ended: told of (job, status) when a job has ended, before the journal is: it may be told twice.
        folder: of the journal; events that can't be delivered are put away below it.
    """

    def __init__(
        self,
        journal: Journal,
        endpoint: Endpoint,
        retries: Retries,
        there: Callable[[str], bool],
        ended: Callable[[str, str], None],
        folder: Path,
    ) -> None:
        self._journal, self._endpoint, self._retries = journal, endpoint, retries
        self._there, self._ended, self._folder = there, ended, folder
        self._following: subprocess.Popen[bytes] | None = None

    @property
    def idle(self) -> bool:
        return not self._journal.running() and not self._journal.pending()

    def step(self) -> None:
        """Asks for a job if there is something to do and none runs; sees whether the one that runs has ended.

        Raises:
            Undelivered: the endpoint takes no job.
            GaveUp: it can't be found out how the job is.
        """
        job = self._journal.running()
        if job is None:
            self._start()
        elif self._following is None:  # of a watcher that was killed: it may have asked for it, or not
            self._ask(job)
        elif self._following.poll() is not None:
            self._following = None
            self._end(job)

    def close(self) -> None:
        """Stops following; the job goes on."""
        if self._following:
            self._following.kill()
            self._following.wait()

    def _start(self) -> None:
        for blob in self._journal.pending():
            if not self._there(blob.path):
                print(f"ignored {blob.path}: it was deleted before a job took it", flush=True)
                self._journal.gone(blob.path)
        if blobs := self._journal.pending():
            self._journal.invoking(blobs[-1].job, blobs)
            self._ask(blobs[-1].job)

    def _ask(self, job: str) -> None:
        try:
            self._retries.run(lambda: self._endpoint.invoke(job), AzError)
        except GaveUp as error:
            events = [blob.document for blob in self._journal.taken_by(job)]
            path = put_away(self._folder, job)
            write_whole(path, json.dumps(events, indent=2) + "\n")
            self._journal.undelivered(job, str(error))
            text = f"the endpoint takes no job for {len(events)} event{'s' if len(events) > 1 else ''}"
            raise Undelivered(f"{text}, {error}\nthey are in {path}; later: make event FILE={path}") from error
        self._following = self._endpoint.follow(job)

    def _end(self, job: str) -> None:
        status = self._retries.run(lambda: self._endpoint.status(job), AzError)
        if status not in ENDED:
            self._following = self._endpoint.follow(job)  # only the stream has ended
            return
        number = len(self._journal.taken_by(job))
        print(f"job {job}: {status}, {number} event{'' if number == 1 else 's'}", flush=True)
        self._ended(job, status)
        self._journal.ended(job, status)
