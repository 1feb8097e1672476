"""All checks of the pipelines of CI."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from scripts.ci import azure_rules, github_rules
from scripts.ci.azure import MAIN, PULL_REQUEST, read_azure
from scripts.ci.azure import PATH as AZURE
from scripts.ci.github import PATH as GITHUB
from scripts.ci.github import read_github
from scripts.ci.marked import Unreadable
from scripts.ci.model import Pipeline
from scripts.ci.rules import COMMON, Rule, literals, scripts
from scripts.ci.validators import validated
from scripts.specs.lint.findings import Finding

OF_AZURE: tuple[Rule, ...] = (azure_rules.conditions, azure_rules.outputs, azure_rules.tasks)
OF_GITHUB: tuple[Rule, ...] = (
    github_rules.conditions,
    github_rules.shells,
    github_rules.results,
    github_rules.accounts,
)
# Runs of azure-pipelines.yml that differ in the jobs that they have.
RUNS: tuple[tuple[dict[str, str], dict[str, bool]], ...] = (
    (MAIN, {}),
    (MAIN, {"waitOnServer": True}),
    (PULL_REQUEST, {}),
)


def check_ci(root: Path) -> list[Finding]:
    """Findings of azure-pipelines.yml with its templates and of .github/workflows; none where there are no such files.

    Raises:
        NoValidators: the validators can't be run.
    """
    names = files_of(root)
    return sorted({*validated(root, names), *own_findings(root)}) if names else []


def files_of(root: Path) -> list[str]:
    paths = [path for pattern in (AZURE, "ci/*.yml", ".github/workflows/*.yml") for path in root.glob(pattern)]
    return sorted(path.relative_to(root).as_posix() for path in paths)


def own_findings(root: Path) -> list[Finding]:
    """What the rules of this repository find, without the validators of others."""
    found: set[Finding] = set()
    for name in files_of(root):
        text = (root / name).read_text(encoding="utf-8")
        found |= {*literals(name, text), *github_rules.triggers(name, text)}
    if (root / AZURE).is_file():
        for variables, parameters in RUNS:
            rules = (*OF_AZURE, azure_rules.accounts) if variables == PULL_REQUEST else OF_AZURE
            found |= set(_rules(partial(read_azure, root, variables, parameters), root, rules))
    if (root / GITHUB).is_file():
        found |= set(_rules(partial(read_github, root), root, OF_GITHUB))
    return sorted(found)


def _rules(read: Callable[[], Pipeline], root: Path, rules: tuple[Rule, ...]) -> Iterator[Finding]:
    try:
        pipeline = read()
    except Unreadable as error:
        yield Finding(error.path, error.line, "AML603", error.message)
        return
    for rule in (*COMMON, scripts(targets(root)), *rules):
        yield from rule(pipeline)


def targets(root: Path) -> list[str]:
    """Targets of the Makefile that people call."""
    text = (root / "Makefile").read_text(encoding="utf-8")
    return re.findall(r"^([a-z-]+):.*##", text, flags=re.MULTILINE)
