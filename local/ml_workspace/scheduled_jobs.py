"""The pipeline job of a job schedule: fixed when the schedule is made, as on Azure, and filled in for each run."""

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import bindings
from .catalog import Row
from .described import described
from .errors import NotFound, Unsupported, WorkspaceError
from .jobs_text import binding
from .plan import Plan
from .trigger import Warn

if TYPE_CHECKING:
    from .workspace import Workspace

TRIGGER_TIME = "${{creation_context.trigger_time}}"
NAME = "${{name}}"
# What a schedule may say over a job that is there already.
CHANGEABLE = ("inputs", "outputs", "settings", "experiment_name", "display_name", "description", "tags")
OF_ONE_RUN = ("name", "id", "display_name", "creation_context", "properties", "error", "experiment_name", "outputs",
              "status", "services")  # fmt: skip


def prepare(ws: "Workspace", given: Any, source: Path, warn: Warn) -> tuple[Row, Plan]:
    """(document, plan) of the job that a schedule submits; labels such as @latest lead to what they lead to now.

    Args:
        given: `azureml:JOB`, {"id": "azureml:JOB", …what goes over it}, or the document of a pipeline job.
        source: folder where relative local paths start.

    Raises:
        NotFound: no such job.
        Unsupported: it is no pipeline job; Azure schedules no others.
        WorkspaceError: what is wrong with it.
    """
    with bindings.below("create_job."):
        if isinstance(given, str):
            return _of_job(ws, given)
        if given.get("id"):
            doc, plan = _of_job(ws, str(given["id"]))
            over = {key: value for key, value in given.items() if key not in ("id", "type") and value is not None}
            return change(ws, doc, plan, over, source)
        kind = given.get("type") or ("pipeline" if "jobs" in given else "command")
        if kind != "pipeline":
            raise Unsupported(f"type: a schedule submits pipeline jobs, as on Azure, and this one is of type {kind}.")
        late = _late(given.get("inputs") or {})
        planned = {**given, "inputs": {**(given.get("inputs") or {}), **_examples(late)}}
        plan = ws.jobs.plan(planned, source, warn)
        doc = {**described(planned, plan), "experiment_name": given.get("experiment_name")}
        return _with_expressions(doc, plan, late)


def change(ws: "Workspace", doc: Row, plan: Plan, over: dict[str, Any], source: Path) -> tuple[Row, Plan]:
    """The job with other inputs, outputs and settings.

    Raises:
        WorkspaceError: there is no such input or output, or it can't be changed.
    """
    wrong = sorted(over.keys() - set(CHANGEABLE))
    if wrong:
        raise WorkspaceError(f"{wrong[0]}: of a job that is there, a schedule changes only {', '.join(CHANGEABLE)}.")
    plan = Plan.load(json.loads(json.dumps(plan.document(), default=str)))
    given = over.get("inputs") or {}
    late = _late(given)
    given = {**given, **_examples(late)}
    declared = plan.spec.get("inputs") or {}
    for name in given:
        if name not in declared:
            raise WorkspaceError(
                f"inputs.{name}: there is no such input; the job has: {', '.join(declared) or 'none'}."
            )
        _refuse_in_settings(doc, name)
    plan.inputs |= bindings.inputs(ws, source, given, {name: declared[name] for name in given}, "")
    plan.outputs |= _outputs(ws, over.get("outputs") or {}, plan)
    settings = {**(doc.get("settings") or {}), **(over.get("settings") or {})}
    _check_settings(ws, settings)
    plan.spec["settings"] = settings
    texts = {key: value for key, value in over.items() if key not in ("inputs", "outputs", "settings")}
    changed = {
        **doc,
        **texts,
        "inputs": {**(doc.get("inputs") or {}), **given},
        "outputs": {**(doc.get("outputs") or {}), **(over.get("outputs") or {})},
        "settings": settings,
    }
    return _with_expressions(
        {**described(changed, plan), "experiment_name": changed.get("experiment_name")}, plan, late
    )


