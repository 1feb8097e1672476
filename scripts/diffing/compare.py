"""Two renders compared: assets whose version changes, and each file's unified diff."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scripts.specs.project import Project

# Values of tags, the same on both sides: where a render comes from is no difference.
NOWHERE = {"commit": "-", "branch": "-", "build": "-", "repository": "-"}
CONTEXT = 3  # lines around a change


@dataclass(frozen=True, order=True)
class Moved:
    """An asset whose version changes.

    Args:
        before: version; "" if it is new.
        after: version; "" if it is gone.
    """

    key: str
    before: str
    after: str


@dataclass(frozen=True, order=True)
class Change:
    """A file of a build folder that differs.

    Args:
        lines: unified diff; or what can be said of a file that is no text.
    """

    path: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """What changes in one environment, or why nobody can tell.

    Args:
        note: such as that the environment is new.
    """

    moved: tuple[Moved, ...] = ()
    changes: tuple[Change, ...] = ()
    note: str = ""


def compare(before: Project | None, after: Project | None) -> Difference:
    """What changes from one render to another; None for one without this environment."""
    return Difference(
        tuple(sorted(moved(versions(before), versions(after)))),
        tuple(sorted(changes(before.files if before else {}, after.files if after else {}))),
    )


def versions(project: Project | None) -> dict[str, str]:
    specs = project.specs.values() if project else ()
    return {spec.key: spec.version for spec in specs if spec.version is not None}


def moved(before: Mapping[str, str], after: Mapping[str, str]) -> Iterable[Moved]:
    for key in before.keys() | after.keys():
        if before.get(key) != after.get(key):
            yield Moved(key, before.get(key, ""), after.get(key, ""))


def changes(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterable[Change]:
    for path in before.keys() | after.keys():
        old, new = before.get(path), after.get(path)
        if old != new:
            yield Change(path, tuple(_lines(path, old, new)))


def _lines(path: str, old: bytes | None, new: bytes | None) -> Iterable[str]:
    name, new_name = "/dev/null" if old is None else f"a/{path}", "/dev/null" if new is None else f"b/{path}"
    try:
        before, after = ((content or b"").decode().splitlines() for content in (old, new))
    except UnicodeDecodeError:
        yield f"--- {name}"
        yield f"+++ {new_name}"
        yield f"no text: {len(old or b'')} bytes before, {len(new or b'')} now"
        return
    found = list(difflib.unified_diff(before, after, name, new_name, n=CONTEXT, lineterm=""))
    yield from found or ["only the ends of lines differ"]
