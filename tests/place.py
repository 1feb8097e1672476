"""A repository with a local workspace of its own: the repository's specs, a small model, the real az."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mlflow

from scripts.rolling.scoring import Rows, Scoring
from scripts.specs.project import Project
from tests.science import train, write_prepared

ROOT = Path(__file__).parents[1]
SPECS = ("components", "config", "data", "endpoints", "environments", "monitors", "pipelines")
WHERE = ["--resource-group", "local", "--workspace-name", "local"]


@dataclass(frozen=True)
class Place:
    """A repository with a workspace of its own.

    Args:
        repository: with the specs.
        environment: variables that name the workspace.
        model: folder of a good model.
    """

    repository: Path
    environment: dict[str, str]
    model: Path

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        line = [sys.executable, "-u", "-m", *arguments]
        return subprocess.Popen(
            line, cwd=self.repository, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        process = self.start(*arguments)
        try:
            out, _ = process.communicate(timeout=300)
        finally:
            process.kill()
        assert process.returncode == code, out
        assert f'File "{ROOT / "scripts"}' not in out, "a traceback of the scripts themselves; a server's is a reason"
        return out

    def roll_out(self, version: str, code: int = 0) -> str:
        return self.run("scripts.rollout", "--model-version", version, code=code)

    def az(self, *arguments: str) -> Any:
        line = [str(ROOT / ".tools/bin/az"), "ml", *arguments, *WHERE, "--output", "json"]
        done = subprocess.run(
            line, cwd=self.repository, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    def register(self, folder: Path) -> str:
        """Version of a model in the registry."""
        made = self.az("model", "create", "--name", "flight-delay", "--type", "mlflow_model", "--path", str(folder))
        return str(made["version"])

    def variant(self, name: str) -> Path:
        """A copy of the good model, to be spoilt."""
        return Path(shutil.copytree(self.model, self.model.with_name(name)))

    @property
    def endpoint(self) -> str:
        return Project(self.repository, "local").specs["endpoints/online/flight-delay/endpoint"].name

    @property
    def shown(self) -> Any:
        return self.az("online-endpoint", "show", "--name", self.endpoint)

    def scoring(self) -> Scoring:
        key = self.az("online-endpoint", "get-credentials", "--name", self.endpoint)["primaryKey"]
        return Scoring(self.shown["scoring_uri"], key)

    @property
    def sample(self) -> Rows:
        return Rows.read(self.repository / "endpoints/online/flight-delay/sample_request.json")


@contextmanager
def workspace(folder: Path, settings: str) -> Iterator[Place]:
    """A workspace with version 1 of the model, which is stopped in the end.

    Args:
        folder: for the repository, the workspace, the model.
        settings: YAML over config/local.yml.
    """
    with empty_workspace(folder, settings) as empty:
        place = replace(empty, model=good_model(folder))
        place.az("environment", "create", "--file", "build/local/environments/serving/environment.yml")
        assert place.register(place.model) == "1"
        yield place


def az_variables(folder: Path) -> dict[str, str]:
    """Variables for the scripts and for the real az, with a root of workspaces in `folder`; none of the person's."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AZURE")},
        "PATH": f"{ROOT / '.tools/bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "AZURE_CONFIG_DIR": str(folder / "config"),
        "AZURE_EXTENSION_DIR": str(ROOT / ".tools/extensions"),
        "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "AZUREML_LOCAL_ROOT": str(folder / "root"),
        "AZUREML_LOCAL_ENVIRONMENTS": str(ROOT / ".azureml/environments"),
    }


@contextmanager
def empty_workspace(folder: Path, settings: str) -> Iterator[Place]:
    """The same without the model, its specs rendered."""
    for name in SPECS:
        shutil.copytree(ROOT / name, folder / "repository" / name)
    with (folder / "repository/config/local.yml").open("a", encoding="utf-8") as file:
        file.write(settings)
    variables = az_variables(folder)
    place = Place(folder / "repository", variables, folder)
    create = ["workspace", "create", "--name", "local", "--resource-group", "local", "--output", "none"]
    subprocess.run([ROOT / ".tools/bin/az", "ml", *create], env=variables, check=True)
    try:
        place.run("scripts.render")
        yield place
    finally:
        stop = [ROOT / ".tools/extensions/ml/ml_workspace", "stop", "--cancel", str(folder / "root")]
        subprocess.run([sys.executable, *map(str, stop)], env=variables, check=True)


def good_model(folder: Path) -> Path:
    write_prepared(folder / "prepared", ["2013-01", "2013-02", "2013-03"])
    mlflow.set_tracking_uri((folder / "mlflow").as_uri())
    try:
        with mlflow.start_run():
            return train(folder)
    finally:
        mlflow.set_tracking_uri("")
