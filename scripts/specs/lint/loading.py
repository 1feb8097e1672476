"""Loading a rendered spec with azure-ai-ml, as `az ml` does, and what it says about it."""

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from scripts.specs.lint.findings import Position, Problem
from scripts.specs.project import Spec

# `az ml batch-deployment create` picks the loader by type.
BATCH = {"model": "load_model_batch_deployment", "pipeline": "load_pipeline_component_batch_deployment"}

MISSING = "Missing data for required field."  # of marshmallow
# About classes of the SDK: nothing that a spec could do about it.
EXPERIMENTAL = re.compile(r"This is an experimental (?:class|method|field), and may change at any time")


def loading_problems(spec: Spec, build: Path, logged: list[str]) -> list[Problem]:
    """Errors and warnings that azure-ai-ml gives for `spec`, a file of the folder `build`.

    Args:
        logged: where `listening` puts what azure-ai-ml logs.
    """
    from azure.ai.ml.entities import _load_functions  # here, since it takes a second: rendering needs none of it

    loader = spec.kind.loader
    if spec.kind.name == "batch deployment":
        loader = BATCH.get(str(spec.document.get("type", "")).lower(), loader)
    logged.clear()
    with warnings.catch_warnings(record=True) as raised, redirect_stdout(StringIO()):
        warnings.simplefilter("always", UserWarning)
        try:
            problems = list(_validated(getattr(_load_functions, loader)(build / spec.path)))
        # Anything: azure-ai-ml raises a dozen kinds for a bad spec, KeyError and AttributeError among them.
        except Exception as error:  # noqa: BLE001
            problems = list(_rejected(error))
    warned = [_one_line(str(item.message)) for item in raised if item.category is UserWarning]
    return problems + [Problem("AML003", (), message) for message in [*logged, *warned]]


def _validated(entity: Any) -> Iterator[Problem]:
    """What `az ml` checks before it sends a job or component: `az ml job validate` without the service."""
    from azure.ai.ml.entities import MonitorSchedule
    from azure.ai.ml.entities._validation import SchemaValidatableMixin

    # A monitor inherits the validation of schedules but leaves out what that needs; loading it has checked its schema.
    if not isinstance(entity, SchemaValidatableMixin) or isinstance(entity, MonitorSchedule):
        return
    result = entity._validate(raise_error=False)
    for diagnostics, code in ((result._errors, "AML002"), (result._warnings, "AML003")):
        for diagnostic in diagnostics:
            yield Problem(code, _position(diagnostic.yaml_path), _one_line(diagnostic.message))


def _rejected(error: BaseException) -> Iterator[Problem]:
    """Problems in an error of a loader: one a field if marshmallow tells them, else the error's own message."""
    messages = _field_messages(error)
    if messages is None:
        yield Problem("AML002", (), _one_line(str(getattr(error, "message", None) or error) or type(error).__name__))
        return
    for position, message in _told(messages, ()):
        yield _missing(position) if message == MISSING else Problem("AML002", position, message)


def _missing(position: Position) -> Problem:
    """A key that isn't there has no line: its mapping has."""
    return Problem("AML002", position[:-1], f"{position[-1]!r} is missing here")


def _told(messages: Any, position: Position) -> Iterator[tuple[Position, str]]:
    """Messages of marshmallow with their positions; of a union, those of the alternative that fits best."""
    if isinstance(messages, dict):
        for key, value in messages.items():
            # "value" is marshmallow's own step into a mapping of named things, and "_schema" means the mapping itself.
            yield from _told(value, position if key in {"key", "value", "_schema", None} else (*position, key))
    elif isinstance(messages, list) and not all(isinstance(message, str) for message in messages):
        alternatives = [list(_told(message, position)) for message in messages]
        # An alternative that objects to `type` is for something else.
        fitting = [told for told in alternatives if not any(where == (*position, "type") for where, _ in told)]
        yield from max(fitting or alternatives, key=lambda told: max((len(where) for where, _ in told), default=0))
    else:
        texts = messages if isinstance(messages, list) else [messages]
        yield position, _one_line("; ".join(dict.fromkeys(map(str, texts))))


def _field_messages(error: BaseException | None) -> dict[str, Any] | None:
    """Messages by field of the marshmallow error at the root of `error`; later ones only wrap it in prose."""
    messages = None
    while error is not None:
        if (
            isinstance(error, ValidationError)
            and isinstance(error.messages, dict)
            and set(error.messages) != {"_schema"}
        ):
            messages = error.messages
        error = error.__cause__ or error.__context__
    return messages


def _position(path: str | None) -> Position:
    if path is None or path == "*":
        return ()
    return tuple(int(step) if step.isdecimal() else step for step in path.split("."))


def _one_line(message: str) -> str:
    return " ".join(str(message).split())


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collects the warnings that azure-ai-ml logs, apart from those that something is experimental."""
    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            message = _one_line(record.getMessage())
            if not EXPERIMENTAL.search(message):
                said.append(message)

    logging.disable(logging.WARNING)  # what it says on import is about itself, not about a spec
    import azure.ai.ml.entities

    logging.disable(logging.NOTSET)
    logger = logging.getLogger(azure.ai.ml.__name__)
    handlers, propagated = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [Listener(logging.WARNING)], False
    try:
        yield said
    finally:
        logger.handlers, logger.propagate = handlers, propagated
