"""Sweeps: the search space against the trial, the objective, and limits."""

import math
from collections.abc import Iterator
from typing import Any

from scripts.specs.lint.findings import Position, Problem
from scripts.specs.lint.jobs import jobs
from scripts.specs.lint.ports import Interface, mapping, type_of, value_refusal
from scripts.specs.lint.repository import Subject, hint

MOST = 700  # e to a higher power is no float
# Distributions that a sampling algorithm can draw from; random sampling draws from all.
DRAWS = {"grid": ("choice",), "bayesian": ("choice", "uniform", "quniform")}


def sweeps(subject: Subject) -> Iterator[Problem]:
    """Each sweep of a spec: a job of a pipeline, or the job itself."""
    if subject.spec.kind.name == "job" and type_of(subject.document) == "sweep":
        yield from _sweep(subject.document, (), None)
    for job in jobs(subject).values():
        if job.type == "sweep":
            yield from _sweep(job.document, job.position, job.interface)


def _sweep(document: dict[str, Any], position: Position, trial: Interface | None) -> Iterator[Problem]:
    space = mapping(document, "search_space")
    for name, distribution in space.items():
        where = (*position, "search_space", name)
        if trial is not None and name not in trial.inputs:
            yield Problem("AML301", where, f"the trial has no input {name!r} to vary; {hint(name, trial.inputs)}")
        elif trial is not None and isinstance(distribution, dict):
            for value in _values(distribution):
                if refusal := value_refusal(value, trial.inputs[name]):
                    yield Problem("AML107", where, f"search space of {name!r}: {refusal}")
    yield from _objective(document, position)
    yield from _sampling(document, position, space)
    yield from _limits(mapping(document, "limits"), (*position, "limits"))


def _values(distribution: dict[str, Any]) -> list[Any]:
    """Values that a distribution can reach: all of a choice, the ends of a range (of logarithms: e to their power)."""
    kind, values = distribution.get("type"), distribution.get("values")
    if kind == "choice":
        return [value for value in values if not isinstance(value, dict | list)] if isinstance(values, list) else []
    ends = [end for key in ("min_value", "max_value") if isinstance(end := distribution.get(key), int | float)]
    if kind in {"loguniform", "qloguniform"}:
        return [round(math.exp(end), 9) for end in ends if end < MOST]
    return ends if kind in {"uniform", "quniform"} else []


def _objective(document: dict[str, Any], position: Position) -> Iterator[Problem]:
    objective = mapping(document, "objective")
    missing = [key for key in ("goal", "primary_metric") if not objective.get(key)]
    if missing:
        message = f"objective lacks {' and '.join(missing)}: say which metric the trials log, and minimize or maximize"
        yield Problem("AML302", (*position, "objective"), message)
    elif str(objective["goal"]).lower() not in {"minimize", "maximize"}:
        message = f"goal is {objective['goal']!r}; write minimize or maximize"
        yield Problem("AML302", (*position, "objective", "goal"), message)


def _sampling(document: dict[str, Any], position: Position, space: dict[str, Any]) -> Iterator[Problem]:
    algorithm = document.get("sampling_algorithm")
    algorithm = str(algorithm.get("type") if isinstance(algorithm, dict) else algorithm).lower()
    for name in space:
        kind = mapping(space, name).get("type")
        if algorithm in DRAWS and kind not in DRAWS[algorithm]:
            message = f"{algorithm} sampling can't draw {name!r} from {kind}; it takes {', '.join(DRAWS[algorithm])}"
            yield Problem("AML303", (*position, "search_space", name), message)


def _limits(limits: dict[str, Any], position: Position) -> Iterator[Problem]:
    total, at_once = limits.get("max_total_trials"), limits.get("max_concurrent_trials")
    if isinstance(total, int) and isinstance(at_once, int) and at_once > total:
        message = f"max_concurrent_trials is {at_once}, but max_total_trials is only {total}"
        yield Problem("AML304", (*position, "max_concurrent_trials"), message)
