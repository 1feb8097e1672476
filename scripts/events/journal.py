"""What became of each event: build/events/<env>/journal.jsonl, a line for each step, on disk before the step is taken.

A watcher that is killed reads it when it starts again: what was seen and not yet handed on is handed on then, and a job
that was being asked for is asked for by the same name.
"""

import fcntl
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from scripts.events.blob import Blob, Malformed, read_event

PENDING, INVOKED, DONE, GONE, UNDELIVERED = "pending", "invoked", "done", "gone", "undelivered"


class JournalError(Exception):
    """The journal can't be used; the message says what to do."""


@dataclass
class Entry:
    """An event and what became of it; `job` is the one that takes it."""

    blob: Blob
    state: str = PENDING
    job: str = ""


class Journal:
    """Use `journal` to get one."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self._entries: dict[str, Entry] = {}  # ETag -> entry, in the order in which they came
        self._content: dict[str, str] = {}  # path of a blob -> digest of what was there last
        self._seen: Counter[tuple[str, str]] = Counter()  # (path, digest) -> how often that came
        self._last: dict[str, int] = {}  # path of a blob -> its highest sequencer
        self._read()

    def pending(self) -> list[Blob]:
        """Events that no job has taken, in the order in which their blobs were made."""
        found = [entry.blob for entry in self._entries.values() if entry.state == PENDING]
        return sorted(found, key=lambda blob: blob.sequencer)

    def running(self) -> str | None:
        """The job that was asked for and hasn't ended, as far as is known."""
        return next((entry.job for entry in self._entries.values() if entry.state == INVOKED), None)

    def taken_by(self, job: str) -> list[Blob]:
        return [entry.blob for entry in self._entries.values() if entry.job == job]

    def content(self, path: str) -> str | None:
        """Digest of what was last at the path of a blob; None if nothing was, or it was deleted."""
        return self._content.get(path)

    def holds(self, path: str, content: str) -> bool:
        """Whether what is last at a path is `content`, and a job has taken it or will."""
        last = [entry for entry in self._entries.values() if entry.blob.path == path][-1:]
        return self._content.get(path) == content and bool(last) and last[0].state != UNDELIVERED

    def paths(self) -> list[str]:
        """Blobs that were there when last looked at."""
        return list(self._content)

    def times(self, path: str, content: str) -> int:
        """How often that content has come to the path."""
        return self._seen[path, content]

    def next_sequencer(self, path: str, now: int) -> int:
        """One above all of this blob, and at least `now` (ns)."""
        return max(now, self._last.get(path, 0) + 1)

    def why_not(self, blob: Blob) -> str | None:
        """Why an event is not to be taken; None if it is. One that could not be delivered may come again."""
        entry = self._entries.get(blob.etag)
        if entry and entry.state == UNDELIVERED:
            return None
        if entry:
            return f"it came before: {entry.state}{' ' + entry.job if entry.job else ''}"
        if blob.sequencer <= self._last.get(blob.path, -1):
            return "out of order: a later event of this blob came before it"
        return None

    def add(self, blob: Blob, content: str) -> None:
        """Takes an event of a blob that has the digest `content`."""
        self._write({"is": PENDING, "content": content, "event": blob.document})

    def invoking(self, job: str, blobs: Sequence[Blob]) -> None:
        """A job is about to be asked for, and takes these."""
        self._write({"is": INVOKED, "job": job, "etags": [blob.etag for blob in blobs]})

    def ended(self, job: str, status: str) -> None:
        self._write({"is": DONE, "job": job, "status": status})

    def undelivered(self, job: str, reason: str) -> None:
        """The job could not be asked for."""
        self._write({"is": UNDELIVERED, "job": job, "reason": reason})

    def gone(self, path: str) -> None:
        """A blob is not there any more."""
        self._write({"is": GONE, "path": path})

    def _read(self) -> None:
        text = self._file.read()
        whole = text.rfind(b"\n") + 1  # what follows was being written when the watcher was killed
        for number, line in enumerate(text[:whole].splitlines(), 1):
            try:
                self._apply(json.loads(line))
            except (ValueError, KeyError, TypeError, Malformed) as error:
                advice = "take the file away: files that lie there are then asked for again, and their jobs are found"
                raise JournalError(f"{self._path}:{number}: {type(error).__name__}: {error}; {advice}") from error
        self._file.seek(whole)
        self._file.truncate()

    def _write(self, record: dict[str, Any]) -> None:
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._apply(record)

    def _apply(self, record: dict[str, Any]) -> None:
        kind = record["is"]
        if kind == PENDING:
            blob = read_event(record["event"], "event")
            self._entries[blob.etag] = Entry(blob)
            self._content[blob.path] = record["content"]
            self._seen[blob.path, record["content"]] += 1
            self._last[blob.path] = max(blob.sequencer, self._last.get(blob.path, 0))
        elif kind == INVOKED:
            for etag in record["etags"]:
                self._entries[etag].state, self._entries[etag].job = INVOKED, record["job"]
        elif kind in (DONE, UNDELIVERED):
            for entry in self._entries.values():
                if entry.job == record["job"] and entry.state == INVOKED:
                    entry.state = kind
        elif kind == GONE:
            self._content.pop(record["path"], None)
            for entry in self._entries.values():
                if entry.blob.path == record["path"] and entry.state == PENDING:
                    entry.state = GONE
        else:
            raise ValueError(f"unknown record {kind!r}")


@contextmanager
def journal(path: Path) -> Iterator[Journal]:
    """The journal at `path`, for one process at a time.

    Raises:
        JournalError: another process uses it, or it is damaged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise JournalError(f"{path}: `make watch` or `make event` runs already; wait for it, or end it") from error
        file.seek(0)
        yield Journal(path, file)
