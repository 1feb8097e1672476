"""Processes that outlive the one that started them: who they are, how to end them, how to take turns."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROC = Path("/proc")  # Linux
GRACE = 5.0  # seconds between SIGTERM and SIGKILL


def identity(pid: int) -> str | None:
    """What tells a process from a later one with the same number: when it started. None if it is gone or a zombie."""
    if PROC.exists():
        stat = _stat(pid)
        # Field 22, the start, is in ticks since boot, which mean nothing after another boot.
        boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return f"{boot} {stat[19]}" if stat else None
    shown = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}
    )
    state, _, started = shown.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else started.strip()


def _stat(pid: int | str) -> list[str] | None:
    """Fields 3 (state) and following of /proc/PID/stat; None if the process is gone or a zombie."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()  # field 2, the name in parentheses, may hold blanks
    return None if fields[0] in "ZX" else fields


def alive(pid: int, identity_: str | None) -> bool:
    """Whether the process that had this identity still runs."""
    return identity_ is not None and identity(pid) == identity_


def kill_group(pid: int, identity_: str | None) -> bool:
    """End a process group by its leader: SIGTERM, and SIGKILL for what is left after `GRACE` seconds.

    A leader of another identity is a stranger with the same number, and is left alone.

    Returns:
        Whether there was anything of ours to end.
    """
    if not alive(pid, identity_):
        return False
    end = time.monotonic() + GRACE
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
        while time.monotonic() < end and _group_runs(pid):
            time.sleep(0.02)
        # The number cannot have passed to a stranger: the system keeps it while a process of the group exists.
        if _group_runs(pid):
            os.killpg(pid, signal.SIGKILL)
    return True


def _group_runs(pid: int) -> bool:
    """Whether a process of the group runs. Zombies do not count, and the leader is reaped if it is a child of ours."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    if PROC.exists():
        stats = (_stat(entry.name) for entry in PROC.glob("[0-9]*"))
        return any(stat and int(stat[2]) == pid for stat in stats)
    try:
        os.killpg(pid, 0)
    except (ProcessLookupError, PermissionError):  # macOS answers with the latter for a group of zombies
        return False
    return True


def kill_marked(variable: str) -> None:
    """End every process that has `NAME=value` in its environment, also one that left its group. Linux only."""
    for environ in PROC.glob("[0-9]*/environ"):
        with suppress(OSError):  # gone meanwhile, or somebody else's
            if variable.encode() in environ.read_bytes().split(b"\0"):
                os.kill(int(environ.parent.name), signal.SIGKILL)


def marked(name: str) -> Iterator[tuple[int, str]]:
    """(pid, value) of every process of ours that has a variable of this name in its environment. Linux only."""
    prefix = f"{name}=".encode()
    for environ in PROC.glob("[0-9]*/environ"):
        with suppress(OSError):  # gone meanwhile, or somebody else's
            for entry in environ.read_bytes().split(b"\0"):
                if entry.startswith(prefix):
                    yield int(environ.parent.name), entry.removeprefix(prefix).decode(errors="replace")


@contextmanager
def exclusive(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Hold the lock file `path`: one thread of one process at a time. A killed process lets go of it.

    Args:
        waiting: called once if somebody else holds the lock.

    Yields:
        The lock's file descriptor. A child that inherits it holds the lock too, until it ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream.fileno()
