"""What the local workspace runs monitors with is what is rendered for Azure."""

from pathlib import Path

import pytest
import yaml
from ml_workspace import monitor_components

from scripts.specs.project import Project

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / ".tools/extensions/ml/ml_workspace/monitor"
PARTS = ("inputs", "outputs", "command")


@pytest.fixture(scope="module")
def project() -> Project:
    """The rendered specs."""
    return Project(ROOT, "local")


@pytest.mark.parametrize("name", monitor_components.NAMES)
def test_component_that_runs_monitors_here_is_the_one_that_is_rendered(name: str, project: Project) -> None:
    rendered, here = project.specs[f"components/{name}"].document, monitor_components.component(name)
    assert {key: here[key] for key in PARTS} == {key: rendered[key] for key in PARTS}
    packages = project.specs["environments/monitoring"].files["environments/monitoring/conda.yml"]
    assert here["environment"]["conda_file"] == yaml.safe_load(packages)


@pytest.mark.parametrize("name", monitor_components.NAMES)
def test_component_is_shipped_with_the_extension(name: str) -> None:
    source = ROOT / "components" / name
    files = [
        file.relative_to(source) for file in source.rglob("*") if file.is_file() and "__pycache__" not in file.parts
    ]
    assert files
    assert {file: (SHIPPED / name / file).read_bytes() for file in files} == {
        file: (source / file).read_bytes() for file in files
    }
