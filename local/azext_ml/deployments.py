"""`az ml online-deployment`."""

import sys
from pathlib import Path
from typing import Any

from azure.cli.core.azclierror import ManualInterrupt
from knack.log import get_logger
from ml_workspace import Workspace, WorkspaceError

from .session import workspace
from .updates import Overrides, deployment_to_update, stated

Row = dict[str, Any]
logger = get_logger(__name__)


def create(
    cmd: Any,
    resource_group_name: str,
    workspace_name: str,
    file: str | None = None,
    name: str | None = None,
    endpoint_name: str | None = None,
    params_override: Overrides | None = None,
    all_traffic: bool = False,
    skip_script_validation: bool = False,
    no_wait: bool = False,
) -> Row:
    """Make a deployment from a spec and wait until it answers; flags that name a field and --set go over the spec."""
    from .endpoint_specs import deployment
    from .spec_errors import naming

    ws = workspace(resource_group_name, workspace_name)
    if all_traffic and no_wait:
        raise WorkspaceError("--all-traffic needs a deployment that is ready, so it does not work with --no-wait.")
    fields = [*stated(name=name, endpoint_name=endpoint_name), *(params_override or [])]
    doc = deployment("online", file, fields, not skip_script_validation)
    with naming(file):
        made = ws.online.create_deployment(doc, _folder(file))
    if no_wait:
        return _announce(made)
    made = _ready(ws, made)
    if all_traffic:
        endpoint = ws.online.get(made["endpoint_name"])
        ws.online.update(endpoint["name"], {**endpoint, "traffic": {made["name"]: 100}})
    return made


def show(cmd: Any, name: str, endpoint_name: str, resource_group_name: str, workspace_name: str) -> Row:
    """One deployment."""
    return workspace(resource_group_name, workspace_name).online.deployment(endpoint_name, name.lower())


def list_deployments(cmd: Any, endpoint_name: str, resource_group_name: str, workspace_name: str) -> list[Row]:
    """The deployments of an endpoint."""
    return workspace(resource_group_name, workspace_name).online.deployments(endpoint_name)


def edit(
    cmd: Any,
    resource_group_name: str,
    workspace_name: str,
    name: str | None = None,
    endpoint_name: str | None = None,
    file: str | None = None,
    skip_script_validation: bool = False,
) -> Row:
    """One deployment, for `update`; with --file it becomes what the file says."""
    online = workspace(resource_group_name, workspace_name).online
    return deployment_to_update(online, name, endpoint_name, file, not skip_script_validation)


def save(
    cmd: Any,
    parameters: Row,
    resource_group_name: str,
    workspace_name: str,
    skip_script_validation: bool = False,
    no_wait: bool = False,
) -> Row:
    """Write back what an update made of a deployment (`parameters`) and wait until it answers."""
    from .endpoint_specs import edited

    ws = workspace(resource_group_name, workspace_name)
    doc = edited("online", parameters, not skip_script_validation)
    made = ws.online.update_deployment(doc, Path.cwd())
    return _announce(made) if no_wait else _ready(ws, made)


def delete(
    cmd: Any, name: str, endpoint_name: str, resource_group_name: str, workspace_name: str, no_wait: bool = False
) -> None:
    """End a deployment."""
    online = workspace(resource_group_name, workspace_name).online
    online.delete_deployment(endpoint_name, name.lower(), wait=not no_wait)


def get_logs(
    cmd: Any,
    name: str,
    endpoint_name: str,
    resource_group_name: str,
    workspace_name: str,
    lines: int = 5000,
    container: str | None = None,
) -> None:
    """Print the end of a deployment's log, as text."""
    online = workspace(resource_group_name, workspace_name).online
    text = online.logs(endpoint_name, name.lower(), lines, container or "inference-server")
    sys.stdout.write(text)
    if text and not text.endswith("\n"):
        sys.stdout.write("\n")


def _ready(ws: Workspace, doc: Row) -> Row:
    """Wait until a deployment answers. Each second prints a dot, before the JSON in the same stream, as on Azure.

    Raises:
        WorkspaceError: it can't start; the reason.
        ManualInterrupt: Ctrl-C; the work goes on.
    """
    endpoint, name = doc["endpoint_name"], doc["name"]
    try:
        _dot()
        return ws.online.wait(endpoint, name, _dot)
    except KeyboardInterrupt as stop:
        raise ManualInterrupt(
            f"Deployment {name} goes on starting. See: az ml online-deployment show --name {name} "
            f"--endpoint-name {endpoint}. End it: az ml online-deployment delete --name {name} "
            f"--endpoint-name {endpoint}."
        ) from stop


def _announce(doc: Row) -> Row:
    logger.warning(
        "Deployment %s is starting. See how far it is: az ml online-deployment show --name %s --endpoint-name %s",
        doc["name"], doc["name"], doc["endpoint_name"],
    )  # fmt: skip
    return doc


def _dot() -> None:
    sys.stdout.write(".")
    sys.stdout.flush()


def _folder(file: str | None) -> Path:
    return Path(file).resolve().parent if file else Path.cwd()
