"""A plan: what is to be run, every reference resolved."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from .resolve import CODE_ID

RUNNABLE = ("command", "pipeline", "sweep", "parallel")


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
        literals: values of a pipeline's literal inputs, also of those bound to pipelines around it.
    """

    type: str
    spec: dict[str, Any]
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    component: str = ""
    environment: dict[str, Any] | None = None
    jobs: dict[str, "Plan"] = field(default_factory=dict)
    literals: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON, for the catalog."""
        return dataclasses.asdict(self)

    @classmethod
    def load(cls, document: dict[str, Any]) -> "Plan":
        """Back from `document()`."""
        jobs = {name: cls.load(node) for name, node in document["jobs"].items()}
        return cls(**{**document, "jobs": jobs})


def code_of(spec: dict[str, Any]) -> str | None:
    """SHA-256 of the code snapshot that a planned component runs from, None if it has no code."""
    code = (spec.get("task") or spec).get("code")
    found = CODE_ID.search(str(code)) if code else None
    return found["sha256"] if found else None
