"""What azure-ai-ml leaves out of a job's document without a word, though it stands in the spec."""

from pathlib import Path
from typing import Any

from ml_workspace import WorkspaceError
from ml_workspace.plan import RUNNABLE

Document = dict[str, Any]


def check_inputs(file: str, overrides: list[tuple[str, Any]], doc: Document) -> None:
    """Refuse inputs that a step's component does not declare: azure-ai-ml drops them, so a misspelt one goes unnoticed.

    Args:
        file: the spec of a job or component; `overrides` go over it.
        doc: what azure-ai-ml made of both.

    Raises:
        WorkspaceError: it names the input and those that there are; for a step of a pipeline component, its file too.
    """
    from azure.ai.ml.entities._load_functions import add_param_overrides

    if doc.get("jobs"):
        spec = _read(Path(file))
        add_param_overrides(spec, [{field: value} for field, value in overrides])
        _check_steps(spec, Path(file).parent, doc, "")


def _check_steps(spec: Document, folder: Path, doc: Document, where: str) -> None:
    for job, step in (spec.get("jobs") or {}).items():
        field = f"{where}jobs.{job}"
        made = doc["jobs"][job]
        component = made.get("component") or made.get("trial")
        if not isinstance(component, dict) or component.get("type") not in RUNNABLE:
            continue  # a registered one, whose inputs the workspace knows; or one that it refuses
        declared = component.get("inputs") or {}
        for name in step.get("inputs") or {}:
            if name not in declared:
                known = ", ".join(declared) or "none"
                raise WorkspaceError(f"{field}.inputs.{name}: there is no such input; the component has: {known}.")
        if component.get("jobs"):
            given = step["component"]
            if isinstance(given, str):
                path = folder / given.removeprefix("file:")
                _check_steps(_read(path), path.parent, component, f"{field}.component: {given}: ")
            else:
                _check_steps(given, folder, component, f"{field}.component.")


def _read(file: Path) -> Document:
    import yaml

    found: Document = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def settings(entity: Any, doc: Document) -> Document:
    """The settings of a pipeline with those that azure-ai-ml sends to the service, though its schema has them not."""
    kept = getattr(entity, "settings", None)
    sent = {key: value for key, value in kept._to_dict().items() if value is not None} if kept else {}
    return {**sent, **(doc.get("settings") or {})}


def outputs(entity: Any, doc: Document) -> Document:
    """The outputs of a pipeline with those of which the spec says nothing but the name: the service makes folders."""
    return {**{name: {"type": "uri_folder"} for name in entity.outputs or {}}, **(doc.get("outputs") or {})}
