"""The Bicep files of infra/ as tests look at them: parsed, with names replaced by what they stand for."""

import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.specs.bicep import parsed
from tests.specs_repository import replace

ROOT = Path(__file__).parents[1]
FOLDERS = ("components", "config", "data", "endpoints", "environments", "infra", "monitors", "pipelines")


def copied(folder: Path) -> Path:
    """A copy of what this repository renders, at `folder`/repository, for a test to spoil."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / "repository" / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder / "repository"


def module(root: Path, name: str) -> dict[str, Any]:
    """infra/modules/<name>.bicep, or main.bicep, parsed."""
    path = root / "infra" / ("main.bicep" if name == "main" else f"modules/{name}.bicep")
    return parsed(path.read_text(encoding="utf-8"))


def modules(root: Path) -> dict[str, dict[str, Any]]:
    """Name -> every parsed file of infra/."""
    names = ["main", *(path.stem for path in sorted((root / "infra/modules").glob("*.bicep")))]
    return {name: module(root, name) for name in names}


def of_type(document: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Symbol -> body of each resource of a type that a module creates; with its condition, if it has one."""
    return {
        name: resource["config"]
        for name, resource in document.get("resources", {}).items()
        if resource["type"] == kind and not resource["existing"]
    }


def only(document: dict[str, Any], kind: str) -> dict[str, Any]:
    """Body of the one resource of a type."""
    [body] = of_type(document, kind).values()
    return body


def accessed(expression: Any) -> str:
    """`a.b.c` of a parsed chain of property accessors."""
    if isinstance(expression, str):
        return expression
    operands = expression["operator"]["operands"]
    return f"{accessed(operands['operand_1'])}.{accessed(operands['operand_2'])}"


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with `${name}` replaced; another expression in it is an error."""
    return re.sub(r"\$\{([^}]*)\}", lambda found: values[found[1]], text)


def workflow(root: Path) -> dict[str, Any]:
    return json.loads((root / "infra/modules/register-data.workflow.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Spoilt:
    """A text of a file, and what it is spoilt to for a rule to catch."""

    rule: str
    path: str
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.rule}-{' '.join(self.new.split())[:40]}"

    def caught_by(self, rule: Callable[[Path], None], root: Path) -> None:
        """Asserts that `rule` accepts the repository at `root` until it is spoilt."""
        rule(root)
        replace(root, self.path, self.old, self.new)
        with pytest.raises((AssertionError, KeyError, ValueError)):
            rule(root)


def spoilt(rules: Iterable[str]) -> list[Spoilt]:
    """The cases of tests/unit/infra_cases.yml for `rules`."""
    entries = yaml.safe_load((ROOT / "tests/unit/infra_cases.yml").read_text(encoding="utf-8"))
    cases = [Spoilt(path=entry.pop("in"), **entry) for entry in entries]
    found = [case for case in cases if case.rule in set(rules)]
    assert {case.rule for case in found} == set(rules), "a rule without a case is one that may never fail"
    return found
