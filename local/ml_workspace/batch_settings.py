"""Settings of batch deployments and of their invocations: defaults, and what is refused."""

from typing import Any

from .errors import Unsupported, WorkspaceError

# As azure-ai-ml's classes document them.
DEFAULTS: dict[str, Any] = {
    "mini_batch_size": 10,
    "max_concurrency_per_instance": 1,
    "output_action": "append_row",
    "error_threshold": -1,
    "logging_level": "info",
}
OUTPUT_FILE = "predictions.csv"
RETRY = {"max_retries": 3, "timeout": 30}
OF_A_MODEL = (*DEFAULTS, "output_file_name", "retry_settings", "environment_variables", "instance_count")
OF_A_PIPELINE = (
    "default_compute",
    "default_datastore",
    "continue_on_step_failure",
    "continue_run_on_failed_optional_input",
    "force_rerun",
)
OF_A_JOB = ("mini_batch_size", "error_threshold", "output_file_name", "retry_settings", "compute")
LEVELS = ("info", "warning", "debug")
LEAST = {"mini_batch_size": 1, "max_concurrency_per_instance": 1, "error_threshold": -1}
LEAST_OF_RETRY = {"max_retries": 0, "timeout": 1}


def of_model(doc: dict[str, Any]) -> dict[str, Any]:
    """The settings of a model deployment, whole, `instance_count` among them.

    Args:
        doc: the deployment; settings stand in its `settings`, or in the older form in the document itself.

    Raises:
        WorkspaceError: one of them is unknown or can't be what it is.
    """
    given = {key: doc[key] for key in OF_A_MODEL if doc.get(key) is not None}
    inner = {key: value for key, value in (doc.get("settings") or {}).items() if value is not None}
    _refuse_unknown(inner, OF_A_MODEL, "settings.")
    instances = (doc.get("resources") or {}).get("instance_count")
    variables = {**(given.get("environment_variables") or {}), **(inner.get("environment_variables") or {})}
    own = {"instance_count": instances or 1, **DEFAULTS, **given, **inner}
    return _checked({**own, "environment_variables": {name: str(value) for name, value in variables.items()}})


def of_job(settings: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """The settings of one job: those of its deployment with what the invocation says over them.

    Args:
        settings: what `of_model` gave.
        request: see `batch.BatchEndpoints.invoke`.

    Raises:
        WorkspaceError: one of them is unknown or can't be what it is.
    """
    over = {key: value for key, value in (request.get("settings") or {}).items() if value is not None}
    _refuse_unknown(over, OF_A_JOB, "")
    compute = over.pop("compute", None) or {}
    _refuse_unknown(compute, ("instance_count", "target"), "compute.")
    own = {"instance_count": compute.get("instance_count"), **over}
    own |= {key: request[key] for key in ("mini_batch_size", "instance_count") if request.get(key) is not None}
    own["retry_settings"] = {**settings["retry_settings"], **_present(own.get("retry_settings"))}
    return _checked({**settings, **{key: value for key, value in own.items() if value is not None}})


def of_pipeline(doc: dict[str, Any]) -> dict[str, Any]:
    """The settings of a pipeline component deployment.

    Raises:
        WorkspaceError: one of them is unknown or can't be what it is.
    """
    given = {key: value for key, value in (doc.get("settings") or {}).items() if value is not None}
    _refuse_unknown(given, OF_A_PIPELINE, "settings.")
    return {k: v if k.startswith("default_") else _boolean(v, f"settings.{k}") for k, v in given.items()}


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    found = {**settings, "retry_settings": {**RETRY, **_present(settings.get("retry_settings"))}}
    for field, least in {**LEAST, "instance_count": 1}.items():
        found[field] = _integer(found[field], least, field)
    for field, least in LEAST_OF_RETRY.items():
        found["retry_settings"][field] = _integer(found["retry_settings"][field], least, f"retry_settings.{field}")
    _refuse_unknown(found["retry_settings"], tuple(RETRY), "retry_settings.")
    level, action = str(found["logging_level"]).lower(), str(found["output_action"]).lower()
    if level not in LEVELS:
        raise WorkspaceError(f"logging_level: '{found['logging_level']}' is not one of {', '.join(LEVELS)}.")
    if action not in ("append_row", "summary_only"):
        raise WorkspaceError(f"output_action: '{found['output_action']}' is neither append_row nor summary_only.")
    if action == "summary_only":
        if found.get("output_file_name"):
            raise WorkspaceError("output_file_name: with output_action summary_only there is no such file; remove it.")
    else:
        found["output_file_name"] = _file_name(found.get("output_file_name") or OUTPUT_FILE)
    return {**found, "logging_level": level, "output_action": action}


def _file_name(name: Any) -> str:
    if "/" in str(name) or "\0" in str(name) or str(name) in (".", ".."):
        raise WorkspaceError(f"output_file_name: '{name}' is not the name of a file in the output's folder.")
    return str(name)


def _integer(value: Any, least: int, field: str) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = least - 1
    if number < least:
        raise WorkspaceError(f"{field}: {value!r} is not a whole number from {least}.")
    return number


def _boolean(value: Any, field: str) -> bool:
    if str(value).lower() not in ("true", "false"):
        raise WorkspaceError(f"{field}: {value!r} is neither true nor false.")
    return str(value).lower() == "true"


def _present(values: dict[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (values or {}).items() if value is not None}


def _refuse_unknown(given: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in given:
        if key not in known:
            raise Unsupported(f"{where}{key}: there is no such setting here; there are: {', '.join(known)}.")
