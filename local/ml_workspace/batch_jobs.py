"""The pipeline jobs that batch endpoints submit, as documents."""

import hashlib
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import bindings, deployment_parts, outputs, remote
from .deployment_parts import Model
from .errors import Unsupported, WorkspaceError
from .resolve import is_asset

if TYPE_CHECKING:
    from .workspace import Workspace

STEP, INPUT, SCORE = "batchscoring", "job_data", "score"  # names in the job of a model deployment
DATA = ("uri_file", "uri_folder")
# Azure's documentation names a place in a datastore by the datastore's id, too.
IN_DATASTORE = re.compile(r"^(?:azureml:)?/subscriptions/.+/datastores/(?P<name>[^/]+)/paths/(?P<path>.*)$")
ANYTHING = "azureml://datastores/workspaceblobstore/paths/"  # for the check of a deployment that has no input yet
DATASTORE = "workspaceblobstore"


def scoring(
    ws: "Workspace", plan: dict[str, Any], settings: dict[str, Any], data: dict[str, Any], uri: str
) -> dict[str, Any]:
    """The job of a model deployment: one step, in which worker processes run the scoring script on mini-batches.

    Args:
        plan: model, code (id and script), environment and compute of the deployment.
        settings: whole, see `batch_settings`.
        data: type and path of what is scored.
        uri: of the folder in a datastore where it writes.
    """
    variables = {
        **settings["environment_variables"],
        # Scripts that write files of their own write them there.
        "AZUREML_BI_OUTPUT_PATH": str(ws.resolve.path(uri)),
    }
    if plan["model"]:
        variables["AZUREML_MODEL_DIR"] = str(_laid(ws, Model(**plan["model"])))
    task = {
        "type": "run_function",
        "code": plan["code"]["code"],
        "entry_script": plan["code"]["script"],
        "environment": plan["environment"],
    }
    if settings["output_action"] == "append_row":
        task |= {"append_row_to": f"${{{{outputs.{SCORE}}}}}", "append_row_file_name": settings["output_file_name"]}
    fields = ("max_concurrency_per_instance", "error_threshold", "logging_level", "retry_settings")
    component = {
        "type": "parallel",
        "inputs": {INPUT: {"type": data["type"]}},
        "outputs": {SCORE: {"type": "uri_folder"}},
        "input_data": f"${{{{inputs.{INPUT}}}}}",
        "mini_batch_size": str(settings["mini_batch_size"]),
        **{field: settings[field] for field in fields},
        "resources": {"instance_count": settings["instance_count"]},
        "environment_variables": variables,
        "is_deterministic": False,  # who scores twice wants it done twice
        "task": task,
    }
    step = {
        "type": "parallel",
        "component": component,
        "inputs": {INPUT: f"${{{{parent.inputs.{INPUT}}}}}"},
        "outputs": {SCORE: f"${{{{parent.outputs.{SCORE}}}}}"},
    }
    return {
        "type": "pipeline",
        "settings": {"default_compute": plan["compute"]} if plan["compute"] else {},
        "inputs": {INPUT: data},
        "outputs": {SCORE: {"type": "uri_folder", "path": uri}},
        "jobs": {STEP: step},
    }


def refuse_what_is_there(ws: "Workspace", uri: str, settings: dict[str, Any]) -> None:
    """As on Azure, the predictions of another job are never written over.

    Raises:
        WorkspaceError: the folder at `uri` has a file of that name.
    """
    name = settings.get("output_file_name")
    if name and (ws.resolve.path(uri) / name).exists():
        raise WorkspaceError(
            f"outputs.{SCORE}.path: there is a file {name} at {uri} already; give another path or output_file_name."
        )


