"""Records of any format as tables whose columns have the types of what is in them."""

import itertools
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from source import ROWS, Unreadable

MIXED = b"mixed"  # marks a column of a chunk whose values had several types: they come as text


def tables(records: Iterator[dict[str, Any]], names: list[str]) -> Iterator[pa.Table]:
    """Tables of ROWS records.

    Raises:
        Unreadable: a record has another column than `names`.
    """
    known = set(names)
    while rows := list(itertools.islice(records, ROWS)):
        for row in rows:
            if extra := row.keys() - known:
                found = ", ".join(sorted(extra))
                raise Unreadable("format", f"column {found} appears only after the first {ROWS:,} rows")
        columns = [_column(name, [row.get(name) for row in rows]) for name in names]
        yield pa.table([array for _, array in columns], schema=pa.schema([column for column, _ in columns]))


def _column(name: str, values: list[Any]) -> tuple[pa.Field, pa.Array]:
    try:
        array = pa.array(values)
        return pa.field(name, array.type), array
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        texts = pa.array([None if value is None else str(value) for value in values])
        return pa.field(name, texts.type, metadata={MIXED: b"yes"}), texts
