"""`az ml compute` and `datastore`: named resources without versions."""

from typing import Any

from ml_workspace import Unsupported, WorkspaceError

from .assets import changes, editable
from .session import workspace

Row = dict[str, Any]


def create(
    cmd: Any,
    resource_group_name: str,
    workspace_name: str,
    file: str | None = None,
    params_override: list[tuple[str, Any]] | None = None,
    **kwargs: Any,
) -> Row:
    """Create or replace from a spec; flags that name a field (`kwargs`) and --set go over it."""
    from .load import document

    ws, kind = workspace(resource_group_name, workspace_name), _kind(cmd)
    identity = identity_of(kwargs.pop("identity_type", None), kwargs.pop("user_assigned_identities", None))
    fields = [(name, value) for name, value in {**kwargs, "identity": identity}.items() if value is not None]
    doc = document(kind, file, [*fields, *(params_override or [])])
    if kind == "compute":
        from ml_workspace import machine

        if doc["type"] not in machine.KINDS:
            raise Unsupported(f"type: a {doc['type']} compute is not supported: use {' or '.join(machine.KINDS)}.")
        doc = {"location": "local", **doc, "provisioning_state": "Succeeded"}
        if doc["type"] == "computeinstance":
            doc["state"] = "Running"
    return ws.assets.create(kind, doc)


def show(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> Row:
    """One resource."""
    return workspace(resource_group_name, workspace_name).assets.get(_kind(cmd), name)


def edit(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> Row:
    """One resource, for `update`."""
    return editable(show(cmd, name, resource_group_name, workspace_name))


def edit_datastore(
    cmd: Any, resource_group_name: str, workspace_name: str, name: str | None = None, file: str | None = None
) -> Row:
    """One datastore, for `update`; what the file of --file says goes over it."""
    spec: Row = {}
    if file:
        from .load import changes_of

        spec = changes_of("datastore", file, [("name", name)] if name else [])
    found = name or spec.get("name")
    if not found:
        raise WorkspaceError("The datastore has no name: give --name, or `name` in the file of --file.")
    return {**edit(cmd, found, resource_group_name, workspace_name), **spec}


def save_datastore(cmd: Any, parameters: Row, resource_group_name: str, workspace_name: str) -> Row:
    """Write back what an update made of a datastore (`parameters`)."""
    return save(cmd, parameters["name"], parameters, resource_group_name, workspace_name)


def list_resources(
    cmd: Any, resource_group_name: str, workspace_name: str, max_results: int | None = None
) -> list[Row]:
    """All resources of a kind."""
    return workspace(resource_group_name, workspace_name).assets.list(_kind(cmd), max_results=max_results)


def list_compute(
    cmd: Any, resource_group_name: str, workspace_name: str, max_results: int | None = None, type: str | None = None
) -> list[Row]:
    """Compute targets, all or those of one type."""
    rows = list_resources(cmd, resource_group_name, workspace_name)
    return [row for row in rows if type is None or row["type"] == type.lower()][:max_results]


def delete(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> None:
    """Remove a resource; the files of a datastore stay."""
    workspace(resource_group_name, workspace_name).assets.delete(_kind(cmd), name)


def save(cmd: Any, name: str, parameters: Row, resource_group_name: str, workspace_name: str) -> Row:
    """Write back what an update made of a resource (`parameters`)."""
    assets = workspace(resource_group_name, workspace_name).assets
    return assets.update(_kind(cmd), name, None, changes(assets.get(_kind(cmd), name), parameters))


def scale(
    instance: Row,
    min_instances: int | None = None,
    max_instances: int | None = None,
    idle_time_before_scale_down: int | None = None,
    tags: dict[str, str] | None = None,
    identity_type: str | None = None,
    user_assigned_identities: str | None = None,
) -> Row:
    """Apply the flags that `compute update` has of its own."""
    given = {
        "identity": identity_of(identity_type, user_assigned_identities),
        "min_instances": min_instances,
        "max_instances": max_instances,
        "idle_time_before_scale_down": idle_time_before_scale_down,
        "tags": tags,
    }
    return {**instance, **{key: value for key, value in given.items() if value is not None}}


def identity_of(kind: str | None, resources: str | None) -> Row | None:
    """The `identity` of a compute target, as its spec would have it, from the flags for it."""
    if kind is None:
        return None
    names = [{"resource_id": name} for name in (resources or "").split(",") if name]
    return {"type": "".join(f"_{c.lower()}" if c.isupper() else c for c in kind).lstrip("_"),
            **({"user_assigned_identities": names} if names else {})}  # fmt: skip


def start(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> None:
    """Start a compute instance."""
    _set_state(name, resource_group_name, workspace_name, "Running")


def stop(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> None:
    """Stop a compute instance."""
    _set_state(name, resource_group_name, workspace_name, "Stopped")


def restart(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> None:
    """Stop and start a compute instance."""
    stop(cmd, name, resource_group_name, workspace_name)
    start(cmd, name, resource_group_name, workspace_name)


def list_nodes(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> list[Row]:
    """The nodes of a cluster: this machine."""
    from ml_workspace import machine

    return machine.nodes(workspace(resource_group_name, workspace_name), name)


def list_sizes(cmd: Any, resource_group_name: str, workspace_name: str, type: str | None = None) -> list[Row]:
    """The sizes that a node can have: that of this machine."""
    from ml_workspace import machine

    size = machine.size(workspace(resource_group_name, workspace_name))
    return [size] if type is None or type.lower() in machine.KINDS else []


def _set_state(name: str, group: str, workspace_name: str, state: str) -> None:
    assets = workspace(group, workspace_name).assets
    compute = assets.get("compute", name)
    if compute["type"] != "computeinstance":
        raise Unsupported(f"Compute '{name}' is of type {compute['type']}; only a computeinstance starts and stops.")
    assets.update("compute", name, None, {"state": state})


def _kind(cmd: Any) -> str:
    return str(cmd.name.split()[1])
