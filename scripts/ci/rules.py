"""Rules over jobs and steps that both CI systems have: their schemas let all of this through.

A rule is a generator of findings of one pipeline.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from scripts.ci.model import Job, Make, Pipeline, Step
from scripts.specs.lint.findings import Finding

Rule = Callable[[Pipeline], Iterator[Finding]]
# Environments in the order in which a model goes through them, and the verbs in the order of the loop.
ENVIRONMENTS = ("dev", "test", "prod")
LOOP = ("register-data", "train", "promote", "deploy", "smoke", "invoke", "monitor")
VALIDATE = frozenset({"lint", "test", "check", "diff", "render", "demo"})
PINNED = frozenset({"ubuntu-24.04"})
ID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
SECRET = re.compile(r"(?i)[\s-]*(?!id-token)(\w*(?:password|secret|token|api_?key|connection_?string)): *[^\s$#]")
# Text that whoever opens a pull request or pushes chooses: names of branches, messages, their own name.
FOREIGN = re.compile(
    r"\$\((?:Build\.(?:SourceBranch(?:Name)?|SourceVersionMessage|RequestedFor|QueuedBy)|System\.PullRequest\.\w+)\)"
    r"|\$\{\{\s*github\.(?:event\.(?!inputs)|head_ref|ref_name|actor)[^}]*\}\}"
)
# A value of CI that is put in, $(name) or ${{ … }}, may stand in a line; a command whose output is put in may not.
PUT_IN = r"\$\([\w.-]+\)|\$\{\{[^}]*\}\}"
VALUE = rf'(?:[\w./:=@-]|"(?:[^"`\\$]|{PUT_IN})*"|{PUT_IN})*'
LINES = tuple(
    re.compile(pattern)
    for pattern in (
        r"set -euo pipefail",
        rf'make( -s)? [a-z-]+( \w+={VALUE})*( >>? ("\$[A-Z_]+"|build/[\w./-]+))?',
        rf"\w+=\$\(make -s [a-z-]+( \w+={VALUE})*\)",
        r"\w+=\$\(cat build/[\w./-]+\)",
        r'eval "\$\(make -s env ENV=[a-z]+\)"',
        r'echo "(##vso\[[\w.]+( [\w;=]+)?\]|\w+=)(\$\w+)?[\w./-]*"( >> "\$GITHUB_OUTPUT")?',
    )
)


def order(pipeline: Pipeline) -> Iterator[Finding]:
    """A job of the loop waits for those that come before it."""
    word = "needs" if pipeline.path.startswith(".github") else "dependsOn"
    placed = [(job, place) for job in pipeline.jobs if (place := _place(job))]
    for job, (first, _) in placed:
        before = pipeline.before(job)
        for other, (_, last) in placed:
            if last < first and other.id not in before:
                line = job.written.lines.get(word, job.written.line)
                message = f"{job.id} doesn't wait for {other.id}, whose work it goes on with; name it in {word}"
                yield Finding(job.written.path, line, "AML611", message)


def _place(job: Job) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Where the first and the last verb of a job stand in the loop; None for a job outside it."""
    makes = job.makes
    if makes and {make.target for make in makes} <= VALIDATE:
        return (-1, 0), (-1, 0)
    places = [
        (ENVIRONMENTS.index(make.env), LOOP.index(make.target))
        for make in makes
        if make.env in ENVIRONMENTS and make.target in LOOP
    ]
    return (min(places), max(places)) if places else None


def failures(pipeline: Pipeline) -> Iterator[Finding]:
    """A failure counts, and what is written is run."""
    for job, owner in _owners(pipeline):
        if owner.get("enabled") is False:
            message = f"enabled: false in {job.id}: it never runs; remove it"
            yield Finding(owner.path, owner.lines["enabled"], "AML613", message)
        for key in ("continueOnError", "continue-on-error"):
            if owner.get(key):
                message = f"{key} in {job.id}: what fails is taken for done; remove it"
                yield Finding(owner.path, owner.lines[key], "AML613", message)


def images(pipeline: Pipeline) -> Iterator[Finding]:
    """The machine is the same next week."""
    for job in pipeline.jobs:
        if not job.server and job.image not in PINNED:
            key = "pool" if "pool" in job.written else "runs-on"
            line = job.written.lines.get(key, job.written.line)
            message = f"{job.id} runs on {job.image or 'no image by name'}; write {' or '.join(sorted(PINNED))}"
            yield Finding(job.written.path, line, "AML617", message)


