"""`make check` as a command: what it prints, writes and returns; and that it is silent about what is right."""

import json
import shutil
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.check import main, parse_args
from scripts.specs.lint.check import check
from scripts.specs.lint.codes import CODES
from scripts.specs.lint.findings import Finding, merged
from scripts.specs.lint.loading import listening
from scripts.specs.lint.positions import Positions
from scripts.specs.lint.reports import junit, sarif, text
from tests.specs_repository import copied, line_of, replace

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

TRAIN = "components/train/component.yml.j2"
RIGHT = Path(__file__).parent / "check_right"
FINDINGS = [
    Finding("a.yml.j2", 3, "AML101", "no job 'x' <&>", ("dev", "prod")),
    Finding("a.yml.j2", 9, "AML205", "y.py is not in a/"),
    Finding("b.yml.j2", 1, "AML004", "the first line must be $schema"),
]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = copied(tmp_path)
    monkeypatch.chdir(root)
    return root


# ---- The command


def test_right_specs_give_one_line_and_exit_0(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(parse_args(["--env", "local"])) == 0
    assert capsys.readouterr() == ("17 specs, local: no findings\n", "")


@pytest.mark.parametrize(("form", "parse"), [("sarif", json.loads), ("junit", ElementTree.fromstring)])
def test_a_report_on_standard_output_is_nothing_but_the_report(
    form: str, parse: Callable[[str], object], root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(parse_args(["--env", "local", "--format", form])) == 0
    out, err = capsys.readouterr()
    parse(out)
    assert err == "17 specs, local: no findings\n"


def test_a_finding_is_path_line_code_message_and_exit_1(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(root, TRAIN, "-u train.py", "-u trian.py")

    assert main(parse_args(["--env", "local"])) == 1

    out, err = capsys.readouterr()
    line = line_of(root, TRAIN, "trian.py")
    assert out.startswith(f"{TRAIN}:{line}: AML205 trian.py is not in components/train/src/")
    assert out.count("\n") == 1
    assert err == "17 specs, local: 1 finding\n"


def test_a_warning_is_shown_and_the_exit_code_is_0(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monitor = "monitors/drift.yml.j2"
    replace(root, monitor, "normalized_wasserstein_distance: 0.1", "two_sample_kolmogorov_smirnov_test: 0.05")

    assert main(parse_args(["--env", "local"])) == 0

    out, err = capsys.readouterr()
    assert out.startswith(
        f"{monitor}:{line_of(root, monitor, 'numerical: {two')}: AML515 warning: the job of this test"
    )
    assert err == "17 specs, local: 1 finding\n"


def test_all_environments_together_name_those_that_have_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(root, "config/prod.yml", "trials: 20", "trials: 1")
    replace(root, TRAIN, "-u train.py", "-u trian.py")

    assert main(parse_args([])) == 1

    everywhere, *others = capsys.readouterr().out.splitlines()
    assert "AML205" in everywhere and everywhere.endswith("[dev, local, prod, test]")
    assert [line.split()[1] for line in others] == ["AML304", "AML304"]
    assert all(line.endswith("[prod]") for line in others)


def test_a_template_that_cannot_be_rendered_is_a_finding(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(root, "pipelines/tune.yml.j2", "<< trials >>", "<< trails >>")
    assert main(parse_args(["--env", "dev"])) == 1
    assert "pipelines/tune.yml.j2:14: AML001 'trails' is not defined" in capsys.readouterr().out


def test_an_unknown_environment_is_a_finding_too(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(parse_args(["--env", "staging"])) == 1
    assert "config/staging.yml:1: AML001 there is no environment 'staging'" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["text", "junit", "sarif"])
def test_a_report_goes_to_a_file(form: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace(root, TRAIN, "-u train.py", "-u trian.py")
    main(parse_args(["--env", "local", "--format", form, "--output", "reports/check.out"]))
    assert capsys.readouterr().out == ""
    assert "trian.py is not in" in (root / "reports/check.out").read_text()


# ---- Reports


def test_text_is_one_line_a_finding() -> None:
    assert text(FINDINGS).splitlines() == [
        "a.yml.j2:3: AML101 no job 'x' <&> [dev, prod]",
        "a.yml.j2:9: AML205 y.py is not in a/",
        "b.yml.j2:1: AML004 the first line must be $schema",
    ]


def test_junit_has_a_failed_case_a_finding_and_a_suite_a_template() -> None:
    suites = ElementTree.fromstring(junit(FINDINGS)).findall("testsuite")
    assert [(suite.get("name"), suite.get("failures")) for suite in suites] == [("a.yml.j2", "2"), ("b.yml.j2", "1")]
    failure = suites[0].find("testcase/failure")
    assert failure is not None and failure.get("message") == "no job 'x' <&>"


def test_junit_without_findings_has_a_case_that_passed() -> None:
    suite = ElementTree.fromstring(junit([])).find("testsuite")
    assert suite is not None and (suite.get("tests"), suite.get("failures")) == ("1", "0")


def test_sarif_names_rule_file_and_line_of_each_finding() -> None:
    document = json.loads(sarif(FINDINGS))
    [run] = document["runs"]
    assert document["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(CODES)
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert [(place["artifactLocation"]["uri"], place["region"]["startLine"]) for place in places] == [
        ("a.yml.j2", 3),
        ("a.yml.j2", 9),
        ("b.yml.j2", 1),
    ]
    assert {result["ruleId"] for result in run["results"]} <= CODES.keys()


def test_the_same_finding_in_several_environments_is_one() -> None:
    one, two = Finding("a", 1, "AML101", "x"), Finding("a", 2, "AML101", "x")
    assert merged({"dev": [one, two], "prod": [one]}) == [
        Finding("a", 1, "AML101", "x", ("dev", "prod")),
        Finding("a", 2, "AML101", "x", ("dev",)),
    ]


def test_the_guide_explains_every_code() -> None:
    guide = (Path(__file__).parents[2] / "docs/checks.md").read_text(encoding="utf-8")
    assert [line.split("|")[1].strip() for line in guide.splitlines() if line.startswith("| AML")] == list(CODES)


# ---- No false alarm


@pytest.mark.parametrize("name", sorted(path.name for path in RIGHT.iterdir()))
def test_nothing_is_found_in_what_is_right(name: str, root: Path) -> None:
    shutil.copy(RIGHT / name, root / "pipelines" / name)
    assert [*map(str, check(root, "local")[0])] == []


def test_warnings_of_azure_ai_ml_are_findings_and_its_experiments_are_not(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No spec was found that it warns of with this version, so a loader stands in."""
    import logging

    from azure.ai.ml.entities import _load_functions

    def load(path: Path) -> None:
        logger = logging.getLogger("azure.ai.ml.entities")
        logger.warning("Class X: This is an experimental class, and may change at any time. Please see …")
        logger.warning("scale_settings is  ignored")
        warnings.warn("mini_batch_size is deprecated", UserWarning, stacklevel=1)
        warnings.warn("`Number` field should not be instantiated", FutureWarning, stacklevel=1)

    monkeypatch.setattr(_load_functions, "load_data", load)

    found = [str(finding) for finding in check(root, "local")[0]]

    assert found == [
        "data/flights/data.yml.j2:1: AML003 mini_batch_size is deprecated",
        "data/flights/data.yml.j2:1: AML003 scale_settings is ignored",
    ]


def test_listening_leaves_logging_as_it_was() -> None:
    import logging

    with listening():
        pass
    logger = logging.getLogger("azure.ai.ml")
    before = (list(logger.handlers), logger.propagate)
    with listening():
        assert logger.handlers != before[0]
    assert (logger.handlers, logger.propagate) == before


# ---- Lines


SPEC = """\
name: train
command: >-
  python train.py
  --rate ${{inputs.rate}}
jobs:
  prep: {inputs: {x: 1}}
  list: [a, {b: 2}]
name: again
"""


@pytest.mark.parametrize(
    ("position", "text", "line"),
    [
        (("command",), "", 1),
        (("command",), "inputs.rate", 3),
        (("command",), "not there", 1),
        (("jobs", "prep", "inputs", "x"), "", 5),
        (("jobs", "prep", "inputs", "missing"), "", 5),
        (("jobs", "list", 1, "b"), "", 6),
        (("name",), "", 7),
        ((), "", 0),
    ],
)
def test_a_position_has_the_line_of_its_key_or_nearest_ancestor(position: tuple, text: str, line: int) -> None:
    assert Positions(SPEC).line(position, text) == line


def test_keys_given_twice_are_told_at_the_second_one() -> None:
    assert Positions(SPEC).duplicates == [(("name",), 7)]
