"""Settings of a pipeline's nodes that are bound to inputs of the pipeline: limits, retries, thresholds and so on."""

import re
from typing import TYPE_CHECKING, Any

from .errors import WorkspaceError
from .graph import PARENT

if TYPE_CHECKING:
    from .plan import Plan

BOUND = re.compile(r"\$\{\{\s*parent\.([\w.-]+)\s*\}\}")
INTEGER, NUMBER = re.compile(r"[+-]?\d+"), re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
TEXTS = "environment_variables"  # what stays text whatever it looks like


def literals(plan: "Plan", around: "Plan | None") -> dict[str, str]:
    """The literal inputs of a pipeline, by name, with those that it takes from the pipeline `around` it."""
    found = {}
    for name, bound in plan.inputs.items():
        source, key = bound.get("from") or (None, "")
        if "literal" in bound:
            found[name] = bound["literal"]
        elif around and source == PARENT and key in around.literals:
            found[name] = around.literals[key]
    return found


def settled(doc: dict[str, Any], fixed: tuple[str, ...], around: "Plan", where: str) -> dict[str, Any]:
    """A node with the values of `${{parent.inputs.…}}` in its settings.

    Args:
        fixed: fields that are no settings; they stay as they are.
        around: the pipeline that the node is in.
        where: the node's place, for messages.

    Raises:
        WorkspaceError: it names the setting, and an input that is not there, has no value or is data.
    """
    return {key: value if key in fixed else _settled(value, around, f"{where}{key}") for key, value in doc.items()}


def _settled(value: Any, around: "Plan", where: str) -> Any:
    if isinstance(value, dict):
        return {key: _settled(item, around, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [_settled(item, around, f"{where}[{at}]") for at, item in enumerate(value)]
    if not isinstance(value, str) or not BOUND.search(value):
        return value
    text = BOUND.sub(lambda found: _value(found, around, where), value)
    return text if f"{TEXTS}." in where or not BOUND.fullmatch(value) else _scalar(text)


def _value(found: re.Match[str], around: "Plan", where: str) -> str:
    group, _, name = found[1].partition(".")
    known = ", ".join(around.spec.get("inputs") or {}) or "none"
    if group != "inputs" or name not in (around.spec.get("inputs") or {}):
        raise WorkspaceError(f"{where}: {found[0]} is no input of the pipeline; there are: {known}.")
    if name not in around.literals:
        what = "has no value" if name not in around.inputs else "is data"
        raise WorkspaceError(f"{where}: the pipeline's input '{name}' {what}, and a setting needs a literal.")
    return around.literals[name]


def _scalar(text: str) -> Any:
    """A number where the text is one, as if it stood in the spec itself."""
    if INTEGER.fullmatch(text):
        return int(text)
    return float(text) if NUMBER.fullmatch(text) else text
