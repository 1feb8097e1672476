"""Assets of this repository that an environment of the registry needs, and those of them that the registry lacks."""

from collections.abc import Callable
from typing import Any

from scripts.specs.project import Project, Spec

USERS = ("online deployment", "batch deployment", "schedule")  # kinds of specs that are created there


def needed(project: Project) -> dict[str, Spec]:
    """Assets that deployments and monitors name, directly or not; not those of pipelines that train."""
    found: dict[str, Spec] = {}
    waiting = [ref for spec in project.specs.values() if spec.kind.name in USERS for ref in spec.refs]
    while waiting:
        spec = project.specs[waiting.pop()]
        if spec.kind.asset and spec.key not in found:
            found[spec.key] = spec
            waiting += spec.refs
    return {key: found[key] for key in sorted(found)}


def lacking(assets: dict[str, Spec], has: Callable[[Spec], bool]) -> list[Spec]:
    """Those of `assets` that are not there, each after what it refers to.

    One is created after what it refers to, so where one is there, what it refers to is there too and not asked for.
    """
    referred = {ref for spec in assets.values() for ref in spec.refs}
    asked: dict[str, bool] = {}
    waiting = [key for key in assets if key not in referred]
    while waiting:
        key = waiting.pop()
        if key not in asked:
            asked[key] = has(assets[key])
            waiting += [] if asked[key] else assets[key].refs
    missing = {key for key, there in asked.items() if not there}
    ordered: list[Spec] = []

    def add(key: str) -> None:
        if key in missing:
            missing.remove(key)
            for ref in assets[key].refs:
                add(ref)
            ordered.append(assets[key])

    for key in sorted(missing):
        add(key)
    return ordered


def versions(assets: dict[str, Spec]) -> dict[str, Any]:
    """Kind, in plural -> name -> version, for the release file."""
    kinds = {"environments": "environment", "components": "component", "data": "data"}
    return {
        plural: {spec.name: str(spec.version) for spec in assets.values() if spec.kind.name == kind}
        for plural, kind in kinds.items()
    }
