"""`az ml workspace`: folders below AZUREML_LOCAL_ROOT."""

import json
import os
import shutil
from typing import Any

from ml_workspace import Workspace, WorkspaceError
from ml_workspace.streaming import TERMINAL

from .assets import changes, editable
from .session import root, workspace

Row = dict[str, Any]


def create(
    cmd: Any,
    resource_group_name: str,
    name: str | None = None,
    file: str | None = None,
    params_override: list[tuple[str, Any]] | None = None,
    description: str | None = None,
    display_name: str | None = None,
    tags: dict[str, str] | None = None,
) -> Row:
    """Make a workspace, or return the one that is there."""
    fields: Row = {"name": name, "description": description, "display_name": display_name, "tags": tags}
    if file or params_override:
        from .load import document

        given = [(key, value) for key, value in fields.items() if value is not None]
        loaded = document("workspace", file, [*given, *(params_override or [])])
        fields = {key: loaded.get(key) for key in fields}
    name = fields.pop("name")
    if not name:
        raise WorkspaceError("The workspace has no name: give --name, or `name` in the file of --file.")
    return _document(Workspace.create(root(), resource_group_name, name, **fields))


def show(cmd: Any, name: str, resource_group_name: str) -> Row:
    """One workspace, with the address of its MLflow server, which is started if it is down."""
    ws = workspace(resource_group_name, name)
    return {**_document(ws), "mlflow_tracking_uri": ws.tracking.uri()}


def edit(cmd: Any, name: str, resource_group_name: str) -> Row:
    """One workspace, for `update`."""
    return editable(_document(workspace(resource_group_name, name)))


def list_workspaces(cmd: Any, resource_group_name: str | None = None, max_results: int | None = None) -> list[Row]:
    """All workspaces, or those of one group."""
    return Workspace.list(root(), resource_group_name)[:max_results]


def delete(cmd: Any, name: str, resource_group_name: str, permanently_delete: bool = False) -> None:
    """Stop the workspace's server and remove its folder for good (`permanently_delete` changes nothing here)."""
    ws = workspace(resource_group_name, name)
    running = [job["name"] for job in ws.jobs.list(max_results=None) if job["status"] not in TERMINAL]
    if running:
        raise WorkspaceError(f"Workspace '{name}' has running jobs: {', '.join(running)}. Cancel them first.")
    ws.tracking.stop()
    shutil.rmtree(ws.path)


def describe(instance: Row, description: str | None = None, display_name: str | None = None) -> Row:
    """Apply the flags that `workspace update` has of its own."""
    given = {"description": description, "display_name": display_name}
    return {**instance, **{key: value for key, value in given.items() if value is not None}}


def save(cmd: Any, name: str, parameters: Row, resource_group_name: str) -> Row:
    """Write back what an update made of the workspace's document (`parameters`)."""
    ws = workspace(resource_group_name, name)
    changed = changes(_document(ws), parameters)
    fixed = sorted(set(changed) - {"description", "display_name", "tags"})
    if fixed:
        raise WorkspaceError(f"{', '.join(fixed)}: of a workspace, only description, display_name and tags can change.")
    staging = ws.path / f".workspace.{os.getpid()}.json"
    staging.write_text(json.dumps({**ws.document, **changed}, indent=1), encoding="utf-8")
    staging.replace(ws.path / "workspace.json")
    return _document(workspace(resource_group_name, name))


def _document(ws: Workspace) -> Row:
    fields = {key: value for key, value in ws.document.items() if value is not None}
    return {**fields, "storage_account": str(ws.path / "datastores")}
