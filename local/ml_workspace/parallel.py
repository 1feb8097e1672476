"""The executor of parallel jobs: cuts an input into mini-batches that worker processes take from each other.

This side reads the job's document; the work is done by parallel_driver.py, which runs in the job's own environment.
"""

import itertools
import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

from . import parallel_files
from .errors import Unsupported, WorkspaceError
from .jobs_text import check_names, names_in, render
from .steps import StepContext, StepFailed, StepResult

DRIVER = Path(__file__).with_name("parallel_driver.py")
APPEND_ROW_FILE = "parallel_run_step.txt"
SIZE = re.compile(r"(\d+)\s*(b|kb|mb|gb)?", re.IGNORECASE)
UNITS = {"": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}
FILES = 1  # of a mini-batch where mini_batch_size is not given
BYTES = 1 << 20  # the same for a table
RETRIES, TIMEOUT = 2, 60  # of retry_settings
# Settings that are integers, and the least that each may be.
LEAST = {
    "resources.instance_count": 1,
    "max_concurrency_per_instance": 1,
    "error_threshold": -1,
    "mini_batch_error_threshold": -1,
    "retry_settings.max_retries": 0,
    "retry_settings.timeout": 1,
}

# Settings of Azure's runner that come among the program arguments. The first two count here as well; the others watch
# over a cluster or its log files, and have nothing to act on.
THRESHOLDS = ("error_threshold", "allowed_failed_percent")
WITHOUT_EFFECT = (
    "task_overhead_timeout",
    "progress_update_timeout",
    "first_task_creation_timeout",
    "copy_logs_to_parent",
    "metrics_name_prefix",
    "push_metrics_to_parent",
    "resource_monitor_interval",
)


def validate(node: dict[str, Any]) -> None:
    """Refuses a parallel job that can't run, before anything runs.

    Raises:
        WorkspaceError: it names the field; Unsupported: something that only Azure has.
    """
    task = node.get("task") or {}
    if task.get("type", "run_function") != "run_function":
        raise Unsupported(f"the local workspace has no task.type {task['type']!r}; use run_function")
    if not task.get("entry_script"):
        raise WorkspaceError("task.entry_script is missing; name the script that defines init() and run()")
    for field in LEAST:
        _number(node, field)
    name = input_name(node)
    inputs, outputs = node.get("inputs") or {}, node.get("outputs") or {}
    if name not in inputs:
        raise WorkspaceError(f"input_data: there is no input '{name}'; there are: {', '.join(inputs) or 'none'}")
    rows = _rows_output(task)
    if rows is not None and rows not in outputs:
        known = ", ".join(outputs) or "none"
        raise WorkspaceError(f"task.append_row_to: there is no output '{rows}'; there are: {known}")
    try:
        check_names(task.get("program_arguments") or "", inputs, outputs)
    except WorkspaceError as error:
        raise WorkspaceError(f"task.program_arguments: {error}") from error
    if node.get("partition_keys") and not _is_mltable(node, name):
        raise Unsupported(
            f"partition_keys: inputs.{name} is a folder, which says nothing of its partitions; "
            "declare it with type: mltable, or use mini_batch_size"
        )
    mini_batch_size(node.get("mini_batch_size"), _is_tabular(node, name))


def run(context: StepContext) -> StepResult:
    """Runs the mini-batches of a parallel job to their end.

    Raises:
        StepFailed: more errors than the thresholds allow; it names the mini-batch and ends with its traceback.
        StepCanceled: somebody asked for it.
    """
    if context.python is None:
        raise StepFailed("task.environment is missing; the script needs an environment to run in")
    work = context.work()
    scratch = work / ".parallel_run"
    (scratch / "rows").mkdir(parents=True)
    result = scratch / "result.json"
    target = _append_row_to(context)
    told = settings(context) | {"append_rows": target is not None, "rows": str(scratch / "rows"), "result": str(result)}
    code = context.spawn([str(context.python), str(DRIVER)], work, stdin=json.dumps(told))
    outcome = json.loads(result.read_text(encoding="utf-8")) if result.is_file() else {}
    if code == 0 and outcome:
        if target:
            parallel_files.join_rows(scratch / "rows", target)
        return StepResult(properties={key: str(value) for key, value in outcome["counts"].items()})
    reason = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    raise StepFailed(
        outcome.get("error") or f"The runner of the mini-batches {reason} before it was finished; see the log."
    )


