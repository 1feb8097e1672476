"""`az ml workspace`: folders below AZUREML_LOCAL_ROOT."""

from typing import Any

from ml_workspace import Workspace, WorkspaceError

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
    location: str | None = None,
) -> Row:
    """Make a workspace, or return the one that is there."""
    fields: Row = {"name": name, "description": description, "display_name": display_name, "tags": tags,
                   "location": location}  # fmt: skip
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


def edit(cmd: Any, name: str, resource_group_name: str, file: str | None = None) -> Row:
    """One workspace, for `update`; what the file of --file says goes over it."""
    fields: Row = {}
    if file:
        from .load import changes_of

        fields = {key: value for key, value in changes_of("workspace", file, []).items() if key in Workspace.mutable}
    return editable({**_document(workspace(resource_group_name, name)), **fields})


def list_workspaces(cmd: Any, resource_group_name: str | None = None, max_results: int | None = None) -> list[Row]:
    """All workspaces, or those of one group."""
    return Workspace.list(root(), resource_group_name)[:max_results]


def delete(cmd: Any, name: str, resource_group_name: str, permanently_delete: bool = False) -> None:
    """Remove a workspace for good (`permanently_delete` changes nothing here)."""
    workspace(resource_group_name, name).delete()


def diagnose(cmd: Any, name: str, resource_group_name: str) -> Row:
    """What is wrong with a workspace."""
    from ml_workspace.diagnose import diagnose

    found: Row = diagnose(workspace(resource_group_name, name))
    return found


def describe(instance: Row, description: str | None = None, display_name: str | None = None) -> Row:
    """Apply the flags that `workspace update` has of its own."""
    given = {"description": description, "display_name": display_name}
    return {**instance, **{key: value for key, value in given.items() if value is not None}}


def save(cmd: Any, name: str, parameters: Row, resource_group_name: str) -> Row:
    """Write back what an update made of the workspace's document (`parameters`)."""
    ws = workspace(resource_group_name, name)
    ws.update(changes(_document(ws), parameters))
    return _document(ws)


def _document(ws: Workspace) -> Row:
    fields = {key: value for key, value in ws.document.items() if value is not None}
    return {**fields, "storage_account": str(ws.path / "datastores")}
