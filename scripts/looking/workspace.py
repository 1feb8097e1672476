"""The jobs and assets of a workspace, read with `az ml`, so it may be in a folder or in Azure."""

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from scripts.az import AzError, az, az_json, workspace_flags

Document = dict[str, Any]

AT_ONCE = 4  # `az` lines at the same time; each is mostly start-up
REUSED_FROM = "azureml.reusedrunid"  # property of a reused step: the job that did the work


class Workspace:
    """The workspace of an environment.

    Args:
        config: of the environment.
    """

    def __init__(self, config: Document) -> None:
        self.flags = workspace_flags(config)
        self.name = f"{config['resource_group']}/{config['workspace']}"
        self._show = ["--name", config["workspace"], "--resource-group", config["resource_group"]]

    def tracking_uri(self) -> str:
        """Address of the workspace's MLflow; a local server that is down is started by asking."""
        return str(az_json(["ml", "workspace", "show", *self._show])["mlflow_tracking_uri"])

    def job(self, name: str) -> Document:
        document: Document = az_json(["ml", "job", "show", "--name", name, *self.flags])
        return document

    def why_failed(self, name: str) -> str | None:
        """First line of the reason why a job failed; None where the workspace tells none or has no such job."""
        try:
            message = (self.job(name).get("error") or {}).get("message") or ""
        except AzError:
            return None  # a run that was logged without a job, or whose job was deleted
        return str(next(iter(message.strip().splitlines()), "")) or None

    def children(self, name: str) -> list[Document]:
        """Steps of a pipeline or trials of a sweep, in the order in which they were created."""
        line = ["ml", "job", "list", "--parent-job-name", name, "--all-results", *self.flags]
        children: list[Document] = az_json(line)
        return sorted(children, key=lambda child: str(child.get("creation_context", {}).get("created_at", "")))

    def output(self, job: str, name: str, file: str) -> Document:
        """The JSON `file` of an output of a job.

        Raises:
            AzError: the output has no such file, or it is no JSON.
        """
        with tempfile.TemporaryDirectory() as folder:
            az(["ml", "job", "download", "--name", job, "--output-name", name, "--download-path", folder, *self.flags])
            path = Path(folder) / "named-outputs" / name / file
            try:
                document: Document = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise AzError(f"job {job}: output {name} has no readable {file}: {error}") from error
            return document

    def outputs(self, wanted: list[tuple[str, str, str]]) -> list[Document]:
        """Several at once of what `output` gives for (job, output, file)."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda one: self.output(*one), wanted))

    def data_made_by(self, name: str, job: str) -> str | None:
        """Newest version of a data asset that lies in an output of `job`; None if there is none."""
        versions = az_json(["ml", "data", "list", "--name", name, *self.flags])
        found = [version for version in versions if f"/{job}/" in str(version.get("path", ""))]
        found.sort(key=lambda version: str(version.get("creation_context", {}).get("created_at", "")))
        return str(found[-1]["version"]) if found else None

    def model(self, name: str, version: str) -> Document:
        document: Document = az_json(["ml", "model", "show", "--name", name, "--version", version, *self.flags])
        return document


def reused_from(job: Document) -> str | None:
    """Name of the job that did the work of a reused one; None for one that did its own."""
    return (job.get("properties") or {}).get(REUSED_FROM)


def page_of(job: Document) -> str | None:
    """Address of a job's page in Studio or the MLflow UI; None while that is down."""
    return ((job.get("services") or {}).get("Studio") or {}).get("endpoint")
