"""One server: a socket, and most of the time a process that listens on it."""

import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from . import processes, serving_logs
from .catalog import Row
from .serving_folder import MARK, mark
from .serving_launch import Launch
from .serving_probe import Probe
from .serving_state import Need, pause
from .tracebacks import last_traceback

if TYPE_CHECKING:
    from .workspace import Workspace

BACKLOG = 2048  # requests that wait while a killed server is started again
ATTEMPTS = 2  # to start a server before it is told that it can't be
LONGEST_PAUSE = 30.0  # seconds before another start of a server that dies again and again
STABLE = 30.0  # seconds of being well after which a server's earlier deaths are forgotten
TAIL = 3000  # characters of a log that a reason repeats
LINES = 20  # of a log without a traceback


class Server:
    """A server of a plan; see `Fleet`, which starts, watches and ends it.

    Args:
        folder: of its plan, with its log.

    Attributes:
        deaths: in a row, without having been well for a while in between.
        due: when it may be started again.
        reason: of the last death.
        timeout: seconds that a request may take.
        pid: 0 while no process runs.
    """

    def __init__(self, ws: "Workspace", folder: Path, need: Need, plan: Row | None) -> None:
        self.need, self._ws, self._plan = need, ws, plan
        self.timeout: float = plan["timeout_ms"] / 1000 if plan else 0.0
        self.deaths, self.due, self.reason = 0, 0.0, ""
        self.pid, self.identity = 0, ""
        self._process: subprocess.Popen[bytes] | None = None
        self._listening: socket.socket | None = None
        self._liveness: Probe | None = None
        self._readiness: Probe | None = None
        self._well_since: float | None = None
        self._log = folder / f"server-{need.instance}.log"
        self._verdict = ""

    @property
    def ready(self) -> bool:
        """Whether requests can go to it."""
        return bool(self.pid and self._readiness and self._readiness.well)

    def record(self) -> Row:
        """What another supervisor has to know to take it over."""
        return {"pid": self.pid, "identity": self.identity, "endpoint": self.need.endpoint, "ready": self.ready,
                "deployment": self.need.deployment, "plan": self.need.plan, "instance": self.need.instance}  # fmt: skip

    def adopt(self, record: Row, now: float) -> None:
        """Take over the process that an earlier supervisor started."""
        self.pid, self.identity = record["pid"], record["identity"]
        self._watch(now)
        if self._readiness and self._liveness and record["ready"]:
            self._readiness.well = self._liveness.well = True
            self._well_since = now

    def start(self, launch: Launch, collector_port: int, now: float) -> bool:
        """Start its process; whether that was possible: its folder or its environment may be gone."""
        try:
            self._start(launch, collector_port)
        except OSError as error:
            self.deaths += 1
            self.due, self.reason = now + pause(self.deaths, LONGEST_PAUSE), f"it can't be started: {error}"
            return False
        self._watch(now)
        return True

    def _start(self, launch: Launch, collector_port: int) -> None:
        processes.kill_marked(f"{MARK}={mark(self._ws.path, self.need.socket)}")  # what an earlier one left behind
        if self._listening is None:
            Path(self.need.socket).unlink(missing_ok=True)
            self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listening.bind(self.need.socket)
            self._listening.listen(BACKLOG)
        serving_logs.rotate(self._log)
        self._process = launch.start(self.need, self._listening.fileno(), collector_port)
        self.pid, self.identity = self._process.pid, processes.identity(self._process.pid) or ""
        self._verdict = ""

    def _watch(self, now: float) -> None:
        self._well_since = None
        if self._plan:
            self._liveness = Probe(self.need.socket, self._plan["liveness"], now)
            self._readiness = Probe(self.need.socket, self._plan["readiness"], now)

    def step(self, now: float) -> None:
        """Look whether it lives and is well; end it if it has not been well for too long."""
        if not self.pid:
            return
        if not processes.alive(self.pid, self.identity):
            self._died(now)
            return
        serving_logs.cut(self._log)
        for probe in (self._liveness, self._readiness):
            if probe:
                probe.step(now)
        if self._liveness and self._liveness.well is False and not self._verdict:
            self._verdict = f"it did not answer GET / in the time that its liveness_probe allows. {self._tail()}"
            self._kill()
        if self.ready and self._well_since is None:
            self._well_since = now

    def _kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _died(self, now: float) -> None:
        code = None
        if self._process:
            self._kill()  # what is left of its group, whose number is kept until the leader is reaped
            code = self._process.wait()
        processes.kill_marked(f"{MARK}={mark(self._ws.path, self.need.socket)}")
        stable = self._well_since is not None and now - self._well_since > STABLE
        # One that hangs would hang the next time too.
        self.deaths = 1 if stable else ATTEMPTS if self._verdict and self._well_since is None else self.deaths + 1
        self.due = now + pause(self.deaths, LONGEST_PAUSE)
        how = "" if code is None else f" by signal {-code}" if code < 0 else f" with exit code {code}"
        self.reason = self._verdict or (f"its process ended{how}" if self._well_since else self._tail())
        self._close_probes()
        self.pid, self._process = 0, None

    def _tail(self) -> str:
        """The last traceback of this start's log, else its last lines."""
        if not self._log.exists():
            return "It left no log."
        text = self._log.read_text(encoding="utf-8", errors="replace").strip()
        return (last_traceback(text) or "\n".join(text.splitlines()[-LINES:]))[-TAIL:]

    def _close_probes(self) -> None:
        for probe in (self._liveness, self._readiness):
            if probe:
                probe.close()

    def end(self) -> None:
        """End its process, after the requests that it has; takes seconds if it must be forced."""
        if self.pid:
            processes.kill_group(self.pid, self.identity)

    def forget(self) -> None:
        """Remove what it leaves once its process has ended."""
        self._close_probes()
        if self._listening:
            self._listening.close()
        Path(self.need.socket).unlink(missing_ok=True)
