"""Component scripts are tested with the tools' environment, so a package has the same version there as in a job."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from tests.component import ROOT, load

CONDA = sorted((ROOT / "environments").glob("*/conda.yml"))
each_environment = pytest.mark.parametrize("path", CONDA, ids=[path.parent.name for path in CONDA])


def pins(lines: Iterable[str]) -> dict[str, str]:
    """Package and `==version` of each requirement that counts for this Python; hashes and comments are passed over."""
    found: dict[str, str] = {}
    for line in lines:
        try:
            requirement = Requirement(line.split(" #")[0].strip(" \\\n"))
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate():
            found[canonicalize_name(requirement.name)] = str(requirement.specifier)
    return found


def requirements(name: str) -> dict[str, str]:
    return pins((ROOT / "requirements" / name).read_text().splitlines())


def of_conda(path: Path) -> dict[str, str]:
    dependencies = yaml.safe_load(path.read_text())["dependencies"]
    return pins(next(entry["pip"] for entry in dependencies if isinstance(entry, dict)))


@each_environment
def test_a_job_and_the_tests_use_the_same_versions(path):
    tools = requirements("tools.txt")
    job = {name: version for name, version in of_conda(path).items() if name in tools}
    assert job, "an environment that shares nothing with the tools is not tested"
    assert job == {name: tools[name] for name in job}


@each_environment
def test_every_package_of_a_job_is_pinned(path):
    assert all(version.startswith("==") for version in of_conda(path).values())


def test_what_unpickles_a_model_is_what_pickled_it():
    training, serving = (of_conda(ROOT / "environments" / name / "conda.yml") for name in ("training", "serving"))
    packages = [canonicalize_name(name) for name in load("train").PACKAGES]
    assert {name: serving[name] for name in packages} == {name: training[name] for name in packages}


def test_environments_agree_with_each_other():
    """Data goes from one to the other as Parquet."""
    for package in ("pandas", "pyarrow"):
        assert len({pinned[package] for pinned in map(of_conda, CONDA) if package in pinned}) == 1


def test_the_locked_tools_are_the_ones_that_were_asked_for():
    asked, locked = requirements("tools.in"), requirements("tools.txt")
    assert len(asked) > 10
    assert asked.items() <= locked.items()
