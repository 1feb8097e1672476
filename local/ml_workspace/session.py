"""The runner's shared state: one session runs one root job with all its steps."""

import hashlib
import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from . import installing
from .errors import WorkspaceError
from .literals import LONGEST
from .names import JOB
from .processes import identity, kill_group, kill_marked
from .steps import StepCanceled, StepFailed

if TYPE_CHECKING:
    from .workspace import Workspace

POLL = 0.1  # seconds between looks at cancellation requests and time-outs
SERVER_POLL = 0.5  # seconds between looks at the MLflow server


@dataclass
class _Running:
    process: subprocess.Popen[bytes]
    cancel: threading.Event
    deadline: float | None
    timed_out: bool = False
    killer: threading.Thread | None = None


class Session:
    """What the steps of one root job share: cores, the stream, cancellation, processes."""

    def __init__(self, ws: "Workspace", root: str) -> None:
        self.ws, self.root = ws, root
        self.cores = threading.Semaphore(os.cpu_count() or 1)
        self._cancels: dict[str, tuple[threading.Event, tuple[threading.Event, ...]]] = {}
        self._streams: dict[str, tuple[TextIO, ...]] = {}
        self._own: dict[str, TextIO] = {}  # of pipelines in pipelines
        self._stream = self._opened(root)
        self._running: dict[int, _Running] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._watch, self._keep_server)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop watching; call it when the root job has ended."""
        self._closed.set()
        for thread in self._threads:
            thread.join()
        self._stream.close()

    def enter(
        self, job: str, causes: tuple[threading.Event, ...], parent: str | None, has_stream: bool
    ) -> threading.Event:
        """Begin to watch a job; returns the event that is set when the job or one of the `causes` is canceled.

        Args:
            parent: the job around it, which has entered; None for the root.
            has_stream: whether it is a pipeline in a pipeline, whose events can be followed by its own name.
        """
        event = threading.Event()
        if any(cause.is_set() for cause in causes):
            event.set()
        with self._lock:
            self._cancels[job] = (event, causes)
            around = self._streams[parent] if parent else (self._stream,)
            if has_stream:
                self._own[job] = self._opened(job)
                around = (*around, self._own[job])
            self._streams[job] = around
        return event

    def leave(self, job: str) -> None:
        """The job has ended."""
        with self._lock:
            del self._cancels[job]
            del self._streams[job]
            if job in self._own:
                self._own.pop(job).close()

    def say(self, text: str, job: str | None = None) -> None:
        """Append a line to the streams of a job and of the pipelines around it; of the root job if none is named."""
        with self._lock:
            for stream in self._streams[job] if job else (self._stream,):
                stream.write(f"[{time.strftime('%H:%M:%S')}] {text.rstrip()}\n")

    def _opened(self, job: str) -> TextIO:
        folder = self.ws.path / "jobs" / job
        folder.mkdir(exist_ok=True)
        return (folder / "stream.log").open("a", encoding="utf-8", buffering=1)

    def spawn(
        self,
        job: str,
        log: Path,
        cancel: threading.Event,
        argv: str | list[str],
        cwd: Path,
        env: dict[str, str],
        timeout: float | None = None,
        stdin: str | None = None,
    ) -> int:
        """Run a process to its end on a core of this machine; its output goes to `log`. See `steps.Spawn`."""
        while not self.cores.acquire(timeout=POLL):
            if cancel.is_set():
                raise StepCanceled("before it started")
        try:
            if cancel.is_set():
                raise StepCanceled("before it started")
            command = self._for_bash(job, argv) if isinstance(argv, str) else argv
            with log.open("ab") as output:
                try:
                    process = subprocess.Popen(
                        command,
                        cwd=cwd,
                        env=env,
                        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                except OSError as error:
                    size = sum(len(f"{name}={value}") for name, value in env.items()) / 1000
                    raise StepFailed(
                        f"the command could not be started: {error.strerror} ({command[0]}; inputs and "
                        f"environment_variables come to {size:,.0f} kB of environment variables)"
                    ) from error
            running = _Running(process, cancel, time.monotonic() + timeout if timeout else None)
            known = identity(process.pid)
            self.ws.catalog.update_job(job, process={"pid": process.pid, "identity": known})
            with self._lock:
                self._running[process.pid] = running
            if stdin and process.stdin:
                with suppress(BrokenPipeError), process.stdin:  # one that ended before it read tells why by its code
                    process.stdin.write(stdin.encode())
            code = process.wait()
            with self._lock:
                del self._running[process.pid]
            if running.killer:
                running.killer.join()  # what the command started has its time to end by itself, too
            _end_rest(process.pid, job)
        finally:
            self.cores.release()
        if running.timed_out:
            raise StepFailed(f"took longer than its time limit of {timeout:g} s and was ended")
        if running.killer:
            raise StepCanceled("its processes were ended")
        return code

    def _for_bash(self, job: str, text: str) -> list[str]:
        """How bash is given a command: as an argument, or as a file if it is too long for one."""
        if len(text.encode()) < LONGEST:
            return ["/bin/bash", "-c", text]
        script = temporary_folder(self.ws, job) / "command.sh"
        script.write_text(text, encoding="utf-8")
        return ["/bin/bash", str(script)]

    def _watch(self) -> None:
        names: set[str] = set()
        while not self._closed.wait(POLL):
            with suppress(WorkspaceError):  # a full disk: time limits hold all the same, and the next look may succeed
                asked = self.ws.catalog.rows(
                    "SELECT name FROM jobs WHERE root = ? AND status = 'CancelRequested'", self.root
                )
                names = {row["name"] for row in asked}
            with self._lock:
                for job, (event, causes) in self._cancels.items():
                    if job in names or any(cause.is_set() for cause in causes):
                        event.set()
                for running in [r for r in self._running.values() if not r.killer and self._is_over(r)]:
                    pid = running.process.pid
                    running.killer = threading.Thread(target=kill_group, args=(pid, identity(pid)), daemon=True)
                    running.killer.start()

    def _keep_server(self) -> None:
        """Start the MLflow server again if it dies: scripts that log to it repeat their calls for a while."""
        told = ""
        while not self._closed.wait(SERVER_POLL):
            try:
                if self.ws.tracking.lost():
                    self.ws.tracking.uri(self.say)
            except WorkspaceError as error:  # the job goes on; whatever needs the server fails by itself
                if str(error) != told:
                    told = str(error)
                    self.say(told)

    @staticmethod
    def _is_over(running: _Running) -> bool:
        running.timed_out = running.deadline is not None and time.monotonic() > running.deadline
        return running.timed_out or running.cancel.is_set()


def _end_rest(pid: int, job: str) -> None:
    """End what a finished command left behind, in its process group or outside."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    kill_marked(f"{JOB}={job}")