def filled(doc: Row, plan: Plan, due: dt.datetime, job: str) -> tuple[Row, Plan]:
    """The job of one run: `${{creation_context.trigger_time}}` is when it is due, `${{name}}` what it is called."""
    plan = Plan.load(plan.document())
    known = {TRIGGER_TIME: _text(due), NAME: job}
    texts = {name: known[bound["literal"]] for name, bound in plan.inputs.items() if bound.get("literal") in known}
    plan.inputs |= {name: {"literal": text} for name, text in texts.items()}
    inputs = {**(doc.get("inputs") or {}), **texts}
    return {key: value for key, value in {**doc, "inputs": inputs}.items() if key != "id"}, plan


def _of_job(ws: "Workspace", reference: str) -> tuple[Row, Plan]:
    name = reference.rpartition("/")[2].removeprefix("azureml:")
    row = ws.catalog.row("SELECT doc, plan FROM jobs WHERE name = ? AND parent IS NULL", name)
    if row is None or not row["plan"]:
        raise NotFound(f"job: there is no job '{name}'. List them: az ml job list -o table")
    plan = Plan.load(row["plan"])
    if plan.type != "pipeline":
        raise Unsupported(f"job: a schedule submits pipeline jobs, as on Azure, and {name} is of type {plan.type}.")
    kept = {key: value for key, value in row["doc"].items() if key not in OF_ONE_RUN}
    given = {
        output: {key: setting[key] for key in ("type", "mode", "path", "name", "version") if setting.get(key)}
        for output, setting in plan.outputs.items()
    }
    return {**kept, "id": f"azureml:{ws.id}/jobs/{name}", "outputs": given}, plan


def _late(inputs: dict[str, Any]) -> dict[str, str]:
    """The inputs that get their texts with each run: name -> expression."""
    said = {name: binding(value) or value for name, value in inputs.items()}
    return {name: value for name, value in said.items() if value in (TRIGGER_TIME, NAME)}


def _examples(late: dict[str, str]) -> dict[str, str]:
    """Texts to plan the job with, such as a run will have."""
    now = _text(dt.datetime.now(dt.UTC))
    return {name: now if expression == TRIGGER_TIME else "name" for name, expression in late.items()}


def _with_expressions(doc: Row, plan: Plan, late: dict[str, str]) -> tuple[Row, Plan]:
    """The job with the expressions in the inputs that were planned with examples in their place."""
    for name, expression in late.items():
        if "literal" not in plan.inputs[name]:
            raise WorkspaceError(f"inputs.{name}: {expression} is a text, and the input takes data.")
        plan.inputs[name] = {"literal": expression}
    return {**doc, "inputs": {**(doc.get("inputs") or {}), **late}}, plan


def _refuse_in_settings(doc: Row, name: str) -> None:
    """Settings of steps were taken from the job's inputs when it was planned."""
    for step, node in (doc.get("jobs") or {}).items():
        own = {key: value for key, value in node.items() if key not in ("inputs", "outputs", "component")}
        if f"parent.inputs.{name}" in json.dumps(own, default=str):
            raise Unsupported(
                f"inputs.{name}: settings of the step '{step}' come from it, so it can't be changed for a job that is "
                "there. Schedule the job's file instead."
            )


def _outputs(ws: "Workspace", given: dict[str, Any], plan: Plan) -> dict[str, Any]:
    for name in given:
        if name not in plan.outputs:
            known = ", ".join(plan.outputs) or "none"
            raise WorkspaceError(f"outputs.{name}: there is no such output; the job has: {known}.")
    declared = {name: {"type": plan.outputs[name]["type"]} for name in given}
    return bindings.outputs(ws, given, declared, "")


def _check_settings(ws: "Workspace", settings: dict[str, Any]) -> None:
    for field, kind in (("default_compute", "compute"), ("default_datastore", "datastore")):
        name = str(settings.get(field) or "").rpartition("/")[2].removeprefix("azureml:")
        if name and name not in ("serverless", "local"):
            with bindings.in_field(f"settings.{field}"):
                ws.assets.get(kind, name)


def _text(time: dt.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
