"""Literal inputs: checked against their declaration and turned into the text that a command sees."""

from typing import Any

from .errors import WorkspaceError

TYPES = ("string", "integer", "number", "boolean")
# azure-ai-ml makes 1 and 0 of true and false where it does not know the type of a value.
BOOLEANS = {"true": "True", "1": "True", "false": "False", "0": "False"}
# Bytes of one argument or environment variable of a process. Linux takes 128 KiB, with the variable's name.
LONGEST = 128 * 1024 - 512
DATA_TYPES = ("uri_file", "uri_folder", "mltable", "mlflow_model", "custom_model", "triton_model")


def type_of(value: Any) -> str:
    """The literal type that a value of a job document has."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "string"


def text(value: Any, declared: dict[str, Any], where: str) -> str:
    """`value` as text.

    Args:
        declared: the input's declaration: type, and min, max or enum where it has them.
        where: the field, for messages, such as `jobs.train.inputs.seed`.

    Raises:
        WorkspaceError: the value is not of the type, below min, above max, not in enum, or too long.
    """
    refuse_long(value, where)
    kind = declared.get("type", "string")
    number = _number(value, kind) if kind in ("integer", "number") else None
    wrong = kind in ("integer", "number") and number is None
    wrong |= kind == "boolean" and str(value).lower() not in BOOLEANS
    if wrong or isinstance(value, dict | list):
        raise WorkspaceError(f"{where}: {value!r} is not of type {kind}.")
    for bound, outside in (("min", lambda low: number < low), ("max", lambda high: number > high)):
        limit = declared.get(bound)
        if number is not None and limit is not None and outside(float(limit)):
            raise WorkspaceError(f"{where}: {value} is {'below min' if bound == 'min' else 'above max'} {limit}.")
    allowed = declared.get("enum")
    if allowed and str(value) not in map(str, allowed):
        raise WorkspaceError(f"{where}: {value!r} is not one of {', '.join(map(str, allowed))}.")
    return BOOLEANS[str(value).lower()] if kind == "boolean" else str(value)


def refuse_long(value: Any, where: str) -> None:
    """Refuse what can't become an environment variable of a process.

    Raises:
        WorkspaceError: it names the field.
    """
    size = len(str(value).encode())
    if size > LONGEST:
        raise WorkspaceError(
            f"{where}: a value of {size:,} bytes, and a process takes at most {LONGEST:,} as one argument or "
            "environment variable; put it into a file, and give that as a uri_file."
        )


def _number(value: Any, kind: str) -> float | None:
    if isinstance(value, bool) or (kind == "integer" and isinstance(value, float)):
        return None
    try:
        return float(int(value) if kind == "integer" else value)
    except (TypeError, ValueError):
        return None


def compatible(kind: str, wanted: str) -> bool:
    """Whether data of one type may go where another is declared: a file is never a folder, a literal never data."""
    files, texts = "uri_file" in (kind, wanted), kind in TYPES or wanted in TYPES
    numbers = {kind, wanted} <= {"integer", "number"}
    return kind == wanted or numbers or (texts and {kind, wanted} <= set(TYPES)) or not (files or texts)
