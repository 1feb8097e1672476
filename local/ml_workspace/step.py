"""A job with processes of its own (command, sweep, parallel): from its places to the values of its outputs."""

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from . import command as commands
from . import distribution, outputs, overlay, parallel, sweep, values
from .plan import Plan, code_of
from .session import Session, job_variables, temporary_folder
from .snapshots import copy_tree
from .steps import ChildResult, StepContext, StepFailed, StepResult
from .values import Value

if TYPE_CHECKING:
    from .execution import Call

ARTIFACTS = ("outputs", "logs")  # folders of the working folder whose files become artifacts of the run
EXECUTORS: dict[str, ModuleType] = {"command": commands, "sweep": sweep, "parallel": parallel}


class Step:
    """One execution of a step.

    Args:
        job: its name.
        experiment: of its MLflow run `run_id`.
        log_path: file that its processes write to.
        cancel: set when it is canceled.
    """

    def __init__(
        self,
        session: Session,
        call: "Call",
        job: str,
        experiment: str,
        run_id: str,
        log_path: Path,
        cancel: threading.Event,
    ) -> None:
        self._session, self._ws, self._call, self._plan = session, session.ws, call, call.plan
        self._job, self._experiment, self._run_id, self._log_path = job, experiment, run_id, log_path
        self._cancel = cancel
        self._home = self._ws.path / "jobs" / job
        self._variables: dict[str, str] = {}

    def run(
        self, places: dict[str, tuple[str, bool]], log: Callable[[str], None], started: Callable[[], None]
    ) -> dict[str, Value]:
        """Run the step and return the values of its outputs.

        Args:
            places: output -> (URI where it is to be written, whether the person chose that).
            log: see `StepContext.log`.
            started: called when the environment is there and the work begins.

        Raises:
            StepFailed, StepCanceled: how it ended, if not well.
        """
        plan, ws = self._plan, self._ws
        code = code_of(plan.spec)
        # A sweep has no process of its own: its trials make their environment and their outputs.
        python = None
        if plan.type != "sweep":
            python = overlay.make(ws.environments.python(plan.environment or {}, log), self._home / "python")
        kinds = {name: setting["type"] for name, setting in plan.outputs.items()}
        paths = {n: outputs.prepare(ws, uri, kinds[n]) for n, (uri, _) in places.items()} if python else {}
        self._variables = self._environment(python, paths)
        temporary = temporary_folder(ws, self._job)
        for folder in (temporary, ws.path / "home"):
            folder.mkdir(parents=True, exist_ok=True)
        started()
        try:
            result: StepResult = EXECUTORS[plan.type].run(
                StepContext(
                    ws=ws,
                    job=self._job,
                    display_name=self._call.display_name,
                    node=plan.spec,
                    inputs=self._texts(),
                    outputs=paths,
                    code=ws.path / "snapshots" / code if code else None,
                    python=python,
                    environment=self._variables,
                    run_id=self._run_id,
                    log=log,
                    cancel=self._cancel,
                    cores=self._session.cores,
                    spawn=self._spawn,
                    work=self._work,
                    run_child=self._run_child,
                )
            )
        finally:
            self._keep_artifacts()
            for scratch in (self._home / "work", self._home / "python", temporary):
                shutil.rmtree(scratch, ignore_errors=True)
        ws.catalog.edit_job(self._job, properties=result.properties)
        return {n: self._value(n, kinds[n], place, paths.get(n), result) for n, place in places.items()}

    def _texts(self) -> dict[str, str]:
        """What the job is given for each of its inputs."""
        spec, values_ = self._plan.spec, self._call.inputs
        if self._plan.type == "sweep":  # its trials, commands, are given the same values and deliver them
            return {name: value.text for name, value in values_.items()}
        modes = {name: declared.get("mode") for name, declared in (spec.get("inputs") or {}).items()}
        if self._plan.type == "parallel":
            modes[parallel.input_name(spec)] = None  # the runner of the mini-batches reads it, not the script
        return {name: values.delivered(self._ws, value, modes.get(name)) for name, value in values_.items()}

    def _environment(self, python: Path | None, paths: dict[str, Path]) -> dict[str, str]:
        """The variables of the step's processes: the workspace's, those of its inputs and outputs, and its own."""
        variables = job_variables(self._ws, self._job, self._session.root, self._experiment, python)
        variables |= {"MLFLOW_RUN_ID": self._run_id}
        for name, text in self._texts().items():
            variables[f"AZURE_ML_INPUT_{name}"] = text
            if not self._call.inputs[name].uri:
                variables[f"AZUREML_PARAMETER_{name}"] = text
        variables |= {f"AZURE_ML_OUTPUT_{name}": str(path) for name, path in paths.items()}
        cluster = str(self._plan.spec.get("compute") or "").removeprefix("azureml:")
        variables |= {
            "AZUREML_CR_NODE_RANK": "0",
            "AZUREML_CR_EXECUTION_WORKING_DIR_PATH": str(self._home / "work"),
            "AZUREML_CR_COMPUTE_CONTEXT": json.dumps({"cluster_name": cluster}),
            **distribution.variables(self._plan.spec.get("distribution") or {}),
        }
        variables |= (self._plan.environment or {}).get("variables") or {}
        own = self._plan.spec.get("environment_variables") or {}
        return variables | {name: str(value) for name, value in own.items()}

    def _value(self, name: str, kind: str, place: tuple[str, bool], path: Path | None, result: StepResult) -> Value:
        """An output after the step has ended; that of a sweep is its best trial's, copied if its place was chosen."""
        uri, chosen = place
        if name in result.outputs:
            path = result.outputs[name]
            if chosen:
                target = outputs.prepare(self._ws, uri, kind)
                shutil.copytree(path, target, dirs_exist_ok=True) if path.is_dir() else shutil.copyfile(path, target)
                path = target
            else:
                uri = outputs.uri_of(self._ws, path)
        if path is None or not path.exists():
            raise StepFailed(f"outputs.{name}: the step ended well, but there is no {kind} at {uri}")
        return Value(str(path), f"output {self._job}/{name}", uri, kind, self._job)

    def _keep_artifacts(self) -> None:
        """`outputs/` and `logs/` of the working folder become artifacts of the run, as on Azure."""
        for folder in ARTIFACTS:
            made = self._home / "work" / folder
            if made.is_dir() and any(made.iterdir()):
                target = self._home / "artifacts" / folder
                shutil.copytree(made, target, ignore_dangling_symlinks=True, dirs_exist_ok=True)

    def _spawn(
        self,
        command: str | list[str],
        cwd: Path,
        env: dict[str, str] | None = None,
        timeout: float | None = None,
        stdin: str | None = None,
    ) -> int:
        variables = {**self._variables, **(env or {})}
        return self._session.spawn(self._job, self._log_path, self._cancel, command, cwd, variables, timeout, stdin)

    def _work(self) -> Path:
        work, code = self._home / "work", code_of(self._plan.spec)
        if code:
            copy_tree(self._ws.path / "snapshots" / code, work, writable=True)
        else:
            work.mkdir(parents=True)
        for folder in ARTIFACTS:  # a script finds them, as on Azure
            (work / folder).mkdir(exist_ok=True)
        return work

    def _run_child(
        self,
        node: dict[str, Any],
        inputs: dict[str, str],
        display_name: str,
        cancel: threading.Event,
        started: Callable[[str], None],
    ) -> ChildResult:
        from .execution import Call, execute

        known = self._call.inputs
        bound = {
            n: known[n] if n in known and known[n].text == text else values.literal(text) for n, text in inputs.items()
        }
        declared = {n: {"type": "uri_folder", **o} for n, o in (node.get("outputs") or {}).items()}
        plan = Plan(
            "command", node, outputs=declared, component=self._plan.component, environment=self._plan.environment
        )
        ended = execute(
            self._session,
            Call(
                plan,
                bound,
                display_name,
                parent=self._job,
                parent_run=self._run_id,
                settings=self._call.settings,
                cancels=(self._cancel, cancel),
                started=started,
            ),
        )
        paths = {name: Path(value.text) for name, value in ended.outputs.items()}
        return ChildResult(ended.job, ended.status, paths, ended.run_id, ended.error)
