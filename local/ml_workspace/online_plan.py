"""From the document of an online deployment to its plan: what its servers run and how the router treats it."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import deployment_parts as parts
from . import machine
from .catalog import Row
from .errors import Unsupported, WorkspaceError
from .resolve import asset_reference, is_asset

if TYPE_CHECKING:
    from .workspace import Workspace

PROBE = {"initial_delay": 10, "period": 10, "timeout": 2, "failure_threshold": 30, "success_threshold": 1}
REQUEST = {"request_timeout_ms": 5000, "max_concurrent_requests_per_instance": 1}
MOST_TIME = 180_000  # milliseconds that a request may take, as on Azure
COLLECTED = "modelDataCollector"  # below workspaceblobstore
ROLLING = ("minute", "hour", "day")
# What a deployment without an environment of its own needs beside its model's packages.
SERVER_PACKAGES = ("azureml-inference-server-http~=1.5", "azureml-ai-monitoring~=1.0")


def make(ws: "Workspace", doc: Row, source: Path, before: Row | None) -> tuple[Row, Row]:
    """(document with references resolved, plan) of an online deployment.

    Args:
        doc: as azure-ai-ml gives it; names are checked already.
        source: the spec's folder, against which relative paths are resolved.
        before: the plan that is in force; servers are kept if what they run stays the same.

    Raises:
        NotFound, Unsupported, WorkspaceError: a field of the document; the message names it.
    """
    if doc.get("type", "managed") != "managed":
        raise Unsupported(f"type: {doc['type']}: the local workspace has managed online deployments only.")
    machine.refuse_gpus(doc.get("instance_type"), "instance_type")
    scale = (doc.get("scale_settings") or {}).get("type", "default")
    if scale != "default":
        raise Unsupported(f"scale_settings: type: {scale}: a managed online deployment has instance_count instances.")
    model = parts.model(ws, doc.get("model"))
    code = parts.code(ws, doc.get("code_configuration"), source)
    if code and before and before["server"]["code"] and before["server"]["code"]["sha256"] == code["sha256"]:
        code["folder"] = before["server"]["code"]["folder"]  # an id of code doesn't tell it
    reference, environment = _environment(ws, doc, model, code)
    request = {**REQUEST, **{k: v for k, v in (doc.get("request_settings") or {}).items() if v is not None}}
    timeout = _whole(request["request_timeout_ms"], "request_settings: request_timeout_ms", MOST_TIME)
    concurrency = _whole(
        request["max_concurrent_requests_per_instance"], "request_settings: max_concurrent_requests_per_instance"
    )
    instances = _whole(doc.get("instance_count") or 1, "instance_count", 1000)
    collector = _collector(ws, doc)
    server = {
        "model": parts.as_row(model),
        "code": code,
        "environment": environment,
        "variables": {str(k): str(v) for k, v in (doc.get("environment_variables") or {}).items()},
        "sampled": {name: c["rate"] for name, c in collector["collections"].items()} if collector else None,
    }
    processes = {
        "server": server, "liveness": _probe(doc, "liveness_probe"), "readiness": _probe(doc, "readiness_probe")
    }  # fmt: skip
    same = before is not None and {key: before[key] for key in processes} == processes
    plan = {
        **processes,
        "id": before["id"] if before and same else secrets.token_hex(4),
        "instances": instances,
        "timeout_ms": timeout,
        "limit": 2 * concurrency * instances,
        "collector": collector,
    }
    resolved: Row = {"model": model.id if model else None, "environment": reference, "instance_count": instances}
    if code:
        resolved["code_configuration"] = {"code": code["code"], "scoring_script": code["script"]}
    defaults = {"type": "managed", "app_insights_enabled": False, "scale_settings": {"type": "default"}}
    return {**defaults, **{k: v for k, v in doc.items() if v is not None}, **resolved}, plan


def _environment(
    ws: "Workspace", doc: Row, model: parts.Model | None, code: Row | None
) -> tuple[str | None, dict[str, Any]]:
    """(what the document says, the environment): an MLflow model brings its own if none is named."""
    no_code = model is not None and model.type == "mlflow_model" and code is None
    if doc.get("environment"):
        if not code and not no_code:
            raise WorkspaceError(
                "code_configuration: is missing: name the code and its scoring_script. Only a model of type "
                "mlflow_model can be deployed without."
            )
        return parts.environment(ws, doc["environment"])
    if not no_code or model is None:
        raise WorkspaceError(
            "environment: is missing. Only a model of type mlflow_model without code_configuration brings its own."
        )
    environment = parts.environment_of_model(model, SERVER_PACKAGES)
    ws.environments.digest(environment)  # refuses what can't be built here
    return None, environment


def _probe(doc: Row, field: str) -> dict[str, int]:
    given = {key: value for key, value in (doc.get(field) or {}).items() if value is not None}
    return {key: _whole(given.get(key, default), f"{field}: {key}", least=int(key != "initial_delay"))
            for key, default in PROBE.items()}  # fmt: skip


def _whole(value: Any, field: str, most: int | None = None, least: int = 1) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = least - 1
    if number < least or (most is not None and number > most) or number != float(value):
        limits = f"at least {least}" + (f" and at most {most}" if most else "")
        raise WorkspaceError(f"{field}: {value!r}: a whole number of {limits} is needed.")
    return number


def _collector(ws: "Workspace", doc: Row) -> Row | None:
    """What is collected and where it goes: collections with rate, folder and data asset; None if nothing is."""
    given = doc.get("data_collector") or {}
    rolling, rate = given.get("rolling_rate") or "hour", given.get("sampling_rate")
    rate = 1.0 if rate is None else float(rate)
    if not 0 <= rate <= 1:
        raise WorkspaceError(f"data_collector: sampling_rate: {rate:g} is not between 0 and 1.")
    if rolling not in ROLLING:
        raise WorkspaceError(f"data_collector: rolling_rate: '{rolling}' is not one of {', '.join(ROLLING)}.")
    base = f"{COLLECTED}/{doc['endpoint_name']}/{doc['name']}"
    collections = {}
    for name, settings in (given.get("collections") or {}).items():
        if str((settings or {}).get("enabled")).lower() == "true":
            lowered = str(name).lower()  # as the collector's package does
            default = {
                "name": f"{doc['endpoint_name']}-{doc['name']}-{lowered}",
                "version": "1",
                "path": f"azureml://datastores/workspaceblobstore/paths/{base}/{lowered}",
            }
            asset = _asset(ws, settings.get("data"), default, f"data_collector: collections: {name}: data")
            collections[lowered] = {"rate": rate, "asset": asset}
    if not collections:
        return None
    headers = (given.get("request_logging") or {}).get("capture_headers") or []
    return {"base": base, "rolling_rate": rolling, "capture_headers": headers, "collections": collections}


def _asset(ws: "Workspace", given: Any, default: Row, field: str) -> Row:
    """name, version and path of the data asset of a collection."""
    if isinstance(given, str):
        if not is_asset(given):
            raise WorkspaceError(f"{field}: {given} is not azureml:NAME:VERSION.")
        name, version, _ = asset_reference(given)
        given = {"name": name, "version": version}
    asset = {**default, **{key: str(value) for key, value in (given or {}).items() if value and key in default}}
    if ws.resolve.datastore_path(asset["path"]) is None:
        raise WorkspaceError(f"{field}: path: {asset['path']} is not azureml://datastores/NAME/paths/PATH.")
    return asset


def register_collected(ws: "Workspace", plan: Row) -> None:
    """Make the data assets that the records of a deployment can be read by, and their folders.

    Raises:
        Conflict: one exists with another path.
    """
    for collection in (plan["collector"] or {"collections": {}})["collections"].values():
        asset = collection["asset"]
        place = ws.resolve.datastore_path(asset["path"])
        assert place is not None  # see _asset
        place.mkdir(parents=True, exist_ok=True)
        ws.assets.create("data", {**asset, "type": "uri_folder"})
