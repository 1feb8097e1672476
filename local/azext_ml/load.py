"""Specs, loaded and validated by azure-ai-ml, as the plain documents that the engine takes."""

import logging
from pathlib import Path
from typing import Any

from ml_workspace import Unsupported

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
        Unsupported: valid on Azure alone.
    """
    with naming(file):
        doc: Document = _entity(kind, file, overrides)._to_dict()
    if kind == "environment" and doc.get("build"):
        raise Unsupported("build: the local workspace builds no Docker images; give the environment a conda_file.")
    if kind == "datastore":
        # A folder of the workspace stands for the datastore: it needs no secret, so none is kept.
        doc.pop("credentials", None)
    return doc


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
    entity = _entity("job", file, overrides)
    if hasattr(entity, "_to_job"):
        # A command job is loaded as the step it would be in a pipeline, whose document lacks what only jobs have.
        entity = entity._to_job()
        if entity.code and not _remote(str(entity.code)):
            entity.code = str(Path(file).resolve().parent / entity.code)
    _absolute_paths(entity, Path(file).resolve().parent)
    doc: Document = _plain_paths(entity._to_dict())
    return doc


def _entity(kind: str, file: str | None, overrides: list[tuple[str, Any]]) -> Any:
    # What is experimental on Azure is no news to who runs here.
    logging.getLogger("azure.ai.ml._utils._experimental").setLevel(logging.ERROR)
    import azure.ai.ml

    return getattr(azure.ai.ml, f"load_{kind}")(source=file, params_override=[{k: v} for k, v in overrides])


def _remote(path: str) -> bool:
    """Whether azure-ai-ml takes `path` for a reference and not for a place on this machine."""
    if path.startswith(("azureml:/", "/subscriptions/", "${{")) or "://" in path:
        return True
    return not Path(path).is_absolute() and (":" in path or "@" in path)


def _absolute_paths(entity: Any, base: Path) -> None:
    """Make local inputs absolute, and the code of parallel steps: of a job, its steps and pipeline components in it."""
    from azure.ai.ml import Input
    from azure.ai.ml.entities import Parallel, PipelineComponent

    for value in (getattr(entity, "inputs", None) or {}).values():
        data = getattr(value, "_data", value)
        if isinstance(data, Input) and data.path and not _remote(str(data.path)):
            data.path = str((base / data.path).resolve())
    if isinstance(entity, Parallel) and entity.task and entity.task.code and not _remote(str(entity.task.code)):
        # A step takes over the task of its component, whose code is relative to the component's file.
        entity.task.code = str((Path(entity._base_path or base) / entity.task.code).resolve())
    for step in (getattr(entity, "jobs", None) or {}).values():
        _absolute_paths(step, base)
        component = getattr(step, "component", None)
        if isinstance(component, PipelineComponent):
            _absolute_paths(component, Path(component._base_path or base))


def _plain_paths(value: Any, key: str = "") -> Any:
    """Take off the `azureml:` that azure-ai-ml's schemas put before local paths."""
    if isinstance(value, dict):
        return {name: _plain_paths(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain_paths(item) for item in value]
    if key in ("path", "code") and isinstance(value, str):
        plain = value.removeprefix("azureml:")
        if plain.startswith("file://") or (plain.startswith("/") and not plain.startswith(("//", "/subscriptions/"))):
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
