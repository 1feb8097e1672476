"""${{parent…}} of a pipeline: every name that a job binds to must be there, and every declared name must be bound."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from scripts.specs.lint.expressions import Expression, expressions
from scripts.specs.lint.findings import Problem
from scripts.specs.lint.jobs import Job, is_pipeline, jobs
from scripts.specs.lint.ports import mapping
from scripts.specs.lint.repository import Subject, hint


def bindings(subject: Subject) -> Iterator[Problem]:
    """Bindings to jobs, outputs of jobs, and inputs and outputs of the pipeline that are not there."""
    known = jobs(subject)
    for expression in (found for job in known.values() for found in bound_by(job)):
        message = _dangling(expression, subject, known)
        if message:
            code, text = message
            yield Problem(code, expression.position, f"{expression.text}: {text}", expression.text)


def bound_by(job: Job) -> Iterator[Expression]:
    """Expressions of a job that start with `parent`; those of an inline component are checked with its command."""
    document = {key: value for key, value in job.document.items() if not (job.inline and key == job.reference)}
    return (found for found in expressions(document, job.position) if found.parts[0] == "parent")


def _dangling(expression: Expression, subject: Subject, known: dict[str, Job]) -> tuple[str, str] | None:
    """Code and message for an expression that names what is not there."""
    for key, code in (("inputs", "AML103"), ("outputs", "AML106")):
        name = expression.name_after("parent", key)
        if name is not None:
            declared = mapping(subject.document, key)
            if name in declared or name.split(".")[0] in declared:
                return None
            return code, f"the pipeline has no {key[:-1]} {name!r}; {hint(name, declared)}"
    if expression.parts[1:2] != ("jobs",) or len(expression.parts) < 3:
        return "AML101", "parent has inputs, outputs and jobs"
    name = expression.parts[2]
    if name not in known:
        return "AML101", f"the pipeline has no job {name!r}; {hint(name, known)}"
    output = expression.name_after("parent", "jobs", name, "outputs")
    interface = known[name].interface
    if output is None or interface is None or output in interface.outputs:
        return None
    return "AML102", f"job {name!r} has no output {output!r}; {hint(output, interface.outputs)}"


def unused(subject: Subject) -> Iterator[Problem]:
    """Inputs and outputs of the pipeline that no job binds to."""
    if not is_pipeline(subject.document):
        return
    used: dict[str, set[str]] = {"inputs": set(), "outputs": set()}
    for expression in expressions(subject.document):
        for key, names in used.items():
            name = expression.name_after("parent", key)
            if name is not None:
                names |= {name, name.split(".")[0]}
    for name in mapping(subject.document, "inputs").keys() - used["inputs"]:
        yield Problem("AML112", ("inputs", name), f"no job uses the pipeline's input {name!r}; bind it or remove it")
    for name in mapping(subject.document, "outputs").keys() - used["outputs"]:
        message = f"no job writes the pipeline's output {name!r}; bind a job's output to ${{{{parent.outputs.{name}}}}}"
        yield Problem("AML113", ("outputs", name), message)


def bound_twice(subject: Subject) -> Iterator[Problem]:
    """Pipeline outputs that two jobs write: the one that ends last would win."""
    writers: dict[str, Expression] = {}
    for job in jobs(subject).values():
        for expression in expressions(mapping(job.document, "outputs"), (*job.position, "outputs")):
            name = expression.name_after("parent", "outputs")
            if name is None:
                continue
            if name in writers:
                first = ".".join(map(str, writers[name].position[1:4]))
                message = f"{expression.text} is bound to {first} already; an output has one writer"
                yield Problem("AML110", expression.position, message, expression.text)
            writers.setdefault(name, expression)


def cycles(subject: Subject) -> Iterator[Problem]:
    """Jobs that wait for each other. What a loop hands to its next turn (`mapping` of do_while) is no such edge."""
    waits: dict[str, dict[str, Expression]] = {}
    known = jobs(subject)
    for job in known.values():
        found = expressions(mapping(job.document, "inputs"), (*job.position, "inputs"))
        named = [(expression.parts, expression) for expression in found]
        waits[job.name] = {
            parts[2]: expression for parts, expression in named if parts[:2] == ("parent", "jobs") and parts[2:3]
        }
    while True:
        try:
            TopologicalSorter({name: [job for job in needs if job in known] for name, needs in waits.items()}).prepare()
            return
        except CycleError as error:
            circle: list[str] = error.args[1]
        # Each job of the circle comes before the one that waits for it.
        expression = waits[circle[1]].pop(circle[0])
        yield Problem(
            "AML109", expression.position, f"jobs wait for each other: {' -> '.join(circle)}", expression.text
        )
