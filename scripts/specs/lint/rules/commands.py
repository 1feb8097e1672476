"""Commands and arguments, against what their component or job declares."""

from collections.abc import Iterator
from difflib import get_close_matches

from scripts.specs.lint.expressions import Expression, expressions
from scripts.specs.lint.findings import Problem
from scripts.specs.lint.jobs import Runnable, runnables
from scripts.specs.lint.ports import mapping
from scripts.specs.lint.repository import Subject, hint

TEXTS = ("command", "args", "program_arguments")  # what becomes a command line


def undeclared(subject: Subject) -> Iterator[Problem]:
    """${{inputs.x}}, ${{outputs.x}} or ${{search_space.x}} that is not declared, and ${{parent}} in a component."""
    for runnable in runnables(subject):
        known = {"inputs": set(runnable.inputs), "outputs": set(runnable.outputs)}
        if runnable.searched is not None:
            known["search_space"] = set(runnable.searched)
        for expression in expressions(runnable.document, runnable.position):
            root, name = expression.parts[0], ".".join(expression.parts[1:])
            if root == "parent" and runnable.component:
                message = "a component knows no pipeline; declare an input and bind it where the component is used"
                yield Problem("AML203", expression.position, f"{expression.text}: {message}", expression.text)
            elif root in known and name not in known[root] and name.split(".")[0] not in known[root]:
                message = f"{root} has no {name!r}; {hint(name, known[root])}"
                yield Problem("AML201", expression.position, f"{expression.text}: {message}", expression.text)
            elif name and root not in known and (near := get_close_matches(root, ["inputs", "outputs"], 1, 0.8)):
                message = f"there is no {root!r}; did you mean {near[0]}?"
                yield Problem("AML201", expression.position, f"{expression.text}: {message}", expression.text)


def unused(subject: Subject) -> Iterator[Problem]:
    """Inputs and outputs that are declared and that nothing which runs is told about."""
    for runnable in runnables(subject):
        if not any(key in runnable.document for key in (*TEXTS, "task")):
            continue
        used = {expression.parts[:2] for expression in expressions(runnable.document, runnable.position)}
        for key, declared in (("inputs", runnable.inputs), ("outputs", runnable.outputs)):
            for name in declared:
                if (key, name.split(".")[0]) not in used:
                    message = f"{name!r} is declared, but no command uses ${{{{{key}.{name}}}}}; use it or remove it"
                    yield Problem("AML202", (*runnable.declared, key, name), message)


def optional(subject: Subject) -> Iterator[Problem]:
    """Optional inputs on a command line outside $[[ ]]: without a value, the job fails before it starts."""
    for runnable in runnables(subject):
        for expression in _command_line(runnable):
            port = runnable.inputs.get(expression.name_after("inputs") or "")
            if port is not None and port.optional and not expression.optional:
                message = f"{expression.text} is optional; write $[[--option {expression.text}]]"
                yield Problem("AML204", expression.position, message, expression.text)


def _command_line(runnable: Runnable) -> Iterator[Expression]:
    for position in ((), ("task",)):
        document = mapping(runnable.document, "task") if position else runnable.document
        for key in TEXTS:
            yield from expressions(document.get(key), (*runnable.position, *position, key))
