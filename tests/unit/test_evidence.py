"""What conftest.py writes into the JUnit report of a run of pytest, and what `make promote` makes of it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.releasing.errors import ReleaseError
from scripts.releasing.evidence import Evidence, green_tests

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import os

def test_one(): pass

def test_two(): pass

def test_stops():
    if "STOP" in os.environ: raise KeyboardInterrupt

def test_three(): pass
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with this one's conftest.py and four tests."""
    root = tmp_path_factory.mktemp("evidence")
    shutil.copyfile(ROOT / "conftest.py", root / "conftest.py")
    (root / "tests").mkdir()
    (root / "tests/test_some.py").write_text(TESTS)
    (root / "pytest.ini").write_text("[pytest]\ntestpaths = tests\nmarkers = slow\n")
    (root / ".gitignore").write_text("build/\n__pycache__/\n.pytest_cache/\n")
    for line in ("init -q", "add .", "-c user.name=a -c user.email=a@example.com commit -q -m first"):
        subprocess.run(["git", "-C", str(root), *line.split()], check=True)
    return root


def evidence(root: Path, *arguments: str, **variables: str) -> Evidence:
    """What green_tests says to a run of pytest with `arguments`."""
    line = [sys.executable, "-m", "pytest", "-q", "--junitxml", "build/tests.xml", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "", **variables}
    subprocess.run(line, cwd=root, env=environment, capture_output=True, check=False)
    return green_tests(root / "build/tests.xml", head(root))


def head(root: Path) -> str:
    line = ["git", "-C", str(root), "rev-parse", "HEAD"]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("at_once", [[], ["-n", "2"]])
def test_a_whole_green_run_is_evidence_for_its_commit(repository, at_once):
    assert evidence(repository, *at_once) == Evidence(4, head(repository))


@pytest.mark.parametrize(
    "arguments", [["-k", "one"], ["-n", "2", "-k", "one"], ["tests/test_some.py"], ["--ignore", "elsewhere"]]
)
def test_a_run_of_some_tests_is_none(repository, arguments):
    with pytest.raises(ReleaseError, match="only some of the tests ran"):
        evidence(repository, *arguments)


@pytest.mark.parametrize("at_once", [[], ["-n", "2"]])
def test_a_run_that_was_stopped_is_none(repository, at_once):
    with pytest.raises(ReleaseError, match=r"of 4 tests ran|tests failed"):
        evidence(repository, *at_once, STOP="1")


def test_a_run_on_edited_files_is_none(repository):
    (repository / "conftest.py").write_text((repository / "conftest.py").read_text() + "\n")
    with pytest.raises(ReleaseError, match=f"the tests ran on {head(repository)}-dirty"):
        evidence(repository)
