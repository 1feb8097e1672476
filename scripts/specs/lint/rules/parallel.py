"""Parallel components and jobs: what is cut into mini-batches."""

from collections.abc import Iterator

from scripts.specs.lint.expressions import expressions
from scripts.specs.lint.findings import Problem
from scripts.specs.lint.jobs import runnables
from scripts.specs.lint.repository import Subject, hint


def parallel(subject: Subject) -> Iterator[Problem]:
    """input_data is one of the inputs, and a table if it is cut by partition_keys."""
    for runnable in runnables(subject):
        if "input_data" not in runnable.document:
            continue
        position = (*runnable.position, "input_data")
        given = runnable.document["input_data"]
        found = next(expressions(given, position), None)
        name = found.name_after("inputs") if found else None
        if name is None:
            example = next(iter(runnable.inputs), "data")
            message = f"input_data is {given!r}; bind it to the input that is cut, such as ${{{{inputs.{example}}}}}"
            yield Problem("AML311", position, message)
        elif name not in runnable.inputs:
            yield Problem("AML311", position, f"input_data: there is no input {name!r}; {hint(name, runnable.inputs)}")
        elif "partition_keys" in runnable.document and runnable.inputs[name].type not in {"mltable", None}:
            message = f"partition_keys cut a table, but input {name!r} is {runnable.inputs[name].type}; make it mltable"
            yield Problem("AML312", (*runnable.position, "partition_keys"), message)
