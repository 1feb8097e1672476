"""From a job document to a plan: every reference resolved and checked before any step runs.

Documents have the shape that azure-ai-ml gives to a loaded job: a command is a node with an inline component.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import bindings, distribution, images, literals, machine, node_settings, outputs, parallel, sweep
from .errors import Unsupported, WorkspaceError
from .graph import check_bindings
from .jobs_text import PARENT_INPUT, check_names
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

    def plan(self, doc: dict[str, Any], where: str = "", around: Plan | None = None) -> Plan:
        """The plan of a job or node.

        Args:
            where: the node's place in the document with a dot at its end, for messages; empty for the job itself.
            around: the pipeline around it, of which all is known but its jobs.

        Raises:
            WorkspaceError: something in it can't be right; the message starts with the field.
            NotFound: it names an asset or compute that is not there.
            Unsupported: only Azure can run it.
        """
        kind = _runnable(doc, where)
        for name, node in (doc.get("jobs") or {}).items():  # before what else such a job has that others have not
            _runnable(node, f"{where}jobs.{name}.")
        if around:
            doc = node_settings.settled(doc, (*OF_THE_NODE, "compute"), around, where)
        settings = doc.get("settings") or {}
        doc = {**doc, "compute": self._compute(doc, settings, around, where)}
        if settings.get("default_datastore"):
            with bindings.in_field(f"{where}settings.default_datastore"):
                self._ws.assets.get("datastore", outputs.default_datastore(settings))
        if kind == "sweep":
            return self._sweep(doc, where, around)
        component, name = self._component(doc, kind, where)
        plan = Plan(kind, self._spec(doc, component, where), component=name)
        spec = plan.spec
        distribution.validate(spec, where)
        machine.refuse_gpus((spec.get("resources") or {}).get("instance_type"), f"{where}resources.instance_type")
        plan.inputs = bindings.inputs(self._ws, self._source, doc.get("inputs") or {}, spec.get("inputs") or {}, where)
        plan.outputs = bindings.outputs(self._ws, doc.get("outputs") or {}, spec.get("outputs") or {}, where)
        spec["inputs"] = bindings.with_modes(spec.get("inputs") or {}, doc.get("inputs") or {}, plan, around)
        if kind == "pipeline":
            nodes = (component or doc).get("jobs") or {}
            if not nodes:
                raise WorkspaceError(f"{where}jobs: a pipeline needs at least one job.")
            spec.pop("jobs", None)
            plan.literals = node_settings.literals(plan, around)
            plan.jobs = {n: self.plan(node, f"{where}jobs.{n}.", plan) for n, node in nodes.items()}
            check_bindings(plan, where)
        else:
            plan.environment = self._environment(spec.get("task") or spec, where)
            if kind == "parallel":
                with bindings.below(where):
                    parallel.validate(spec)
            evaluated = parallel.input_name(spec) if kind == "parallel" else None
            bindings.refuse_evaluation({n: d for n, d in spec["inputs"].items() if n != evaluated}, where)
            if kind == "command":
                _check_command(spec, where)
        return plan

    def _spec(self, doc: dict[str, Any], component: dict[str, Any] | None, where: str) -> dict[str, Any]:
        """A component with what the node says of itself over it; without one, the declarations come from the values."""
        own = {key: value for key, value in doc.items() if key not in OF_THE_NODE and value not in (None, "", {}, [])}
        holder = bindings.declare(doc) if component is None else component
        spec = {**holder, **self._ws.assets.keep_code(own), "type": doc.get("type") or holder.get("type") or "command"}
        variables = {**(holder.get("environment_variables") or {}), **(own.get("environment_variables") or {})}
        for name, value in variables.items():
            literals.refuse_long(value, f"{where}environment_variables.{name}")
        return {**spec, "environment_variables": variables} if variables else spec

    def _sweep(self, doc: dict[str, Any], where: str, around: Plan | None) -> Plan:
        """A sweep takes the inputs and gives the outputs of its trial, some of which come from the search space."""
        trial, name = self._component({"component": doc.get("trial")}, "command", f"{where}trial.")
        if trial is None:
            raise WorkspaceError(f"{where}trial: is missing.")
        if "inputs" not in trial:  # that of a sweep job that stands alone: inputs and outputs are the job's
            trial |= bindings.declare(doc)
        trial["type"] = "command"
        space = {name: {"type": "string"} for name in doc.get("search_space") or {}}
        declared = {"inputs": {**space, **(trial.get("inputs") or {})}, "outputs": trial.get("outputs") or {}}
        plan = Plan("sweep", {**self._spec(doc, declared, where), "trial": trial, "type": "sweep"}, component=name)
        plan.inputs = bindings.inputs(
            self._ws, self._source, doc.get("inputs") or {}, declared["inputs"], where, given=set(space)
        )
        plan.outputs = bindings.outputs(self._ws, doc.get("outputs") or {}, declared["outputs"], where)
        trial["inputs"] = bindings.with_modes(trial.get("inputs") or {}, doc.get("inputs") or {}, plan, around)
        bindings.refuse_evaluation(trial["inputs"], where)
        for holder, place in ((plan.spec, where), (trial, f"{where}trial.")):
            distribution.validate(holder, place)
        plan.environment = self._environment(trial, f"{where}trial.")
        _check_command({**trial, **declared}, f"{where}trial.")
        with bindings.below(where):
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
        found = _runnable({"type": kind, **component}, f"{where}component.")
        if found != kind:
            raise WorkspaceError(f"{where}component: {name} is a {found} component, and the job is of type {kind}.")
        return self._ws.assets.keep_code(component), name

    def _environment(self, holder: dict[str, Any], where: str) -> dict[str, Any]:
        given = holder.get("environment")
        if not given:
            raise WorkspaceError(f"{where}environment: is missing.")
        with bindings.in_field(f"{where}environment"):
            document = self._ws.assets.at("environment", given) if isinstance(given, str) else dict(given)
            document = images.with_conda_file(document, self._ws.resolve.path)
            self._ws.environments.digest(document)  # refuses what can not be built here
        known = str(document.get("id") or "")
        in_registry = known.startswith("azureml://")
        holder["environment"] = known if in_registry else f"azureml:{document.get('name')}:{document.get('version')}"
        return document

    def _compute(self, doc: dict[str, Any], settings: dict[str, Any], around: Plan | None, where: str) -> str:
        """The job's own compute, or that of the pipeline around it; an input of that pipeline may name it."""
        given = doc.get("compute") or settings.get("default_compute") or (around.spec["compute"] if around else None)
        compute, field = str(given or "serverless"), f"{where}compute"
        bound = PARENT_INPUT.match(compute)
        if bound and around:
            if bound[1] not in (around.spec.get("inputs") or {}):
                known = ", ".join(around.spec.get("inputs") or {}) or "none"
                raise WorkspaceError(f"{field}: the pipeline has no input '{bound[1]}'; there are: {known}.")
            compute = around.literals.get(bound[1]) or "serverless"
        sizes = {"serverless": "", "local": ""} | {c["name"]: c.get("size") for c in self._ws.assets.list("compute")}
        name = compute.rpartition("/")[2].removeprefix("azureml:")
        if name not in sizes:
            # Azure's client looks it up before it submits: a wrong field (exit code 1), not a missing asset (3).
            known = ", ".join(sizes)
            raise WorkspaceError(
                f"{field}: there is no compute '{name}'; there are: {known}. "
                f"Make it with: az ml compute create --name {name} --type amlcompute"
            )
        machine.refuse_gpus(sizes[name], f"{field}: {name}")
        return compute


def _runnable(doc: dict[str, Any], where: str) -> str:
    kind = str(doc.get("type") or ("pipeline" if "jobs" in doc else "command"))
    if kind not in RUNNABLE:
        raise Unsupported(f"{where}type: the local workspace can't run {kind} jobs; it runs {', '.join(RUNNABLE)}.")
    return kind


def _check_command(spec: dict[str, Any], where: str) -> None:
    if not spec.get("command"):
        raise WorkspaceError(f"{where}command: is missing.")
    timeout = (spec.get("limits") or {}).get("timeout")
    if timeout is not None and not (isinstance(timeout, int | float) and timeout > 0):
        raise WorkspaceError(f"{where}limits.timeout: {timeout!r} is not a number of seconds above 0.")
    with bindings.in_field(f"{where}command"):
        check_names(spec["command"], spec.get("inputs") or {}, spec.get("outputs") or {})
