"""A workspace: one folder that holds everything that an Azure ML workspace knows."""

import os
import re
import shutil
import uuid
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .catalog import created
from .errors import NotFound, WorkspaceError
from .holder import Holder, write_document

if TYPE_CHECKING:
    from .batch import BatchEndpoints
    from .environments import Environments
    from .jobs import Jobs
    from .models import Models
    from .online import OnlineEndpoints
    from .resolve import Resolver
    from .schedules import Schedules
    from .tracking import Tracking

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
DATASTORES = {"workspaceblobstore": "azureml-blobstore", "workspaceartifactstore": "azureml"}
PLAIN = re.compile(r"^[\w@%+=:,./-]+$")
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}\Z")
RESERVED = ("environments", "registries")  # folders beside those of the resource groups


class Workspace(Holder):
    """The engine's front door. Everything below is reached through one of its properties."""

    kind = "workspace"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.id = workspace_id(self.group, self.name)
        store = "datastores/workspaceblobstore"
        self.uploads = (self.path / store, f"azureml://{store}/paths/")

    @classmethod
    def create(cls, root: Path, group: str, name: str, **fields: Any) -> "Workspace":
        """Make the workspace's folder, datastores and compute, or open the one that is there."""
        path = _path(root, group, name)
        if not PLAIN.match(str(path.resolve())):
            raise WorkspaceError(
                f"{path.resolve()} has blanks or characters that a shell takes apart, and its paths stand in "
                "the commands of jobs. Choose another folder for AZUREML_LOCAL_ROOT."
            )
        path.mkdir(parents=True, exist_ok=True)
        for folder in ("snapshots", "jobs", "mlflow", *(f"datastores/{store}" for store in DATASTORES)):
            (path / folder).mkdir(parents=True, exist_ok=True)
        if not (path / "workspace.json").exists():
            document = {
                "location": "local",
                **{k: v for k, v in fields.items() if v is not None},
                "name": name,
                "resource_group": group,
                "id": workspace_id(group, name),
                "workspace_id": str(uuid.uuid4()),
                "creation_context": created(),
            }
            write_document(path / "workspace.json", document)
        workspace = cls(path)
        workspace.assets.ensure_defaults()
        return workspace

    @classmethod
    def open(cls, root: Path, group: str, name: str) -> "Workspace":
        """Open an existing workspace.

        Raises:
            NotFound: no such workspace below `root`.
        """
        path = _path(root, group, name)
        if not (path / "workspace.json").exists():
            raise NotFound(
                f"Workspace '{name}' in resource group '{group}' was not found below {root}. "
                f"Make it with: az ml workspace create --name {name} --resource-group {group}"
            )
        return cls(path)

    @classmethod
    def list(cls, root: Path, group: str | None = None) -> list[dict[str, Any]]:
        """Documents of the workspaces below `root`, of one group or of all."""
        found = sorted(root.glob(f"{group or '*'}/*/workspace.json"))
        return [cls(path.parent).document for path in found]

    def delete(self) -> None:
        """Stop the workspace's servers and remove its folder for good.

        Raises:
            WorkspaceError: jobs are running.
        """
        from .streaming import TERMINAL

        jobs = self.jobs.list(max_results=None, include_archived=True)
        running = [job["name"] for job in jobs if job["status"] not in TERMINAL]
        if running:
            raise WorkspaceError(f"Workspace '{self.name}' has running jobs: {', '.join(running)}. Cancel them first.")
        self.schedules.scheduler.stop()
        self.online.serving.stop()
        self.tracking.stop()
        shutil.rmtree(self.path)

    @cached_property
    def models(self) -> "Models":
        """The model registry, which is MLflow's."""
        from .models import Models

        return Models(self)

    @cached_property
    def jobs(self) -> "Jobs":
        """Jobs: submit, show, stream, cancel."""
        from .jobs import Jobs

        return Jobs(self)

    @cached_property
    def online(self) -> "OnlineEndpoints":
        """Online endpoints and their deployments."""
        from .online import OnlineEndpoints

        return OnlineEndpoints(self)

    @cached_property
    def batch(self) -> "BatchEndpoints":
        """Batch endpoints: create, deploy to, invoke."""
        from .batch import BatchEndpoints

        return BatchEndpoints(self)

    @cached_property
    def schedules(self) -> "Schedules":
        """Schedules of jobs and monitors."""
        from .schedules import Schedules

        return Schedules(self)

    @cached_property
    def tracking(self) -> "Tracking":
        """The MLflow server."""
        from .tracking import Tracking

        return Tracking(self.path / "mlflow", self.environments)

    @cached_property
    def environments(self) -> "Environments":
        """Built virtual environments, shared by the workspaces of one root."""
        from .environments import Environments

        chosen = os.environ.get("AZUREML_LOCAL_ENVIRONMENTS")
        return Environments(Path(chosen) if chosen else self.root / "environments")

    @cached_property
    def resolve(self) -> "Resolver":
        """URIs to local paths."""
        from .resolve import Resolver

        return Resolver(self)


def workspace_id(group: str, name: str) -> str:
    """The ARM id under which the workspace's documents refer to it."""
    return (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{name}"
    )


def _path(root: Path, group: str, name: str) -> Path:
    for what, value in (("resource group", group), ("workspace", name)):
        if not NAME.match(value) or value in RESERVED:
            raise WorkspaceError(f"'{value}' is not a {what} name: letters, digits, '-', '_' and '.', at most 255.")
    return root / group / name
