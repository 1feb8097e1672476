"""A workspace for one section, in a folder of its own that is gone afterwards, its servers and jobs too."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.timing import BenchError, run, seconds

REPOSITORY = Path(__file__).resolve().parents[1]
TOOLS = REPOSITORY / ".tools"
EXTENSION = TOOLS / "extensions" / "ml"
AZ_PYTHON = TOOLS / "az" / "bin" / "python"
SPECS = (
    "components",
    "config",
    "data",
    "endpoints",
    "environments",
    "pipelines",
)  # folders that specs are rendered from
NAME = "local"  # of group and workspace: config/local.yml says so
RUNNING = "[?status!='Completed' && status!='Failed' && status!='Canceled'].name"


@dataclass(frozen=True)
class Scratch:
    """The workspace `local` below `folder`, and the real az for it.

    Args:
        folder: everything is below it.
        environment: variables of every command.
    """

    folder: Path
    environment: dict[str, str]

    @property
    def workspace(self) -> Path:
        return self.folder / "root" / NAME / NAME

    @property
    def specs(self) -> Path:
        """Copy of this repository's specs, with scripts run in it as in the repository; see `render`."""
        return self.folder / "specs"

    def az(self, *arguments: str | Path, expected: tuple[int, ...] = (0,)) -> str:
        """What `az ARGUMENTS` prints. It runs in this repository, so that jobs note its commit, as always."""
        return run(["az", *arguments], self.environment, REPOSITORY, expected)

    def az_seconds(self, *arguments: str | Path) -> float:
        """Wall time of `az ARGUMENTS`."""
        return seconds(["az", *arguments], self.environment, REPOSITORY)

    def json(self, *arguments: str | Path) -> Any:
        """What `az ARGUMENTS` prints, parsed."""
        return json.loads(self.az(*arguments))

    def script(self, name: str, *arguments: str) -> str:
        """What `python -m scripts.NAME ARGUMENTS` prints, run among the specs."""
        environment = {**self.environment, "PYTHONPATH": str(REPOSITORY)}
        return run([sys.executable, "-m", f"scripts.{name}", *arguments], environment, self.specs)

    def render(self) -> Path:
        """Copy this repository's specs and render them for ENV=local; returns the build folder."""
        for name in SPECS:
            shutil.copytree(REPOSITORY / name, self.specs / name, ignore=shutil.ignore_patterns("__pycache__"))
        self.script("render", "--env", "local")
        return self.specs / "build" / "local"

    def submit(self, spec: Path, *options: str) -> str:
        """Submit a job and return its name."""
        return self.az("ml", "job", "create", "--file", spec, *options, "--query", "name", "-o", "tsv").strip()

    def ended(self, job: str) -> dict[str, Any]:
        """The document of a job once it has completed.

        Raises:
            BenchError: it did not complete.
        """
        said = self.az("ml", "job", "stream", "--name", job, expected=(0, 1))
        document: dict[str, Any] = self.json("ml", "job", "show", "--name", job)
        if document["status"] != "Completed":
            raise BenchError(f"job {job} is {document['status']}:\n{said[-3000:]}")
        return document

    def data(self, name: str) -> Path:
        """Folder of the newest version of a data asset."""
        uri = self.json("ml", "data", "show", "--name", name, "--label", "latest")["path"]
        return self.workspace / "datastores" / "workspaceblobstore" / uri.partition("/paths/")[2]

    def close(self) -> None:
        """End what still runs. Called however the section ended, so a job may be anywhere."""
        for job in self.az("ml", "job", "list", "--query", RUNNING, "-o", "tsv").split():
            self.az("ml", "job", "cancel", "--name", job)
            self.az("ml", "job", "stream", "--name", job, expected=(0, 1))
        run([sys.executable, EXTENSION / "ml_workspace", "stop", self.folder / "root"], self.environment, REPOSITORY)


@contextmanager
def scratch() -> Iterator[Scratch]:
    """A fresh workspace; job environments are those that are built for this repository's own."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        place = Scratch(folder, variables(folder))
        place.az("ml", "workspace", "create", "--name", NAME, "--resource-group", NAME, "--output", "none")
        try:
            yield place
        finally:
            place.close()


def variables(folder: Path) -> dict[str, str]:
    """The environment variables of `make env`, with root and configuration of az in `folder`."""
    own = Path(os.environ.get("AZUREML_LOCAL_ROOT", REPOSITORY / ".azureml"))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE", "MLFLOW_"))}
    return inherited | {
        "PATH": f"{TOOLS / 'az' / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(TOOLS / "cache" / "uv")),
        "AZURE_CONFIG_DIR": str(folder / "azure"),
        "AZURE_EXTENSION_DIR": str(TOOLS / "extensions"),
        "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "AZURE_CORE_SURVEY_MESSAGE": "no",
        "AZURE_DEFAULTS_GROUP": NAME,
        "AZURE_DEFAULTS_WORKSPACE": NAME,
        "AZUREML_LOCAL_ROOT": str(folder / "root"),
        "AZUREML_LOCAL_ENVIRONMENTS": os.environ.get("AZUREML_LOCAL_ENVIRONMENTS", str(own / "environments")),
    }
