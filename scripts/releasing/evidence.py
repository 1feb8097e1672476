"""Evidence that the tests of a commit are green: the JUnit report of `make test`."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from scripts.releasing.errors import ReleaseError

REPORT = Path("build") / "tests.xml"
AGAIN = "run `make test` on this commit, or take the pipeline's artifact `build`"


@dataclass(frozen=True)
class Evidence:
    """Tests that passed.

    Args:
        number: how many.
        commit: of what was tested.
    """

    number: int
    commit: str


def green_tests(report: Path, commit: str) -> Evidence:
    """The tests of `commit`, all of them green.

    Args:
        report: JUnit file with the properties that conftest.py gives it: commit, collected, whole.

    Raises:
        ReleaseError: it is missing, of another commit, of some of the tests only, or not green.
    """
    try:
        suite = ET.parse(report).getroot().find("testsuite")
        if suite is None:
            raise ValueError("it has no testsuite")
        properties = {one.get("name"): one.get("value") for one in suite.iterfind("properties/property")}
        tests, failures, errors = (int(suite.get(name, "")) for name in ("tests", "failures", "errors"))
        collected = int(properties.get("collected") or "")
    except FileNotFoundError as error:
        raise ReleaseError(f"{report} is missing, so nobody knows whether the tests are green; {AGAIN}") from error
    except (ET.ParseError, ValueError) as error:
        raise ReleaseError(f"{report} is no report of `make test`: {error}; {AGAIN}") from error
    if properties.get("commit") != commit:
        raise ReleaseError(f"{report}: the tests ran on {properties.get('commit')}, and this is {commit}; {AGAIN}")
    if properties.get("whole") != "true":
        raise ReleaseError(f"{report}: only some of the tests ran (-k, -m, paths …); {AGAIN}")
    if failures or errors:
        raise ReleaseError(f"{report}: {failures} tests failed and {errors} ended in an error; mend that, and {AGAIN}")
    if tests == 0 or tests < collected:
        raise ReleaseError(f"{report}: {tests} of {collected} tests ran; {AGAIN}")
    return Evidence(tests, commit)
