"""From a job document to a plan: every reference resolved and checked before any step runs.

Documents have the shape that azure-ai-ml gives to a loaded job: a command is a node with an inline component.
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import literals, parallel, sweep
from .errors import Unsupported, WorkspaceError
from .graph import check_bindings, source_of
from .jobs_text import PARENT_OUTPUT, binding, check_names
from .resolve import CODE_ID

if TYPE_CHECKING:
    from .workspace import Workspace

RUNNABLE = ("command", "pipeline", "sweep", "parallel")
# What a node says of itself; everything else that it says goes over its component.
OF_THE_NODE = ("component", "trial", "inputs", "outputs", "jobs", "type", "name", "display_name", "tags", "properties")


@dataclass
class Plan:
    """A job, or a node of a pipeline, ready to run.

    Args:
        type: command, pipeline, sweep or parallel.
        spec: the component with the node's own fields over it; `inputs` and `outputs` are the declarations.
        inputs: name -> {"literal": text}, {"uri", "type", "asset"} or {"from": [job or "parent", name]}.
        outputs: name -> {type, mode, path, name, version} of the node; with "parent" if it is the pipeline's too.
        component: what the job's document says of its component.
        environment: document of the environment; None for a pipeline.
        jobs: the nodes of a pipeline.
    """

    type: str
    spec: dict[str, Any]
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    component: str = ""
    environment: dict[str, Any] | None = None
    jobs: dict[str, "Plan"] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON, for the catalog."""
        return dataclasses.asdict(self)

    @classmethod
    def load(cls, document: dict[str, Any]) -> "Plan":
        """Back from `document()`."""
        jobs = {name: cls.load(node) for name, node in document["jobs"].items()}
        return cls(**{**document, "jobs": jobs})


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
        if kind == "sweep":
            return self._sweep(doc, where)
        component, name = self._component(doc, kind, where)
        plan = Plan(kind, self._spec(doc, component), component=name)
        spec = plan.spec
        _refuse_clusters(spec, where)
        plan.inputs = self._inputs(doc.get("inputs") or {}, spec.get("inputs") or {}, where)
        plan.outputs = _outputs(doc.get("outputs") or {}, spec.get("outputs") or {}, where)
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
        holder = _declare(doc) if component is None else component
        spec = {**holder, **self._ws.assets.keep_code(own), "type": doc.get("type") or holder.get("type") or "command"}
        variables = {**(holder.get("environment_variables") or {}), **(own.get("environment_variables") or {})}
        return {**spec, "environment_variables": variables} if variables else spec

    def _sweep(self, doc: dict[str, Any], where: str) -> Plan:
        """A sweep takes the inputs and gives the outputs of its trial, some of which come from the search space."""
        trial, name = self._component({"component": doc.get("trial")}, "command", f"{where}trial.")
        if trial is None:
            raise WorkspaceError(f"{where}trial: is missing.")
        if "inputs" not in trial:  # that of a sweep job that stands alone: inputs and outputs are the job's
            trial |= _declare(doc)
        trial["type"] = "command"
        space = {name: {"type": "string"} for name in doc.get("search_space") or {}}
        declared = {"inputs": {**space, **(trial.get("inputs") or {})}, "outputs": trial.get("outputs") or {}}
        plan = Plan("sweep", {**self._spec(doc, declared), "trial": trial, "type": "sweep"}, component=name)
        plan.inputs = self._inputs(doc.get("inputs") or {}, declared["inputs"], where, given=set(space))
        plan.outputs = _outputs(doc.get("outputs") or {}, declared["outputs"], where)
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
            with _field(f"{where}component"):
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
        with _field(f"{where}environment"):
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

    def _inputs(
        self, values: dict[str, Any], declared: dict[str, Any], where: str, given: set[str] | None = None
    ) -> dict[str, dict[str, Any]]:
        """Values bound to the declared inputs; those in `given` come from elsewhere."""
        for name in values:
            if name not in declared:
                known = ", ".join(declared) or "none"
                raise WorkspaceError(f"{where}inputs.{name}: there is no such input; the component has: {known}.")
        bound = {}
        for name, declaration in declared.items():
            value = values.get(name)
            value = declaration.get("default") if value is None else value
            if value is not None:
                bound[name] = self._input(value, declaration, f"{where}inputs.{name}")
            elif not declaration.get("optional") and name not in (given or ()):
                raise WorkspaceError(f"{where}inputs.{name}: a value is required.")
        return bound

    def _input(self, value: Any, declared: dict[str, Any], where: str) -> dict[str, Any]:
        expression = binding(value)
        if expression:
            return {"from": source_of(expression, where)}
        if declared.get("type", "string") in literals.TYPES:
            return {"literal": literals.text(value, declared, where)}
        path = value.get("path") if isinstance(value, dict) else value
        if not isinstance(path, str):
            raise WorkspaceError(f"{where}: {declared.get('type')} needs a path.")
        return self._data(path, value.get("type") if isinstance(value, dict) else None, declared["type"], where)

    def _data(self, path: str, given: str | None, declared: str, where: str) -> dict[str, Any]:
        if path.startswith(("azureml:/subscriptions", "/subscriptions")) or (
            path.startswith("azureml:") and "://" not in path
        ):
            models = (given or declared).endswith("_model")
            with _field(where):
                asset, kind, uri = self._ws.resolve.asset(path, models)
            if not compatible(kind, declared):
                raise WorkspaceError(f"{where}: {asset} is of type {kind}, and the input takes {declared}.")
            return {"uri": uri, "type": kind, "asset": asset}
        if "://" not in path:
            local = Path(path) if Path(path).is_absolute() else self._source / path
            if local.exists() and local.is_dir() == (declared == "uri_file"):
                raise WorkspaceError(
                    f"{where}: {path} is a {'folder' if local.is_dir() else 'file'}, not a {declared}."
                )
            return {"uri": self._ws.assets.upload(local, where), "type": declared, "asset": None}
        with _field(where):
            self._ws.resolve.path(path)  # refuses what can't be read, now and not in the middle of the job
        return {"uri": path, "type": declared, "asset": None}


