"""Workflows of GitHub Actions: ci.yml, with the workflows that its jobs use."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from scripts.ci.marked import Marked, Unreadable, read_marked
from scripts.ci.model import Condition, Job, Pipeline, Step

PATH = ".github/workflows/ci.yml"
INPUT = re.compile(r"\$\{\{\s*inputs\.([\w-]+)\s*\}\}")


def read_github(root: Path) -> Pipeline:
    """The workflow of `root`.

    Raises:
        Unreadable: a file or a job can't be followed.
    """
    document = read_marked(root, PATH)
    jobs: list[Job] = []
    ends: dict[str, list[str]] = {}
    written = document.get("jobs") or {}
    for name, job in written.items():
        needs = _names(job.get("needs"))
        if unknown := [other for other in needs if other not in written]:
            raise Unreadable(job.path, job.lines["needs"], f"there is no job {unknown[0]}")
        made = _used(root, name, job) if "uses" in job else [_job(name, job, document)]
        jobs += made
        ends[name] = [each.id for each in made]
    # A job waits for all jobs of a workflow that another job uses.
    return Pipeline(PATH, tuple(_waiting(job, written, ends) for job in jobs))


def _used(root: Path, name: str, caller: Marked) -> list[Job]:
    """Jobs of the workflow that a job uses, with the values that it is given."""
    path = str(caller["uses"])
    if not path.startswith("./"):
        raise Unreadable(caller.path, caller.lines["uses"], f"{path}: a workflow of somebody else is not followed")
    document = read_marked(root, path.removeprefix("./"))
    inputs = {key: str(value) for key, value in (caller.get("with") or {}).items()}
    jobs = []
    for inner, job in (document.get("jobs") or {}).items():
        filled = _filled(job, inputs)
        made = _job(f"{name}.{inner}", filled, document)
        jobs.append(replace(made, conditions=(_condition(caller), *made.conditions)))
    return jobs


def _filled(value: Any, inputs: Mapping[str, str]) -> Any:
    """`value` with the inputs put in; in a condition they stand without braces."""
    if isinstance(value, Marked):
        filled = Marked(value.path, value.line)
        for key, entry in value.items():
            filled.put(key, _filled(entry, inputs), value.lines[key])
        return filled
    if isinstance(value, list):
        return [_filled(entry, inputs) for entry in value]
    if isinstance(value, str):
        return INPUT.sub(lambda match: inputs.get(match[1], ""), value)
    return value


def _job(name: str, job: Marked, document: Marked) -> Job:
    environment = job.get("environment") or ""
    return Job(
        id=name,
        written=job,
        needs=frozenset(),
        conditions=(_condition(job),),
        environment=str(environment.get("name") if isinstance(environment, dict) else environment),
        image=str(job.get("runs-on") or ""),
        steps=tuple(_step(step, _shell(job) or _shell(document)) for step in job.get("steps") or []),
        variables={**(document.get("env") or {}), **(job.get("env") or {})},
    )


def _waiting(job: Job, written: Mapping[str, Any], ends: Mapping[str, list[str]]) -> Job:
    needs = _names(written[job.id.split(".")[0]].get("needs"))
    return replace(job, needs=frozenset(end for other in needs for end in ends[other]))


def _step(step: Marked, shell: str) -> Step:
    script = str(step.get("run") or "")
    return Step(step, str(step.get("uses") or ""), script, _condition(step), str(step.get("shell") or shell))


def _shell(owner: Marked) -> str:
    return str(((owner.get("defaults") or {}).get("run") or {}).get("shell") or "")


def _condition(owner: Marked) -> Condition:
    text = owner.get("if")
    return Condition(None if text is None else str(text), owner.path, owner.lines.get("if", owner.line))


def _names(value: Any) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else [str(value)] if value else []
