"""What `az ml batch-endpoint invoke` is given, as the request that the engine takes."""

import contextlib
from pathlib import Path
from typing import Any

from ml_workspace import Unsupported, Workspace, WorkspaceError

from .updates import Overrides

Row = dict[str, Any]
LITERALS = {"string": str, "integer": int, "number": float, "boolean": bool}
DATA = ("uri_file", "uri_folder", "mltable", "mlflow_model", "custom_model", "triton_model")
SPEC = ("inputs", "outputs", "deployment")
# The other fields that --set reaches, of azure-ai-ml's BatchJobSchema: where they go in the request, and their type.
FIELDS: dict[str, tuple[tuple[str, ...], type]] = {
    "job_name": (("job_name",), str),
    "properties.experimentName": (("experiment_name",), str),
    "compute.instance_count": (("instance_count",), int),
    "mini_batch_size": (("mini_batch_size",), int),
    "error_threshold": (("settings", "error_threshold"), int),
    "output_file_name": (("settings", "output_file_name"), str),
    "retry_settings.max_retries": (("settings", "retry_settings", "max_retries"), int),
    "retry_settings.timeout": (("settings", "retry_settings", "timeout"), int),
}


def specification(file: str | None, inputs: str | None, outputs: str | None, overrides: Overrides) -> Row:
    """Inputs, outputs and deployment of a job: those of the file, over them the flags, over them --set.

    Args:
        file: YAML with `inputs`, `outputs` and `deployment`.
        inputs: YAML or JSON of a map of inputs; `outputs` one of outputs.
        overrides: what --set gives of them.

    Raises:
        WorkspaceError: something of it can't be read.
    """
    spec: Row = {}
    if file:
        try:
            text = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise WorkspaceError(f"--file {file} can't be read: {error}.") from error
        spec = _map(text, f"--file {file}")
    for key, value in (("inputs", inputs), ("outputs", outputs)):
        if value is not None:
            spec[key] = {**(spec.get(key) or {}), **_map(value, f"--{key}")}
    for field, value in overrides:
        _put(spec, field.split("."), value)
    return spec


def inputs_of(spec: Row) -> Row:
    """The inputs of a request: data with type and path, literals with type and value; local paths absolute.

    Raises:
        WorkspaceError: it names the input.
    """
    return {name: _input(f"inputs.{name}", given) for name, given in (spec.get("inputs") or {}).items()}


def outputs_of(spec: Row) -> Row:
    """The outputs of a request.

    Raises:
        WorkspaceError: it names the output.
    """
    found = {}
    for name, given in (spec.get("outputs") or {}).items():
        if not isinstance(given, dict) or given.get("type") not in DATA:
            raise WorkspaceError(f"outputs.{name}: it needs a type ({', '.join(DATA)}) and a path.")
        found[name] = {key: given[key] for key in ("type", "path", "mode") if given.get(key) is not None}
    return found


def single_input(ws: Workspace, path: str, kind: str | None) -> Row:
    """The one input that --input names, under the name that the service gives it.

    Without --input-type a registered asset has its own type, all else is a folder, as for Azure's client.

    Raises:
        WorkspaceError: a type that it can't have.
    """
    if kind is None and path.startswith("azureml:") and not path.startswith(("azureml://", "azureml:/")):
        name, _, label = path.removeprefix("azureml:").partition("@")
        name, _, version = name.partition(":")
        kind = ws.assets.get("data", name, version or None, label or None)["type"]
    kind = kind or "uri_folder"
    if kind not in ("uri_file", "uri_folder"):
        raise WorkspaceError(f"--input {path}: it is of type {kind}; give data of type uri_file or uri_folder.")
    name = "UriFile" if kind == "uri_file" else "UriFolder"
    return {name: {"type": kind, "path": _absolute(path)}}


def fields_of(overrides: Overrides) -> Row:
    """The fields of a request that --set gives besides inputs and outputs.

    Raises:
        Unsupported: a field that invoke has not.
        WorkspaceError: not a number where one belongs.
    """
    request: Row = {}
    for field, value in overrides:
        if field not in FIELDS:
            known = ", ".join([*(f"{name}.…" for name in SPEC[:2]), *FIELDS])
            raise Unsupported(f"--set {field}: invoke can't set it. It sets: {known}.")
        place, kind = FIELDS[field]
        try:
            _put(request, list(place), kind(value))
        except ValueError as error:
            raise WorkspaceError(f"--set {field}: '{value}' is not a whole number.") from error
    return request


def _input(field: str, given: Any) -> Row:
    if not isinstance(given, dict):
        kind = next((name for name, type_ in LITERALS.items() if type(given) is type_), None)
        if kind is None:
            raise WorkspaceError(f"{field}: '{given}' is no input; give a literal, or a map with type and path.")
        return {"type": kind, "value": given}
    kind = given.get("type")
    if kind in LITERALS:
        return {"type": kind, "value": given.get("default")}
    if kind not in DATA:
        raise WorkspaceError(f"{field}.type: '{kind}' is not one of {', '.join((*DATA, *LITERALS))}.")
    if not given.get("path"):
        raise WorkspaceError(f"{field}.path: it is missing.")
    return {"type": kind, "path": _absolute(str(given["path"]))}


def _absolute(path: str) -> str:
    """A local path from where the command runs, as Azure's client takes it; anything else as it is."""
    from .load import remote

    return path if remote(path) else str(Path(path).expanduser().resolve())


def _map(text: str, what: str) -> Row:
    import yaml

    found = None
    with contextlib.suppress(yaml.YAMLError):
        found = yaml.safe_load(text)
    if not isinstance(found, dict):
        raise WorkspaceError(f"{what}: it is not a map in YAML or JSON.")
    return found


def _put(place: Row, keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        if not isinstance(place.get(key), dict):
            place[key] = {}
        place = place[key]
    place[keys[-1]] = value
