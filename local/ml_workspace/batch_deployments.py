"""Deployments of batch endpoints: what their documents refer to, resolved and checked before anything runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import batch_jobs, batch_settings, deployment_parts
from .catalog import Row
from .conda import requirements
from .errors import Unsupported, WorkspaceError

if TYPE_CHECKING:
    from .deployment_parts import Model
    from .workspace import Workspace

NO_CODE = Path(__file__).with_name("mlflow_batch.py")
KINDS = ("model", "pipeline")
STEP = f"jobs.{batch_jobs.STEP}."


@contextmanager
def of_the_deployment() -> Iterator[None]:
    """Let messages name fields of the deployment, not of the job that is made of it."""
    try:
        yield
    except WorkspaceError as error:
        raise type(error)(str(error).removeprefix(STEP)) from error


def resolved(ws: "Workspace", doc: dict[str, Any], source: Path) -> tuple[Row, Row]:
    """(document, plan) of a deployment.

    Args:
        doc: as azure-ai-ml gives it.
        source: folder where relative local paths start.

    Raises:
        NotFound: no such model, environment or component.
        WorkspaceError: something in it can't be right; the message starts with the field.
        Unsupported: only Azure can run it.
    """
    kind = doc.get("type") or ("pipeline" if doc.get("component") or doc.get("job_definition") else "model")
    if kind not in KINDS:
        raise WorkspaceError(f"type: '{kind}' is not one of {', '.join(KINDS)}.")
    document, plan = _of_model(ws, doc, source) if kind == "model" else _of_component(ws, doc)
    rest = {key: doc[key] for key in ("compute", "description", "tags", "properties") if doc.get(key)}
    return {**rest, **document, "type": kind}, plan


def _of_model(ws: "Workspace", doc: dict[str, Any], source: Path) -> tuple[Row, Row]:
    settings = batch_settings.of_model(doc)
    model = deployment_parts.model(ws, doc.get("model"))
    code = deployment_parts.code(ws, doc.get("code_configuration"), source)
    shown, environment = _environment(ws, doc.get("environment"), model, bool(code))
    plan = {
        "kind": "model",
        "model": deployment_parts.as_row(model),
        "code": code or _no_code(ws, model),
        "environment": environment,
        "settings": settings,
        "compute": doc.get("compute"),
    }
    data = {"type": "uri_folder", "path": batch_jobs.ANYTHING}
    with of_the_deployment():
        ws.jobs.validate(batch_jobs.scoring(ws, plan, settings, data, f"{batch_jobs.ANYTHING}azureml"), source)
    if model:
        shown["model"] = model.id
    if code:
        shown["code_configuration"] = {"code": code["code"], "scoring_script": code["script"]}
    shown |= {key: value for key, value in settings.items() if key != "instance_count"}
    return {**shown, "resources": {**(doc.get("resources") or {}), "instance_count": settings["instance_count"]}}, plan


def _environment(ws: "Workspace", given: Any, model: "Model | None", scripted: bool) -> tuple[Row, Row]:
    """(what the deployment's document says of it, document) of the environment; without one it is the model's own."""
    if given:
        reference, document = deployment_parts.environment(ws, given)
        return {"environment": reference}, document
    if model is None or scripted:
        raise WorkspaceError("environment: is missing: a scoring script needs one to run in.")
    _refuse_without_code(model)
    document = deployment_parts.environment_of_model(model, ())
    # The environment that Azure makes has what reads Parquet; mlflow-skinny alone brings none.
    reads = any(line.startswith("pyarrow") for line in requirements(document).lines)
    return {}, document if reads else deployment_parts.environment_of_model(model, ("pyarrow",))


def _no_code(ws: "Workspace", model: "Model | None") -> Row:
    """The scoring script of a model that brings none."""
    _refuse_without_code(model)
    return {"code": ws.assets.keep_code({"code": str(NO_CODE)})["code"], "script": NO_CODE.name}


def _refuse_without_code(model: "Model | None") -> None:
    if model is None or model.type != "mlflow_model":
        raise WorkspaceError(
            "code_configuration: is missing: only a model of type mlflow_model can be deployed without one."
        )


def _of_component(ws: "Workspace", doc: dict[str, Any]) -> tuple[Row, Row]:
    given = doc.get("component")
    if doc.get("job_definition"):
        raise Unsupported("job_definition: the local workspace deploys pipeline components; name one in component.")
    if not given:
        raise WorkspaceError("component: is missing.")
    component = ws.assets.at("component", given) if isinstance(given, str) else ws.assets.keep_code(dict(given))
    if component.get("type") != "pipeline":
        raise WorkspaceError(f"component: it is a {component.get('type')} component; a pipeline component is needed.")
    reference = str(component.get("id") or "")
    plan = {"kind": "pipeline", "component": reference or component, "settings": batch_settings.of_pipeline(doc)}
    # One that comes in a file belongs to the deployment alone, and is shown whole: so it can be updated, too.
    return {"component": reference or component, "settings": plan["settings"]}, plan
