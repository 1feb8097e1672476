"""The components that compute signals and write the report: the same that run on Azure, shipped with this package."""

from functools import cache
from pathlib import Path
from typing import Any

from .errors import WorkspaceError

PLACES = (
    # As `make setup` installs them beside this file; and where they come from.
    (Path(__file__).parent / "monitor", Path(__file__).parent / "monitor"),
    (Path(__file__).parents[2] / "components", Path(__file__).parents[2] / "environments" / "monitoring"),
)
NAMES = ("monitor_signals", "monitor_report")


def component(name: str) -> dict[str, Any]:
    """The document of one of the components, with its code and environment.

    Their specs are templates, and YAML as they stand: only version, environment and tags have something in them that is
    filled in when they are rendered, and these are set here.

    Raises:
        WorkspaceError: it is not there.
    """
    return {**_spec(name), "inputs": {key: dict(value) for key, value in _spec(name)["inputs"].items()}}


@cache
def _spec(name: str) -> dict[str, Any]:
    import yaml  # what only looks at schedules does not need it

    for code, environment in PLACES:
        spec, conda = code / name / "component.yml.j2", environment / "conda.yml"
        if spec.exists() and conda.exists():
            found = yaml.safe_load(spec.read_text(encoding="utf-8"))
            packages = yaml.safe_load(conda.read_text(encoding="utf-8"))
            kept = {key: found[key] for key in ("inputs", "outputs", "command")}
            return {
                **kept,
                "type": "command",
                "name": name,
                "code": str(code / name),
                "is_deterministic": False,  # a monitor looks again, whatever it has seen
                "environment": {"name": "monitoring", "version": "1", "conda_file": packages},
            }
    raise WorkspaceError(
        f"The component {name}, which runs monitors, is not installed beside {Path(__file__).parent}: make setup"
    )
