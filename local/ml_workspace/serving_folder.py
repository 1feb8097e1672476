"""The folder of a workspace's serving: what lies where, and the record of the processes that run."""

import json
import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from .catalog import Row
from .holder import write_document
from .processes import exclusive

HOST = "127.0.0.1"
CONTROL = "control.sock"  # of the router, among the sockets of the servers
HANDOVER = "handover.sock"  # likewise: where it gives its listening sockets to a supervisor that did not start it
SUPERVISOR = "supervisor"  # stands for a socket in the mark of the supervisor, which has none
MARK = "AZUREML_SERVING_SOCKET"  # the environment variable that names a server, or the router, in its processes


def mark(workspace: Path, socket: str) -> str:
    """What MARK is in the processes of the server, router or supervisor that a socket belongs to."""
    return f"{workspace}/{socket}"


class ServingFolder:
    """Paths below `WORKSPACE/serving`, which only its owner can enter."""

    def __init__(self, workspace: Path) -> None:
        self.path = workspace / "serving"
        # Endpoints have folders of their names beside these; none of theirs has a dot or a single letter.
        self.lock = self.path / "supervisor.lock"
        self.keys_lock = self.path / "keys.lock"
        """Held while keys are changed, and while a folder of an endpoint is made or removed."""
        self.routes = self.path / "routes.json"
        self.supervisor_log, self.router_log = self.path / "supervisor.log", self.path / "router.log"
        self.sockets = self.path / "s"
        """Unix sockets, bound and reached by their file names: a socket's path has at most 107 bytes."""
        self._record = self.path / "server.json"

    def make(self) -> None:
        """Make the folder."""
        for folder in (self.path, self.sockets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)

    def deployment(self, endpoint: str, name: str) -> Path:
        """The folder of a deployment: a folder for each of its revisions."""
        return self.path / endpoint / name

    def token(self, endpoint: str, name: str) -> Path:
        """The file of what a deployment's servers prove themselves with to the data collector, the same for all."""
        return self.deployment(endpoint, name) / "token"

    def revision(self, endpoint: str, name: str, plan_id: str) -> Path:
        """The folder of what the servers of one plan run, and of their logs."""
        return self.deployment(endpoint, name) / plan_id

    def tidy(
        self, plans: Collection[str], deployments: Collection[tuple[str, str]], endpoints: Callable[[], Collection[str]]
    ) -> None:
        """Remove the folders of what there is no more.

        Args:
            plans: ids of those that are kept, and with them all that they lie in.
            deployments: (endpoint, name) of those that there are.
            endpoints: names those that there are; asked while nobody makes one.
        """
        for folder in self.path.glob("*/*/*/"):
            if folder.name not in plans:
                shutil.rmtree(folder, ignore_errors=True)
        for folder in self.path.glob("*/*/"):
            if (folder.parent.name, folder.name) not in deployments and not any(folder.glob("*/")):
                shutil.rmtree(folder, ignore_errors=True)
        with exclusive(self.keys_lock):
            known = {self.sockets.name, *endpoints()}
            for folder in self.path.glob("*/"):
                if folder.name not in known and not any(folder.glob("*/")):
                    shutil.rmtree(folder, ignore_errors=True)

    def keys(self, endpoint: str) -> Path:
        """The file of an endpoint's keys."""
        return self.path / endpoint / "keys.json"

    def record(self) -> Row:
        """{supervisor, router: {pid, identity}, ports: {requests, collector}, servers: {socket: …}}; empty at first."""
        return read_json(self._record)

    def keep(self, record: Row) -> None:
        """Replace the record."""
        write_document(self._record, record)


def read_json(file: Path) -> dict[str, Any]:
    """A document, empty if there is no such file."""
    try:
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return document


def write_secret(file: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    staging = file.with_name(f".{file.name}.{os.getpid()}")
    staging.unlink(missing_ok=True)
    with os.fdopen(os.open(staging, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
    staging.replace(file)
