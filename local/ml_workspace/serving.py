"""The supervisor of a workspace's online endpoints: brings what runs to what the catalog says, again and again.

It can be killed at any moment: servers and router go on, and the next supervisor takes them over.
"""

import json
import os
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import processes, serving_logs
from .catalog import Row
from .serving_fleet import Fleet
from .serving_folder import ServingFolder, read_json
from .serving_front import Front
from .serving_state import BUSY, Deployment, endpoint_route, needed, route, sha256
from .workspace import Workspace

TICK = 0.1  # seconds
IDLE = 5.0  # seconds without an endpoint after which the supervisor ends
RECOVERY = 1.0  # seconds before another round after one that failed
DRAIN = 5.0  # seconds, beside the time limit of a request, in which a server's last requests are waited for


def serve(workspace: str) -> None:
    """Supervise a workspace's endpoints until there are none any more. Whoever starts it hands the lock down to it."""
    folder = ServingFolder(Path(workspace))
    os.chdir(folder.sockets)
    Supervisor(Workspace(Path(workspace)), folder).run()


class Supervisor:
    """See the module. Its working directory is the folder of the sockets."""

    def __init__(self, ws: Workspace, folder: ServingFolder) -> None:
        self._ws, self._folder = ws, folder
        self._lock = folder.lock.stat().st_ino
        self._seen: int | None = None
        self._endpoints: dict[str, Row] = {}
        self._keys: dict[str, Row] = {}
        self._deployments: list[Deployment] = []
        self._leaving: dict[str, float] = {}  # socket -> when its last requests are no longer waited for
        self._record: Row = {}
        self._tidied: tuple[set[str], set[tuple[str, str]], set[str]] | None = None
        self._load()
        record = folder.record()
        self._front = Front(ws, folder, record)
        self._fleet = Fleet(ws, folder)
        self._fleet.adopt(record.get("servers") or {}, self._plans(), time.monotonic())

    def run(self) -> None:
        """Work until there has been nothing to do for a while, or the workspace is gone."""
        busy = time.monotonic()
        while self._is_there():
            now = time.monotonic()
            try:
                self.tick(now)
            except Exception:  # noqa: BLE001 - a full disk, say: the endpoints must go on, and the next round may do it
                with suppress(OSError):
                    traceback.print_exc()
                self._seen = None
                time.sleep(RECOVERY)
            if self._endpoints or self._fleet.records():
                busy = now
            elif now - busy > IDLE:
                break
            time.sleep(TICK)
        self._front.stop()
        self._fleet.close()

    def _is_there(self) -> bool:
        """Whether the workspace is still the one that this was started for, and not removed or made anew."""
        try:
            return self._folder.lock.stat().st_ino == self._lock
        except FileNotFoundError:
            return False

    def tick(self, now: float) -> None:
        """One round: look, start, watch, route, say what has been reached."""
        serving_logs.cut(self._folder.supervisor_log)
        self._load()
        needs = needed(self._deployments)
        self._front.step(now)
        self._fleet.step(now, needs, self._plans(), self._front.ports["collector"])
        self._judge()
        ready = self._fleet.ready()
        self._front.publish(self._routes(ready))
        unneeded = self._fleet.unneeded(needed(self._deployments))
        self._leaving = {
            socket: self._leaving.get(socket) or now + self._fleet.limit(socket) + DRAIN for socket in unneeded
        }
        self._advance(ready, now)
        self._fleet.sweep()
        self._tidy()
        self._keep()

    def _load(self) -> None:
        """Read the catalog, if another process has changed it."""
        seen: int = self._ws.catalog.rows("PRAGMA data_version")[0]["data_version"]
        if seen == self._seen:
            return
        catalog = self._ws.catalog
        endpoints = catalog.rows("SELECT name, doc FROM endpoints WHERE kind = 'online' ORDER BY created_at, name")
        rows = catalog.rows("SELECT endpoint, name, revision, doc, plan FROM deployments WHERE kind = 'online'")
        self._endpoints = {row["name"]: row["doc"] for row in endpoints}
        self._keys = {name: read_json(self._folder.keys(name)) for name in self._endpoints}
        self._deployments = [
            Deployment(
                row["endpoint"], row["name"], row["revision"], row["doc"], row["plan"]["live"], row["plan"]["wanted"]
            )
            for row in rows
        ]
        self._seen = seen

    def _plans(self) -> dict[str, Row]:
        return {key: plan for deployment in self._deployments for key, plan in deployment.plans().items()}

    def _routes(self, ready: frozenset[str]) -> dict[str, Any]:
        routes = {}
        for name, doc in self._endpoints.items():
            of_endpoint = [deployment for deployment in self._deployments if deployment.endpoint == name]
            found = {d.name: route(d, ready, self._collector(d, ready)) for d in of_endpoint}
            routes[name] = endpoint_route(doc, self._keys[name], {k: v for k, v in found.items() if v})
        return routes

    def _collector(self, deployment: Deployment, ready: frozenset[str]) -> Row | None:
        """Where the router puts what a deployment collects."""
        plan = deployment.routed(ready)
        if plan is None or plan["collector"] is None:
            return None
        collector = plan["collector"]
        file = self._folder.token(deployment.endpoint, deployment.name)
        return {
            "token": sha256(file.read_text(encoding="utf-8")) if file.exists() else "",
            "folder": str(self._ws.path / "datastores" / "workspaceblobstore" / collector["base"]),
            "source": self._ws.online.id_of(deployment.endpoint, deployment.name),
            "collections": {
                name: {"rate": found["rate"], "folder": str(self._ws.resolve.datastore_path(found["asset"]["path"]))}
                for name, found in collector["collections"].items()
            },
            "rolling_rate": collector["rolling_rate"],
            "capture_headers": collector["capture_headers"],
        }

    def _judge(self) -> None:
        """Say which deployments have failed, and which that had failed later on have come back."""
        ready = self._fleet.ready()
        for deployment in self._deployments:
            state = deployment.doc["provisioning_state"]
            if deployment.busy or (state == "Succeeded" and deployment.live):
                trouble = self._fleet.trouble(deployment.wanted["id"])
                if trouble:
                    print(f"{deployment.endpoint}/{deployment.name} failed: {trouble}", flush=True)
                    self._settle(deployment, "Failed", deployment.live, trouble)
            elif state == "Failed" and deployment.live == deployment.wanted:
                if all(need.socket in ready for need in deployment.servers(deployment.wanted)):
                    self._settle(deployment, "Succeeded", deployment.live)

    def _advance(self, ready: frozenset[str], now: float) -> None:
        """Say what the router works by now, and end the servers that it needs no more."""
        changing = [name for name, doc in self._endpoints.items() if doc["provisioning_state"] in BUSY]
        complete = [deployment for deployment in self._deployments if deployment.complete(ready)]
        if not (changing or complete or self._leaving):
            return
        in_flight = self._front.in_flight()
        for socket, end in list(self._leaving.items()):
            if now > end or (in_flight is not None and not in_flight.get(socket)):
                self._fleet.end(socket)
                del self._leaving[socket]
        if in_flight is None:
            if self._front.error:
                self._refuse(changing)
            return
        for name in changing:
            self._settle_endpoint(name, "Succeeded")
        for deployment in complete:
            print(f"{deployment.endpoint}/{deployment.name} serves {deployment.wanted['id']}", flush=True)
            self._settle(deployment, "Succeeded", deployment.wanted)

    def _refuse(self, changing: list[str]) -> None:
        for name in changing:
            self._settle_endpoint(name, "Failed", self._front.error)

    def _settle(self, deployment: Deployment, state: str, live: Row | None, error: str | None = None) -> None:
        """Record how a deployment stands, unless it has been changed meanwhile."""
        doc = {key: value for key, value in deployment.doc.items() if key != "error"}
        doc |= {"provisioning_state": state} | ({"error": {"message": error}} if error else {})
        self._ws.catalog.rows(
            "UPDATE deployments SET doc = ?, plan = ? WHERE kind = 'online' AND endpoint = ? AND name = ? "
            "AND revision = ?",
            json.dumps(doc), json.dumps({"wanted": deployment.wanted, "live": live}),
            deployment.endpoint, deployment.name, deployment.revision,
        )  # fmt: skip
        self._seen = None
        self._load()

    def _settle_endpoint(self, name: str, state: str, error: str | None = None) -> None:
        before = self._endpoints[name]
        after = {**before, "provisioning_state": state} | ({"error": {"message": error}} if error else {})
        self._ws.online.save(name, before, after)
        self._seen = None

    def _tidy(self) -> None:
        """Remove the folders of what there is no more; that of a revision that failed stays, for its logs."""
        plans = self._fleet.plans() | {plan["id"] for d in self._deployments for plan in (d.live, d.wanted) if plan}
        known = plans, {(d.endpoint, d.name) for d in self._deployments}, set(self._endpoints)
        if known != self._tidied:
            self._folder.tidy(*known[:2], self._ws.online.names)
            self._tidied = known

    def _keep(self) -> None:
        """Record what runs, for commands and for the next supervisor."""
        me = {"pid": os.getpid(), "identity": processes.identity(os.getpid())}
        record = {"supervisor": me, "router": self._front.known, "ports": self._front.ports,
                  "servers": self._fleet.records()}  # fmt: skip
        if record != self._record:
            self._folder.keep(record)
            self._record = json.loads(json.dumps(record))
