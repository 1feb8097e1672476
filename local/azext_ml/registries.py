"""`az ml registry`: folders of assets for all workspaces below AZUREML_LOCAL_ROOT; and `share`, which fills them."""

from typing import Any

from ml_workspace import WorkspaceError
from ml_workspace.registry import Registry

from .assets import changes, editable
from .session import registry, root, workspace

Row = dict[str, Any]


def create(
    cmd: Any,
    resource_group_name: str,
    name: str | None = None,
    file: str | None = None,
    params_override: list[tuple[str, Any]] | None = None,
    display_name: str | None = None,
    tags: dict[str, str] | None = None,
    public_network_access: str | None = None,
) -> Row:
    """Make a registry from a spec; flags that name a field and --set go over it."""
    from .load import document

    given = {"name": name, "tags": tags, "public_network_access": public_network_access}
    fields = [(field, value) for field, value in given.items() if value is not None]
    spec = document("registry", file, [*fields, *(params_override or [])])
    if not spec.get("name"):
        raise WorkspaceError("The registry has no name: give --name, or `name` in the file of --file.")
    if display_name:  # a flag alone: azure-ai-ml's schema of a registry has no such field
        spec["display_name"] = display_name
    return Registry.create(root(), resource_group_name, spec).shown()


def show(cmd: Any, name: str, resource_group_name: str) -> Row:
    """One registry."""
    return registry(name, resource_group_name).shown()


def list_registries(cmd: Any, resource_group_name: str | None = None, max_results: int | None = None) -> list[Row]:
    """All registries, or those of one group."""
    return Registry.list(root(), resource_group_name)[:max_results]


def edit(cmd: Any, resource_group_name: str, name: str | None = None, file: str | None = None) -> Row:
    """One registry, for `update`; what the file of --file says goes over it."""
    spec: Row = {}
    if file:
        from .load import changes_of

        spec = changes_of("registry", file, [("name", name)] if name else [])
    shown = registry(name or spec.get("name"), resource_group_name).shown()
    return editable({**shown, **{key: value for key, value in spec.items() if key in Registry.mutable}})


def describe(
    instance: Row,
    display_name: str | None = None,
    tags: dict[str, str] | None = None,
    public_network_access: str | None = None,
) -> Row:
    """Apply the flags that `registry update` has of its own."""
    given = {"display_name": display_name, "tags": tags, "public_network_access": public_network_access}
    return {**instance, **{key: value for key, value in given.items() if value is not None}}


def save(cmd: Any, parameters: Row, resource_group_name: str) -> Row:
    """Write back what an update made of the registry's document (`parameters`)."""
    found = registry(parameters["name"], resource_group_name)
    found.update(changes(found.shown(), parameters))
    return found.shown()


def delete(cmd: Any, name: str | None = None, resource_group_name: str | None = None) -> None:
    """Remove the registry and all its assets for good."""
    registry(name, resource_group_name).delete()


def share(
    cmd: Any,
    name: str,
    version: str,
    registry_name: str,
    share_with_name: str,
    share_with_version: str,
    resource_group_name: str | None = None,
    workspace_name: str | None = None,
) -> Row:
    """Copy a version of a workspace's asset into a registry."""
    kind = str(cmd.name.split()[1])
    source, target = (name, version), (share_with_name, share_with_version)
    return registry(registry_name).take(workspace(resource_group_name, workspace_name), kind, source, target)
