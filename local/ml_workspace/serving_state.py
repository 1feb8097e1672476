"""The pure part of serving: from what is wanted and what runs to what to start, to end and to route."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
BUSY = ("Creating", "Updating")


@dataclass(frozen=True)
class Need:
    """A server that should run: instance number `instance` of a plan."""

    endpoint: str
    deployment: str
    plan: str
    instance: int

    @property
    def socket(self) -> str:
        """The name of its Unix socket, unlike that of any other server."""
        return f"{self.endpoint}.{self.deployment}.{self.plan}.{self.instance}.sock"


@dataclass(frozen=True)
class Deployment:
    """A deployment as it is in the catalog.

    Args:
        revision: counts its changes.
        doc: its document; `provisioning_state` tells whether `wanted` is still to be brought up.
        live: the plan that has been up last; None if there was none yet.
        wanted: the plan of the document.
    """

    endpoint: str
    name: str
    revision: int
    doc: Document
    live: Document | None
    wanted: Document

    @property
    def busy(self) -> bool:
        """Whether the wanted plan is still to be brought up."""
        return self.doc["provisioning_state"] in BUSY

    def plans(self) -> dict[str, Document]:
        """Id -> plan of those that have servers: a failed one has none, its predecessor serves on."""
        found = [plan for plan in (self.live, self.wanted if self.busy else None) if plan]
        return {plan["id"]: plan for plan in found}

    def servers(self, plan: Document) -> list[Need]:
        """The servers of one of its plans."""
        return [Need(self.endpoint, self.name, plan["id"], number) for number in range(plan["instances"])]

    def complete(self, ready: Collection[str]) -> bool:
        """Whether the wanted plan was to be brought up, and all of its servers are ready."""
        return self.busy and all(need.socket in ready for need in self.servers(self.wanted))

    def routed(self, ready: Collection[str]) -> Document | None:
        """The plan that requests go to: the wanted one from the moment when all of its servers are ready."""
        return self.wanted if self.complete(ready) else self.live


def needed(deployments: Iterable[Deployment]) -> dict[str, Need]:
    """Socket -> server, of all servers that should run."""
    return {
        need.socket: need
        for deployment in deployments
        for plan in deployment.plans().values()
        for need in deployment.servers(plan)
    }


def route(deployment: Deployment, ready: Collection[str], collector: Document | None) -> Document | None:
    """What the router is told of a deployment; None if requests can't go to it yet.

    Servers that are not ready get no requests, unless none is: then requests wait for the first that comes back.

    Args:
        ready: sockets of servers that answer.
        collector: where the records of its data collector go.
    """
    plan = deployment.routed(ready)
    if plan is None:
        return None
    sockets = [need.socket for need in deployment.servers(plan)]
    answering = [socket for socket in sockets if socket in ready]
    return {"sockets": answering or sockets, "timeout_ms": plan["timeout_ms"], "limit": plan["limit"],
            "collector": collector}  # fmt: skip


def endpoint_route(doc: Document, keys: Document, deployments: Document) -> Document:
    """What the router is told of an endpoint.

    Args:
        keys: primary and secondary key, in clear.
        deployments: name -> route.
    """
    return {
        "keys": [sha256(key) for key in keys.values()],
        "traffic": {name: weight for name, weight in doc["traffic"].items() if name in deployments},
        "mirror_traffic": {name: weight for name, weight in doc["mirror_traffic"].items() if name in deployments},
        "deployments": deployments,
    }


def sha256(text: str) -> str:
    """What a secret is compared by, hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def pause(deaths: int, most: float) -> float:
    """Seconds before a process is started again that died so many times in a row: none, 1, 2, 4 … `most`."""
    return 0.0 if deaths <= 1 else min(most, 2.0 ** min(deaths - 2, 16))
