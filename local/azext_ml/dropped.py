"""What azure-ai-ml leaves out of a job's document without a word, though it stands in the spec."""

import re
from pathlib import Path
from typing import Any

from ml_workspace import WorkspaceError
from ml_workspace.plan import RUNNABLE

Document = dict[str, Any]
INPUT = re.compile(r"^jobs\.([^.]+)\.inputs\.([^.]+)")


def check_inputs(file: str, overrides: list[tuple[str, Any]], doc: Document) -> None:
    """Refuse inputs that a step's component does not declare: azure-ai-ml drops them, so a misspelt one goes unnoticed.

    Args:
        file: the spec; `overrides` go over it.
        doc: what azure-ai-ml made of both.

    Raises:
        WorkspaceError: it names the input and those that there are.
    """
    import yaml

    nodes = doc.get("jobs") or {}
    spec = yaml.safe_load(Path(file).read_text(encoding="utf-8")) if nodes else {}
    given = [(job, name) for job, node in (spec.get("jobs") or {}).items() for name in node.get("inputs") or {}]
    given += [(found[1], found[2]) for field, _ in overrides if (found := INPUT.match(field))]
    for job, name in given:
        component = nodes[job].get("component") or nodes[job].get("trial")
        known = isinstance(component, dict) and component.get("type") in RUNNABLE
        declared = component.get("inputs") or {} if known else {name: None}
        if name not in declared:
            has = ", ".join(declared) or "none"
            raise WorkspaceError(f"jobs.{job}.inputs.{name}: there is no such input; the component has: {has}.")


def settings(entity: Any, doc: Document) -> Document:
    """The settings of a pipeline with those that azure-ai-ml sends to the service, though its schema has them not."""
    kept = getattr(entity, "settings", None)
    sent = {key: value for key, value in kept._to_dict().items() if value is not None} if kept else {}
    return {**sent, **(doc.get("settings") or {})}


def outputs(entity: Any, doc: Document) -> Document:
    """The outputs of a pipeline with those of which the spec says nothing but the name: the service makes folders."""
    return {**{name: {"type": "uri_folder"} for name in entity.outputs or {}}, **(doc.get("outputs") or {})}
