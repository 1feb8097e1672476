"""Rules of `make check` for the pipelines of CI: each mistake is found, at its line, in the pipelines as they are."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from scripts.ci.check import check_ci, own_findings
from scripts.ci.expressions import BadExpression, evaluate, parse
from scripts.specs.lint.codes import CODES
from tests.specs_repository import line_of, replace

ROOT = Path(__file__).parents[2]
FILES = (
    "azure-pipelines.yml",
    *(f"ci/{name}.yml" for name in ("make", "prepare", "release")),
    *(f".github/workflows/{name}.yml" for name in ("ci", "release")),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("ci", ".github"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("azure-pipelines.yml", "Makefile"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@dataclass(frozen=True)
class Case:
    """A change of one file, the start of the line that is found, and a part of the message.

    Args:
        line: text on the line that the finding points at; without one, `wrong`'s last line.
    """

    code: str
    path: str
    old: str
    wrong: str
    says: str
    line: str = ""

    def __str__(self) -> str:
        return f"{self.code}-{Path(self.path).stem}-{self.says[:40]}"


CASES = [
    Case(path=entry.pop("in"), **entry)
    for entry in yaml.safe_load((Path(__file__).parent / "ci_cases.yml").read_text(encoding="utf-8"))
]
OF_OTHERS = [case for case in CASES if case.code in {"AML601", "AML602"}]  # take a second: Node


@pytest.mark.parametrize("case", [case for case in CASES if case not in OF_OTHERS], ids=str)
def test_a_mistake_is_found_at_its_line(case: Case, root: Path) -> None:
    replace(root, case.path, case.old, case.wrong)
    found = own_findings(root)
    where = {
        (finding.path, finding.line)
        for finding in found
        if (finding.code, case.says in finding.message) == (case.code, True)
    }
    text = case.line or case.wrong.strip().splitlines()[-1].strip()
    assert {(path, number) for path in FILES for number in lines_of(root / path, text)} & where, [*map(str, found)]


def lines_of(path: Path, text: str) -> list[int]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if text in line]


def test_validators_of_others_find_what_no_schema_allows(root: Path) -> None:
    for case in OF_OTHERS:
        replace(root, case.path, case.old, case.wrong)
    found = check_ci(root)
    for case in OF_OTHERS:
        line = line_of(root, case.path, case.wrong)
        told = [(finding.code, finding.path, finding.line) for finding in found if case.says in finding.message]
        assert (case.code, case.path, line) in told, [*map(str, found)]


def test_the_pipelines_of_this_repository_are_right() -> None:
    assert [*map(str, check_ci(ROOT))] == []


def test_a_repository_without_pipelines_has_nothing_to_be_checked(tmp_path: Path) -> None:
    assert check_ci(tmp_path) == []


def test_every_code_of_pipelines_has_a_case() -> None:
    assert {case.code for case in CASES} == {code for code in CODES if code.startswith("AML6")}


# ---- Expressions


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("and(succeeded(), ne(dependencies.A.outputs['s.v'], ''))", True),
        ("or(failed(), eq(variables['Build.Reason'], 'pullrequest'))", True),
        ("not(in(variables['Build.Reason'], 'Schedule', 'Manual'))", True),
        ("eq('it''s', 'IT''S')", True),
        ("eq(variables.missing, '')", True),
        ("eq(1, 2)", False),
        ("true", True),
    ],
)
def test_expressions_mean_what_they_mean_in_azure_pipelines(text: str, value: bool) -> None:
    values = {("dependencies", "A", "outputs", "s.v"): "3", ("variables", "Build.Reason"): "PullRequest"}
    assert evaluate(parse(text), values.get, lambda name: name == "succeeded") is value


@pytest.mark.parametrize("text", ["and(succeeded(), ", "eq(a, b", "a b", "'", "a.[", "startsWith(a, 'b')"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(BadExpression):
        evaluate(parse(text), lambda parts: "", lambda name: True)
