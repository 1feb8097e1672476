"""From a job document to a plan: every reference resolved and checked before any step runs.

Documents have the shape that azure-ai-ml gives to a loaded job: a command is a node with an inline component.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import bindings, parallel, sweep
from .errors import Unsupported, WorkspaceError
from .graph import check_bindings
from .jobs_text import check_names
from .plan import RUNNABLE, Plan

if TYPE_CHECKING:
    from .workspace import Workspace

# What a node says of itself; everything else that it says goes over its component.
OF_THE_NODE = ("component", "trial", "inputs", "outputs", "jobs", "type", "name", "display_name", "tags", "properties")


class Planner:
    """Makes plans in one workspace; uploads local data and keeps snapshots of code as it goes."""

    def __init__(self, ws: "Workspace", source: Path) -> None:
        self._ws = ws
        self._source = source

    def plan(self, doc: dict[str, Any], where: str = "", default_compute: str | None = None) -> Plan:
        """The plan of a job or node.

        Args:
            where: the node's place in the document with a dot at its end, for messages; empty for the job itself.
            default_compute: of the pipeline around it.

        Raises:
            WorkspaceError: something in it can't be right; the message starts with the field.
            NotFound: it names an asset or compute that is not there.
            Unsupported: only Azure can run it.
        """
        kind = doc.get("type") or ("pipeline" if "jobs" in doc else "command")
        if kind not in RUNNABLE:
            raise Unsupported(f"{where}type: the local workspace can't run {kind} jobs; it runs {', '.join(RUNNABLE)}.")
        settings = doc.get("settings") or {}
        compute = doc.get("compute") or settings.get("default_compute") or default_compute
        self._check_compute(compute, f"{where}compute")
        doc = {**doc, "compute": compute or "serverless"}
        if kind == "sweep":
            return self._sweep(doc, where)
        component, name = self._component(doc, kind, where)
        plan = Plan(kind, self._spec(doc, component), component=name)
        spec = plan.spec
        _refuse_clusters(spec, where)
        plan.inputs = bindings.inputs(self._ws, self._source, doc.get("inputs") or {}, spec.get("inputs") or {}, where)
        plan.outputs = bindings.outputs(doc.get("outputs") or {}, spec.get("outputs") or {}, where)
        if kind == "pipeline":
            nodes = (component or doc).get("jobs") or {}
            if not nodes:
                raise WorkspaceError(f"{where}jobs: a pipeline needs at least one job.")
            spec.pop("jobs", None)
            plan.jobs = {n: self.plan(node, f"{where}jobs.{n}.", compute) for n, node in nodes.items()}
            check_bindings(plan, where)
        else:
            plan.environment = self._environment(spec.get("task") or spec, where)
            if kind == "parallel":
                parallel.validate(spec)
            else:
                _check_command(spec, where)
        return plan

    def _spec(self, doc: dict[str, Any], component: dict[str, Any] | None) -> dict[str, Any]:
        """A component with what the node says of itself over it; without one, the declarations come from the values."""
        own = {key: value for key, value in doc.items() if key not in OF_THE_NODE and value not in (None, "", {}, [])}
        holder = bindings.declare(doc) if component is None else component
        spec = {**holder, **self._ws.assets.keep_code(own), "type": doc.get("type") or holder.get("type") or "command"}
        variables = {**(holder.get("environment_variables") or {}), **(own.get("environment_variables") or {})}
        return {**spec, "environment_variables": variables} if variables else spec

    def _sweep(self, doc: dict[str, Any], where: str) -> Plan:
        """A sweep takes the inputs and gives the outputs of its trial, some of which come from the search space."""
        trial, name = self._component({"component": doc.get("trial")}, "command", f"{where}trial.")
        if trial is None:
            raise WorkspaceError(f"{where}trial: is missing.")
        if "inputs" not in trial:  # that of a sweep job that stands alone: inputs and outputs are the job's
            trial |= bindings.declare(doc)
        trial["type"] = "command"
        space = {name: {"type": "string"} for name in doc.get("search_space") or {}}
        declared = {"inputs": {**space, **(trial.get("inputs") or {})}, "outputs": trial.get("outputs") or {}}
        plan = Plan("sweep", {**self._spec(doc, declared), "trial": trial, "type": "sweep"}, component=name)
        plan.inputs = bindings.inputs(
            self._ws, self._source, doc.get("inputs") or {}, declared["inputs"], where, given=set(space)
        )
        plan.outputs = bindings.outputs(doc.get("outputs") or {}, declared["outputs"], where)
        plan.environment = self._environment(trial, f"{where}trial.")
        _check_command({**trial, **declared}, f"{where}trial.")
        sweep.validate(plan.spec)
        return plan

    def _component(self, doc: dict[str, Any], kind: str, where: str) -> tuple[dict[str, Any] | None, str]:
        """The component of a node with its code in a snapshot, and what to call it."""
        component = doc.get("component")
        if component is None:
            return None, ""
        if isinstance(component, str):
            with bindings.in_field(f"{where}component"):
                component = self._ws.assets.at("component", component)
            name = str(component["id"])
        else:
            component, name = dict(component), "azureml_anonymous"
        found = component.get("type", kind)
        if found != kind:
            raise WorkspaceError(f"{where}component: {name} is a {found} component, and the job is of type {kind}.")
        return self._ws.assets.keep_code(component), name

    def _environment(self, holder: dict[str, Any], where: str) -> dict[str, Any]:
        given = holder.get("environment")
        if not given:
            raise WorkspaceError(f"{where}environment: is missing.")
        with bindings.in_field(f"{where}environment"):
            document = self._ws.assets.at("environment", given) if isinstance(given, str) else dict(given)
            self._ws.environments.digest(document)  # refuses what can not be built here
        holder["environment"] = f"azureml:{document.get('name')}:{document.get('version')}"
        return document

    def _check_compute(self, compute: Any, where: str) -> None:
        name = str(compute or "serverless").removeprefix("azureml:")
        known = ["serverless", "local", *(row["name"] for row in self._ws.assets.list("compute"))]
        if name not in known and "${{" not in name:
            # Azure's client looks it up before it submits: a wrong field (exit code 1), not a missing asset (3).
            raise WorkspaceError(f"{where}: there is no compute '{name}'; there are: {', '.join(known)}.")


def _check_command(spec: dict[str, Any], where: str) -> None:
    if not spec.get("command"):
        raise WorkspaceError(f"{where}command: is missing.")
    with bindings.in_field(f"{where}command"):
        check_names(spec["command"], spec.get("inputs") or {}, spec.get("outputs") or {})


def _refuse_clusters(spec: dict[str, Any], where: str) -> None:
    count = (spec.get("resources") or {}).get("instance_count")
    if count and str(count) != "1":
        raise Unsupported(
            f"{where}resources.instance_count: {count} nodes need a cluster; the local workspace has one node."
        )
    processes = (spec.get("distribution") or {}).get("process_count_per_instance")
    if processes and str(processes) != "1":
        raise Unsupported(f"{where}distribution: {processes} processes a node can't run in the local workspace; use 1.")
