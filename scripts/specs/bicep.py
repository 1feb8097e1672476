"""Bicep files as pycep parses them: syntax, no types (the compiler itself is no package that installs offline)."""

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from lark.exceptions import UnexpectedInput
from pycep import BicepParser

JSON_TYPES: dict[str, type] = {
    "string": str,
    "int": int,
    "bool": bool,
    "array": list,
    "object": dict,
}


class BicepError(Exception):
    """A file is no Bicep.

    Args:
        line: 1-based line where the parser stops.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@cache
def parsed(text: str) -> dict[str, Any]:
    """Parameters, variables, resources, modules and outputs of a Bicep file, each name -> what it says.

    Raises:
        BicepError: bad syntax.
    """
    try:
        return cast(dict[str, Any], _parser().parse(text=text))
    except UnexpectedInput as error:
        lines = text.rstrip().count("\n") + 1
        where = error.line if error.line and 0 < error.line <= lines else lines
        unexpected = str(error).splitlines()[0].split(" at line ")[0]
        raise BicepError(f"{unexpected}, column {error.column}", where) from error


@cache
def _parser() -> BicepParser:
    return BicepParser()


def refusal(parameter: dict[str, Any], value: Any) -> str:
    """Why Azure would refuse `value` for a parameter, as `parsed` gives it; empty if it takes it."""
    kind = parameter["type"]
    expected = JSON_TYPES[kind]
    if not isinstance(value, expected) or (kind == "int" and isinstance(value, bool)):
        return f"{value!r} is no {kind}"
    limits = {decorator["type"]: decorator.get("argument") for decorator in parameter["decorators"]}
    if "allowed" in limits and value not in limits["allowed"]:
        return f"{value!r} is not allowed; use {', '.join(limits['allowed'])}"
    if "min_value" in limits and value < limits["min_value"]:
        return f"{value} is less than {limits['min_value']}"
    if "max_value" in limits and value > limits["max_value"]:
        return f"{value} is more than {limits['max_value']}"
    return ""


def texts(expression: Any) -> Iterator[str]:
    """Every text in a parsed expression: names of variables and functions, literals."""
    if isinstance(expression, str):
        yield expression
    elif isinstance(expression, dict):
        for value in expression.values():
            yield from texts(value)
    elif isinstance(expression, list):
        for value in expression:
            yield from texts(value)
