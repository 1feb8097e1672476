"""Rules of azure-pipelines.yml alone: conditions, outputs, and inputs of its tasks."""

import re
from collections.abc import Iterator
from typing import Any

from scripts.ci.expressions import BadExpression, Call, Expression, lookups, parse
from scripts.ci.marked import Marked
from scripts.ci.model import Condition, Job, Pipeline, Step
from scripts.ci.rules import reaches_azure
from scripts.specs.lint.findings import Finding

AZ = re.compile(r"AzureCLI@\d+", re.IGNORECASE)
RUNTIME = re.compile(r"\$\[\s*(.*?)\s*\]")


def conditions(pipeline: Pipeline) -> Iterator[Finding]:
    """A condition of one's own drops the one that all before has succeeded, unless it says so itself."""
    for job in pipeline.jobs:
        cancels = bool(job.makes) and all(make.target == "cancel" for make in job.makes)
        for condition in job.conditions:
            yield from _condition(condition, {"canceled"} if cancels else set(), job.id)
        for step in job.steps:
            allowed = {"succeededOrFailed"} if not step.script else set()
            if any(make.target == "cancel" for make in step.makes):
                allowed = {"canceled"}
                if step.condition.text is None or _name(step.condition) != "canceled":
                    message = f"make cancel in {job.id} has to run if the run is cancelled: condition: canceled()"
                    yield Finding(step.condition.path, step.condition.line, "AML612", message)
                    continue
            yield from _condition(step.condition, allowed, f"a step of {job.id}")


def _condition(condition: Condition, allowed: set[str], whose: str) -> Iterator[Finding]:
    if condition.text is None:
        return
    try:
        expression = parse(condition.text)
    except BadExpression as error:
        yield Finding(condition.path, condition.line, "AML603", f"condition of {whose}: {error}")
        return
    if not _waits(expression) and _name(condition) not in allowed:
        message = f"condition of {whose} is {condition.text}: it runs after a failure too; write and(succeeded(), …)"
        yield Finding(condition.path, condition.line, "AML612", message)


def _waits(expression: Expression) -> bool:
    """Whether it can't hold unless all before has succeeded."""
    if not isinstance(expression, Call):
        return False
    return expression == Call("succeeded", ()) or (expression.name == "and" and any(map(_waits, expression.arguments)))


def _name(condition: Condition) -> str:
    """The function that a condition consists of, such as canceled; "" if it is another one."""
    try:
        expression = parse(condition.text or "")
    except BadExpression:  # which is a finding of its own
        return ""
    return expression.name if isinstance(expression, Call) and not expression.arguments else ""


def outputs(pipeline: Pipeline) -> Iterator[Finding]:
    """An output is there only for a job that waits, by name, for the job or stage that gives it."""
    for job in pipeline.jobs:
        stage = job.id.split(".")[0]
        for text, line, path in _runtime(job):
            try:
                asked = list(lookups(parse(text)))
            except BadExpression as error:
                yield Finding(path, line, "AML603", str(error))
                continue
            for parts in asked:
                giver = _giver(stage, parts)
                if giver and not any(need == giver or need.startswith(f"{giver}.") for need in job.needs):
                    message = f"{'.'.join(parts)} is empty in {job.id}, which doesn't depend on {giver}"
                    yield Finding(path, line, "AML611", message)


def _runtime(job: Job) -> Iterator[tuple[str, int, str]]:
    """Expressions that are worked out while the run goes on, with their lines and files."""
    for condition in job.conditions:
        if condition.text:
            yield condition.text, condition.line, condition.path
    written = job.written.get("variables")
    if isinstance(written, Marked):
        for name, value in written.items():
            if match := RUNTIME.fullmatch(str(value)):
                yield match[1], written.lines[name], written.path


def _giver(stage: str, parts: tuple[str, ...]) -> str:
    """Id of the job, or name of the stage, whose output a path names; "" if it names none."""
    if parts[0] == "stageDependencies":
        return ".".join(parts[1:3])
    if parts[0] == "dependencies" and parts[2:3] == ("outputs",):
        # In a stage's condition the job is a part of the output's name: TrainingJob.registered.version.
        steps = parts[3].split(".")
        return f"{parts[1]}.{steps[0]}" if len(steps) > 2 else f"{stage}.{parts[1]}"
    return ""


def accounts(pipeline: Pipeline) -> Iterator[Finding]:
    """No job of a pull request's run has a login or reaches Azure."""
    for job in pipeline.jobs:
        if reaches_azure(job) or any(AZ.fullmatch(step.task) for step in job.steps):
            message = f"{job.id} reaches Azure in a pull request, too; put it under the condition of main"
            yield Finding(job.written.path, job.written.line, "AML624", message)


def tasks(pipeline: Pipeline) -> Iterator[Finding]:
    """Scripts stop at the first error, logins last, results of tests are not lost."""
    for job in pipeline.jobs:
        for step in job.steps:
            if step.script and step.lines[:1] != ["set -euo pipefail"]:
                message = "bash goes on after a command that failed; begin with: set -euo pipefail"
                yield Finding(step.written.path, step.written.line, "AML614", message)
            inputs = step.written.get("inputs") or {}
            if str(inputs.get("failOnStandardError") or inputs.get("failOnStderr")).lower() == "true":
                message = "az writes warnings to standard error even when all is well; leave failOnStandardError out"
                yield Finding(step.written.path, step.written.line, "AML615", message)
            if AZ.fullmatch(step.task) and inputs.get("keepAzSessionActive") is not True:
                message = "a federated login ends after ten minutes; write keepAzSessionActive: true"
                yield Finding(step.written.path, step.written.line, "AML616", message)
            yield from _results(step, inputs)


def _results(step: Step, inputs: dict[str, Any]) -> Iterator[Finding]:
    if not step.task.startswith("PublishTestResults@"):
        return
    if inputs.get("failTaskOnMissingResultsFile") is not True:
        message = "results that are missing go unnoticed; write failTaskOnMissingResultsFile: true"
        yield Finding(step.written.path, step.written.line, "AML622", message)
    if step.condition.text is None:
        message = "results of tests that failed are not shown; write condition: succeededOrFailed()"
        yield Finding(step.written.path, step.written.line, "AML622", message)
