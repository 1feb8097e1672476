"""The process of a workspace's MLflow server: one a workspace, on loopback, outliving the command that started it."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import processes
from .catalog import now
from .errors import WorkspaceError

HOST = "127.0.0.1"
HEALTH = 5.0  # seconds for the health check of a server that should be up
START = 120.0  # seconds for a server to come up, database included
PORT_WAIT = 3.0  # seconds in which the workers of a killed server let go of its port
STORE = "_MLFLOW_SERVER_FILE_STORE"  # the variable that tells MLflow its database; it marks the server's processes


class Server:
    """Starts, finds and stops the server.

    Args:
        folder: has the server's database, its log and server.json.
        artifacts: where it keeps artifacts, which it also serves.
    """

    def __init__(self, folder: Path, artifacts: Path) -> None:
        self._folder, self._artifacts = folder, artifacts
        self.database = folder / "mlflow.db"
        self._record = folder / "server.json"
        self._store = f"sqlite:///{self.database}"

    def running(self, patience: float = HEALTH) -> str | None:
        """The address, if the process that server.json names is the one that was started, and is healthy.

        Args:
            patience: seconds to wait for its answer.
        """
        known = self._known()
        if known and known["ready"] and processes.alive(known["pid"], known["identity"]):
            with contextlib.suppress(OSError, http.client.HTTPException):
                _request(known["port"], "GET", "/health", patience)
                return _address(known["port"])
        return None

    def start(self, interpreter: Callable[[], Path], log: Callable[[str], None]) -> str:
        """The address of the server, started unless another process was faster.

        Args:
            interpreter: gives the Python that has MLflow; may take a while.

        Raises:
            WorkspaceError: the server did not come up; with the end of its log.
        """
        with processes.exclusive(self._folder / "server.lock"):
            # A server that is only slow, on a busy machine, is left to work.
            address = self.running(START)
            if address:
                return address
            self._end()  # alive but deaf, or its start was cut off
            python = interpreter()
            began = time.monotonic()
            log("Starting the MLflow server")
            known = self._known()
            with _listen(known["port"] if known else None) as listening:
                process = self._spawn(python, listening)
                port: int = listening.getsockname()[1]
            record = {"pid": process.pid, "identity": processes.identity(process.pid), "port": port, "started": now()}
            self._write({**record, "ready": False})
            try:
                # The socket listens already, so this request waits in it until the server is up. It also opens the
                # database, which threads of the server must not do at the same time.
                _request(port, "POST", "/api/2.0/mlflow/experiments/search", START, b'{"max_results": 1}')
            except (OSError, http.client.HTTPException) as error:
                self._end()
                tail = (self._folder / "server.log").read_text(encoding="utf-8", errors="replace")[-2000:]
                raise WorkspaceError(
                    f"The MLflow server did not start ({error!r}). Its log ends with:\n{tail}"
                ) from error
            self._write({**record, "ready": True})
            log(f"MLflow server: {_address(port)} (started in {time.monotonic() - began:.1f} s)")
            return _address(port)

    def lost(self) -> bool:
        """Whether the server was up and has died, without anybody having stopped it."""
        known = self._known()
        return known is not None and known["ready"] and not processes.alive(known["pid"], known["identity"])

    def stop(self) -> bool:
        """End the server and its workers; whether there was one."""
        with processes.exclusive(self._folder / "server.lock"):
            known = self._known()
            if known:  # first, so that no job that still runs takes it for lost
                self._write({**known, "ready": False})
            return self._end()

    def _end(self) -> bool:
        known = self._known()
        ended = known is not None and processes.kill_group(known["pid"], known["identity"])
        # Workers whose head was killed go on for a while, and the port is theirs until then.
        processes.kill_marked(f"{STORE}={self._store}")
        return ended

    def _known(self) -> dict[str, Any] | None:
        try:
            known: dict[str, Any] = json.loads(self._record.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return known

    def _write(self, record: dict[str, Any]) -> None:
        staging = self._record.with_suffix(".staging")
        staging.write_text(json.dumps(record), encoding="utf-8")
        staging.replace(self._record)

    def _spawn(self, python: Path, listening: socket.socket) -> "subprocess.Popen[bytes]":
        # Uploads pass through temporary files; those of a killed server are swept here.
        temporary = self._folder / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        self._artifacts.mkdir(parents=True, exist_ok=True)
        # A property of the file: calls that read do not wait for those that write, and a commit costs half the time.
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            database.execute("PRAGMA journal_mode=WAL")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "PYTHON", "GUNICORN_"))}
        # What `mlflow server` gives its workers. Without that command in between, the server is up in half the time
        # and is one group of processes with gunicorn at its head.
        settings = {STORE: self._store,
                    "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/", "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
                    "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(self._artifacts), "TMPDIR": str(temporary)}  # fmt: skip
        # One process with threads: calls one after another are no faster with two, it starts sooner and a long upload
        # does not keep others waiting; connections stay open between calls, which sync workers cannot do.
        number = listening.fileno()
        command = [str(python), "-m", "gunicorn", "--bind", f"fd://{number}", "--workers", "1",
                   "--worker-class", "gthread", "--threads", "16", "--keep-alive", "75", "--timeout", "300",
                   "mlflow.server:app"]  # fmt: skip
        with (self._folder / "server.log").open("ab") as output:
            return subprocess.Popen(
                command, cwd=self._folder, env={**inherited, **settings}, pass_fds=[number], start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip


def _address(port: int) -> str:
    return f"http://{HOST}:{port}"


def _listen(preferred: int | None) -> socket.socket:
    """A listening socket, on the server's last port if it can be had: running jobs and browsers go on with that one."""
    end = time.monotonic() + PORT_WAIT
    while preferred:
        with contextlib.suppress(OSError):
            return socket.create_server((HOST, preferred), backlog=128)
        if time.monotonic() > end:
            break
        time.sleep(0.1)
    return socket.create_server((HOST, 0), backlog=128)


def _request(port: int, method: str, path: str, timeout: float, body: bytes | None = None) -> None:
    """One request that must be answered with 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise http.client.HTTPException(f"{path} answered {response.status}")
    finally:
        connection.close()
