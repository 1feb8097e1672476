"""Runs the mini-batches of a parallel job, in the job's own environment: `python parallel_driver.py < settings.json`.

The driver hands one mini-batch at a time to each worker process, and sees to time-outs, retries and the limits on
errors. It only knows the mini-batches' names: what they hold is read by a worker, and gone when it is done. Standard
library only, and Python 3.7 too, since the environment is the job's.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

WORKER = Path(__file__).with_name("parallel_worker.py")
TAIL = 12  # lines of a traceback that the job's error shows


class GiveUp(Exception):
    """The job fails; the message says why."""


@dataclass
class MiniBatch:
    """A part of the input. `content` is opaque here: only workers understand it."""

    number: int
    name: str
    content: Any
    attempts: int = 0
    items: int = 1  # in it; a worker tells when it has read them


class Worker:
    """A worker process and what it is at. It ends by itself when its connection is closed, so none is left behind."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.connection, theirs = Pipe()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, str(WORKER), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self.mini_batch: MiniBatch | None = None
        self.ready = False
        self.since = 0.0
        self.deadline: float | None = None
        self.send(settings)

    def send(self, message: Any) -> None:
        with contextlib.suppress(OSError):  # it has died; the next look at its connection tells
            self.connection.send(message)

    def end(self) -> int:
        """Kills the process and returns its exit code."""
        self.process.kill()
        self.connection.close()
        return self.process.wait()