def pipeline(plan: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """The job of a pipeline component deployment, with inputs and outputs by their names in the component."""
    for field in ("mini_batch_size", "instance_count", "output_path"):
        if request.get(field) is not None:
            raise WorkspaceError(f"{field}: it is for model deployments, and this one is of a pipeline component.")
    if request.get("settings"):
        names = ", ".join(request["settings"])
        raise WorkspaceError(f"{names}: only model deployments can be set so, and this one is of a pipeline component.")
    inputs = {
        name: value["value"] if value.get("value") is not None else _with_plain_uri(value)
        for name, value in (request.get("inputs") or {}).items()
    }
    named = {name: _with_plain_uri(value) for name, value in (request.get("outputs") or {}).items()}
    return {
        "type": "pipeline",
        "component": plan["component"],
        "settings": plan["settings"],
        "inputs": inputs,
        "outputs": named,
    }


def only_input(ws: "Workspace", request: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """(name, {type, path}) of what a model deployment is to score.

    Raises:
        WorkspaceError: there is no input, more than one, or none of data.
    """
    given = request.get("inputs") or {}
    if len(given) != 1:
        count = f"{len(given)} are given: {', '.join(given)}" if given else "none is given (--input)"
        raise WorkspaceError(f"inputs: a model deployment scores the data of one input, and {count}.")
    name, value = next(iter(given.items()))
    if not value.get("path"):
        raise WorkspaceError(f"inputs.{name}: a model deployment takes data, so it needs a path, not a value.")
    value = _with_plain_uri(value)
    path, kind = str(value["path"]), value.get("type")
    if not kind and is_asset(path):
        with bindings.in_field(f"inputs.{name}"):
            kind = ws.resolve.asset(path, False)[1]
    kind = kind or ("uri_file" if "://" not in path and Path(path).is_file() else "uri_folder")
    if kind not in DATA:
        raise Unsupported(f"inputs.{name}: a model deployment takes {' or '.join(DATA)}, as on Azure, and no {kind}.")
    return name, {"type": kind, "path": path}


def place(ws: "Workspace", job: str, request: dict[str, Any]) -> str:
    """URI of the folder that a model deployment writes to: as it is given, else one of the job's own.

    Raises:
        WorkspaceError: more than one is given, or it is none in a datastore.
    """
    given = {f"outputs.{name}.path": value for name, value in (request.get("outputs") or {}).items()}
    given["output_path"] = {"path": request.get("output_path")}
    paths = {field: _with_plain_uri(value)["path"] for field, value in given.items() if value.get("path")}
    if len(paths) > 1:
        raise WorkspaceError(f"{' and '.join(paths)}: a model deployment has one output; give one path.")
    field, path = next(iter(paths.items()), ("outputs", None))
    with bindings.in_field(field):
        return outputs.place(ws, job, SCORE, {"path": path}, DATASTORE)


def checked_data(
    ws: "Workspace", source: Path, values: dict[str, Any], declared: dict[str, Any], filled: bool
) -> dict[str, Any]:
    """The inputs with local data uploaded, once it is known that it can be read.

    Args:
        source: folder where relative local paths start.
        declared: declarations of all inputs that there are.
        filled: whether a folder has to have something in it.

    Raises:
        WorkspaceError: an input that isn't declared, of the wrong type, missing, or empty.
    """
    checked = {}
    for name, bound in bindings.inputs(ws, source, values, declared, "").items():
        if "uri" in bound and name in values and not remote.is_remote(bound["uri"]):
            given, place = values[name]["path"], ws.resolve.path(bound["uri"])
            if not place.exists():
                raise WorkspaceError(f"inputs.{name}: there is nothing at {given}.")
            if bound["type"] in (*DATA, "mltable") and place.is_dir() == (bound["type"] == "uri_file"):
                is_, wanted = ("folder", "uri_file") if place.is_dir() else ("file", bound["type"])
                raise WorkspaceError(f"inputs.{name}: {given} is a {is_}, and the type of the input is {wanted}.")
            if filled and place.is_dir() and not any(path.is_file() for path in place.rglob("*")):
                raise WorkspaceError(f"inputs.{name}: nothing to score in {given}: there is no file in it.")
        if "uri" in bound and name in values:
            checked[name] = {**values[name], "type": bound["type"], "path": bound["asset"] or bound["uri"]}
        elif name in values:
            checked[name] = values[name]
    return checked


def _with_plain_uri(value: dict[str, Any]) -> dict[str, Any]:
    found = IN_DATASTORE.match(str(value.get("path") or ""))
    return {**value, "path": f"azureml://datastores/{found['name']}/paths/{found['path']}"} if found else value


def _laid(ws: "Workspace", model: Model) -> Path:
    """AZUREML_MODEL_DIR of a model version, laid out once for all jobs that use it."""
    key = hashlib.sha256(f"{model.id} {model.place}".encode()).hexdigest()[:16]
    home = ws.path / "batch" / "models" / key
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent, prefix=".draft-") as draft:
            deployment_parts.lay_model(model, Path(draft) / "laid")
            try:
                (Path(draft) / "laid").rename(home)
            except OSError:  # another process was quicker, with the same
                if not home.exists():
                    raise
    return home / "azureml-models" / model.name / model.version
