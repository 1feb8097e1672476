"""Expressions of Azure Pipelines, in `${{ }}`, `$[ ]` and conditions: parsed and evaluated.

Those that this repository's pipeline may use; any other function is refused by name.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(-?\d+(?:\.\d+)?)|([A-Za-z_][\w-]*)|(.))")
NAME = re.compile(r"[A-Za-z_][\w-]*")
STATUS = frozenset({"succeeded", "failed", "always", "canceled", "succeededOrFailed"})
Expression = Any  # a Call, a Lookup, or a literal: text, number, bool


class BadExpression(Exception):
    """What is wrong with an expression."""


@dataclass(frozen=True)
class Call:
    """A function with its arguments."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Lookup:
    """A value by its path, such as ("dependencies", "Build", "outputs", "step.name")."""

    parts: tuple[str, ...]


def parse(text: str) -> Expression:
    """The expression that `text` is.

    Raises:
        BadExpression: it is none.
    """
    tokens = [match.group().strip() for match in TOKEN.finditer(text.strip())]
    expression, rest = _expression(tokens, text)
    if rest:
        raise BadExpression(f"{text!r}: unexpected {rest[0]!r}")
    return expression


def _expression(tokens: list[str], text: str) -> tuple[Expression, list[str]]:
    if not tokens:
        raise BadExpression(f"{text!r} ends too early")
    token, rest = tokens[0], tokens[1:]
    if re.fullmatch(r"'.*'", token):
        return token[1:-1].replace("''", "'"), rest
    if re.fullmatch(r"-?\d+(\.\d+)?", token):
        return float(token), rest
    if token.lower() in {"true", "false"}:
        return token.lower() == "true", rest
    if not NAME.fullmatch(token):
        raise BadExpression(f"{text!r}: unexpected {token!r}")
    return _call(token, rest[1:], text) if rest[:1] == ["("] else _lookup(token, rest, text)


def _call(name: str, tokens: list[str], text: str) -> tuple[Call, list[str]]:
    arguments: list[Expression] = []
    while tokens[:1] != [")"]:
        argument, tokens = _expression(tokens, text)
        arguments.append(argument)
        if tokens[:1] == [","]:
            tokens = tokens[1:]
        elif tokens[:1] != [")"]:
            raise BadExpression(f"{text!r}: {name}( is not closed")
    return Call(name, tuple(arguments)), tokens[1:]


def _lookup(name: str, tokens: list[str], text: str) -> tuple[Lookup, list[str]]:
    parts = [name]
    while tokens[:1] in (["."], ["["]):
        if tokens[0] == "." and tokens[1:] and NAME.fullmatch(tokens[1]):
            parts.append(tokens[1])
            tokens = tokens[2:]
        elif tokens[2:3] == ["]"] and tokens[1].startswith("'"):
            parts.append(tokens[1][1:-1])
            tokens = tokens[3:]
        else:
            raise BadExpression(f"{text!r}: {name} is followed by what is no name")
    return Lookup(tuple(parts)), tokens


def evaluate(
    expression: Expression, lookup: Callable[[tuple[str, ...]], Any], status: Callable[[str], bool] | None = None
) -> Any:
    """Value of an expression.

    Args:
        lookup: value of a path; None or "" if there is none.
        status: whether succeeded, failed, always, canceled or succeededOrFailed hold; None where they can't be asked.

    Raises:
        BadExpression: a function that is not known here.
    """
    if isinstance(expression, Lookup):
        return lookup(expression.parts)
    if not isinstance(expression, Call):
        return expression
    name = expression.name
    if name in STATUS and status:
        return status(name)
    values = [evaluate(argument, lookup, status) for argument in expression.arguments]
    match name:
        case "and":
            return all(map(truth, values))
        case "or":
            return any(map(truth, values))
        case "not":
            return not truth(values[0])
        case "eq":
            return _plain(values[0]) == _plain(values[1])
        case "ne":
            return _plain(values[0]) != _plain(values[1])
        case "in":
            return _plain(values[0]) in map(_plain, values[1:])
    raise BadExpression(f"{name}() is not known here; and, or, not, eq, ne, in and the functions of status are")


def lookups(expression: Expression) -> Iterator[tuple[str, ...]]:
    """Paths of all values that an expression asks for."""
    if isinstance(expression, Lookup):
        yield expression.parts
    elif isinstance(expression, Call):
        for argument in expression.arguments:
            yield from lookups(argument)


def truth(value: Any) -> bool:
    """What a value counts as where a condition is asked for: empty text, 0 and False do not hold."""
    return value not in ("", None, False, 0) and str(value).lower() != "false"


def _plain(value: Any) -> str:
    """Text compares without regard to case; a missing value is empty text."""
    return "" if value is None else str(value).lower()
