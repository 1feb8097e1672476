"""The landing folder: which files lie in it, which of them are whole, what they hold."""

import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

Signature = tuple[int, int, int, int]  # inode, bytes, times of change of content and entry in ns


@dataclass
class Landing:
    """Files below `folder`, watched until they are whole.

    A file that is written in place is whole once it has not changed for `settle` seconds. One that was renamed into
    place is whole at once: that changes the time of its entry (ctime) and not that of its content (mtime).

    Args:
        clock: seconds, for waiting; monotonic.
        wall: seconds, as times of files have them.
    """

    folder: Path
    settle: float
    clock: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    _waiting: dict[Path, tuple[Signature | None, float]] = field(default_factory=dict)
    _taken: dict[Path, Signature] = field(default_factory=dict)

    def look(self) -> None:
        """Watches every file that is not known as it is."""
        for path in self.folder.rglob("*"):
            self.noticed(path)

    def noticed(self, path: Path) -> None:
        """Something has happened at a path; what is no file, or a link to anywhere, doesn't count."""
        signature = signed(path)
        if signature and self._taken.get(path) != signature and path not in self._waiting:
            self._waiting[path] = (None, self.clock())

    def whole(self) -> Iterator[Path]:
        """Files that are whole now; each comes once, until it changes."""
        for path, (before, since) in list(self._waiting.items()):
            try:
                found = path.lstat()
            except (FileNotFoundError, NotADirectoryError):
                del self._waiting[path]
                continue
            signature = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            if signature != before:
                self._waiting[path] = (signature, since := self.clock())
            moved = found.st_size > 0 and found.st_ctime_ns != found.st_mtime_ns
            if moved or self.clock() - since >= self.settle or self.wall() - found.st_mtime >= self.settle:
                del self._waiting[path]
                self._taken[path] = signature
                yield path

    def content(self, path: Path) -> tuple[str, int] | None:
        """(SHA-256, bytes) of a file; None, and it is watched again, if it changed meanwhile or is gone.

        Raises:
            OSError: it can't be read.
        """
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                size = os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            return None
        if signed(path) != self._taken.get(path):
            self._taken.pop(path, None)
            self.noticed(path)
            return None
        return digest, size


def signed(path: Path) -> Signature | None:
    """What tells one state of a file from the next; None if there is no file."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    signature = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return signature if stat.S_ISREG(found.st_mode) else None
