"""Jobs of a pipeline, and everything in a spec that runs a command."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scripts.specs.lint.findings import Position
from scripts.specs.lint.ports import Interface, Port, component_interface, job_interface, mapping, type_of
from scripts.specs.lint.repository import Subject

# Jobs that may declare what they take by themselves; that of others (automl, data transfer, loops) is not known.
SELF_DECLARED = {None, "command", "parallel", "spark"}


@dataclass(frozen=True)
class Job:
    """One entry of `jobs`.

    Args:
        component: document of its component, or of a sweep's trial; None if this repository doesn't have it.
        interface: what it takes and gives; None if that isn't known.
    """

    name: str
    document: dict[str, Any]
    component: dict[str, Any] | None
    interface: Interface | None

    @property
    def position(self) -> Position:
        return "jobs", self.name

    @property
    def type(self) -> str | None:
        return type_of(self.document)

    @property
    def reference(self) -> str:
        """Key of its component."""
        return "trial" if self.type == "sweep" else "component"

    @property
    def inline(self) -> bool:
        """Whether its component is written into it."""
        return isinstance(self.document.get(self.reference), dict)


def is_pipeline(document: dict[str, Any]) -> bool:
    return isinstance(document.get("jobs"), dict)


def jobs(subject: Subject) -> dict[str, Job]:
    """Jobs of a pipeline job or pipeline component."""
    entries = mapping(subject.document, "jobs")
    return {str(name): _job(subject, str(name), entry) for name, entry in entries.items() if isinstance(entry, dict)}


def _job(subject: Subject, name: str, document: dict[str, Any]) -> Job:
    kind = type_of(document)
    key = "trial" if kind == "sweep" else "component"
    if key not in document:
        own = kind in SELF_DECLARED
        return Job(name, document, None, job_interface(document) if own else None)
    component = subject.component(document[key])
    inline = isinstance(document[key], dict)
    default = "command" if key == "trial" or not inline else kind or "command"
    return Job(name, document, component, component_interface(component, default) if component is not None else None)


@dataclass(frozen=True)
class Runnable:
    """A mapping that says what to run: a component, a job of its own, or a trial.

    Args:
        position: of `document` in the spec.
        declared: position of the mapping with `inputs` and `outputs`.
        searched: names of the search space; None if it has none.
        component: it is a component, which knows nothing of the pipeline around it.
    """

    document: dict[str, Any]
    position: Position
    declared: Position
    inputs: dict[str, Port]
    outputs: dict[str, Port]
    searched: frozenset[str] | None = None
    component: bool = False


def runnables(subject: Subject) -> Iterator[Runnable]:
    """Everything in a spec that runs a command, a script or a function."""
    document, kind = subject.document, subject.spec.kind.name
    if is_pipeline(document):
        for job in jobs(subject).values():
            yield from _of_job(job)
    elif kind == "component":
        yield _component(document, (), component_interface(document))
    elif kind == "job" and type_of(document) == "sweep":
        trial, own = mapping(document, "trial"), job_interface(document)
        searched = frozenset(mapping(document, "search_space"))
        yield Runnable(trial, ("trial",), (), own.inputs, own.outputs, searched)
    elif kind == "job" and type_of(document) in SELF_DECLARED:
        own = job_interface(document)
        yield Runnable(document, (), (), own.inputs, own.outputs)


def _of_job(job: Job) -> Iterator[Runnable]:
    if job.inline and job.component is not None and job.interface is not None:
        yield _component(job.component, (*job.position, job.reference), job.interface)
    elif job.reference not in job.document and job.interface is not None:
        yield Runnable(job.document, job.position, job.position, job.interface.inputs, job.interface.outputs)


def _component(document: dict[str, Any], position: Position, interface: Interface) -> Runnable:
    return Runnable(document, position, position, interface.inputs, interface.outputs, component=True)
