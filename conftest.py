"""What all tests share: the order in which they run, and the evidence that `make promote` asks for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.specs.provenance import provenance

ROOT = Path(__file__).parent
DESELECTED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The fast ones run first, so that a mistake is seen in seconds."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


def pytest_deselected(items: list[pytest.Item]) -> None:
    """-k, -m and --deselect leave tests out."""
    if items:
        items[0].config.stash[DESELECTED] = True


@pytest.fixture(scope="session", autouse=True)
def evidence(request: pytest.FixtureRequest, record_testsuite_property: Callable[[str, object], None]) -> None:
    """Properties of the JUnit report (--junitxml): of which commit, how many tests there are, whether these are all.

    A report of tests that were interrupted has fewer tests than were collected.
    """
    config = request.config
    left_out = DESELECTED in config.stash or config.getoption("ignore") or config.getoption("ignore_glob")
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not left_out
    record_testsuite_property("commit", provenance(ROOT)["commit"])
    record_testsuite_property("collected", request.session.testscollected)
    record_testsuite_property("whole", str(whole).lower())
