"""Outputs of jobs: where they are written, and named ones registered as assets."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import WorkspaceError
from .values import Value

if TYPE_CHECKING:
    from .workspace import Workspace


def place(ws: "Workspace", job: str, name: str, setting: dict[str, Any], datastore: str) -> str:
    """URI of where an output is written: its own path, else azureml/<job>/<output> in the default datastore."""
    own = setting.get("path")
    if not own:
        return f"azureml://datastores/{datastore}/paths/azureml/{job}/{name}"
    for expression, value in (("name", job), ("default_datastore", datastore), ("output_name", name)):
        own = own.replace(f"${{{{{expression}}}}}", value)
    if ws.resolve.datastore_path(own) is None:
        raise WorkspaceError(f"outputs.{name}.path: {own} is not an azureml://datastores/… URI.")
    return str(own)


def prepare(ws: "Workspace", uri: str, kind: str) -> Path:
    """The local path of an output, its folder made (for a file, the folder that it is to lie in)."""
    path = ws.resolve.path(uri)
    (path.parent if kind == "uri_file" else path).mkdir(parents=True, exist_ok=True)
    return path


def register(ws: "Workspace", job: str, setting: dict[str, Any], value: Value) -> str:
    """Register a named output as an asset and return its reference; what is registered already keeps its version."""
    name, version = setting["name"], setting.get("version")
    assets = ws.models if value.type.endswith("_model") else None
    known = assets.list(name) if assets else ws.assets.list("data", name)
    for document in known:
        if (document.get("properties") or {}).get("azureml.output") == value.uri and version in (
            None,
            document["version"],
        ):
            return f"azureml:{name}:{document['version']}"
    document = {
        "name": name,
        "path": value.uri,
        "type": value.type,
        "properties": {"azureml.output": value.uri, "azureml.job": job},
    }
    if version:
        document["version"] = str(version)
    made = assets.create(document) if assets else ws.assets.create("data", document)
    return f"azureml:{name}:{made['version']}"


def uri_of(ws: "Workspace", path: Path) -> str:
    """The azureml:// URI of a place in one of the workspace's datastores."""
    datastore, _, rest = path.relative_to(ws.path / "datastores").as_posix().partition("/")
    return f"azureml://datastores/{datastore}/paths/{rest}"
