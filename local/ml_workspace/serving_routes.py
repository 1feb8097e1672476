"""Which deployment answers a request: the pure part of the router, over the document `routes.json`.

Standard library only and no other file of this package: the router runs in an environment of its own.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

Document = dict[str, Any]
BEARER = "bearer "


@dataclass
class Instance:
    """A server, by the name of its Unix socket.

    Args:
        in_flight: requests that it has and has not answered; the supervisor ends it when there are none.
    """

    socket: str
    in_flight: int = 0


@dataclass
class Counters:
    """What a deployment has answered since the router started.

    Args:
        errors: those of `requests` with another status than 200.
    """

    requests: int = 0
    errors: int = 0


@dataclass(frozen=True)
class Collection:
    """Where the data collector of a deployment writes, and what.

    Args:
        token: SHA-256 of what the deployment's servers prove themselves with, as hex.
        folders: collection -> where its records go.
        source: ARM id of the deployment.
        rates: collection -> share of the requests that is collected, 0 to 1.
        rolling_rate: minute, hour or day: how often a new file begins.
        capture_headers: lower-case names of headers that payload logging keeps.
    """

    token: str
    folders: dict[str, Path]
    source: str
    rates: dict[str, float]
    rolling_rate: str
    capture_headers: tuple[str, ...]

    def accepts(self, token: str) -> bool:
        """Whether this is the deployment's token."""
        return matches(token, [self.token])


@dataclass(frozen=True)
class Deployment:
    """One revision of a deployment. Requests keep it to their end, whatever the routes have become meanwhile.

    Args:
        timeout: seconds for an answer.
        limit: requests that it has at once at most.
    """

    name: str
    instances: tuple[Instance, ...]
    timeout: float
    limit: int
    collector: Collection | None
    counters: Counters

    def idlest(self) -> Instance | None:
        """The server with the fewest requests; None if the deployment has as many as it may have."""
        if sum(instance.in_flight for instance in self.instances) >= self.limit:
            return None
        return min(self.instances, key=lambda instance: instance.in_flight, default=None)


@dataclass(frozen=True)
class Endpoint:
    """An endpoint and the weights of its deployments.

    Args:
        keys: SHA-256 of the keys, as hex.
        receivers: deployments that get traffic.
        weights: of these, added up: 90, 100 for 90 and 10.
        mirror: the deployment that gets copies, and the share of requests that it gets, 0 to 0.5.
    """

    keys: tuple[str, ...]
    deployments: dict[str, Deployment]
    receivers: tuple[Deployment, ...]
    weights: tuple[float, ...]
    mirror: tuple[Deployment, float] | None

    def accepts(self, authorization: str | None) -> bool:
        """Whether the header `Authorization` has one of the keys."""
        header = authorization or ""
        return header[: len(BEARER)].lower() == BEARER and matches(header[len(BEARER) :].strip(), self.keys)

    def draw(self, random: Random) -> Deployment | None:
        """A deployment, drawn by the weights of the traffic; None if none has any."""
        return random.choices(self.receivers, cum_weights=self.weights)[0] if self.receivers else None

    def mirrored(self, random: Random) -> Deployment | None:
        """The deployment that gets a copy of this request, if it is its turn."""
        return self.mirror[0] if self.mirror and random.random() < self.mirror[1] else None


@dataclass(frozen=True)
class Routes:
    """All endpoints of a workspace.

    Args:
        instances: socket -> server, those of former routes too as long as they have requests.
        counters: (endpoint, deployment) -> what it has answered.
    """

    generation: int = 0
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    counters: dict[tuple[str, str], Counters] = field(default_factory=dict)

    def next(self, document: Document) -> Routes:
        """The routes of a newer `routes.json`; servers and deployments that stay keep what was counted.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: the document is not of that form.
        """
        instances = {name: instance for name, instance in self.instances.items() if instance.in_flight}
        counters: dict[tuple[str, str], Counters] = {}

        def deployment(endpoint: str, name: str, entry: Document) -> Deployment:
            counters[endpoint, name] = self.counters.get((endpoint, name)) or Counters()
            own = []
            for socket in entry["sockets"]:
                instances.setdefault(socket, self.instances.get(socket) or Instance(socket))
                own.append(instances[socket])
            return Deployment(name, tuple(own), entry["timeout_ms"] / 1000, int(entry["limit"]),
                              _collection(entry.get("collector")), counters[endpoint, name])  # fmt: skip

        endpoints = {}
        for name, entry in document["endpoints"].items():
            ready = {key: value for key, value in entry["deployments"].items() if value["sockets"]}
            known = {key: deployment(name, key, value) for key, value in ready.items()}
            endpoints[name] = _endpoint(entry, known)
        return Routes(int(document["generation"]), endpoints, instances, counters)

    def status(self) -> Document:
        """What the supervisor waits for: generation, requests in flight by socket, and the counters."""
        return {
            "generation": self.generation,
            "in_flight": {name: instance.in_flight for name, instance in self.instances.items()},
            "deployments": {
                f"{endpoint}/{name}": {"requests": counted.requests, "errors": counted.errors}
                for (endpoint, name), counted in self.counters.items()
            },
        }


def matches(secret: str, digests: Iterable[str]) -> bool:
    """Whether one of the SHA-256 digests, as hex, is that of `secret`; takes as long whichever it is."""
    digest = hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()
    return sum(hmac.compare_digest(digest, known) for known in digests) > 0


def _endpoint(entry: Document, known: dict[str, Deployment]) -> Endpoint:
    traffic = {name: weight for name, weight in entry["traffic"].items() if name in known and weight > 0}
    mirrors = {name: share for name, share in (entry.get("mirror_traffic") or {}).items() if name in known}
    return Endpoint(
        keys=tuple(entry["keys"]),
        deployments=known,
        receivers=tuple(known[name] for name in traffic),
        weights=tuple(accumulate(traffic.values())),
        mirror=next(((known[name], share / 100) for name, share in mirrors.items()), None),
    )


def _collection(entry: Document | None) -> Collection | None:
    if not entry:
        return None
    collections = {name.lower(): settings for name, settings in entry["collections"].items()}
    rates = {name: float(settings.get("rate", 1.0)) for name, settings in collections.items()}
    folders = {
        name: Path(settings.get("folder") or Path(entry["folder"]) / name) for name, settings in collections.items()
    }
    headers = tuple(name.lower() for name in entry.get("capture_headers") or () if name.lower() != "authorization")
    return Collection(entry["token"], folders, entry["source"], rates, entry.get("rolling_rate") or "hour", headers)
