"""What the endpoint tells: its traffic, its deployments and, in its tags, the rollout that is under way.

Everything that a rollout has to remember is in tags of the endpoint, so that whoever comes next, on whatever machine,
finds it: who rolls out what since when, and the traffic to go back to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

Traffic = Mapping[str, int]  # deployment -> percent; those with nothing are left out

OWNER, SINCE, MODEL, TARGET, BEFORE = (f"rollout_{name}" for name in ("owner", "since", "model", "target", "before"))
RUNNING = (OWNER, SINCE, MODEL, TARGET, BEFORE)  # while a rollout is under way
ROLLBACK = "rollback_to"  # traffic of before the last rollout; gone once the idle deployment is overwritten
REFUSED = "rollout_refused"  # why the last rollout went back
TAG_LENGTH = 256  # characters of a tag's value, at most

TRANSITIONAL = {"Creating", "Updating", "Scaling", "Deleting"}
NOTHING = "none"  # stands for no traffic at all: a tag can't be empty


class StateError(Exception):
    """A tag of the endpoint can't be read; the message says which and what to do."""


@dataclass(frozen=True)
class Running:
    """A rollout that is under way, or was when its process died.

    Args:
        owner: who, as `Owner` writes it.
        since: when it began; None if the tag is not readable.
        model: what it rolls out, `name:version`.
        target: deployment that gets it.
        before: traffic to go back to.
    """

    owner: str
    since: datetime | None
    model: str
    target: str
    before: Traffic


@dataclass(frozen=True)
class Endpoint:
    """An online endpoint.

    Args:
        name: of the endpoint.
        state: its provisioning state.
        traffic: shares above 0.
        mirror: mirrored share above 0.
        tags: of the endpoint.
        deployments: deployment -> provisioning state.
    """

    name: str
    state: str
    traffic: Traffic
    mirror: Traffic = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    deployments: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any], deployments: list[dict[str, Any]]) -> Self:
        """From what `az ml online-endpoint show` and `az ml online-deployment list` print."""
        return cls(
            name=document["name"],
            state=document["provisioning_state"],
            traffic=positive(document.get("traffic")),
            mirror=positive(document.get("mirror_traffic")),
            tags=document.get("tags") or {},
            deployments={one["name"]: one["provisioning_state"] for one in deployments},
        )

    @property
    def running(self) -> Running | None:
        """The rollout that the tags tell of; None if there is none."""
        if not any(name in self.tags for name in RUNNING):
            return None
        before = self.tags.get(BEFORE)
        return Running(
            owner=self.tags.get(OWNER, ""),
            since=moment(self.tags.get(SINCE, "")),
            model=self.tags.get(MODEL, ""),
            target=self.tags.get(TARGET, ""),
            before=self.traffic if before is None else parse(before),
        )

    def serves(self, deployment: str) -> str | None:
        """What a rollout left in a deployment: `name:version content`; None if that is not known."""
        return self.tags.get(serving(deployment))


def serving(deployment: str) -> str:
    """Tag that tells what a deployment serves."""
    return f"serving_{deployment}"


def positive(shares: Mapping[str, Any] | None) -> Traffic:
    return {name: int(share) for name, share in (shares or {}).items() if int(share) > 0}


def parse(text: str) -> Traffic:
    """Traffic from `blue=90 green=10`.

    Raises:
        StateError: it is none.
    """
    if text == NOTHING:
        return {}
    try:
        return positive(dict(part.split("=") for part in text.split()))
    except ValueError as error:
        tags = f"{BEFORE} or {ROLLBACK}"
        raise StateError(f"a tag of the endpoint, {tags}, is {text!r}; correct it, such as: blue=100") from error


def written(traffic: Traffic) -> str:
    """Traffic as people and tags have it, `blue=90 green=10`; `none` if there is none."""
    return " ".join(f"{name}={share}" for name, share in sorted(traffic.items())) or NOTHING


def moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
