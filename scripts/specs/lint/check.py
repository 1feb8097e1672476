"""All checks of one environment."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from scripts.specs.build import write_build
from scripts.specs.errors import SpecError
from scripts.specs.lint.findings import Finding, Problem
from scripts.specs.lint.infrastructure import infrastructure_findings
from scripts.specs.lint.loading import listening, loading_problems
from scripts.specs.lint.repository import Repository, Subject
from scripts.specs.lint.rules import (
    Rule,
    batch,
    bindings,
    commands,
    deployments,
    endpoints,
    interfaces,
    keys,
    monitors,
    parallel,
    references,
    scripts,
    sweeps,
    text,
    triggers,
)
from scripts.specs.project import Project

RULES: tuple[Rule, ...] = (
    text.schema_line,
    text.duplicate_keys,
    keys.keys,
    references.literal_ids,
    references.owner,
    references.local_files,
    bindings.bindings,
    bindings.unused,
    bindings.bound_twice,
    bindings.cycles,
    interfaces.names,
    interfaces.scheduled,
    interfaces.types,
    interfaces.declared_values,
    interfaces.job_types,
    commands.undeclared,
    commands.unused,
    commands.optional,
    scripts.scripts,
    sweeps.sweeps,
    parallel.parallel,
    endpoints.traffic,
    endpoints.endpoint_name,
    endpoints.names,
    endpoints.same_name,
    deployments.exact_model,
    deployments.server,
    deployments.workers,
    deployments.collections,
    deployments.pipeline_component,
    batch.batch_settings,
    triggers.triggers,
    monitors.monitors,
)


def check(root: Path, env: str) -> tuple[list[Finding], int]:
    """Renders `env` into its build folder; returns the findings and the number of specs."""
    try:
        project = Project(root, env)
        build = write_build(project)
    except SpecError as error:
        return [Finding(error.path, error.line or 1, "AML001", error.message)], 0
    repository = Repository(project)
    subjects = [Subject(spec, repository) for spec in project.specs.values()]
    with listening() as logged:
        found = {finding for subject in subjects for finding in findings(subject, build, logged)}
    return sorted({*found, *infrastructure_findings(project)}), len(subjects)


def findings(subject: Subject, build: Path, logged: list[str]) -> Iterator[Finding]:
    """Findings of one spec that was rendered into `build`; azure-ai-ml's log comes in at `logged`."""
    own = [problem for rule in RULES for problem in rule(subject)]
    problems = [*own, *_news(loading_problems(subject.spec, build, logged), own)]
    lines = subject.repository.project.line_map(subject.spec) if problems else []
    for problem in problems:
        path, line = lines[subject.positions.line(problem.position, problem.text)]
        yield Finding(path, line, problem.code, problem.message)


def _news(loading: Iterable[Problem], own: Sequence[Problem]) -> Iterator[Problem]:
    """Problems that azure-ai-ml tells of, without those that a rule tells of at the same place, in better words.

    An error without a place gives way to any finding of a rule: mostly they are one. If not, it is there next time.
    """
    for problem in loading:
        steps = len(problem.position)
        if not any(_nested(problem.position, other.position, steps) for other in own):
            yield problem


def _nested(position: tuple, other: tuple, steps: int) -> bool:
    shared = min(steps, len(other))
    return position[:shared] == other[:shared]
