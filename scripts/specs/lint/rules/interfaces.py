"""What a pipeline gives to its jobs' components, against what those declare."""

from collections.abc import Iterator
from typing import Any

from scripts.specs.lint.expressions import Expression, expressions
from scripts.specs.lint.findings import Position, Problem
from scripts.specs.lint.jobs import Job, jobs
from scripts.specs.lint.ports import Interface, Port, component_interface, mapping, type_of, type_refusal, value_refusal
from scripts.specs.lint.repository import Subject, hint


def names(subject: Subject) -> Iterator[Problem]:
    """Inputs and outputs that a job's component doesn't have, and required inputs that it isn't given."""
    for job in jobs(subject).values():
        if job.component is None or job.interface is None:
            continue
        for code, key, known in (
            ("AML104", "inputs", job.interface.inputs),
            ("AML106", "outputs", job.interface.outputs),
        ):
            for name in mapping(job.document, key):
                if name not in known and name.split(".")[0] not in known:
                    message = f"{_called(job)} has no {key[:-1]} {name!r}; {hint(name, known)}"
                    yield Problem(code, (*job.position, key, name), message)
        given = mapping(job.document, "inputs").keys() | mapping(job.document, "search_space").keys()
        for name, port in job.interface.inputs.items():
            if port.needed and name not in given:
                message = f"job {job.name!r} lacks input {name!r} ({port.type}), which {_called(job)} requires"
                yield Problem("AML105", (*job.position, "inputs"), message)


def scheduled(subject: Subject) -> Iterator[Problem]:
    """Inputs that a schedule sets and its job doesn't have."""
    create = mapping(subject.document, "create_job")
    job = subject.component(create.get("job"))
    for name in mapping(create, "inputs") if job is not None else ():
        declared = mapping(job, "inputs")
        if name not in declared:
            message = f"{create['job']} has no input {name!r}; {hint(name, declared)}"
            yield Problem("AML104", ("create_job", "inputs", name), message)


def types(subject: Subject) -> Iterator[Problem]:
    """Literals and types of data that the inputs of jobs do not take, and outputs bound to ones of another type."""
    known = jobs(subject)
    for job in known.values():
        if job.interface is None:
            continue
        for name, value in mapping(job.document, "inputs").items():
            port = job.interface.inputs.get(name)
            if port is not None and job.component is not None:
                yield from _input(subject, known, job, name, value, port)
        for expression in expressions(mapping(job.document, "outputs"), (*job.position, "outputs")):
            yield from _output(subject, job, expression)


def _input(subject: Subject, known: dict[str, Job], job: Job, name: str, value: Any, port: Port) -> Iterator[Problem]:
    position, into = (*job.position, "inputs", name), f"{job.name}.inputs.{name}"
    found = list(expressions(value, position))
    if found and found[0].whole:
        yield from _bound(subject, known, found[0], into, port)
    elif not found:
        yield from _given(value, position, into, port)


def _given(value: Any, position: Position, into: str, port: Port) -> Iterator[Problem]:
    """A value that stands in the spec: a literal, or a mapping with a type and a path."""
    if isinstance(value, dict) and "value" in value:
        value, position = value["value"], (*position, "value")
    if isinstance(value, dict):
        refusal, code = type_refusal(type_of(value) or "uri_folder", port.type), "AML108"
    elif value is None:
        return
    else:
        refusal, code = value_refusal(value, port), "AML107"
    if refusal:
        yield Problem(code, position, f"{into}: {refusal}")


def _bound(subject: Subject, known: dict[str, Job], expression: Expression, into: str, port: Port) -> Iterator[Problem]:
    """A binding to an input of the pipeline or to an output of another job."""
    name = expression.name_after("parent", "inputs")
    entries = mapping(subject.document, "inputs")
    if name in entries:
        if subject.spec.kind.name == "component":
            yield from _declared(name, component_interface(subject.document), into, port, expression)
        else:
            yield from _given(entries[name], ("inputs", name), into, port)
        return
    if expression.parts[:2] != ("parent", "jobs") or expression.parts[3:4] != ("outputs",):
        return
    source, output = known.get(expression.parts[2]), expression.parts[-1]
    if source is None or source.interface is None:
        return
    override = type_of(mapping(source.document, "outputs").get(output))
    type_given = override or source.interface.outputs.get(output, Port(None)).type
    refusal = type_refusal(type_given, port.type)
    if refusal:
        yield Problem(
            "AML108", expression.position, f"{into}: {source.name}.outputs.{output} {refusal}", expression.text
        )


def _declared(name: str, own: Interface, into: str, port: Port, expression: Expression) -> Iterator[Problem]:
    """An input that a pipeline component declares with a type, and passes on."""
    source = own.inputs[name]
    refusal = type_refusal(source.type, port.type)
    if refusal:
        yield Problem(
            "AML108", expression.position, f"{into}: the pipeline's input {name!r} {refusal}", expression.text
        )
    elif source.optional and port.needed:
        message = f"{into} is required, but the pipeline's input {name!r} is optional; give it a default or require it"
        yield Problem("AML105", expression.position, message, expression.text)


def _output(subject: Subject, job: Job, expression: Expression) -> Iterator[Problem]:
    name = expression.name_after("parent", "outputs")
    assert job.interface is not None
    wanted = type_of(mapping(subject.document, "outputs").get(name or ""))
    output = str(expression.position[3])
    refusal = type_refusal(job.interface.outputs.get(output, Port(None)).type, wanted)
    if refusal:
        message = f"the pipeline's output {name!r}: {job.name}.outputs.{output} {refusal}"
        yield Problem("AML108", expression.position, message, expression.text)


def declared_values(subject: Subject) -> Iterator[Problem]:
    """Defaults that a component's own input does not take."""
    if subject.spec.kind.name != "component":
        return
    for name, port in component_interface(subject.document).inputs.items():
        default = mapping(mapping(subject.document, "inputs"), name).get("default")
        refusal = value_refusal(default, port) if default is not None else None
        if refusal:
            yield Problem("AML107", ("inputs", name, "default"), f"default of {name!r}: {refusal}")


def job_types(subject: Subject) -> Iterator[Problem]:
    """Jobs whose `type` is not that of their component."""
    for job in jobs(subject).values():
        if job.component is None or job.interface is None or job.inline:
            continue
        wanted = "command" if job.type == "sweep" else job.type or "command"
        if job.interface.type != wanted:
            means = (
                "a sweep's trial must be of type command" if job.type == "sweep" else f"job {job.name!r} is {wanted}"
            )
            message = f"{_called(job)} is of type {job.interface.type}, but {means}"
            yield Problem("AML111", (*job.position, "type"), message)


def _called(job: Job) -> str:
    name = (job.component or {}).get("name")
    return f"component {name!r}" if name else f"the component of job {job.name!r}"
