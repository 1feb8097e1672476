"""Inputs and outputs of a job bound to what it declares."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import literals, remote
from . import outputs as places
from .errors import Unsupported, WorkspaceError
from .graph import PARENT, source_of
from .jobs_text import PARENT_OUTPUT, binding
from .resolve import is_asset

if TYPE_CHECKING:
    from .plan import Plan
    from .workspace import Workspace


@contextmanager
def below(place: str) -> Iterator[None]:
    """Put the place of a node before messages that start with a field of it."""
    try:
        yield
    except WorkspaceError as error:
        raise type(error)(f"{place}{error}") from error


def in_field(name: str) -> AbstractContextManager[None]:
    """Put a field before the message of what goes wrong with it."""
    return below(f"{name}: ")


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
    if is_asset(path):
        models = (given or declared).endswith("_model")
        with in_field(where):
            asset, kind, uri = ws.resolve.asset(path, models)
        if not literals.compatible(kind, declared):
            raise WorkspaceError(f"{where}: {asset} is of type {kind}, and the input takes {declared}.")
        if remote.is_remote(uri):
            remote.validate(uri, kind, where)
        return {"uri": uri, "type": kind, "asset": asset}
    if given == "uri_file" and declared == "uri_folder":
        declared = given  # as on Azure, where the input takes what its value says that it is
    if "://" not in path or path.startswith("file://"):
        local = source / path.removeprefix("file://")
        if local.exists() and local.is_dir() == (declared == "uri_file"):
            raise WorkspaceError(f"{where}: {path} is a {'folder' if local.is_dir() else 'file'}, not a {declared}.")
        return {"uri": ws.assets.upload(local, where), "type": declared, "asset": None}
    if remote.is_remote(path):
        remote.validate(path, declared, where)
        return {"uri": path, "type": declared, "asset": None}
    with in_field(where):
        ws.resolve.path(path)  # refuses what can't be read, now and not in the middle of the job
    return {"uri": path, "type": declared, "asset": None}


def with_modes(declared: dict[str, Any], values: dict[str, Any], plan: "Plan", around: "Plan | None") -> dict[str, Any]:
    """Declarations of inputs with the mode in which each is delivered.

    A node's value decides, then its component, then the input of the pipeline `around` that the value is bound to.
    """
    found = {}
    for name, declaration in declared.items():
        value = values.get(name)
        source, key = plan.inputs.get(name, {}).get("from") or (None, None)
        outer = (around.spec.get("inputs") or {}).get(key) if around and source == PARENT else None
        mode = (value.get("mode") if isinstance(value, dict) else None) or declaration.get("mode")
        mode = mode or (outer or {}).get("mode")
        found[name] = {**declaration, "mode": mode} if mode else declaration
    return found


def refuse_evaluation(declared: dict[str, Any], where: str) -> None:
    """Refuse the modes in which a script is given the files that an MLTable lists.

    Raises:
        Unsupported: it names the input.
    """
    for name, declaration in declared.items():
        mode = str(declaration.get("mode"))
        if mode.startswith("eval_"):
            raise Unsupported(
                f"{where}inputs.{name}.mode: the local workspace has {mode} only for the input_data of parallel jobs; "
                "use ro_mount, and mltable.load in the script."
            )


def outputs(ws: "Workspace", given: dict[str, Any], declared: dict[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """Settings of the declared outputs with what is given over them."""
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
        places.validate(ws, name, outputs[name], f"{where}outputs.{name}")
    return outputs