def settings(context: StepContext) -> dict[str, Any]:
    """What the driver is told: plain values, with defaults filled in and expressions replaced."""
    node, task = context.node, context.node["task"]
    name = input_name(node)
    if name not in context.inputs:
        raise WorkspaceError(f"inputs.{name}, which input_data names, has no value")
    tabular, mltable = _is_tabular(node, name), _is_mltable(node, name)
    size = mini_batch_size(node.get("mini_batch_size"), tabular)
    retry = node.get("retry_settings") or {}
    arguments = shlex.split(render(task.get("program_arguments") or "", context.inputs, context.outputs))
    own = dict(itertools.pairwise(arguments))
    for option in WITHOUT_EFFECT:
        if f"--{option}" in own:
            context.log(f"parallel: --{option} has no effect in a local workspace\n")
    thresholds = {key: _integer(own, key) for key in THRESHOLDS if f"--{key}" in own}
    return {
        "entry_script": task["entry_script"],
        "arguments": arguments,
        "input": context.inputs[name],
        "mltable": mltable,
        "tabular": tabular,
        # A worker cuts an MLTable, since that takes mltable.
        "mini_batches": None if mltable else parallel_files.cut(Path(context.inputs[name]), size),
        "partition_keys": node.get("partition_keys") or [],
        "mini_batch_size": size,
        "processes": _processes(context),
        "max_retries": RETRIES if retry.get("max_retries") is None else int(retry["max_retries"]),
        "timeout": float(retry.get("timeout") or TIMEOUT),
        "mini_batch_error_threshold": _threshold(node, "mini_batch_error_threshold"),
        "error_threshold": _threshold(node, "error_threshold"),
        "allowed_failed_percent": 100,
        "logging_level": (node.get("logging_level") or "INFO").upper(),
        **thresholds,
    }


def processes(node: dict[str, Any]) -> tuple[int, int]:
    """How many worker processes a job asks for on all its instances, and how many of them run here.

    This machine stands for all instances. It runs what one instance is to run; those of further instances only as far
    as there are cores for them, since a worker without a core takes memory and gains nothing.
    """
    cores = os.cpu_count() or 1
    instances = _number(node, "resources.instance_count") or 1
    each = _number(node, "max_concurrency_per_instance") or cores
    return instances * each, max(each, min(instances * each, cores))


def _number(node: dict[str, Any], field: str) -> int | None:
    """A setting that is a whole number, None where it is not given."""
    holder, _, key = field.rpartition(".")
    value = (node.get(holder) or {} if holder else node).get(key)
    if value is None:
        return None
    if not re.fullmatch(r"-?\d+", str(value)) or int(value) < LEAST[field]:
        raise WorkspaceError(f"{field} must be an integer from {LEAST[field]} on, not {value!r}")
    return int(value)


def _processes(context: StepContext) -> int:
    wanted, here = processes(context.node)
    if here < wanted:
        context.log(f"parallel: {wanted} worker processes on all instances; this machine runs {here} at once\n")
    return here


def mini_batch_size(text: str | None, tabular: bool) -> int:
    """The size of a mini-batch: a number of files, or of bytes of a table.

    Args:
        text: `10`, `100kb`, `10 MB`; azure-ai-ml writes `0` where a component gives none.
        tabular: whether the input is a table.
    """
    found = SIZE.fullmatch(str(text or 0).strip())
    if found is None:
        raise WorkspaceError(f"mini_batch_size {text!r} is not a size such as 10, 100kb or 10mb")
    if found[2] and not tabular:
        raise WorkspaceError(f"mini_batch_size {text!r}: for files it is a number of files, such as 10")
    return int(found[1]) * UNITS[(found[2] or "").lower()] or (BYTES if tabular else FILES)


def input_name(node: dict[str, Any]) -> str:
    """The input that is cut into mini-batches."""
    names = names_in(str(node.get("input_data") or ""))
    if len(names) != 1 or not names[0].startswith("inputs."):
        raise WorkspaceError(
            f"input_data is {node.get('input_data')!r}; it must name one input, such as ${{{{inputs.data}}}}"
        )
    return names[0].removeprefix("inputs.")


def _is_mltable(node: dict[str, Any], name: str) -> bool:
    declared = (node.get("inputs") or {}).get(name)
    return isinstance(declared, dict) and declared.get("type") == "mltable"


def _is_tabular(node: dict[str, Any], name: str) -> bool:
    """Whether mini-batches are tables. In another mode than direct, an MLTable stands for the files that it lists."""
    return _is_mltable(node, name) and node["inputs"][name].get("mode") == "direct"


def _threshold(node: dict[str, Any], key: str) -> int:
    return -1 if node.get(key) is None else int(node[key])


def _integer(arguments: dict[str, str], key: str) -> int:
    try:
        return int(arguments[f"--{key}"])
    except ValueError:
        raise WorkspaceError(f"--{key} must be an integer, not {arguments[f'--{key}']!r}") from None


def _rows_output(task: dict[str, Any]) -> str | None:
    """The output for the rows that run() returns, or None where they are only counted."""
    given = task.get("append_row_to")
    return "".join(names_in(given)).removeprefix("outputs.") if given else None


def _append_row_to(context: StepContext) -> Path | None:
    """The file for the rows that run() returns, or None where they are only counted."""
    task = context.node["task"]
    name = _rows_output(task)
    if name is None:
        return None
    place = context.outputs[name]
    return place / task.get("append_row_file_name", APPEND_ROW_FILE) if place.is_dir() else place
