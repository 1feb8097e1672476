"""`az ml data`, `environment`, `component` and `model`: versions of named assets, of a workspace or of a registry."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_workspace import Workspace, WorkspaceError

from .session import holder, registry, workspace

if TYPE_CHECKING:
    from ml_workspace.holder import Holder

Row = dict[str, Any]


def create(
    cmd: Any,
    resource_group_name: str | None = None,
    workspace_name: str | None = None,
    registry_name: str | None = None,
    file: str | None = None,
    params_override: list[tuple[str, Any]] | None = None,
    **kwargs: Any,
) -> Row:
    """Create a version from a spec; flags that name a field (`kwargs`) and --set go over it."""
    from .load import document
    from .spec_errors import naming

    place, kind = holder(resource_group_name, workspace_name, registry_name), _kind(cmd)
    datastore = kwargs.pop("datastore", None)
    context, dockerfile = kwargs.pop("build_context", None), kwargs.pop("dockerfile_path", None)
    if context:
        kwargs["build"] = {"path": str(Path(context).resolve()), "dockerfile_path": dockerfile or "Dockerfile"}
    fields = [(name, value) for name, value in kwargs.items() if value is not None]
    doc = document(kind, file, [*fields, *(params_override or [])])
    if kind != "component":
        doc["datastore"] = str(datastore or doc.get("datastore") or "").removeprefix("azureml:")
    with naming(file):
        row: Row = _engine(place, kind, "create")(doc)
    return row


def show(
    cmd: Any,
    name: str,
    resource_group_name: str | None = None,
    workspace_name: str | None = None,
    registry_name: str | None = None,
    version: str | None = None,
    label: str | None = None,
) -> Row:
    """One version, by number or label."""
    return _get(holder(resource_group_name, workspace_name, registry_name), _kind(cmd), name, version, label)


def list_versions(
    cmd: Any,
    resource_group_name: str | None = None,
    workspace_name: str | None = None,
    registry_name: str | None = None,
    name: str | None = None,
    max_results: int | None = None,
    include_archived: bool = False,
    archived_only: bool = False,
    **kwargs: Any,
) -> list[Row]:
    """The names, or with a name its versions."""
    place = holder(resource_group_name, workspace_name, registry_name)
    rows: list[Row] = _engine(place, _kind(cmd), "list")(
        name=name, include_archived=include_archived, archived_only=archived_only, max_results=max_results, **kwargs
    )
    return rows


def archive(
    cmd: Any,
    name: str,
    resource_group_name: str | None = None,
    workspace_name: str | None = None,
    registry_name: str | None = None,
    version: str | None = None,
    label: str | None = None,
) -> None:
    """Hide a version, or without one all versions, from listings."""
    place = holder(resource_group_name, workspace_name, registry_name)
    _set_archived(True, place, _kind(cmd), name, version, label)


def restore(
    cmd: Any,
    name: str,
    resource_group_name: str | None = None,
    workspace_name: str | None = None,
    registry_name: str | None = None,
    version: str | None = None,
    label: str | None = None,
) -> None:
    """Undo `archive`."""
    place = holder(resource_group_name, workspace_name, registry_name)
    _set_archived(False, place, _kind(cmd), name, version, label)


def edit(
    cmd: Any,
    name: str,
    resource_group_name: str | None = None,
    workspace_name: str | None = None,
    registry_name: str | None = None,
    version: str | None = None,
    label: str | None = None,
) -> Row:
    """One version, for `update`."""
    return editable(show(cmd, name, resource_group_name, workspace_name, registry_name, version, label))


def save(
    cmd: Any,
    name: str,
    parameters: Row,
    resource_group_name: str | None = None,
    workspace_name: str | None = None,
    registry_name: str | None = None,
) -> Row:
    """Write back what --set, --add and --remove made of a version (`parameters`)."""
    place, kind = holder(resource_group_name, workspace_name, registry_name), _kind(cmd)
    version = parameters["version"]
    row: Row = _engine(place, kind, "update")(name, version, changes(_get(place, kind, name, version), parameters))
    return row


def set_stage(instance: Row, stage: str | None = None) -> Row:
    """Apply the flags that `model update` has of its own."""
    return {**instance, "stage": stage} if stage is not None else instance


def download(
    cmd: Any,
    name: str,
    version: str,
    resource_group_name: str | None = None,
    workspace_name: str | None = None,
    registry_name: str | None = None,
    download_path: str | None = None,
) -> None:
    """Copy a model's files to DOWNLOAD_PATH/NAME."""
    target = Path(download_path or ".").resolve()
    if registry_name:
        registry(registry_name).download_model(name, version, target)
    else:
        workspace(resource_group_name, workspace_name).models.download(name, version, target)


def editable(row: Row) -> Row:
    """A document for `update`: with the maps that --set may add to, as on Azure."""
    return {"tags": {}, "properties": {}, **row}


def changes(before: Row, after: Row) -> Row:
    """The fields in which an edited document differs from what it was; None for a field that is gone."""
    before, after = editable(before), dict(after)
    for key in ("tags", "properties"):
        # --set a.b=1 makes a number of 1; the service keeps texts.
        after[key] = {name: str(value) for name, value in (after.get(key) or {}).items()}
    return {key: after.get(key) for key in {**before, **after} if before.get(key) != after.get(key)}


def _set_archived(
    archived: bool, place: "Holder", kind: str, name: str, version: str | None, label: str | None
) -> None:
    if label:
        version = _get(place, kind, name, version, label)["version"]
    _engine(place, kind, "archive")(name, version, archived=archived)


def _get(place: "Holder", kind: str, name: str, version: str | None, label: str | None = None) -> Row:
    if version and label:
        raise WorkspaceError("Cannot specify both version and label.")
    if not version and not label and kind != "component":
        # Azure's client asks for one of them, so a command that leaves out both would only work here.
        raise WorkspaceError("Must provide either version or label.")
    row: Row = _engine(place, kind, "get")(name, version, label)
    return row


def _engine(place: "Holder", kind: str, verb: str) -> Callable[..., Any]:
    """A method of the engine for one kind of asset; a workspace's models live in MLflow, all others in the catalog."""
    if kind == "model" and isinstance(place, Workspace):
        method: Callable[..., Any] = getattr(place.models, verb)
        return method
    return partial(getattr(place.assets, verb), kind)


def _kind(cmd: Any) -> str:
    return str(cmd.name.split()[1])
