"""One job from its plan to its final state: the same way for a root job, a step, a trial and a nested pipeline."""

import threading
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import outputs, pipeline, reuse
from .catalog import created, now
from .errors import WorkspaceError
from .plan import Plan
from .resolve import asset_reference
from .session import Session
from .step import Step
from .steps import StepCanceled
from .values import Value

RUN_STATUS = {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED"}
TAIL = 20  # lines of a failed step's log that its stream shows
TAIL_BYTES = 20_000  # and no more than this of them


@dataclass
class Call:
    """A job about to be executed.

    Args:
        plan: what to do.
        inputs: values of its inputs.
        display_name: as listings and MLflow show it.
        parent: name of the job around it, None for the root.
        name: the job's name; a new one if None.
        node: name in the pipeline around it.
        places: output -> (URI, whether the person chose it) for outputs that a pipeline around it has.
        cancels: the job is canceled when any of these is set.
        reusable: whether an earlier step may stand for it.
        settings: of the pipeline around it.
        started: told the MLflow run id.
    """

    plan: Plan
    inputs: dict[str, Value]
    display_name: str
    parent: str | None = None
    parent_run: str | None = None
    name: str | None = None
    node: str | None = None
    places: dict[str, tuple[str, bool]] = field(default_factory=dict)
    cancels: tuple[threading.Event, ...] = ()
    reusable: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    started: Callable[[str], None] = lambda run_id: None


@dataclass
class Ended:
    """How a job ended."""

    job: str
    status: str
    outputs: dict[str, Value] = field(default_factory=dict)
    run_id: str = ""
    error: str | None = None


def execute(session: Session, call: Call) -> Ended:
    """Run a job to its end. Never raises for what goes wrong inside the job: the result tells."""
    return _Execution(session, call).run()


class _Execution:
    def __init__(self, session: Session, call: Call) -> None:
        self._session, self._call, self._ws = session, call, session.ws
        self._plan = call.plan
        self._name = call.name or str(uuid.uuid4())
        self._run_id = self._experiment = self._key = ""
        self._log_path = Path()
        nested = call.parent is not None and call.plan.type == "pipeline"
        self._cancel = session.enter(self._name, call.cancels, call.parent, has_stream=nested)

    def run(self) -> Ended:
        started = time.monotonic()
        ended = Ended(self._name, "Failed")
        try:
            self._begin()
            ended = self._reused() or self._worked()
        except StepCanceled as error:
            ended = Ended(self._name, "Canceled", error=str(error))
        except WorkspaceError as error:
            ended = Ended(self._name, "Failed", error=str(error))
        except Exception as error:  # noqa: BLE001 - a mistake of the engine must not leave a job that runs for ever
            self._log(traceback.format_exc())
            ended = Ended(self._name, "Failed", error=f"{type(error).__name__}: {error}")
        ended.run_id = self._run_id
        self._finish(ended, time.monotonic() - started)
        return ended

    # ---- begin

    def _begin(self) -> None:
        call, catalog = self._call, self._ws.catalog
        root = catalog.row("SELECT doc FROM jobs WHERE name = ?", self._session.root)
        assert root is not None
        self._experiment = root["doc"]["experiment_name"]
        if call.parent:
            document = {
                "name": self._name,
                "display_name": call.display_name,
                "type": self._plan.type,
                "parent_job_name": call.parent,
                "experiment_name": self._experiment,
                "component": self._plan.component,
                "tags": {},
                "properties": {k: v for k, v in root["doc"]["properties"].items() if "git" in k},
                "inputs": {n: {"path": v.uri, "type": v.type} if v.uri else v.text for n, v in call.inputs.items()},
                "command": self._plan.spec.get("command"),
                "environment": self._plan.spec.get("environment"),
                "compute": self._plan.spec.get("compute"),
                "creation_context": created(),
            }
            catalog.insert(
                "jobs",
                name=self._name,
                parent=call.parent,
                root=self._session.root,
                node=call.node,
                status="Preparing",
                created_at=now(),
                doc=document,
                plan={},
            )
        else:
            self._status("Preparing")
        tags = {k: str(v) for k, v in root["doc"]["properties"].items() if "git" in k}
        tags |= {"azureml.job": self._name, "azureml.type": self._plan.type}
        if self._plan.component.startswith("azureml:"):
            name, version, _ = asset_reference(self._plan.component)
            tags["mlflow.source.name"] = f"{name}:{version}"
        tags |= {} if call.parent else {k: str(v) for k, v in (root["doc"].get("tags") or {}).items()}
        self._run_id = self._ws.tracking.start_run(self._experiment, call.display_name, tags, call.parent_run)
        experiment_id = self._ws.tracking.experiment(self._experiment)
        catalog.edit_job(self._name, properties={"mlflow.run_id": self._run_id, "mlflow.experiment_id": experiment_id})
        home = self._ws.path / "jobs" / self._name
        home.mkdir(exist_ok=True)
        (home / "artifacts").symlink_to(self._ws.tracking.artifacts(self._run_id))
        self._log_path = home / "artifacts" / "user_logs" / "std_log.txt"
        self._log_path.parent.mkdir(exist_ok=True)
        self._log_path.touch()
        call.started(self._run_id)

    # ---- reuse

    def _reused(self) -> Ended | None:
        call, plan = self._call, self._plan
        if not call.reusable or plan.type == "pipeline" or str(plan.spec.get("is_deterministic", True)) == "False":
            return None
        fixed = {n: call.places[n][0] for n in plan.outputs if n in call.places and call.places[n][1]}
        fixed |= {n: str(o["path"]) for n, o in plan.outputs.items() if o.get("path")}
        self._key = reuse.fingerprint(self._ws, plan, call.inputs, fixed)
        found = None if call.settings.get("force_rerun") else reuse.find(self._ws, self._key)
        if found is None:
            return None
        origin, produced = found
        self._ws.catalog.edit_job(self._name, properties={"azureml.isreused": "true", "azureml.reusedrunid": origin})
        self._ws.tracking.tag(self._run_id, **{"azureml.isreused": "true", "azureml.reusedrunid": origin})
        self._register(produced)
        return Ended(self._name, "Completed", produced)

    # ---- work

    def _worked(self) -> Ended:
        call, plan, ws = self._call, self._plan, self._ws
        datastore = outputs.default_datastore(call.settings)
        places = {
            name: (outputs.place(ws, self._name, name, setting, datastore), bool(setting.get("path")))
            for name, setting in plan.outputs.items()
        } | call.places
        if "artifacts" in places and not places["artifacts"][1]:  # Azure's name for what a run keeps of its own
            places["artifacts"] = (outputs.uri_of(ws, ws.tracking.artifacts(self._run_id)), False)
        if plan.type == "pipeline":
            self._status("Running")
            produced = pipeline.run(self._session, call, self._name, self._run_id, places, self._cancel)
        else:
            for uri, chosen in places.values():
                if chosen:
                    reuse.forget(ws, uri)
            step = Step(self._session, call, self._name, self._experiment, self._run_id, self._log_path, self._cancel)
            produced = step.run(places, self._log, lambda: self._started())
        if self._key:
            produced = {n: replace(value, identity=reuse.identity(self._key, n)) for n, value in produced.items()}
        self._register(produced)
        if self._key:
            reuse.remember(ws, self._key, self._name, produced)
        return Ended(self._name, "Completed", produced)

    def _started(self) -> None:
        self._status("Running")
        if self._call.parent:
            self._session.say(f"{self._call.display_name}: running", self._call.parent)

    def _register(self, produced: dict[str, Value]) -> None:
        """Note the outputs in the job's document and register those that have a name."""
        noted = {}
        for name, value in produced.items():
            setting = self._plan.outputs[name]
            noted[name] = {"type": value.type, "path": value.uri}
            if setting.get("name"):
                asset = outputs.register(self._ws, self._name, setting, value)
                noted[name]["asset"] = asset
                self._session.say(f"{self._call.display_name}: output {name} is {asset}", self._name)
        self._ws.catalog.edit_job(self._name, outputs=noted)

    def _log(self, text: str) -> None:
        if self._run_id:
            with self._log_path.open("a", encoding="utf-8") as file:
                file.write(text.rstrip() + "\n")
        self._session.say(f"{self._call.display_name}: {text}", self._name)

    # ---- end

    def _status(self, status: str) -> None:
        # A cancellation that was asked for meanwhile is not overwritten.
        self._ws.catalog.rows(
            "UPDATE jobs SET status = ? WHERE name = ? AND status <> 'CancelRequested'", status, self._name
        )

    def _finish(self, ended: Ended, seconds: float) -> None:
        call, ws = self._call, self._ws
        if ended.error and self._run_id:
            with self._log_path.open("a", encoding="utf-8") as file:
                file.write(f"{ended.error}\n")
        fields: dict[str, Any] = {"properties": {"azureml.duration": f"{seconds:.3f}"}}
        if ended.error:
            fields["error"] = {"message": ended.error}
        ws.catalog.edit_job(self._name, **fields)
        try:
            if self._run_id:
                ws.tracking.end_run(self._run_id, RUN_STATUS[ended.status])
        finally:  # the job's state does not hang on the tracking server's
            ws.catalog.update_job(self._name, status=ended.status, process=None)
            self._session.leave(self._name)
        if call.parent:
            self._say_end(ended, seconds)

    def _say_end(self, ended: Ended, seconds: float) -> None:
        name, job = self._call.display_name, self._ws.catalog.row("SELECT doc FROM jobs WHERE name = ?", self._name)

        def say(text: str) -> None:
            self._session.say(text, self._call.parent)

        origin = (job or {"doc": {}})["doc"].get("properties", {}).get("azureml.reusedrunid")
        if origin:
            say(f"{name}: reused, nothing it depends on has changed since {origin}")
        elif ended.status == "Completed":
            say(f"{name}: completed in {seconds:.1f} s")
        else:
            say(f"{name}: {ended.status.lower()}: {ended.error}")
        if ended.status == "Failed" and self._run_id and self._plan.type != "pipeline":
            for line in _tail(self._log_path):
                say(f"{name} | {line}")


def _tail(path: Path) -> list[str]:
    """The last lines of a log, which may be larger than the memory."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return file.read().decode(errors="replace").splitlines()[-TAIL:]