def literals(path: str, text: str) -> Iterator[Finding]:
    """Ids and secrets are not in a file; also not where no job sees them, so this reads lines."""
    for number, line in enumerate(text.splitlines(), 1):
        if found := ID.search(line):
            yield Finding(path, number, "AML618", f"{found.group()}: an id; name it in config/ or in a variable")
        if found := SECRET.match(line):
            yield Finding(path, number, "AML618", f"{found[1]} is given here in clear; use a secret variable")


def approvals(pipeline: Pipeline) -> Iterator[Finding]:
    """What changes an environment stands behind its approval."""
    for job in pipeline.jobs:
        if "deployment" in job.written and not job.environment:
            message = f"{job.id} names no environment, so nothing can ask for approval"
            yield Finding(job.written.path, job.written.line, "AML619", message)
            continue
        for step, make in _makes(job):
            if make.env not in ENVIRONMENTS or make.target in VALIDATE:
                continue
            guarded = make.target == "deploy" or make.env != ENVIRONMENTS[0]
            if guarded and not job.environment.endswith(f"-{make.env}"):
                message = f"make {make.target} ENV={make.env} in {job.id} is not behind the environment of {make.env}"
                yield Finding(step.written.path, step.line_of(f"make {make.target}"), "AML619", message)


def scripts(targets: Sequence[str]) -> Rule:
    """Every script is make targets, so that a person can do what CI does.

    Args:
        targets: of the Makefile.
    """

    def rule(pipeline: Pipeline) -> Iterator[Finding]:
        for job in pipeline.jobs:
            for step in job.steps:
                for line in step.lines:
                    if not any(form.fullmatch(line) for form in LINES):
                        message = f"{line!r}: not a make target by itself; put what it does into one"
                        yield Finding(step.written.path, step.line_of(line), "AML620", message)
                for make in step.makes:
                    if make.target not in targets:
                        message = f"the Makefile has no target {make.target!r}"
                        yield Finding(step.written.path, step.line_of(f" {make.target}"), "AML620", message)
                if step.script and not step.makes:
                    yield Finding(step.written.path, step.written.line, "AML620", "a script that runs no make target")

    return rule


def foreign(pipeline: Pipeline) -> Iterator[Finding]:
    """No script holds text that somebody outside may choose."""
    for job in pipeline.jobs:
        for step in job.steps:
            for found in FOREIGN.finditer(step.script):
                message = f"{found.group()}: whoever names a branch writes into this script; read the environment"
                yield Finding(step.written.path, step.line_of(found.group()), "AML621", message)


def _owners(pipeline: Pipeline) -> Iterator[tuple[Job, Any]]:
    """Jobs and steps with the job that each belongs to."""
    for job in pipeline.jobs:
        yield job, job.written
        for step in job.steps:
            yield job, step.written


def _makes(job: Job) -> Iterator[tuple[Step, Make]]:
    for step in job.steps:
        for make in step.makes:
            yield step, make


def frozen(pipeline: Pipeline) -> Iterator[Finding]:
    """What is submitted is what was rendered and checked once."""
    for job in pipeline.jobs:
        if reaches_azure(job) and str(job.variables.get("FROZEN")) != "1":
            message = f"{job.id} would submit what it renders itself; set FROZEN: 1"
            yield Finding(job.written.path, job.written.line, "AML623", message)


def cancelled(pipeline: Pipeline) -> Iterator[Finding]:
    """A training job ends with the run: by a step of the job that follows it, or by a job after one that submits it."""
    cancelling = [job for job in pipeline.jobs if {make.target for make in job.makes} == {"cancel"}]
    for job in pipeline.jobs:
        for step, make in _makes(job):
            only_submits = make.values.get("WAIT") == "0"
            own = any(other.target == "cancel" for other in job.makes)
            after = only_submits and any(job.id in pipeline.before(other) for other in cancelling)
            if make.target == "train" and not own and not after:
                message = f"make train in {job.id} would outlive a run that is cancelled; add make cancel"
                yield Finding(step.written.path, step.line_of("make "), "AML612", message)


def reaches_azure(job: Job) -> bool:
    return any(make.env in ENVIRONMENTS and make.target not in VALIDATE for make in job.makes)


COMMON: tuple[Rule, ...] = (order, failures, images, approvals, foreign, frozen, cancelled)
