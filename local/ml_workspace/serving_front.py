"""The router's process, as the supervisor sees it: its ports, its start, what it is told and what it has taken up."""

import http.client
import json
import os
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import processes, serving_logs
from .catalog import Row
from .errors import WorkspaceError
from .serving_folder import CONTROL, HANDOVER, HOST, MARK, ServingFolder, mark, read_json, write_secret
from .serving_state import pause

if TYPE_CHECKING:
    from .workspace import Workspace

ROUTER = Path(__file__).with_name("serving_router.py")
BACKLOG = 4096
LISTENING = 4  # sockets that the router has from its supervisor
PORT_WAIT = 3.0  # seconds in which a killed router lets go of its ports
ANSWER = 2.0  # seconds for the router to tell its status
LONGEST_PAUSE = 5.0  # seconds before another start of a router that dies again and again
STABLE = 10.0  # seconds after which a router's earlier deaths are forgotten


class Front:
    """Starts the router, and again when it dies; a router that an earlier supervisor started is taken over.

    Attributes:
        ports: of requests and of the data collector.
        generation: of the routes that were written last.
        error: why there is no router, if it can't be started.
    """

    def __init__(self, ws: "Workspace", folder: ServingFolder, record: Row) -> None:
        self._ws, self._folder = ws, folder
        self.generation: int = read_json(folder.routes).get("generation", 0)
        self.error: str | None = None
        self._endpoints: Any = None
        self._python: Path | None = None
        self._building: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths, self._due, self._started = 0, 0.0, 0.0
        self.ports: dict[str, int] = record.get("ports") or {}
        self._sockets: list[socket.socket] = []
        known = record.get("router")
        self.known: Row | None = known if known and processes.alive(known["pid"], known["identity"]) else None
        if self.known:
            self._sockets = _taken_over()
        else:
            self._listen()

    def step(self, now: float) -> None:
        """Start the router if it isn't up."""
        if self.known:
            if processes.alive(self.known["pid"], self.known["identity"]):
                serving_logs.cut(self._folder.router_log)
                return
            self._died(now)
        if now < self._due:
            return
        if self._python is None:
            self._build(now)
            return
        self._start(now)

    def publish(self, endpoints: Any) -> None:
        """Tell the router of other routes, if they are others."""
        if endpoints == self._endpoints:
            return
        routes = {"generation": self.generation + 1, "endpoints": endpoints}
        write_secret(self._folder.routes, json.dumps(routes))
        self._endpoints = endpoints
        self.generation += 1

    def in_flight(self) -> dict[str, int] | None:
        """Socket -> requests under way, once the router works by the routes that were written last; else None."""
        status = self._status() if self.known else None
        if status is None or status["generation"] < self.generation:
            return None
        counts: dict[str, int] = status["in_flight"]
        return counts

    def stop(self) -> None:
        """End the router."""
        if self.known:
            processes.kill_group(self.known["pid"], self.known["identity"])

    def _died(self, now: float) -> None:
        if self._process:
            self._process.poll()
        self.known = self._process = None
        self._deaths = 1 if now - self._started > STABLE else self._deaths + 1
        self._due = now + pause(self._deaths, LONGEST_PAUSE)
        print(f"the router died; it is started again in {self._due - now:.0f} s", flush=True)
        self._listen()

    def _listen(self) -> None:
        """Have the listening sockets, which the router inherits: what connects while there is none waits."""
        if self._sockets:
            return
        for name in ("requests", "collector"):
            listening = _bound(self.ports.get(name))
            self._sockets.append(listening)
            port: int = listening.getsockname()[1]
            if self.ports.get(name, port) != port:
                print(f"port {self.ports[name]} is taken by another program; {name} come in at {port}", flush=True)
            self.ports[name] = port
        for name in (CONTROL, HANDOVER):
            Path(name).unlink(missing_ok=True)
            listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listening.bind(name)
            listening.listen(BACKLOG)
            self._sockets.append(listening)

    def _build(self, now: float) -> None:
        """Have the router's environment, built in a thread of its own."""

        def build() -> None:
            try:
                self._python = self._ws.environments.router(lambda line: print(line, flush=True))
                self.error = None
            except (WorkspaceError, OSError) as error:
                self.error = f"the router's environment can't be built: {error}"
                print(self.error, flush=True)

        if self._building is None:
            self._building = threading.Thread(target=build, daemon=True)
            self._building.start()
        elif not self._building.is_alive():
            self._building = None
            if self.error:
                self._due = now + LONGEST_PAUSE

    def _start(self, now: float) -> None:
        processes.kill_marked(f"{MARK}={mark(self._ws.path, CONTROL)}")  # one that an earlier supervisor didn't record
        numbers = [str(listening.fileno()) for listening in self._sockets]
        listen, collector, control, handover = numbers
        variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        with self._folder.router_log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._python), str(ROUTER), str(self._folder.routes), "--listen", listen, "--collector", collector,
                 "--control", control, "--handover", handover],
                pass_fds=[int(number) for number in numbers], env={**variables, MARK: mark(self._ws.path, CONTROL)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._started = now
        self.known = {"pid": self._process.pid, "identity": processes.identity(self._process.pid)}

    def _status(self) -> Row | None:
        connection = _Control(timeout=ANSWER)
        try:
            connection.request("GET", "/status")
            answer: Row = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()
        return answer


class _Control(http.client.HTTPConnection):
    """HTTP over the router's control socket."""

    def __init__(self, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(CONTROL)


def _taken_over() -> list[socket.socket]:
    """The listening sockets of a router that an earlier supervisor started, so that they outlive it; none if it gives
    none: then what connects between its end and the start of the next one is refused.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, suppress(OSError):
        connection.settimeout(ANSWER)
        connection.connect(HANDOVER)
        descriptors = socket.recv_fds(connection, 1, LISTENING)[1]
        return [socket.socket(fileno=descriptor) for descriptor in descriptors]
    return []


def _bound(preferred: int | None) -> socket.socket:
    """A listening socket on loopback, at a certain port if it can be had."""
    end = time.monotonic() + PORT_WAIT
    while preferred:
        with suppress(OSError):
            return socket.create_server((HOST, preferred), backlog=BACKLOG)
        if time.monotonic() > end:
            break
        time.sleep(0.1)
    return socket.create_server((HOST, 0), backlog=BACKLOG)
