"""Rules of GitHub's workflows alone: conditions, the shell, missing files."""

import re
from collections.abc import Iterator

from scripts.ci.model import Pipeline, Step
from scripts.ci.rules import reaches_azure
from scripts.specs.lint.findings import Finding

STATUS = re.compile(r"\b(always|failure|cancelled|success)\(\)")
AFTER_TESTS = "success() || failure()"
ON_MAIN = "github.ref == 'refs/heads/main'"
TARGET = re.compile(r"^[^#]*\bpull_request_target\b")


def conditions(pipeline: Pipeline) -> Iterator[Finding]:
    """A function of status in a condition drops the one that all before has succeeded."""
    for job in pipeline.jobs:
        conditions = [(condition, "", job.id) for condition in job.conditions]
        conditions += [(step.condition, _allowed(step), f"a step of {job.id}") for step in job.steps]
        for condition, allowed, whose in conditions:
            text = condition.text or ""
            if allowed == "cancelled()" and text != allowed:
                message = f"make cancel in {job.id} has to run if the run is cancelled; write if: cancelled()"
            elif STATUS.search(text) and text != allowed:
                message = f"if of {whose} is {text}: it runs after a failure too; leave {STATUS.findall(text)[0]}() out"
            else:
                continue
            yield Finding(condition.path, condition.line, "AML612", message)


def _allowed(step: Step) -> str:
    if any(make.target == "cancel" for make in step.makes):
        return "cancelled()"
    return "" if step.script else AFTER_TESTS


def accounts(pipeline: Pipeline) -> Iterator[Finding]:
    """No job of a pull request's run reaches Azure: it, or one that it waits for, runs on main alone."""
    on_main = {job.id for job in pipeline.jobs if any(ON_MAIN in _all_of(one.text) for one in job.conditions)}
    for job in pipeline.jobs:
        if reaches_azure(job) and not on_main & {job.id, *pipeline.before(job)}:
            message = f"{job.id} reaches Azure in a pull request, too; write if: {ON_MAIN}"
            yield Finding(job.written.path, job.written.line, "AML624", message)


def _all_of(condition: str | None) -> list[str]:
    """What has to hold for a condition; nothing in particular if it has an `or`."""
    text = condition or ""
    return [] if "||" in text else [part.strip() for part in text.split("&&")]


def triggers(path: str, text: str) -> Iterator[Finding]:
    """A pull request runs without the rights of the repository."""
    for number, line in enumerate(text.splitlines(), 1):
        if TARGET.match(line):
            message = "pull_request_target gives a stranger's pull request the repository's rights; write pull_request"
            yield Finding(path, number, "AML624", message)


def shells(pipeline: Pipeline) -> Iterator[Finding]:
    """Scripts stop at the first error, also in a pipe: `shell: bash`; CI's own default lets a pipe go on."""
    for job in pipeline.jobs:
        for step in job.steps:
            if step.script and step.shell != "bash":
                message = "a pipe goes on after a command that failed; write shell: bash, or defaults.run.shell: bash"
                yield Finding(step.written.path, step.written.line, "AML614", message)


def results(pipeline: Pipeline) -> Iterator[Finding]:
    """Files that are handed on are there."""
    for job in pipeline.jobs:
        for step in job.steps:
            inputs = step.written.get("with") or {}
            if step.task.startswith("actions/upload-artifact@") and inputs.get("if-no-files-found") != "error":
                message = "files that are missing go unnoticed; write if-no-files-found: error"
                yield Finding(step.written.path, step.written.line, "AML622", message)
