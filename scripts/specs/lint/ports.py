"""Inputs and outputs: what a component or job declares, and whether a value or a type fits."""

from dataclasses import dataclass
from typing import Any

LITERALS = {"string", "number", "integer", "boolean"}
FOLDERS = {"uri_folder", "mlflow_model", "triton_model"}
FAMILY = {"uri_file": "a file", "mltable": "a table"} | dict.fromkeys(FOLDERS, "a folder")
NAME = {"string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false"}


@dataclass(frozen=True)
class Port:
    """One declared input or output.

    Args:
        type: as declared; None if the spec doesn't tell.
        needed: whoever uses the component must give a value.
        optional: declared `optional: true`.
    """

    type: str | None
    needed: bool = False
    optional: bool = False
    low: float | None = None
    high: float | None = None
    enum: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Interface:
    """Declared inputs and outputs of a component or job of `type`."""

    type: str
    inputs: dict[str, Port]
    outputs: dict[str, Port]


def mapping(document: Any, key: str) -> dict[str, Any]:
    """Mapping of names at `key`; empty if there is none (azure-ai-ml reports what is no mapping)."""
    value = document.get(key) if isinstance(document, dict) else None
    return {str(name): entry for name, entry in value.items()} if isinstance(value, dict) else {}


def type_of(document: Any) -> str | None:
    """`type` of a job, component, input or output, in lower case as azure-ai-ml reads it; None if it has none."""
    value = document.get("type") if isinstance(document, dict) else None
    return value.lower() if isinstance(value, str) else None


def component_interface(document: dict[str, Any], default_type: str = "command") -> Interface:
    """Interface of a component's document."""
    inputs = {name: _declared(entry) for name, entry in mapping(document, "inputs").items()}
    outputs = {name: _declared(entry) for name, entry in mapping(document, "outputs").items()}
    return Interface(type_of(document) or default_type, inputs, outputs)


def job_interface(document: dict[str, Any]) -> Interface:
    """Interface of a job that is its own declaration: its inputs are what it is given."""
    inputs = {name: Port(_given_type(value)) for name, value in mapping(document, "inputs").items()}
    outputs = {}
    for name, value in mapping(document, "outputs").items():
        outputs[name] = Port((type_of(value) or "uri_folder") if isinstance(value, dict) else None)
    return Interface(type_of(document) or "command", inputs, outputs)


def _declared(entry: Any) -> Port:
    if not isinstance(entry, dict):
        return Port(None)
    optional = entry.get("optional") is True
    enum = entry.get("enum")
    return Port(
        type=type_of(entry),
        needed=not optional and entry.get("default") is None,
        optional=optional,
        low=_number(entry.get("min")),
        high=_number(entry.get("max")),
        enum=tuple(enum) if isinstance(enum, list) else (),
    )


def _given_type(value: Any) -> str | None:
    """Data type that a job's input is given as; None for a literal, whose value tells more, and for a binding."""
    if isinstance(value, dict) and "path" in value and "${{" not in str(value["path"]):
        return type_of(value) or "uri_folder"
    return None


def type_refusal(source: str | None, target: str | None) -> str | None:
    """Why data or a parameter of type `source` does not fit where `target` is declared; None if it fits or isn't known.

    `custom_model` may be a file or a folder, and `path`, of old components, is either.
    """
    if source is None or target is None or source == target:
        return None
    if source in LITERALS and target in LITERALS:
        fits = target == "string" or (source, target) == ("integer", "number")
        return None if fits else f"is {NAME[source]} ({source}), not {NAME[target]} ({target})"
    if (source in LITERALS) != (target in LITERALS):
        kinds = {True: "a parameter", False: "data"}
        return f"is {kinds[source in LITERALS]} ({source}), not {kinds[target in LITERALS]} ({target})"
    ours, theirs = FAMILY.get(source), FAMILY.get(target)
    if ours is None or theirs is None or ours == theirs:
        return None
    return f"is {ours} ({source}), not {theirs} ({target})"


def value_refusal(value: Any, port: Port) -> str | None:
    """Why the literal `value` is none that `port` takes; None if it is, or if that isn't known."""
    if port.type is None:
        return None
    if port.type not in LITERALS:
        return f"{value!r} is no data; give a mapping with `type: {port.type}` and `path`"
    if not _is(value, port.type):
        return f"{value!r} is not {NAME[port.type]} ({port.type})"
    if port.enum and str(value) not in {str(allowed) for allowed in port.enum}:
        return f"{value!r} is none of {', '.join(map(str, port.enum))}"
    if port.type in {"number", "integer"}:
        if port.low is not None and float(value) < port.low:
            return f"{value!r} is below min {port.low:g}"
        if port.high is not None and float(value) > port.high:
            return f"{value!r} is above max {port.high:g}"
    return None


def _is(value: Any, kind: str) -> bool:
    if kind == "boolean":
        return isinstance(value, bool) or str(value).lower() in {"true", "false"}
    if kind == "string":
        return True
    number = _number(value)
    return number is not None and (kind == "number" or number.is_integer())


def _number(value: Any) -> float | None:
    """`value` as Azure ML reads it, text such as "0.1" too; None if it is no number."""
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
