"""Each rule of `make check`: a spec that trips it, at the right line, and a twin that differs a little and passes.

The cases are in check_cases/. Each one changes the repository of tests/golden, which is right as it is.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from scripts.specs.build import write_build
from scripts.specs.lint.check import check, findings
from scripts.specs.lint.codes import CODES
from scripts.specs.lint.findings import Finding
from scripts.specs.lint.loading import listening
from scripts.specs.lint.repository import Repository, Subject
from scripts.specs.project import Project
from tests.specs_repository import copied, line_of, replace

# What azure-ai-ml's libraries say about each other.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


# Pieces that specs include, and a spec that does.
PIECES = {
    "pipelines/_settings.yml.j2": "pipelines/train.yml.j2",
    "endpoints/online/score/_green.yml.j2": "endpoints/online/score/green.yml.j2",
}


@dataclass(frozen=True)
class Case:
    """One change.

    Args:
        path: template (in the file: `in`).
        old: text in it that is replaced with `wrong`.
        line: text that starts on the line that the finding must point at.
        says: part of the finding's message.
        right: the twin's replacement for `old`; without it, the repository as it is is the twin.
        without: a file that is removed as well.
    """

    code: str
    path: str
    old: str
    wrong: str
    line: str
    says: str
    right: str = ""
    without: str = ""

    def __str__(self) -> str:
        return f"{self.code}-{self.says[:30]}"


def cases() -> list[Case]:
    files = sorted((Path(__file__).parent / "check_cases").glob("*.yml"))
    entries = [entry for file in files for entry in yaml.safe_load(file.read_text(encoding="utf-8"))]
    return [Case(path=entry.pop("in"), **entry) for entry in entries]


def found(root: Path, template: str) -> list[Finding]:
    """Findings of the spec that `template`, or a piece that it includes, belongs to."""
    project = Project(root, "local")
    build = write_build(project)
    template = PIECES.get(template, template)
    [spec] = [spec for spec in project.specs.values() if spec.template == template]
    with listening() as logged:
        return list(findings(Subject(spec, Repository(project)), build, logged))


def test_the_repository_that_the_cases_change_is_right(tmp_path: Path) -> None:
    assert check(copied(tmp_path), "local") == ([], 17)


@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_wrong_spec_is_found_at_its_line(case: Case, tmp_path: Path) -> None:
    root = copied(tmp_path)
    replace(root, case.path, case.old, case.wrong)
    if case.without:
        (root / case.without).unlink()

    problems = found(root, case.path)

    line = line_of(root, case.path, case.line)
    where = [(finding.code, finding.path, finding.line) for finding in problems if case.says in finding.message]
    assert (case.code, case.path, line) in where, [*map(str, problems)]


@pytest.mark.parametrize("case", [case for case in cases() if case.right], ids=str)
def test_its_twin_is_not(case: Case, tmp_path: Path) -> None:
    root = copied(tmp_path)
    replace(root, case.path, case.old, case.right)

    assert [*map(str, found(root, case.path))] == []


def test_every_code_has_a_case() -> None:
    """Others need more than a changed text: AML001 and AML003 are in test_check_command.py, AML6.. in test_ci_rules.py,
    AML7.. in test_infra.py."""
    codes = {code for code in CODES if not code.startswith(("AML6", "AML7"))}
    assert {case.code for case in cases()} == codes - {"AML001", "AML003"}
