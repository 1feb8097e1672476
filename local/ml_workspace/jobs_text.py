"""The expressions of a job: `${{inputs.x}}` in commands, `${{parent.…}}` bindings between steps."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from .errors import WorkspaceError

EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")
OPTIONAL = re.compile(r"\$\[\[(.*?)\]\]", re.DOTALL)
PARENT_INPUT = re.compile(r"^\$\{\{\s*parent\.inputs\.([\w-]+)\s*\}\}$")
PARENT_OUTPUT = re.compile(r"^\$\{\{\s*parent\.outputs\.([\w-]+)\s*\}\}$")
STEP_OUTPUT = re.compile(r"^\$\{\{\s*parent\.jobs\.([\w-]+)\.outputs\.([\w-]+)\s*\}\}$")


def names_in(text: str) -> list[str]:
    """The dotted names of all expressions in `text`, in order."""
    return EXPRESSION.findall(text)


def check_names(text: str, inputs: Collection[str], outputs: Collection[str]) -> None:
    """Refuse a command with an expression that names nothing that is declared.

    Raises:
        WorkspaceError: it names the expression and what there is.
    """
    for expression in names_in(text):
        group, _, name = expression.partition(".")
        known = {"inputs": inputs, "search_space": inputs, "outputs": outputs}.get(group, ())
        if name not in known:
            declared = ", ".join([*(f"inputs.{n}" for n in inputs), *(f"outputs.{n}" for n in outputs)]) or "nothing"
            raise WorkspaceError(f"${{{{{expression}}}}} is not declared; declared: {declared}.")


def render(text: str, inputs: Mapping[str, str], outputs: Mapping[str, Path]) -> str:
    """Put values into a command as they are, as on Azure; paths of a workspace need no quotes (see `Workspace.create`).

    `$[[ … ]]` is dropped whole when an input in it has no value.

    Raises:
        WorkspaceError: an expression names nothing that is there.
    """

    def value(match: re.Match[str]) -> str:
        group, _, name = match[1].partition(".")
        if group in ("inputs", "search_space") and name in inputs:
            return inputs[name]
        if group == "outputs" and name in outputs:
            return str(outputs[name])
        raise WorkspaceError(f"${{{{{match[1]}}}}} in the command has no value: declare it and give it one.")

    def optional(match: re.Match[str]) -> str:
        wanted = [n.partition(".")[2] for n in names_in(match[1]) if n.startswith("inputs.")]
        return match[1] if all(n in inputs for n in wanted) else ""

    return EXPRESSION.sub(value, OPTIONAL.sub(optional, text))


def binding(value: Any) -> str | None:
    """The expression that an input or output of a node is bound to, or None for a literal or data of its own."""
    text = value.get("path") if isinstance(value, dict) else value
    return text if isinstance(text, str) and text.startswith("${{") else None
