"""Outputs of jobs: where they are written, and named ones registered as assets."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import Unsupported, WorkspaceError
from .values import Value
from .workspace import NAME

if TYPE_CHECKING:
    from .plan import Plan
    from .workspace import Workspace

OUTPUT = re.compile(r"[\w-]{1,255}", re.ASCII)


def default_datastore(settings: dict[str, Any]) -> str:
    """Name of the datastore for outputs of a pipeline with these settings."""
    return str(settings.get("default_datastore") or "workspaceblobstore").rpartition("/")[2].removeprefix("azureml:")


def validate(ws: "Workspace", name: str, setting: dict[str, Any], where: str) -> None:
    """Refuse what an output can't be, before anything runs.

    Raises:
        WorkspaceError: name, version or path is wrong; NotFound: no such datastore.
        Unsupported: its mode.
    """
    if not OUTPUT.fullmatch(name):
        raise WorkspaceError(f"{where}: the name of an output has letters, digits, '-' and '_'.")
    if setting.get("mode") == "direct":
        raise Unsupported(f"{where}.mode: the local workspace has no direct outputs; use rw_mount or upload.")
    for field in ("name", "version"):
        value = setting.get(field)
        if value is not None and not NAME.match(str(value)):
            raise WorkspaceError(f"{where}.{field}: '{value}': letters, digits, '-', '_' and '.', at most 255.")
    if setting.get("path"):
        try:
            place(ws, "job", name, setting, "workspaceblobstore")
        except WorkspaceError as error:
            raise type(error)(f"{where}.path: {error}") from error


def place(ws: "Workspace", job: str, name: str, setting: dict[str, Any], datastore: str) -> str:
    """URI of where an output is written: its own path, else azureml/<job>/<output> in the default datastore."""
    own = setting.get("path")
    if not own:
        return f"azureml://datastores/{datastore}/paths/azureml/{job}/{name}"
    for expression, value in (("name", job), ("default_datastore", datastore), ("output_name", name)):
        own = own.replace(f"${{{{{expression}}}}}", value)
    if "${{" in own:
        known = "${{name}}, ${{output_name}} and ${{default_datastore}}"
        raise WorkspaceError(f"{own}: the path of an output knows only {known}.")
    path = ws.resolve.datastore_path(own)
    if path is None:
        raise WorkspaceError(f"{own} is not an azureml://datastores/… URI.")
    if path.parent == ws.path / "datastores":
        raise WorkspaceError(f"{own} is the whole datastore; give the output a folder in it.")
    return str(own)


def prepare(ws: "Workspace", uri: str, kind: str) -> Path:
    """The local path of an output, its folder made (for a file, the folder that it is to lie in)."""
    path = ws.resolve.path(uri)
    (path.parent if kind == "uri_file" else path).mkdir(parents=True, exist_ok=True)
    return path


def taken(ws: "Workspace", plan: "Plan", where: str = "") -> Iterator[str]:
    """What to warn of: outputs whose name and version exist.

    That is no error yet: a step that is reused has them already, and equal content is no conflict.
    """
    for output, setting in plan.outputs.items():
        name, version = setting.get("name"), setting.get("version")
        if name and version:
            models = ws.models if str(setting["type"]).endswith("_model") else None
            known = models.list(name, True) if models else ws.assets.list("data", name, include_archived=True)
            if str(version) in [document["version"] for document in known]:
                yield (
                    f"{where}outputs.{output}: {name}:{version} exists, and versions are immutable: the job fails at "
                    "its end unless it makes the same again. Leave out the version, and the output becomes the next."
                )
    for job, node in plan.jobs.items():
        yield from taken(ws, node, f"{where}jobs.{job}.")


def register(ws: "Workspace", job: str, setting: dict[str, Any], value: Value) -> str:
    """Register a named output as an asset and return its reference.

    What is the newest version already keeps its number. An older one, of a step that is reused, is registered anew, so
    that `latest` is what the last job made.
    """
    name, version = setting["name"], setting.get("version")
    assets = ws.models if value.type.endswith("_model") else None
    known = assets.list(name) if assets else ws.assets.list("data", name)
    for document in known if version else known[:1]:
        properties = document.get("properties") or {}
        known_as = (properties.get("azureml.output"), properties.get("azureml.writer"))
        if known_as == (value.uri, value.writer) and version in (None, document["version"]):
            return f"azureml:{name}:{document['version']}"
    document = {
        "name": name,
        "path": value.uri,
        "type": value.type,
        "properties": {"azureml.output": value.uri, "azureml.writer": value.writer, "azureml.job": job},
    }
    if version:
        document["version"] = str(version)
    made = assets.create(document) if assets else ws.assets.create("data", document)
    return f"azureml:{name}:{made['version']}"


def uri_of(ws: "Workspace", path: Path) -> str:
    """The azureml:// URI of a place in one of the workspace's datastores."""
    datastore, _, rest = path.relative_to(ws.path / "datastores").as_posix().partition("/")
    return f"azureml://datastores/{datastore}/paths/{rest}"