class Driver:
    """One run over all mini-batches."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.given: list[tuple[str, Any]] | None = settings.pop("mini_batches")
        self.workers: list[Worker] = []
        self.cutter: Worker | None = None  # the worker that cuts the table; files come cut already
        self.waiting: deque[MiniBatch] = deque()
        self.cut = False
        self.total = self.done = self.items = self.failed = self.failed_items = self.broken_starts = 0

    def run(self) -> dict[str, int]:
        """Runs everything and returns the counts for the job's properties.

        Raises:
            GiveUp: too many errors, or nothing to do.
        """
        processes = self.settings["processes"]
        if self.given is not None:
            self._take(self.given)
            processes = min(processes, self.total)
        try:
            self.workers = [Worker(self.settings) for _ in range(processes)]
            if not self.cut:
                self._let_cut(self.workers[0])
            while not self.cut or self.done + self.failed < self.total:
                self._step()
            self._shut_down()
        finally:
            for worker in self.workers:
                worker.end()
        if self.items == 0:
            raise GiveUp(
                "No item was processed: run() returned nothing for any mini-batch, or failed on each. See the log."
            )
        return {
            "mini_batches": self.total,
            "failed_mini_batches": self.failed,
            "items": self.items,
            "failed_items": self.failed_items,
        }

    def _let_cut(self, worker: Worker) -> None:
        self.cutter = worker
        worker.send(("cut",))

    def _take(self, mini_batches: list[tuple[str, Any]]) -> None:
        if not mini_batches:
            raise GiveUp(f"The input {self.settings['input']} is empty: there is nothing to make mini-batches of.")
        self.waiting.extend(MiniBatch(number, *each) for number, each in enumerate(mini_batches))
        self.total, self.cut = len(mini_batches), True

    def _step(self) -> None:
        """Hands out work, waits for the next message or deadline, and deals with it."""
        for worker in self.workers:
            if worker.ready and worker.mini_batch is None and self.waiting:
                worker.mini_batch = self.waiting.popleft()
                worker.mini_batch.attempts += 1
                worker.since = time.monotonic()
                worker.send(("run", worker.mini_batch.number, worker.mini_batch.content))
        deadlines = [worker.deadline for worker in self.workers if worker.deadline is not None]
        rest = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        heard = wait([worker.connection for worker in self.workers], timeout=rest)
        for worker in list(self.workers):
            if worker.connection in heard:
                self._hear(worker)
            elif worker.deadline is not None and time.monotonic() >= worker.deadline:
                worker.end()
                self._replace(worker, f"run() took longer than retry_settings.timeout, {self.settings['timeout']:g} s")

    def _hear(self, worker: Worker) -> None:
        try:
            kind, *rest = worker.connection.recv()
        except (EOFError, OSError):
            code = worker.end()
            how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
            self._replace(worker, f"the worker process {how}")
            return
        if kind == "ready":
            worker.ready = True
        elif kind == "cut":
            self._take(rest[0])
        elif kind == "running":
            assert worker.mini_batch is not None
            worker.mini_batch.items = rest[0]
            worker.deadline = time.monotonic() + self.settings["timeout"]
        elif kind == "done":
            self._succeeded(worker, *rest)
        elif kind == "failed":
            self._failed(self._released(worker), rest[0])
        else:  # "broken": cutting, importing the script or init() failed, and would fail again
            raise GiveUp("\n".join([rest[0], *tail(rest[1])]))

    @staticmethod
    def _released(worker: Worker) -> MiniBatch:
        mini_batch = worker.mini_batch
        assert mini_batch is not None
        worker.mini_batch = worker.deadline = None
        return mini_batch

    def _succeeded(self, worker: Worker, given: int, returned: int) -> None:
        mini_batch = self._released(worker)
        self.done += 1
        self.items += min(given, returned)
        # As on Azure, items that run() returned nothing for are errors. Microsoft's page also says that they make the
        # whole mini-batch a failed one, which its own examples contradict, so here they count as items only.
        self.failed_items += max(0, given - returned)
        seconds = time.monotonic() - worker.since
        again = f", attempt {mini_batch.attempts}" if mini_batch.attempts > 1 else ""
        short = f", {given - returned:,} of them failed" if returned < given else ""
        self._say(f"{mini_batch.name}: {given:,} items{short} in {seconds:.1f} s{again}")
        self._check_items(
            f"run() returned {returned:,} for the {given:,} of mini-batch {mini_batch.name}. It has to return one for "
            "each item that was processed; the log may tell what happened to the others."
        )

    def _check_items(self, last: str) -> None:
        limit = self.settings["error_threshold"]
        if 0 <= limit < self.failed_items:
            raise GiveUp(f"{self.failed_items:,} items failed, more than error_threshold, {limit}: {last}")

    def _replace(self, worker: Worker, reason: str) -> None:
        """A fresh worker for one that died or was killed; its mini-batch is tried again."""
        self.workers.remove(worker)
        if worker.mini_batch is not None:
            self._failed(self._released(worker), reason)
        else:
            self.broken_starts += 1
            if self.broken_starts > self.settings["max_retries"]:
                raise GiveUp(f"A worker could not be started: {reason}, before or in init().")
        if self.waiting or not self.cut:
            self.workers.append(Worker(self.settings))
            if worker is self.cutter:
                self._let_cut(self.workers[-1])

    def _failed(self, mini_batch: MiniBatch, reason: str) -> None:
        """Puts a mini-batch back, or gives it up after max_retries."""
        last = tail(reason)
        if mini_batch.attempts <= self.settings["max_retries"]:
            self._say(f"{mini_batch.name}: attempt {mini_batch.attempts} failed, trying again: {last[-1]}")
            self.waiting.appendleft(mini_batch)
            return
        self.failed += 1
        self.failed_items += mini_batch.items  # there is no result of any of them
        self._say(f"{mini_batch.name}: failed {mini_batch.attempts} times: {last[-1]}")
        limit, percent = self.settings["mini_batch_error_threshold"], self.settings["allowed_failed_percent"]
        allowed = f"mini_batch_error_threshold allows {limit}" if 0 <= limit < self.failed else ""
        if self.failed * 100 > percent * self.total:
            allowed = f"allowed_failed_percent allows {percent}"
        if allowed:
            raise GiveUp(
                f"Mini-batch {mini_batch.name} failed {mini_batch.attempts} times; {self.failed} of {self.total} "
                f"mini-batches failed, and {allowed}. Its last error:\n" + "\n".join(last)
            )
        self._check_items(f"mini-batch {mini_batch.name} failed. Its last error:\n" + "\n".join(last))

    def _shut_down(self) -> None:
        """Lets each worker run shutdown() and end by itself."""
        for worker in self.workers:
            worker.send(("stop",))
        for worker in self.workers:
            try:
                code = worker.process.wait(self.settings["timeout"])
            except subprocess.TimeoutExpired:
                code = worker.end()
            if code != 0:
                print(f"warning: a worker ended with exit code {code} in shutdown()", flush=True)

    def _say(self, text: str) -> None:
        print(f"mini-batch {self.done + self.failed}/{self.total} {text}", flush=True)


def tail(text: str) -> list[str]:
    """The last lines of a traceback, which say what went wrong."""
    return text.strip().splitlines()[-TAIL:]


def main() -> int:
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(line_buffering=True, write_through=False)  # whole lines: workers write to the same log
    settings = json.load(sys.stdin)
    started = time.monotonic()
    try:
        counts = Driver(settings).run()
        print(f"{json.dumps(counts)} in {time.monotonic() - started:.1f} s", flush=True)
        outcome: dict[str, Any] = {"counts": counts}
    except GiveUp as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        outcome = {"error": str(error)}
    Path(settings["result"]).write_text(json.dumps(outcome), encoding="utf-8")
    return 1 if "error" in outcome else 0


if __name__ == "__main__":
    sys.exit(main())
