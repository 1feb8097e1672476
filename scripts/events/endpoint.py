"""The batch endpoint `register-data`, by `az`."""

import subprocess
from pathlib import Path

from scripts.az import AzError, az, az_json, shell_line, workspace_flags
from scripts.batch import deploy
from scripts.specs.project import Project

FOLDER = "endpoints/batch/register-data"
ENDED = ("Completed", "Failed", "Canceled")
THERE = ("exists already", "already exists")  # says the local workspace; says Azure


class Endpoint:
    """The endpoint of the environment of `project`."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._where = workspace_flags(project.config)
        self._endpoint, self._deployment = (project.specs[f"{FOLDER}/{name}"] for name in ("endpoint", "deployment"))

    def deploy(self) -> None:
        """Makes the endpoint if it is missing, and brings its deployment to what the spec says.

        Raises:
            AzError: that can't be done.
        """
        deploy(self._project, self._endpoint, self._deployment, self._where)

    def container(self, datastore: str) -> str:
        """Container that a datastore of the workspace stands for."""
        return str(az_json(["ml", "datastore", "show", "--name", datastore, *self._where])["container_name"])

    def invoke(self, job: str) -> None:
        """Asks for a job. One of that name that is there already is as good.

        Raises:
            AzError: the endpoint can't be reached, or takes no job.
        """
        line = ["ml", "batch-endpoint", "invoke", "--name", self._endpoint.name, "--job-name", job]
        print(shell_line(line), flush=True)
        try:
            az([*line, *self._where, "--output", "none"])
        except AzError as error:
            if not any(text in str(error) for text in THERE):
                raise
            print(f"job {job} is there already", flush=True)

    def follow(self, job: str) -> "subprocess.Popen[bytes]":
        """A process that ends when the job does."""
        line = ["az", "ml", "job", "stream", "--name", job, *self._where]
        return subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def status(self, job: str) -> str:
        """Status of a job.

        Raises:
            AzError: it can't be had.
        """
        return str(az_json(["ml", "job", "show", "--name", job, *self._where])["status"])


def put_away(folder: Path, name: str) -> Path:
    """Where an event that could not be delivered is kept; `make event FILE=` delivers it anew."""
    return folder / "undelivered" / f"{name}.json"
