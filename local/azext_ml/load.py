"""Specs, loaded and validated by azure-ai-ml, as the plain documents that the engine takes."""

import logging
from pathlib import Path
from typing import Any

from . import dropped
from .spec_errors import naming

Document = dict[str, Any]


def document(kind: str, file: str | None, overrides: list[tuple[str, Any]]) -> Document:
    """Load one spec; local paths in the result are absolute.

    Args:
        kind: data, environment, component, model, compute, datastore or workspace.
        file: path of the YAML file, None where the flags say it all.
        overrides: (dotted field, value) pairs that go over the file's own.

    Raises:
        WorkspaceError: what is wrong with it, by file and field.
    """
    with naming(file):
        entity = entity_of(kind, file, overrides)
        if kind == "component":
            _absolute_includes(entity)
            absolute_paths(entity, Path(file or ".").resolve().parent)
        doc: Document = plain_paths(entity._to_dict())
        if kind == "component":
            dropped.check_inputs(str(file), overrides, doc)
    if kind == "datastore":
        # A folder of the workspace stands for the datastore: it needs no secret, so none is kept.
        doc.pop("credentials", None)
    return doc


def changes_of(kind: str, file: str, overrides: list[tuple[str, Any]]) -> Document:
    """The fields that a spec for `update --file` states; azure-ai-ml adds empty maps for what it leaves out."""
    return {key: value for key, value in document(kind, file, overrides).items() if value not in (None, {}, [])}


def job(file: str, overrides: list[tuple[str, Any]]) -> Document:
    """Load a job spec; `properties` say which commit it comes from, as the service's own client does it.

    Raises:
        WorkspaceError: what is wrong with it, by file and field.
    """
    with naming(file):
        doc = _job(file, overrides)
    doc["properties"] = {**_git_facts(doc.get("properties") or {}), **(doc.get("properties") or {})}
    return doc


def _job(file: str, overrides: list[tuple[str, Any]]) -> Document:
    doc = job_document(entity_of("job", file, overrides), Path(file).resolve().parent)
    dropped.check_inputs(file, overrides, doc)
    return doc


def job_document(entity: Any, folder: Path) -> Document:
    """The document of a loaded job.

    Args:
        folder: that of its file, where relative paths start.
    """
    if hasattr(entity, "_to_job"):
        # A command job is loaded as the step it would be in a pipeline, whose document lacks what only jobs have.
        entity = entity._to_job()
        if entity.code and not remote(str(entity.code)):
            entity.code = str(folder / entity.code)
    absolute_paths(entity, folder)
    doc: Document = plain_paths(entity._to_dict())
    if settings := dropped.settings(entity, doc):
        doc["settings"] = settings
    if doc.get("jobs") and (outputs := dropped.outputs(entity, doc)):
        doc["outputs"] = outputs
    return doc


def entity_of(kind: str, file: str | None, overrides: list[tuple[str, Any]]) -> Any:
    """What azure-ai-ml makes of a spec, with `overrides` over it."""
    # What is experimental on Azure is no news to who runs here.
    logging.getLogger("azure.ai.ml._utils._experimental").setLevel(logging.ERROR)
    from azure.ai.ml.entities import _load_functions

    return getattr(_load_functions, f"load_{kind}")(source=file, params_override=[{k: v} for k, v in overrides])


def remote(path: str) -> bool:
    """Whether azure-ai-ml takes `path` for a reference and not for a place on this machine."""
    if path.startswith(("azureml:/", "/subscriptions/", "${{")) or "://" in path:
        return True
    return not Path(path).is_absolute() and (":" in path or "@" in path)


def absolute_paths(entity: Any, base: Path) -> None:
    """Make local inputs absolute, and the code of parallel steps: of a job, its steps and pipeline components in it."""
    from azure.ai.ml import Input
    from azure.ai.ml.entities import Parallel, PipelineComponent

    for value in (getattr(entity, "inputs", None) or {}).values():
        data = getattr(value, "_data", value)
        if isinstance(data, Input) and data.path and not remote(str(data.path)):
            data.path = str((base / data.path).resolve())
    if isinstance(entity, Parallel) and entity.task and entity.task.code and not remote(str(entity.task.code)):
        # A step takes over the task of its component, whose code is relative to the component's file.
        entity.task.code = str((Path(entity._base_path or base) / entity.task.code).resolve())
    for step in (getattr(entity, "jobs", None) or {}).values():
        absolute_paths(step, base)
        component = getattr(step, "component", None)
        for holder in (component, getattr(step, "trial", None)):
            _absolute_includes(holder)
        if isinstance(component, PipelineComponent):
            absolute_paths(component, Path(component._base_path or base))


def _absolute_includes(component: Any) -> None:
    """Make the `additional_includes` of a component absolute; its own file is where they start."""
    includes = getattr(component, "additional_includes", None)
    if includes:
        base = Path(component._base_path)
        component.additional_includes = [
            str((base / path).resolve()) if isinstance(path, str) else path for path in includes
        ]


def plain_paths(value: Any, key: str = "") -> Any:
    """Take off the `azureml:` that azure-ai-ml's schemas put before local paths and URLs."""
    if isinstance(value, dict):
        return {name: plain_paths(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [plain_paths(item) for item in value]
    if key in ("path", "code") and isinstance(value, str):
        plain = value.removeprefix("azureml:")
        url = "://" in plain and not plain.startswith("azureml://")
        if url or (plain.startswith("/") and not plain.startswith(("//", "/subscriptions/"))):
            return plain
    return value


def _git_facts(properties: dict[str, str]) -> dict[str, str]:
    from azure.ai.ml.operations._job_ops_helper import get_git_properties, has_pat_token

    facts: dict[str, str] = get_git_properties()
    if any(name in properties for name in facts):
        return {}
    if has_pat_token(facts.get("mlflow.source.git.repoURL")):
        return {name: value for name, value in facts.items() if "build" in name}
    return facts
