"""What commands do with a workspace's supervisor: see that it is up, stop it, look at what it keeps."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from . import processes
from .errors import WorkspaceError
from .names import JOB
from .serving_folder import HOST, MARK, SUPERVISOR, ServingFolder, mark

if TYPE_CHECKING:
    from .workspace import Workspace

POLL = 0.05  # seconds between looks at what the supervisor does
START = 30.0  # seconds for a supervisor to come up


class Serving:
    """The supervisor of one workspace, from outside."""

    def __init__(self, ws: "Workspace") -> None:
        self._ws = ws
        self.folder = ServingFolder(ws.path)
        self.log = self.folder.supervisor_log

    def ensure(self) -> None:
        """Start the supervisor if it is not up."""
        while not self.is_up() and not self._spawn():
            pass  # another command looks at the same moment

    def recover(self) -> None:
        """Start the supervisor again if it was killed; not if it was stopped, or has nothing to do."""
        if self.folder.record().get("servers"):
            self.ensure()

    def ports(self) -> dict[str, int] | None:
        """The ports of requests and of the data collector; None if the supervisor has never been up."""
        ports: dict[str, int] | None = self.folder.record().get("ports")
        return ports

    def address(self) -> str:
        """http://127.0.0.1:PORT of the router; the supervisor is started if it is down.

        Raises:
            WorkspaceError: it does not come up.
        """
        end = time.monotonic() + START
        while True:
            # The ports of an earlier supervisor may be taken by now: what counts is what this one writes.
            if self.is_up() and (ports := self.ports()) and self._is_recorded():
                return f"http://{HOST}:{ports['requests']}"
            if time.monotonic() > end:
                raise WorkspaceError(
                    f"The serving supervisor of workspace '{self._ws.name}' did not start. See {self.log}"
                )
            self.ensure()
            time.sleep(POLL)

    def _is_recorded(self) -> bool:
        supervisor = self.folder.record().get("supervisor") or {}
        return bool(supervisor) and processes.alive(supervisor["pid"], supervisor["identity"])

    def stop(self) -> bool:
        """End the supervisor, the router and all servers; whether anything ran. The deployments stay in the catalog."""
        if not self.folder.path.exists():
            return False
        self.folder.make()
        ran, end = False, time.monotonic() + START
        # First the one that would start the others again; one that has just been started is yet to record itself.
        while (lock := self._seized()) is None:
            ran = self._end([SUPERVISOR]) or ran
            if time.monotonic() > end:  # it can't: the disk is full, say
                processes.kill_marked(f"{MARK}={mark(self._ws.path, SUPERVISOR)}")
                ran = True
            time.sleep(POLL)
        try:
            ran = self._end(["router", "servers"]) or ran
            for pid, value in processes.marked(MARK):  # what a killed supervisor had no time to record
                if value.startswith(mark(self._ws.path, "")):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            self.folder.keep({key: value for key, value in self.folder.record().items() if key == "ports"})
        finally:
            os.close(lock)
        return ran

    def _end(self, names: list[str]) -> bool:
        """End recorded processes, all at once; whether any of them ran."""
        record = self.folder.record()
        found = [known for name in names if (known := record.get(name))]
        each = [process for known in found for process in ([known] if "pid" in known else known.values())]
        with ThreadPoolExecutor(max(len(each), 1)) as pool:
            return any(list(pool.map(lambda process: processes.kill_group(process["pid"], process["identity"]), each)))

    def is_up(self) -> bool:
        """Whether there is a supervisor: it has the lock."""
        self.folder.make()
        with self.folder.lock.open("a", encoding="utf-8") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _seized(self) -> int | None:
        """The lock, as a descriptor; None if somebody else has it at this moment."""
        lock = os.open(self.folder.lock, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def _spawn(self) -> bool:
        """Start a supervisor; False if somebody else has the lock at this moment."""
        # The lock is taken here and inherited, so there is no moment at which two could start.
        lock = self._seized()
        if lock is None:
            return False
        variables = {key: value for key, value in os.environ.items() if key != JOB}
        try:
            with self.log.open("ab") as log:
                subprocess.Popen(
                    [sys.executable, str(Path(__file__).parent), "serve", str(self._ws.path)],
                    pass_fds=(lock,), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                    cwd=self.folder.sockets, env={**variables, MARK: mark(self._ws.path, SUPERVISOR)},
                )  # fmt: skip
        finally:
            os.close(lock)
        return True
