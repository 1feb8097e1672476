"""The versions that a workspace has of the assets that specs name, asked with few `az ml` lines."""

import json
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from scripts.az import az, az_json
from scripts.planning.decide import GROUPS, Name, Step, Version, name_of
from scripts.specs.project import Spec

AT_ONCE = 4  # `az` lines that only ask; each is mostly start-up
MISSING = 3  # exit code of az for what is not found

Ask = Callable[[Spec], list[Version]]


def look(assets: Collection[Spec], ask: Ask) -> dict[Name, list[Version]]:
    """Versions by name, asked from the top: an asset is created after what it refers to, so where one is there,
    everything below it is there too and is not asked for.
    """
    known = {spec.key: spec for spec in assets}
    referred = {ref for spec in assets for ref in spec.refs}
    found: dict[Name, list[Version]] = {}
    asking = [spec for spec in assets if spec.key not in referred]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while asking:
            answers = dict(zip((name_of(spec) for spec in asking), pool.map(ask, asking), strict=True))
            found |= answers
            absent = [spec for spec in asking if not _there(spec, answers[name_of(spec)])]
            below = dict.fromkeys(ref for spec in absent for ref in spec.refs if ref in known)
            asking = [known[key] for key in below if name_of(known[key]) not in found]
    return found


def look_at_all(assets: Collection[Spec], ask: Ask, where: list[str]) -> dict[Name, list[Version]]:
    """Versions of every asset that the workspace has, and of those in `assets`; a line for each name."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        own = [name_of(spec) for spec in assets]
        found = dict(zip(own, pool.map(ask, assets), strict=True))
        rows = pool.map(lambda group: az_json(["ml", group, "list", *where]), GROUPS)
        names = [Name(group, row["name"]) for group, listed in zip(GROUPS, rows, strict=True) for row in listed]
        others = [name for name in names if name not in found]
        return found | dict(zip(others, pool.map(lambda name: versions(name, where), others), strict=True))


def asking(where: list[str]) -> Ask:
    """The function that asks a workspace for the versions of a spec's name, and of archived ones for the spec's own."""

    def ask(spec: Spec) -> list[Version]:
        name = name_of(spec)
        found = versions(name, where)
        if _there(spec, found):
            return found
        archived = versions(name, [*where, "--archived-only"])
        return found + [Version(one.version, one.tags, archived=True) for one in archived]

    return ask


def versions(name: Name, flags: list[str]) -> list[Version]:
    """Versions of an asset; none if the workspace doesn't know its name."""
    done = az(["ml", name.group, "list", "--name", name.name, *flags, "--output", "json"], expected=(0, MISSING))
    rows: list[dict[str, Any]] = json.loads(done.stdout or "[]") if done.returncode == 0 else []
    return [Version(str(row["version"]), row.get("tags") or {}) for row in rows]


def in_registry(assets: Iterable[Spec]) -> list[Step]:
    """A step for each asset that comes from a registry: it is there, or a promotion has to bring it."""

    def step(spec: Spec) -> Step:
        name, version, registry = name_of(spec), str(spec.version), str(spec.registry)
        line = ["ml", name.group, "show", "--name", name.name, "--version", version, "--registry-name", registry]
        if az([*line, "--output", "none"], expected=(0, MISSING)).returncode:
            return Step("missing", *name, version, f"{registry} lacks it; make promote brings it", spec.key)
        return Step("from registry", *name, version, f"is in {registry}", spec.key)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(step, assets))


def _there(spec: Spec, found: Iterable[Version]) -> bool:
    return any(one.version == spec.version and not one.archived for one in found)
