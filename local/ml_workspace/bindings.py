"""Inputs and outputs of a job bound to what it declares."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import literals
from .errors import WorkspaceError
from .graph import source_of
from .jobs_text import PARENT_OUTPUT, binding

if TYPE_CHECKING:
    from .workspace import Workspace


@contextmanager
def in_field(name: str) -> Iterator[None]:
    """Put a field before the message of what goes wrong with it."""
    try:
        yield
    except WorkspaceError as error:
        raise type(error)(f"{name}: {error}") from error


def declare(doc: dict[str, Any]) -> dict[str, Any]:
    """Declarations of a job without component, from the values that it gives."""
    inputs = {
        name: {"type": value.get("type") or "uri_folder"}
        if isinstance(value, dict)
        else {"type": literals.type_of(value)}
        for name, value in (doc.get("inputs") or {}).items()
    }
    outputs = {
        name: {"type": (value or {}).get("type") or "uri_folder"} for name, value in (doc.get("outputs") or {}).items()
    }
    return {"inputs": inputs, "outputs": outputs}


def inputs(
    ws: "Workspace",
    source: Path,
    values: dict[str, Any],
    declared: dict[str, Any],
    where: str,
    given: set[str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Values bound to the declared inputs; those in `given` come from elsewhere."""
    for name in values:
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise WorkspaceError(f"{where}inputs.{name}: there is no such input; the component has: {known}.")
    bound = {}
    for name, declaration in declared.items():
        value = values.get(name)
        value = declaration.get("default") if value is None else value
        if value is not None:
            bound[name] = _input(ws, source, value, declaration, f"{where}inputs.{name}")
        elif not declaration.get("optional") and name not in (given or ()):
            raise WorkspaceError(f"{where}inputs.{name}: a value is required.")
    return bound


def _input(ws: "Workspace", source: Path, value: Any, declared: dict[str, Any], where: str) -> dict[str, Any]:
    expression = binding(value)
    if expression:
        return {"from": source_of(expression, where)}
    if declared.get("type", "string") in literals.TYPES:
        return {"literal": literals.text(value, declared, where)}
    path = value.get("path") if isinstance(value, dict) else value
    if not isinstance(path, str):
        raise WorkspaceError(f"{where}: {declared.get('type')} needs a path.")
    return _data(ws, source, path, value.get("type") if isinstance(value, dict) else None, declared["type"], where)


def _data(ws: "Workspace", source: Path, path: str, given: str | None, declared: str, where: str) -> dict[str, Any]:
    if path.startswith(("azureml:/subscriptions", "/subscriptions")) or (
        path.startswith("azureml:") and "://" not in path
    ):
        models = (given or declared).endswith("_model")
        with in_field(where):
            asset, kind, uri = ws.resolve.asset(path, models)
        if not literals.compatible(kind, declared):
            raise WorkspaceError(f"{where}: {asset} is of type {kind}, and the input takes {declared}.")
        return {"uri": uri, "type": kind, "asset": asset}
    if "://" not in path:
        local = Path(path) if Path(path).is_absolute() else source / path
        if local.exists() and local.is_dir() == (declared == "uri_file"):
            raise WorkspaceError(f"{where}: {path} is a {'folder' if local.is_dir() else 'file'}, not a {declared}.")
        return {"uri": ws.assets.upload(local, where), "type": declared, "asset": None}
    with in_field(where):
        ws.resolve.path(path)  # refuses what can't be read, now and not in the middle of the job
    return {"uri": path, "type": declared, "asset": None}


def outputs(given: dict[str, Any], declared: dict[str, Any], where: str) -> dict[str, dict[str, Any]]:
    outputs: dict[str, dict[str, Any]] = {}
    for name in given:
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise WorkspaceError(f"{where}outputs.{name}: there is no such output; the component has: {known}.")
    for name, declaration in declared.items():
        value = given.get(name)
        expression = binding(value) or ""
        found = PARENT_OUTPUT.match(expression)
        if expression and not found and "parent." in expression:
            raise WorkspaceError(f"{where}outputs.{name}: {expression} is no output of the pipeline.")
        own = {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else {}
        if found:
            own = {"parent": found[1], **{k: v for k, v in own.items() if k != "path"}}
        outputs[name] = {
            "type": "uri_folder",
            **{k: v for k, v in declaration.items() if k in ("type", "mode", "path")},
            **own,
        }
    return outputs