def compatible(kind: str, wanted: str) -> bool:
    """Whether data of one type may go where another is declared: a file is never a folder, a literal never data."""
    files, texts = "uri_file" in (kind, wanted), kind in literals.TYPES or wanted in literals.TYPES
    numbers = {kind, wanted} <= {"integer", "number"}
    return kind == wanted or numbers or (texts and {kind, wanted} <= set(literals.TYPES)) or not (files or texts)


def _declare(doc: dict[str, Any]) -> dict[str, Any]:
    """Declarations of a job without component, from the values that it gives."""
    inputs = {
        name: {"type": value.get("type") or "uri_folder"}
        if isinstance(value, dict)
        else {"type": literals.type_of(value)}
        for name, value in (doc.get("inputs") or {}).items()
    }
    outputs = {
        name: {"type": (value or {}).get("type") or "uri_folder"} for name, value in (doc.get("outputs") or {}).items()
    }
    return {"inputs": inputs, "outputs": outputs}


def _outputs(given: dict[str, Any], declared: dict[str, Any], where: str) -> dict[str, dict[str, Any]]:
    outputs: dict[str, dict[str, Any]] = {}
    for name in given:
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise WorkspaceError(f"{where}outputs.{name}: there is no such output; the component has: {known}.")
    for name, declaration in declared.items():
        value = given.get(name)
        expression = binding(value) or ""
        found = PARENT_OUTPUT.match(expression)
        if expression and not found and "parent." in expression:
            raise WorkspaceError(f"{where}outputs.{name}: {expression} is no output of the pipeline.")
        own = {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else {}
        if found:
            own = {"parent": found[1], **{k: v for k, v in own.items() if k != "path"}}
        outputs[name] = {
            "type": "uri_folder",
            **{k: v for k, v in declaration.items() if k in ("type", "mode", "path")},
            **own,
        }
    return outputs


@contextmanager
def _field(name: str) -> Iterator[None]:
    """Put a field before the message of what goes wrong with it."""
    try:
        yield
    except WorkspaceError as error:
        raise type(error)(f"{name}: {error}") from error


def _check_command(spec: dict[str, Any], where: str) -> None:
    if not spec.get("command"):
        raise WorkspaceError(f"{where}command: is missing.")
    with _field(f"{where}command"):
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


def code_of(spec: dict[str, Any]) -> str | None:
    """SHA-256 of the code snapshot that a planned component runs from, None if it has no code."""
    code = (spec.get("task") or spec).get("code")
    found = CODE_ID.search(str(code)) if code else None
    return found["sha256"] if found else None
