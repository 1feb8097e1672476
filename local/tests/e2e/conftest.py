"""The real az, as `make env` sets it up, with a workspace root and a configuration of its own."""

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from az_variables import az_variables
from ml_workspace import Workspace

REPOSITORY = Path(__file__).parents[3]
TOOLS = REPOSITORY / ".tools"
PROJECT = Path(__file__).with_name("project")


@dataclass(frozen=True)
class Az:
    """Runs az lines in one workspace."""

    environment: dict[str, str]
    folder: Path

    def start(self, line: str, **environment: str) -> "subprocess.Popen[str]":
        """Start `az ml LINE` in `folder`."""
        return subprocess.Popen(
            [TOOLS / "az/bin/az", "ml", *shlex.split(line)],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, line: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `az ml LINE` in `folder`; the exit code has to be `code`."""
        process = self.start(line, **environment)
        try:
            out, err = process.communicate(timeout=300)
        finally:
            process.kill()
        assert process.returncode == code, f"az ml {line}: exit code {process.returncode}\n{out}{err}"
        assert "The command failed with an unexpected error" not in err, err  # how azure-cli prints a traceback
        return subprocess.CompletedProcess(line, code, out, err)

    def json(self, line: str) -> Any:
        """What `az ml LINE` prints, parsed."""
        return json.loads(self(line).stdout)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the folder in which the lines run."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def workspace(self) -> Workspace:
        """The workspace that the lines reach, for a look behind them."""
        return Workspace.open(Path(self.environment["AZUREML_LOCAL_ROOT"]), "g", "w")


@contextmanager
def commands(place: Path) -> Iterator[Az]:
    """az in the folder `place`/specs, with a fresh workspace `w` in group `g` as its default."""
    environment = az_variables(place)
    (place / "specs").mkdir(exist_ok=True)
    az = Az(environment, place / "specs")
    az("workspace create --name w --output none")
    try:
        yield az
    finally:
        az.workspace.schedules.scheduler.stop()
        az.workspace.online.serving.stop()
        az.workspace.tracking.stop()


@pytest.fixture(scope="module")
def az(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Az]:
    """az in an empty folder, with a fresh workspace."""
    with commands(tmp_path_factory.mktemp("az")) as az:
        yield az


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Az]:
    """az in a copy of project/, a git repository with a change that is not committed; its assets are registered."""
    place = tmp_path_factory.mktemp("project")
    shutil.copytree(PROJECT, place / "specs")
    shutil.copyfile(REPOSITORY / "environments/training/conda.yml", place / "specs/training.yml")
    for line in (
        "init --quiet --initial-branch main",
        "remote add origin https://example.org/team/flights.git",
        "add .",
        "-c user.name=a -c user.email=a@b commit --quiet --message start",
    ):
        subprocess.run(["git", *shlex.split(line)], cwd=place / "specs", check=True)
    with commands(place) as az:
        az.write("notes.txt", "not committed\n")
        az("environment create --file environment.yml --output none")
        az("component create --file components/read.yml --output none")
        yield az


@pytest.fixture(scope="session")
def kinds(project: Az) -> str:
    """What `az ml job create --stream` prints for the pipeline of every kind of step, job `kinds`."""
    return project("job create --file kinds.yml --name kinds --stream").stdout
