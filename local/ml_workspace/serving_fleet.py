"""The servers of all deployments: started, watched, started again when they die, ended."""

import os
import signal
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from . import processes
from .catalog import Row
from .serving_folder import CONTROL, HANDOVER, MARK, SUPERVISOR, ServingFolder, mark
from .serving_launch import Launch
from .serving_process import ATTEMPTS, LONGEST_PAUSE, Server
from .serving_state import Need

if TYPE_CHECKING:
    from .workspace import Workspace


class Fleet:
    """All servers of a workspace, by the names of their sockets."""

    def __init__(self, ws: "Workspace", folder: ServingFolder) -> None:
        self._ws, self._folder = ws, folder
        self._servers: dict[str, Server] = {}
        self._launches: dict[str, Launch] = {}
        self._failed_at: dict[str, float] = {}
        self._endings: dict[str, threading.Thread] = {}

    def adopt(self, records: Mapping[str, Row], plans: Mapping[str, Row], now: float) -> None:
        """Take over the servers that an earlier supervisor started, and remove what it had no time to record or end."""
        for socket, record in records.items():
            if processes.alive(record["pid"], record["identity"]):
                need = Need(record["endpoint"], record["deployment"], record["plan"], record["instance"])
                server = self._server(need, plans.get(need.plan))
                server.adopt(record, now)
                print(f"took over {socket}, process {server.pid}", flush=True)
        for file in self._folder.sockets.iterdir():
            if file.name not in self._servers and file.name not in (CONTROL, HANDOVER):
                file.unlink()
        known = {mark(self._ws.path, socket) for socket in [*self._servers, CONTROL, SUPERVISOR]}
        for pid, value in processes.marked(MARK):
            if value.startswith(mark(self._ws.path, "")) and value not in known:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _server(self, need: Need, plan: Row | None) -> Server:
        folder = self._folder.revision(need.endpoint, need.deployment, need.plan)
        self._servers[need.socket] = Server(self._ws, folder, need, plan)
        return self._servers[need.socket]

    def step(self, now: float, needs: Mapping[str, Need], plans: Mapping[str, Row], collector_port: int) -> None:
        """Start what is missing and may be started, and look at what runs.

        Args:
            needs: socket -> server that should run.
            plans: id -> plan of these servers.
        """
        for socket, server in self._servers.items():
            was = server.ready
            server.step(now)
            if was and not server.ready and socket not in self._endings:
                print(f"{socket} is down: {server.reason or 'its readiness_probe fails'}", flush=True)
        # One that is still being laid out uses its folder.
        for plan in [plan for plan, launch in self._launches.items() if plan not in plans and launch.done]:
            del self._launches[plan]
        for socket, need in needs.items():
            server = self._servers.get(socket) or self._server(need, plans[need.plan])
            if not server.pid and now >= server.due and socket not in self._endings:
                launch = self._launch(need, plans[need.plan], now)
                if launch.done and not launch.error:
                    if server.start(launch, collector_port, now):
                        print(f"started {socket}, process {server.pid}", flush=True)
                    else:
                        print(f"{socket}: {server.reason}", flush=True)
                        del self._launches[need.plan]  # what it lacks is laid out anew

    def _launch(self, need: Need, plan: Row, now: float) -> Launch:
        launch = self._launches.get(need.plan)
        if launch and launch.done and launch.error and now > self._failed_at.setdefault(need.plan, now) + LONGEST_PAUSE:
            launch = None
        if launch is None:
            folder = self._folder.revision(need.endpoint, need.deployment, need.plan)
            launch = self._launches[need.plan] = Launch(self._ws, folder, plan)
            self._failed_at.pop(need.plan, None)
        return launch

    def ready(self) -> frozenset[str]:
        """Sockets of the servers that requests can go to."""
        ready = {socket for socket, server in self._servers.items() if server.ready}
        return frozenset(ready - set(self._endings))

    def trouble(self, plan: str) -> str | None:
        """Why a plan can't be brought up; None if it may still be."""
        launch = self._launches.get(plan)
        if launch and launch.done and launch.error:
            return launch.error
        servers = [server for server in self._servers.values() if server.need.plan == plan]
        return next((server.reason for server in servers if server.deaths >= ATTEMPTS and not server.ready), None)

    def unneeded(self, needs: Collection[str]) -> list[str]:
        """Sockets of the servers that should not run, and are not being ended."""
        return [socket for socket in self._servers if socket not in needs and socket not in self._endings]

    def limit(self, socket: str) -> float:
        """Seconds that a request to a server may take."""
        return self._servers[socket].timeout

    def end(self, socket: str) -> None:
        """Begin to end a server."""
        self._endings[socket] = threading.Thread(target=self._servers[socket].end, daemon=True)
        self._endings[socket].start()

    def close(self) -> None:
        """End all servers."""
        for socket in self.unneeded(()):
            self.end(socket)
        for thread in self._endings.values():
            thread.join()

    def plans(self) -> set[str]:
        """Ids of the plans whose folders are in use."""
        return {*self._launches, *(server.need.plan for server in self._servers.values())}

    def sweep(self) -> None:
        """Forget the servers that have ended."""
        for socket, thread in list(self._endings.items()):
            if not thread.is_alive():
                self._servers.pop(socket).forget()
                del self._endings[socket]
                print(f"ended {socket}", flush=True)

    def records(self) -> dict[str, Row]:
        """What another supervisor has to know of those that run."""
        return {socket: server.record() for socket, server in self._servers.items() if server.pid}
