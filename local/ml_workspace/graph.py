"""The edges of a pipeline: bindings between its inputs, its jobs and its outputs."""

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from . import literals
from .errors import WorkspaceError
from .jobs_text import PARENT_INPUT, STEP_OUTPUT

if TYPE_CHECKING:
    from .plan import Plan

PARENT = "parent"


def source_of(expression: str, where: str) -> list[str]:
    """[job, output] or ["parent", input] that an expression is bound to.

    Raises:
        WorkspaceError: it is no such expression.
    """
    if found := PARENT_INPUT.match(expression):
        return [PARENT, found[1]]
    if found := STEP_OUTPUT.match(expression):
        return [found[1], found[2]]
    raise WorkspaceError(
        f"{where}: {expression} is neither ${{{{parent.inputs.…}}}} nor ${{{{parent.jobs.….outputs.…}}}}."
    )


def dependencies(plan: "Plan") -> dict[str, set[str]]:
    """Job -> the jobs of the same pipeline whose outputs it takes."""
    return {
        name: {value["from"][0] for value in node.inputs.values() if "from" in value} - {PARENT}
        for name, node in plan.jobs.items()
    }


def check_bindings(plan: "Plan", where: str) -> None:
    """Every binding of a pipeline leads somewhere, types fit, and jobs don't wait for each other in a circle.

    Raises:
        WorkspaceError: the first that does not, with its field.
    """
    for job, node in plan.jobs.items():
        for name, value in node.inputs.items():
            if "from" in value:
                _check_source(
                    plan, value["from"], node.spec["inputs"].get(name) or {}, f"{where}jobs.{job}.inputs.{name}"
                )
        for name, value in node.outputs.items():
            parent = value.get("parent")
            if parent is not None and parent not in plan.outputs:
                known = ", ".join(plan.outputs) or "none"
                raise WorkspaceError(
                    f"{where}jobs.{job}.outputs.{name}: the pipeline has no output '{parent}'; it has: {known}."
                )
    try:
        TopologicalSorter(dependencies(plan)).prepare()
    except CycleError as error:
        raise WorkspaceError(
            f"{where}jobs: they wait for each other in a circle: {' -> '.join(error.args[1])}."
        ) from error


def _check_source(plan: "Plan", source: list[str], declared: dict[str, Any], where: str) -> None:
    job, name = source
    if job == PARENT:
        available: dict[str, Any] = plan.spec.get("inputs") or {}
        owner = "the pipeline has no input"
    elif job in plan.jobs:
        available, owner = plan.jobs[job].outputs, f"job '{job}' has no output"
    else:
        raise WorkspaceError(f"{where}: there is no job '{job}' in the pipeline; there are: {', '.join(plan.jobs)}.")
    if name not in available:
        raise WorkspaceError(f"{where}: {owner} '{name}'; there are: {', '.join(available) or 'none'}.")
    found, wanted = available[name].get("type", "string"), declared.get("type", "string")
    if not literals.compatible(found, wanted):
        raise WorkspaceError(f"{where}: takes {wanted}, and {'.'.join(source)} is of type {found}.")
    value = plan.inputs.get(name) if job == PARENT else None
    if job == PARENT and value is None and not declared.get("optional") and declared.get("default") is None:
        raise WorkspaceError(f"{where}: a value is required, and the pipeline's optional input '{name}' has none.")
    if value and "literal" in value and wanted in literals.TYPES:
        literals.text(value["literal"], declared, where)
