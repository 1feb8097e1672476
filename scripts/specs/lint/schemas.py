"""Known keys of specs, read from the marshmallow schemas by which azure-ai-ml loads them."""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from marshmallow import Schema, fields

from scripts.specs.lint.findings import Position
from scripts.specs.project import Spec

MISSING = 2  # missing keys count as so many unknown ones
Unknown = tuple[Position, list[str]]  # position of a key, and the keys that are known in its place


def unknown_keys(spec: Spec) -> Iterator[Unknown]:
    """Position of each key that azure-ai-ml doesn't know, and the keys that it knows there.

    azure-ai-ml itself ignores many of them, so that a misspelt setting simply has no effect.
    """
    schema = _schema(spec.kind.name, *_discriminators(spec))
    if schema is not None:
        yield from _in_mapping(spec.document, schema, ())


def _discriminators(spec: Spec) -> tuple[str, str]:
    """Values of a spec by which azure-ai-ml chooses its schema."""
    for action in ("create_monitor", "import_data"):
        if action in spec.document:
            return action, ""
    return str(spec.document.get("type", "")).lower(), str(spec.document.get("task", "")).lower()


@cache
def _schema(kind: str, type_: str, task: str) -> Schema | None:
    """The schema for one kind and type of spec; None for a type that azure-ai-ml refuses on loading."""
    # Imported here since it takes a second: rendering and `make graph` need none of it.
    from azure.ai.ml.constants._common import BASE_PATH_CONTEXT_KEY

    context = {BASE_PATH_CONTEXT_KEY: Path()}  # schemas resolve paths from it when they load; here nothing is loaded
    if kind == "component":
        from azure.ai.ml.entities._component.component_factory import component_factory
        from azure.ai.ml.exceptions import ValidationException

        try:
            create = component_factory.get_create_funcs({"type": type_ or "command", "task": task}, for_load=True)[1]
        except ValidationException:
            return None
        return create(context)
    schema = _classes(kind).get(type_) or _classes(kind).get("")
    return schema(context=context) if schema else None


@cache
def _classes(kind: str) -> dict[str, type[Schema]]:
    """`type` of a spec -> schema; "" stands for all other types."""
    from azure.ai.ml import _schema as base
    from azure.ai.ml._schema import _endpoint as endpoints
    from azure.ai.ml._schema._data_import.schedule import ImportDataScheduleSchema
    from azure.ai.ml._schema._deployment.batch import batch_deployment, model_batch_deployment
    from azure.ai.ml._schema._deployment.batch import pipeline_component_batch_deployment_schema as pipeline_deployment
    from azure.ai.ml._schema._deployment.online import online_deployment
    from azure.ai.ml._schema.monitoring.schedule import MonitorScheduleSchema
    from azure.ai.ml._schema.pipeline.pipeline_job import PipelineJobSchema
    from azure.ai.ml._schema.schedule.schedule import JobScheduleSchema

    kinds: dict[str, dict[str, type[Schema]]] = {
        "environment": {"": base.EnvironmentSchema},
        "data": {"": base.DataSchema},
        "job": {
            "command": base.CommandJobSchema,
            "pipeline": PipelineJobSchema,
            "spark": base.SparkJobSchema,
            "sweep": base.SweepJobSchema,
        },
        "online endpoint": {"": endpoints.ManagedOnlineEndpointSchema},
        "online deployment": {
            "": online_deployment.ManagedOnlineDeploymentSchema,
            "kubernetes": online_deployment.KubernetesOnlineDeploymentSchema,
        },
        "batch endpoint": {"": endpoints.BatchEndpointSchema},
        "batch deployment": {
            "": batch_deployment.BatchDeploymentSchema,
            "model": model_batch_deployment.ModelBatchDeploymentSchema,
            "pipeline": pipeline_deployment.PipelineComponentBatchDeploymentSchema,
        },
        "schedule": {
            "": JobScheduleSchema,
            "create_monitor": MonitorScheduleSchema,
            "import_data": ImportDataScheduleSchema,
        },
    }
    return kinds[kind]


def _in_mapping(document: dict[str, Any], schema: Schema, position: Position) -> Iterator[Unknown]:
    known = _keys(schema)
    for key, value in document.items():
        if key in known:
            yield from _in_value(value, known[key], (*position, key))
        elif key != "$schema":
            yield (*position, key), sorted(known)


def _in_value(value: Any, field: fields.Field, position: Position) -> Iterator[Unknown]:
    """Unknown keys below `value`, read by the alternative of `field` that knows the most of it."""
    if not isinstance(value, dict | list):
        return
    best: tuple[Unknown, ...] = ()
    least = sys.maxsize
    for option in _options(field):
        reading = _reading(value, option, position)
        if reading is None:
            continue
        found = tuple(reading)
        # A missing key tells more than an unknown one: without `component`, it is a job that declares itself.
        wrong = len(found) + MISSING * _missing(option, value)
        best, least = (found, wrong) if wrong < least else (best, least)
        if least == 0:
            break
    yield from best


def _reading(value: Any, field: fields.Field, position: Position) -> Iterator[Unknown] | None:
    """Unknown keys if `field` reads `value`; None if it takes no such value."""
    if isinstance(field, fields.Nested):
        if not isinstance(value, dict) or not _accepts(field.schema, value):
            return None
        return _in_mapping(value, field.schema, position)
    if isinstance(field, fields.Dict):
        inner = field.value_field
        items = list(value.items()) if isinstance(value, dict) else None
    elif isinstance(field, fields.List):
        inner = field.inner
        items = list(enumerate(value)) if isinstance(value, list) else None
    else:
        return iter(()) if type(field) in {fields.Raw, fields.Field} else None
    if items is None:
        return None
    return (found for key, item in items if inner for found in _in_value(item, inner, (*position, key)))


def _missing(field: fields.Field, value: Any) -> int:
    """Number of keys that `value` lacks and `field` requires."""
    if not isinstance(field, fields.Nested) or not isinstance(value, dict):
        return 0
    return sum(inner.required and key not in value for key, inner in _keys(field.schema).items())


def _accepts(schema: Schema, value: dict[str, Any]) -> bool:
    """Whether what tells alternatives apart in `value` (type: …, task: …) is what `schema` is for."""
    for key in ("type", "task"):
        field = _keys(schema).get(key)
        allowed = {str(name) for option in _options(field) for name in getattr(option, "allowed_values", ())}
        if allowed and isinstance(value.get(key), str) and value[key].lower() not in {name.lower() for name in allowed}:
            return False
    return True


def _options(field: fields.Field | None) -> Iterator[fields.Field]:
    """Alternatives of a union, unwrapped; a plain field is its only one."""
    inner = getattr(field, "experimental_field", None)
    union = [inner] if inner is not None else getattr(field, "union_fields", None)
    if union is not None:
        for option in union:
            yield from _options(option)
    elif field is not None:
        yield field


def _keys(schema: Schema) -> dict[str, fields.Field]:
    """Keys of a mapping -> field; what only the service sets counts as well, since azure-ai-ml drops it knowingly."""
    return {field.data_key or name: field for name, field in schema.fields.items()}