def temporary_folder(ws: "Workspace", job: str) -> Path:
    """TMPDIR of a job. Its name is short: Python's multiprocessing has sockets in it, whose paths end at 107 bytes."""
    return ws.path / "tmp" / hashlib.sha256(job.encode()).hexdigest()[:8]


def job_variables(ws: "Workspace", job: str, root: str, experiment: str, python: Path | None) -> dict[str, str]:
    """The environment variables that the workspace gives to every process of a job.

    Of the runner's own only a few are passed on, so that a job does not depend on whose shell it was submitted from.
    """
    passed = ("LANG", "LC_ALL", "TZ", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
    variables = {name: os.environ[name] for name in passed if name in os.environ}
    variables |= installing.for_jobs(os.environ, Path.home())
    path = ["/usr/local/bin", "/usr/bin", "/bin"]
    if python:
        path.insert(0, str(python.parent))
        variables["VIRTUAL_ENV"] = str(python.parent.parent)
    return variables | {
        "PATH": os.pathsep.join(path),
        # Caches and scratch files stay in the workspace too.
        "HOME": str(ws.path / "home"),
        "TMPDIR": str(temporary_folder(ws, job)),
        "PYTHONUNBUFFERED": "1",
        # Threads that wait must sleep: spinning, they take the cores from the steps that run beside them.
        "OMP_WAIT_POLICY": "passive",
        "PYTHONNOUSERSITE": "1",
        JOB: job,
        "AZUREML_ROOT_RUN_ID": root,
        "AZUREML_ARM_SUBSCRIPTION": ws.id.split("/")[2],
        "AZUREML_ARM_RESOURCEGROUP": ws.group,
        "AZUREML_ARM_WORKSPACE_NAME": ws.name,
        "AZUREML_ARM_PROJECT_NAME": experiment,
        "MLFLOW_TRACKING_URI": ws.tracking.uri(),
        "MLFLOW_EXPERIMENT_NAME": experiment,
    }
