"""Reuse of steps: one that would do the same as an earlier one is not run again, as on Azure."""

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .values import Value

if TYPE_CHECKING:
    from .plan import Plan
    from .workspace import Workspace

# Fields that change nothing about what a step writes. The environment counts by its content, see `fingerprint`.
IRRELEVANT = (
    "name",
    "version",
    "display_name",
    "description",
    "tags",
    "properties",
    "creation_context",
    "id",
    "$schema",
    "compute",
    "environment",
    "limits",
    "resources",
    "services",
    "experiment_name",
    "is_deterministic",
)


def fingerprint(ws: "Workspace", plan: "Plan", values: dict[str, Value], fixed: dict[str, str]) -> str:
    """SHA-256 over all that decides what a step does.

    Args:
        values: the step's inputs.
        fixed: URIs of outputs that have a place of their own; the others are written to a new place each time.
    """

    # The limits of a sweep say how many trials it makes.
    irrelevant = set(IRRELEVANT) - ({"limits"} if plan.type == "sweep" else set())

    def relevant(spec: dict[str, Any]) -> dict[str, Any]:
        return {k: relevant(v) if k in ("task", "trial") else v for k, v in spec.items() if k not in irrelevant}

    content = {
        "spec": relevant(plan.spec),
        "environment": ws.environments.digest(plan.environment or {}),
        "inputs": {name: value.identity for name, value in values.items()},
        "outputs": fixed,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def identity(key: str, output: str) -> str:
    """What an output of a step with this fingerprint counts as, whichever of several equal steps has written it."""
    return f"output {key}/{output}"


def find(ws: "Workspace", key: str) -> tuple[str, dict[str, Value]] | None:
    """(job, outputs) of an earlier step with this fingerprint whose outputs are still as it has left them."""
    row = ws.catalog.row("SELECT j.name, j.doc FROM reuse r JOIN jobs j ON j.name = r.job WHERE r.fingerprint = ?", key)
    if row is None:
        return None
    record = _record(ws, row["name"])
    left = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    outputs = {}
    for name, output in (row["doc"].get("outputs") or {}).items():
        path = ws.resolve.path(output["path"])
        if not path.exists() or left.get(name) != _state(path):
            return None
        outputs[name] = Value(str(path), identity(key, name), output["path"], output["type"], row["name"])
    return row["name"], outputs


def remember(ws: "Workspace", key: str, job: str, produced: dict[str, Value]) -> None:
    """The newest completed step is the one that later ones reuse, as long as what it has `produced` stays as it is."""
    state = {name: _state(Path(value.text)) for name, value in produced.items()}
    _record(ws, job).write_text(json.dumps(state), encoding="utf-8")
    ws.catalog.rows("INSERT OR REPLACE INTO reuse VALUES (?, ?)", key, job)


def forget(ws: "Workspace", uri: str) -> None:
    """Nothing is reused any more that lies at this place, around or below it: a step is about to write there."""
    place = uri.rstrip("/") + "/"
    ws.catalog.rows(
        "DELETE FROM reuse WHERE job IN (SELECT j.name FROM jobs j, json_each(j.doc, '$.outputs') o "
        "WHERE instr(rtrim(json_extract(o.value, '$.path'), '/') || '/', ?) = 1 "
        "OR instr(?, rtrim(json_extract(o.value, '$.path'), '/') || '/') = 1)",
        place,
        place,
    )


def _record(ws: "Workspace", job: str) -> Path:
    return ws.path / "jobs" / job / "outputs.json"


def _state(path: Path) -> str:
    """SHA-256 over names, sizes and times of what is at a place. Contents are not read: they may be large."""
    total = hashlib.sha256()

    def add(file: str) -> None:
        stat = os.lstat(file)
        total.update(
            f"{os.path.relpath(file, path)}\0{stat.st_size} {stat.st_mtime_ns}\n".encode(errors="surrogateescape")
        )

    if path.is_file():
        add(str(path))
    for base, folders, names in os.walk(path):
        folders.sort()
        total.update(f"{os.path.relpath(base, path)}/\n".encode(errors="surrogateescape"))
        for name in sorted(names):
            add(f"{base}/{name}")
    return total.hexdigest()
