"""What azure-ai-ml says of a broken spec, as one line a finding: file, field, what is wrong."""

import ast
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ml_workspace import WorkspaceError
from ml_workspace.plan import RUNNABLE

# A field that may be one of several things gets a complaint for each of them. Those that say the least are only
# repeated where there is no better one.
WEAK = (r"Unknown field\.|Not a valid (integer|number|string|boolean)\.", r"In order to specify |Not a valid URL\.|"
        r"Value passed is not a data binding|Anonymous assets must be defined inline")  # fmt: skip
OPTIONS = re.compile(r"^Value (?P<value>.+) passed is not in set (?P<allowed>\[.*\])$")
# What azure-ai-ml says beside these where the name of a resource would do too.
EXISTING = "In order to specify an existing "
TYPE = "Unsupported job type: "
# The line of azure-ai-ml's own code that it puts behind an error of Python's.
TRACE = re.compile(r" from {2,}.*", re.DOTALL)
Finding = tuple[str, str]


@contextmanager
def naming(file: str | None) -> Iterator[None]:
    """Put the spec's path before what is wrong with it, whoever says so.

    Raises:
        WorkspaceError: of the same class where the engine says it; for azure-ai-ml's errors, a readable form of them.
    """
    from azure.ai.ml.exceptions import MlException
    from marshmallow.exceptions import ValidationError

    try:
        yield
    except WorkspaceError as error:
        raise type(error)(_located(file, str(error))) from error
    except (MlException, ValidationError) as error:
        raise WorkspaceError("\n".join(_located(file, line) for line in lines(str(error)))) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # azure-ai-ml looks into values before it has checked what they are.
        reason = f"azure-ai-ml can't read it: {type(error).__name__}: {error}."
        hint = "Look for an empty field, a list where a map belongs, an unquoted key such as on, off, yes, no or 1."
        raise WorkspaceError(_located(file, f"{reason}\n{hint} --debug shows where it stopped.")) from error


def lines(text: str) -> list[str]:
    """The findings in one of azure-ai-ml's messages, the best of each field, as `field: what is wrong`."""
    if text.startswith(TYPE):
        return [f"type: Value '{text.removeprefix(TYPE).strip('. ')}' is not one of {', '.join(RUNNABLE)}."]
    told: dict[str, None] = {}
    for group in _groups(text):
        ranks = [_rank(message) for _, message in group]
        best = [finding for finding, rank in zip(group, ranks, strict=True) if rank == min(ranks)]
        names = {field for field, message in group if message.startswith(EXISTING)}
        for field, message in _merged(best, names):
            told[f"{field}: {message}" if field else message] = None
    return [*told]


def _located(file: str | None, message: str) -> str:
    return message if not file or file in message else f"{file}: {message}"


def _groups(text: str) -> Iterator[list[Finding]]:
    """Findings of one field and what is below it."""
    found = _parsed(text)
    if not isinstance(found, dict):
        yield [("", text.strip())]
    elif isinstance(found.get("errors"), list):
        for error in found["errors"]:
            if error["path"] == "*":
                yield from _groups(error["message"])
            else:
                yield [*_leaves(error["path"], [_parsed(part) or part for part in error["message"].split("; ")])]
    else:
        for field, value in found.items():
            yield [*_leaves(str(field), value)]


def _leaves(field: str, value: Any) -> Iterator[Finding]:
    if isinstance(value, dict):
        for key, item in value.items():
            # `value` is how marshmallow names what belongs to a key of a map.
            yield from _leaves(field if key in ("_schema", "value", None) else f"{field}.{key}", item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(field, item)
    else:
        yield field, TRACE.sub("", str(value)).strip()


def _parsed(text: str) -> Any:
    """The structure within a text, JSON or as Python prints it; None if there is none."""
    start = text.find("{")
    if start >= 0:
        try:
            return json.JSONDecoder().raw_decode(text[start:])[0]
        except json.JSONDecodeError:
            pass  # then it is Python's
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None


def _rank(message: str) -> int:
    return next((rank for rank, pattern in enumerate(WEAK, 1) if re.match(pattern, message)), 0)


def _merged(findings: list[Finding], names: set[str]) -> Iterator[Finding]:
    """The allowed values of all alternatives in one finding; fields in `names` may be the name of a resource too."""
    allowed: dict[Finding, list[str]] = {}
    for field, message in findings:
        options = OPTIONS.match(message)
        if options:
            allowed.setdefault((field, options["value"]), []).extend(map(str, ast.literal_eval(options["allowed"])))
        else:
            yield field, message
    for (field, value), values in allowed.items():
        names_too = ["azureml:NAME"] if field in names else []
        yield field, f"Value {value} is not one of {', '.join(dict.fromkeys([*values, *names_too]))}."
