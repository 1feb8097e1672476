"""From flags and environment variables to the engine, and from its errors to exit codes."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from azure.cli.core.azclierror import RequiredArgumentMissingError, ResourceNotFoundError
from knack.util import CLIError
from ml_workspace import NotFound, Workspace, WorkspaceError

if TYPE_CHECKING:
    from ml_workspace.holder import Holder
    from ml_workspace.registry import Registry


def root() -> Path:
    """The folder of all local workspaces.

    Raises:
        WorkspaceError: AZUREML_LOCAL_ROOT is not set.
    """
    folder = os.environ.get("AZUREML_LOCAL_ROOT")
    if not folder:
        raise WorkspaceError(
            "AZUREML_LOCAL_ROOT is not set: it is the folder of the local workspaces. "
            'In the repository, set it with: eval "$(make -s env)"'
        )
    return Path(folder).expanduser().absolute()


def workspace(group: str | None, name: str | None) -> Workspace:
    """The workspace that --resource-group and --workspace-name, or their configured defaults, name."""
    folder = root()
    if not name:
        raise RequiredArgumentMissingError(
            "one the following arguments are required: [--workspace-name/-w, --registry-name]"
        )
    if not group:
        raise RequiredArgumentMissingError("the following arguments are required: --resource-group/-g")
    return Workspace.open(folder, group, name)


def registry(name: str | None, group: str | None = None) -> "Registry":
    """The registry that --name or --registry-name names; with a group, only if it is in there."""
    from ml_workspace.registry import Registry

    if not name:
        raise RequiredArgumentMissingError("the following arguments are required: --name/-n")
    return Registry.open(root(), name, group)


def holder(group: str | None, workspace_name: str | None, registry_name: str | None) -> "Holder":
    """The registry, or if none is named the workspace; a workspace beside a registry is passed over, as on Azure."""
    return registry(registry_name) if registry_name else workspace(group, workspace_name)


def explain(error: Exception) -> NoReturn:
    """Turn an error of the engine into the one that azure-cli prints without a traceback.

    Raises:
        ResourceNotFoundError: something does not exist; exit code 3.
        CLIError: anything else that a person can act on; exit code 1.
    """
    if isinstance(error, NotFound):
        raise ResourceNotFoundError(str(error)) from error
    if isinstance(error, WorkspaceError):
        raise CLIError(str(error)) from error
    raise error
