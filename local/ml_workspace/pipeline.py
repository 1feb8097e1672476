"""The executor of pipelines: each job runs as soon as what it takes is there."""

import threading
import uuid
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from . import literals, values
from .catalog import created, now
from .graph import PARENT, dependencies
from .plan import Plan
from .steps import StepCanceled, StepFailed
from .values import Value

if TYPE_CHECKING:
    from .execution import Call, Ended
    from .session import Session


def run(
    session: "Session",
    call: "Call",
    job: str,
    run_id: str,
    places: dict[str, tuple[str, bool]],
    cancel: threading.Event,
) -> dict[str, Value]:
    """Run the jobs of a pipeline and return the values of its outputs.

    Args:
        job: name of the pipeline's job.
        run_id: its MLflow run.
        places: output of the pipeline -> (URI, whether the person chose it).
        cancel: set when the pipeline is canceled.

    Raises:
        StepFailed: a job failed. The jobs that run are canceled, unless settings.continue_on_step_failure.
        StepCanceled: somebody asked for it.
    """
    from .execution import Call, execute

    plan = call.plan
    settings = {**call.settings, **(plan.spec.get("settings") or {})}
    waiting = dependencies(plan)
    ended: dict[str, Ended] = {}
    stop = threading.Event()
    running: dict[Future[Ended], str] = {}

    def start(pool: ThreadPoolExecutor, name: str) -> None:
        node = plan.jobs[name]
        taken = _taken(session, call, ended, name)
        node_places = {n: places[o["parent"]] for n, o in node.outputs.items() if "parent" in o}
        running[
            pool.submit(
                execute,
                session,
                Call(
                    node,
                    taken,
                    _title(call, name),
                    parent=job,
                    parent_run=run_id,
                    node=name,
                    places=node_places,
                    reusable=True,
                    cancels=(cancel, stop),
                    settings=settings,
                ),
            )
        ] = name

    with ThreadPoolExecutor(max_workers=len(plan.jobs), thread_name_prefix="job") as pool:
        try:
            while True:
                failed = [e for e in ended.values() if e.status != "Completed"]
                halted = cancel.is_set() or (failed and not settings.get("continue_on_step_failure"))
                lost = [] if halted else [n for n in waiting if _is_lost(plan.jobs[n], waiting[n], ended, settings)]
                for name in lost:
                    del waiting[name]
                    ended[name] = _never_started(session, call, job, name)
                if lost:
                    continue
                ready = [
                    n
                    for n, needs in waiting.items()
                    if all(_is_served(plan.jobs[n], s, ended, settings) for s in needs)
                ]
                for name in [] if halted else ready:
                    del waiting[name]
                    start(pool, name)
                if halted:
                    stop.set()
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    ended[running.pop(future)] = future.result()
        finally:
            stop.set()  # whatever went wrong here, jobs that still run are canceled
    for name in waiting:
        _never_started(session, call, job, name)
    if cancel.is_set():
        raise StepCanceled("the pipeline was canceled")
    for status in ("Failed", "Canceled"):  # a failure cancels others, so it comes first
        if causes := [f"{name}: {e.error}" for name, e in ended.items() if e.status == status]:
            raise StepFailed("; ".join(causes))
    return _outputs(call, ended)


def _title(call: "Call", name: str) -> str:
    """What listings and streams call a job of a pipeline: in a pipeline of a pipeline, with the names around it."""
    return name if call.parent is None else f"{call.display_name}.{name}"


def _taken(session: "Session", call: "Call", ended: dict[str, "Ended"], name: str) -> dict[str, Value]:
    """The values of a job's inputs; an optional one that has none is absent."""
    node = call.plan.jobs[name]
    taken = {}
    for key, bound in node.inputs.items():
        where = f"jobs.{name}.inputs.{key}"
        value = _value(session, call, ended, bound, where)
        declared = (node.spec.get("inputs") or {}).get(key) or {}
        if value is None and declared.get("default") is not None:
            value = values.literal(str(declared["default"]))
        if value is not None and declared.get("type") in literals.TYPES:
            # What a pipeline is given has no declared type; that of the step says how the value is written.
            value = values.literal(literals.text(value.text, declared, where))
        if value is not None:
            taken[key] = value
    return taken


def _value(session: "Session", call: "Call", ended: dict[str, "Ended"], bound: dict, where: str) -> Value | None:
    if "literal" in bound:
        return values.literal(bound["literal"])
    if "uri" in bound:
        return values.data(session.ws, bound, where)
    source, name = bound["from"]
    return call.inputs.get(name) if source == PARENT else ended[source].outputs.get(name)


def _is_served(node: Plan, source: str, ended: dict[str, "Ended"], settings: dict[str, Any]) -> bool:
    """Whether a node need not wait for `source` any more: it has completed, or it is done without if it failed."""
    if source not in ended:
        return False
    if ended[source].status == "Completed":
        return True
    go_on = settings.get("continue_run_on_failed_optional_input", True)
    taken = [name for name, bound in node.inputs.items() if bound.get("from", [""])[0] == source]
    return bool(go_on) and all((node.spec["inputs"].get(name) or {}).get("optional") for name in taken)


def _is_lost(node: Plan, needs: set[str], ended: dict[str, "Ended"], settings: dict[str, Any]) -> bool:
    """Whether a node can't run any more. For what takes its outputs it is then like one that has failed."""
    return any(source in ended and not _is_served(node, source, ended, settings) for source in needs)


def _outputs(call: "Call", ended: dict[str, "Ended"]) -> dict[str, Value]:
    made = {}
    for job, node in call.plan.jobs.items():
        for name, setting in node.outputs.items():
            if "parent" in setting:
                made[setting["parent"]] = ended[job].outputs[name]
    return made


def _never_started(session: "Session", call: "Call", job: str, name: str) -> "Ended":
    """A job that never started because of another one is listed as Canceled, as on Azure."""
    from .execution import Ended

    root = session.ws.catalog.row("SELECT doc FROM jobs WHERE name = ?", session.root)
    document = {
        "name": str(uuid.uuid4()),
        "display_name": _title(call, name),
        "type": call.plan.jobs[name].type,
        "parent_job_name": job,
        "experiment_name": (root or {"doc": {}})["doc"].get("experiment_name"),
        "properties": {},
        "tags": {},
        "creation_context": created(),
        "outputs": {},
    }
    session.ws.catalog.insert(
        "jobs",
        name=document["name"],
        parent=job,
        root=session.root,
        node=name,
        status="Canceled",
        created_at=now(),
        doc=document,
        plan={},
    )
    session.say(f"{document['display_name']}: canceled, it was never started", job)
    return Ended(document["name"], "Canceled", error="it was never started")
