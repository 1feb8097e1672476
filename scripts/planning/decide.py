"""What `make apply` does with each asset: a pure function of the specs and of the versions that a workspace has.

    name unknown -> create                      version there -> leave
    name known, version not there -> change     version archived -> restore

Versions are hashes of content, so one that is there is right and never written again. With --prune also: a version that
this repository's tag owns, and that nothing names any more -> archive.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from scripts.specs.project import Spec
from scripts.specs.provenance import UNKNOWN
from scripts.specs.scope import NUMBER

Action = Literal["create", "change", "restore", "leave", "from registry", "missing", "archive"]
OWNER = "repository"  # tag
ID = re.compile(r"azureml:([\w.-]+):([\w.-]+)|/(?:environments|components|data)/([\w.-]+)/versions/([\w.-]+)")


class Name(NamedTuple):
    """An asset: the group of its `az ml` commands and its name there."""

    group: str
    name: str


@dataclass(frozen=True)
class Version:
    """A version that a workspace has."""

    version: str
    tags: Mapping[str, str]
    archived: bool = False


@dataclass(frozen=True)
class Step:
    """What happens to one version of an asset.

    Args:
        spec: key of its spec; "" for what no spec renders to any more.
        why: in words.
    """

    action: Action
    group: str
    name: str
    version: str
    why: str
    spec: str = ""


class PlanError(Exception):
    """There is no plan; the message says why and what to do."""


def known(repository: str) -> str:
    """`repository` of a render, by which its tags tell what it owns.

    Raises:
        PlanError: it is not known.
    """
    if repository in ("", UNKNOWN):
        raise PlanError("this folder has no git remote `origin`, so nobody knows what in the workspace is its own")
    return repository


def name_of(spec: Spec) -> Name:
    return Name(spec.kind.group, spec.name)


def decide(assets: Iterable[Spec], found: Mapping[Name, Sequence[Version]]) -> list[Step]:
    """A step for each of `assets`, in the order in which they can be made: each after what it refers to.

    Args:
        found: versions of a name; a name that is missing was not asked for, since what refers to it is there.
    """
    return [Step(*_action(spec, found), spec.key) for spec in in_order(assets)]


def _action(spec: Spec, found: Mapping[Name, Sequence[Version]]) -> tuple[Action, str, str, str, str]:
    name, version = name_of(spec), str(spec.version)
    if name not in found:
        return "leave", *name, version, "what refers to it is there"
    there = [one for one in found[name] if one.version == version]
    if any(not one.archived for one in there):
        return "leave", *name, version, "is there"
    if there:
        return "restore", *name, version, "is archived"
    if found[name]:
        return "change", *name, version, f"has {len(found[name])} other version{'s' * (len(found[name]) > 1)}"
    return "create", *name, version, "is new"


def in_order(specs: Iterable[Spec]) -> list[Spec]:
    """`specs`, each after those that it refers to; otherwise by key."""
    waiting = {spec.key: spec for spec in sorted(specs, key=lambda spec: spec.key)}
    ordered: list[Spec] = []
    while waiting:
        ready = [spec for spec in waiting.values() if not waiting.keys() & set(spec.refs)]
        ordered += ready
        for spec in ready:
            del waiting[spec.key]
    return ordered


def prune(
    assets: Collection[Spec],
    found: Mapping[Name, Sequence[Version]],
    used: Collection[tuple[str, str]],
    repository: str,
    pull_request: str,
) -> list[Step]:
    """Versions to archive, those that may refer to others first.

    Args:
        assets: all of the render.
        found: versions of all names that the workspace has.
        used: (name, version) of what specs, or deployments and schedules that are there, refer to by id.
        repository: of the render; versions that others own stay.
        pull_request: "" leaves what belongs to one alone; a number leaves everything else alone.
    """
    wanted = {(name_of(spec), spec.version) for spec in assets}
    steps = [
        Step("archive", *name, one.version, f"this repository's, of commit {one.tags.get('commit', 'unknown')[:12]}")
        for name, versions in found.items()
        for one in versions
        if not one.archived
        and one.tags.get(OWNER) == repository
        and one.tags.get(NUMBER, "") == pull_request
        and (name, one.version) not in wanted
        and (name.name, one.version) not in used
    ]
    return sorted(steps, key=lambda step: (GROUPS.index(step.group), step.name, step.version))


GROUPS = ("component", "data", "environment")  # of assets; what refers to others comes first


def mentioned(document: Any) -> set[tuple[str, str]]:
    """(name, version) of every asset that a spec, or what `az ml … show` prints, refers to by id."""
    if isinstance(document, Mapping):
        return set().union(*(mentioned(value) for value in document.values()))
    if isinstance(document, list):
        return set().union(*(mentioned(value) for value in document))
    if not isinstance(document, str):
        return set()
    return {(short or long, number or version) for short, number, long, version in ID.findall(document)}
