"""What is asked of a rollout, what it has seen, and the steps that it can take."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Stage = Literal["mirror", "share"]


@dataclass(frozen=True)
class Rollout:
    """What is asked.

    Args:
        model: `name:version`.
        content: hash of the rendered deployment and its files: the same content need not be deployed again.
        files: deployment -> rendered spec, in order of preference.
        endpoint_file: rendered spec of the endpoint.
        owner: who asks, as it is kept in a tag.
        now: the time, with its zone.
        stale_after: age from which on another's rollout may be taken over.
        mirror: percent of requests that are mirrored to the new deployment.
        share: percent that it then answers.
    """

    model: str
    content: str
    files: Mapping[str, str]
    endpoint_file: str
    owner: str
    now: datetime
    stale_after: timedelta
    mirror: int
    share: int


@dataclass(frozen=True)
class Progress:
    """What this process did and saw.

    Args:
        owner_gone: the process of the rollout that is under way is known to have ended.
        claimed: the endpoint was claimed.
        deployed: the new deployment was created or updated.
        entered: stage whose traffic was set.
        passed: checks that passed: smoke, mirror, share.
        failure: why it can't go on.
        over: how it ended: everything given to the new deployment, undone, or left to somebody who changed the traffic.
    """

    owner_gone: bool = False
    claimed: bool = False
    deployed: bool = False
    entered: Stage | None = None
    passed: frozenset[str] = frozenset()
    failure: str | None = None
    over: Literal["accepted", "undone", "left"] | None = None


@dataclass(frozen=True)
class Line:
    """An `az` line; `after` is the progress once it has been done."""

    arguments: tuple[str, ...]
    why: str
    after: Progress
    undoes: bool = False


@dataclass(frozen=True)
class Smoke:
    """Test a deployment by its name."""

    deployment: str


@dataclass(frozen=True)
class Watch:
    """Send requests and compare what comes back with the limits."""

    stage: Stage
    deployment: str


@dataclass(frozen=True)
class Wait:
    """Something else is at work on the endpoint."""

    why: str


@dataclass(frozen=True)
class End:
    """Nothing is left to do."""

    message: str
    code: int = 0


Action = Line | Smoke | Watch | Wait | End
