"""The logs of servers, router and supervisor: an old one is kept beside each, and none grows without end."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

LARGEST = 10_000_000  # bytes of a log, after which it becomes the old one
BLOCK = 1 << 16  # bytes that are read at once


def older(log: Path) -> Path:
    """Where the log of before is kept."""
    return log.with_name(f"{log.name}.1")


def rotate(log: Path) -> None:
    """Keep what a log has as the old one, before another process begins it anew."""
    if log.exists():
        log.replace(older(log))


def cut(log: Path) -> None:
    """Keep a log that has become too large as the old one, and empty it: the process that appends to it goes on."""
    if log.exists() and log.stat().st_size > LARGEST:
        older(log).unlink(missing_ok=True)
        with suppress(OSError):  # on a full disk it matters more that there is room again
            shutil.copyfile(log, older(log))
        os.truncate(log, 0)


def last_lines(log: Path, count: int) -> list[str]:
    """The end of a log; from the old one what the log itself has too few lines for."""
    found = _last(log, count)
    return _last(older(log), count - len(found)) + found


def _last(file: Path, count: int) -> list[str]:
    if count <= 0 or not file.exists():
        return []
    blocks: list[bytes] = []
    with file.open("rb") as stream:
        position = stream.seek(0, os.SEEK_END)
        while position and sum(block.count(b"\n") for block in blocks) <= count:
            begin = max(position - BLOCK, 0)
            stream.seek(begin)
            blocks.insert(0, stream.read(position - begin))
            position = begin
    return b"".join(blocks).decode(errors="replace").splitlines()[-count:]
