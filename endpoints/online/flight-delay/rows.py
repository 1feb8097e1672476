"""From the body of a request to the table that the model takes, or to a message that says what to mend."""

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature

NUMBER, TEXT = "double", "string"  # types of columns; both may be null
LONGEST = 60  # of what a message quotes
# What a client such as curl sends, and the server swallows, unless told that the body is JSON.
FORM = re.compile(r"\s*(\Z|[\w.%+*-]+=)")


class BadRequest(Exception):
    """The body is not what the model takes; the message says where, and what to send instead."""


def columns_of(signature: ModelSignature | None) -> dict[str, str]:
    """Name -> NUMBER or TEXT of each column that the model takes.

    Raises:
        ValueError: the model has no signature, or one with columns of other types.
    """
    if signature is None or signature.inputs is None:
        raise ValueError("the model has no signature; log it with one, so that requests can be checked")
    columns = {column.name: column.type.name for column in signature.inputs}
    if other := {name: kind for name, kind in columns.items() if kind not in {NUMBER, TEXT}}:
        raise ValueError(f"columns {other}: requests are checked for columns of type {NUMBER} and {TEXT} only")
    return columns


def table(body: str, columns: dict[str, str]) -> pd.DataFrame:
    """Rows of a request, in the model's columns.

    Args:
        body: {"input_data": …} with {"columns": […], "index": […], "data": [[…], …]} or a list of records. `index` is
            optional and changes nothing. Each column must be there; null stands for a value that isn't known.
        columns: as from `columns_of`.

    Returns:
        float64 for numbers (NaN for null), text as it is (None for null).

    Raises:
        BadRequest: the body is anything else.
    """
    given = _input_data(body)
    if isinstance(given, dict):
        place, values = "input_data.data", _split(given, columns)
    elif isinstance(given, list):
        place, values = "input_data", _records(given, columns)
    else:
        raise BadRequest("input_data must be a list of records, or an object with columns and data")
    return pd.DataFrame({name: _column(name, values[name], kind, place) for name, kind in columns.items()})


def _input_data(body: str) -> Any:
    try:
        document = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        hint = "; send JSON, with the header Content-Type: application/json" if FORM.match(body) else ""
        raise BadRequest(f"the body is not JSON: {error}{hint}") from error
    if not isinstance(document, dict):
        raise BadRequest('the body must be an object: {"input_data": …}')
    if other := document.keys() - {"input_data"}:
        raise BadRequest(f"unknown key {_quoted(min(other))}; the body has one key, input_data")
    if "input_data" not in document:
        raise BadRequest('the body lacks input_data; send {"input_data": …}')
    return document["input_data"]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON; send null for what is not known")


def _split(given: dict[str, Any], columns: dict[str, str]) -> dict[str, Any]:
    """Column -> values, of {"columns": […], "index": […], "data": [[…], …]}."""
    if other := given.keys() - {"columns", "index", "data"}:
        raise BadRequest(f"input_data has the unknown key {_quoted(min(other))}; it takes columns, data and index")
    names, data = given.get("columns"), given.get("data")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadRequest("input_data.columns must be a list of names")
    if not isinstance(data, list):
        raise BadRequest("input_data.data must be a list of rows")
    name, count = Counter(names).most_common(1)[0] if names else ("", 0)
    if count > 1:
        raise BadRequest(f"input_data.columns has {_quoted(name)} {count} times")
    _refuse_names(set(names), columns, "input_data.columns")
    _refuse_none(data, "input_data.data")
    for number, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(names):
            raise BadRequest(f"input_data.data[{number}] must be a list of {len(names)} values, one for each column")
    index = given.get("index")
    if index is not None and not (isinstance(index, list) and len(index) == len(data)):
        raise BadRequest(f"input_data.index must be a list of {len(data)} labels, one for each row; or leave it out")
    return dict(zip(names, zip(*data, strict=True), strict=True))


def _records(given: list[Any], columns: dict[str, str]) -> dict[str, Any]:
    """Column -> values, of [{"carrier": "UA", …}, …]."""
    _refuse_none(given, "input_data")
    for number, record in enumerate(given):
        if not isinstance(record, dict):
            raise BadRequest(f"input_data[{number}] must be an object of column and value")
        if record.keys() != columns.keys():
            _refuse_names(set(record), columns, f"input_data[{number}]")
    return {name: [record[name] for record in given] for name in columns}


def _refuse_none(rows: list[Any], place: str) -> None:
    if not rows:
        raise BadRequest(f"{place} is empty; send at least one row")


def _refuse_names(given: set[str], columns: dict[str, str], place: str) -> None:
    if missing := [name for name in columns if name not in given]:
        raise BadRequest(f"{place} lacks {', '.join(missing)}; send every column, with null for what is not known")
    if unknown := given - columns.keys():
        raise BadRequest(f"{place} has {_quoted(min(unknown))}, which is no column of the model: {', '.join(columns)}")


def _column(name: str, values: Any, kind: str, place: str) -> np.ndarray:
    read = _number if kind == NUMBER else _text
    converted = []
    for number, value in enumerate(values):
        try:
            converted.append(read(value))
        except ValueError:
            wanted = "a finite number" if kind == NUMBER else "text"
            where = f"{place}[{number}], column {name}"
            raise BadRequest(f"{where}: {_quoted(value)} is not {wanted}; send {wanted} or null") from None
    return np.array(converted, dtype="float64" if kind == NUMBER else "object")


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    try:
        number = float(value)
    except OverflowError:
        raise ValueError from None
    if not math.isfinite(number):  # JSON's 1e999 is read as infinite
        raise ValueError
    return number


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError
    value.encode()  # half a surrogate pair, "\\ud800", is a ValueError: no text, and the end of the collector's thread
    return value


def _quoted(value: Any) -> str:
    """A value of the request as JSON, cut to what a message can bear."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
