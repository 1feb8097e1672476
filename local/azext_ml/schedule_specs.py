"""Specs of schedules, loaded and validated by azure-ai-ml, as the documents that the engine takes."""

from pathlib import Path
from typing import Any

from ml_workspace import Unsupported, WorkspaceError

from . import dropped
from .load import Document, entity_of, job_document, plain_paths, remote
from .spec_errors import naming
from .updates import Overrides, texts

READ_ONLY = ("creation_context", "is_enabled", "provisioning_state", "id")


def schedule(file: str, overrides: Overrides) -> Document:
    """Load the spec of a schedule.

    Args:
        file: path of the YAML file.
        overrides: (dotted field, value) pairs that go over the file's own.

    Raises:
        WorkspaceError: what is wrong with it, by file and field.
        Unsupported: only Azure has what it asks for.
    """
    from azure.ai.ml._utils.utils import load_yaml
    from azure.ai.ml.entities import ImportDataSchedule, MonitorSchedule
    from azure.ai.ml.entities._load_functions import add_param_overrides

    with naming(file):
        spec = load_yaml(file) or {}
        add_param_overrides(spec, [{field: value} for field, value in overrides])
        try:
            entity = entity_of("schedule", file, overrides)
        except NotImplementedError as error:
            raise WorkspaceError(
                "create_monitor: azure-ai-ml can't read it. It can't read metric_thresholds.regression of a "
                "model_performance signal, as it knows mae by two names; run components/monitor_signals instead."
            ) from error
        if isinstance(entity, ImportDataSchedule):
            raise Unsupported("import_data: it needs connections to databases, which only Azure has.")
        if isinstance(entity, MonitorSchedule):
            _absolute_data(entity.create_monitor, Path(file).resolve().parent)
        doc: Document = plain_paths(entity._to_dict())
        if not isinstance(entity, MonitorSchedule):
            doc["create_job"] = _job(entity.create_job, spec["create_job"], Path(file).resolve().parent)
    return texts({key: value for key, value in doc.items() if key not in READ_ONLY and value is not None})


def _job(entity: Any, given: Any, folder: Path) -> Any:
    """`azureml:JOB`, {"id": "azureml:JOB", …what goes over it}, or the document of the job in a file."""
    if isinstance(entity, str):
        return f"azureml:{entity.removeprefix('azureml:')}"
    named = str(given["job"] if isinstance(given, dict) else given)
    if named.startswith("azureml:"):
        return job_document(entity, folder)
    path = folder / named.removeprefix("file:")
    doc = job_document(entity, path.parent)
    with naming(str(path)):
        dropped.check_inputs(str(path), [], doc)
    return doc


def _absolute_data(monitor: Any, folder: Path) -> None:
    """Make the local paths of a monitor's data absolute."""
    for signal in (monitor.monitoring_signals or {}).values():
        production = getattr(signal, "production_data", None)
        named = getattr(signal, "input_data", None) or {}
        found = [*(production if isinstance(production, list) else [production]),
                 getattr(signal, "reference_data", None), *named.values()]  # fmt: skip
        data = [each.input_data for each in found if each is not None]
        for value in [*data, *(getattr(signal, "inputs", None) or {}).values()]:
            if value is not None and value.path and not remote(str(value.path)):
                value.path = str((folder / value.path).resolve())
