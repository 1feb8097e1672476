"""What all tests share: the order in which they run, and the evidence that `make promote` asks for."""

from pathlib import Path
from typing import Any

import pytest
from _pytest.junitxml import xml_key  # the report; pytest's fixture for it writes nothing in workers

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


@pytest.hookimpl(tryfirst=True)  # the report is written in the same hook
def pytest_sessionfinish(session: pytest.Session) -> None:
    """How many tests there are, and whether some were left out; a worker of pytest-xdist tells who started it."""
    config = session.config
    found = {"collected": session.testscollected, "deselected": DESELECTED in config.stash}
    if hasattr(config, "workeroutput"):
        config.workeroutput["evidence"] = found
    elif session.testscollected:
        record(config, found)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Every worker collects all tests, so any of them knows; one that crashed tells nothing."""
    if found := getattr(node, "workeroutput", {}).get("evidence"):
        record(node.config, found)


def record(config: pytest.Config, found: dict[str, Any]) -> None:
    """Properties of the JUnit report (--junitxml): of which commit, how many tests there are, whether these are all.

    A report of tests that were interrupted has fewer tests than were collected.
    """
    report = config.stash.get(xml_key, None)
    if report is None or any(name == "commit" for name, _ in report.global_properties):
        return
    left_out = found["deselected"] or config.getoption("ignore") or config.getoption("ignore_glob")
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not left_out
    report.add_global_property("commit", provenance(ROOT)["commit"])
    report.add_global_property("collected", found["collected"])
    report.add_global_property("whole", str(whole).lower())
