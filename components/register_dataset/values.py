"""Values of a landing file as the contract's types, without loss; what does not fit is pointed out, not guessed."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

EXACT = 2**53  # integers up to here survive a float


def cast(column: pa.ChunkedArray, target: pa.DataType, typed: bool) -> tuple[pa.Array, np.ndarray, str]:
    """`column` as `target`.

    Args:
        column: a column of one chunk.
        target: int64, float64, string or timestamp in UTC.
        typed: False for CSV, whose text may stand for any type; True where text is text.

    Returns:
        The values (null where they don't fit), the positions that don't fit, and the first such value described.
    """
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # no rows, no chunks
        array = pa.array([], array.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), target), np.empty(0, dtype=int), ""
    if not _fits(array.type, target, typed):
        bad = np.flatnonzero(array.is_valid())
        found = f"{array[int(bad[0])].as_py()!r}, the file says {array.type}" if len(bad) else ""
        return pa.nulls(len(array), target), bad, found
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), None, array)
    try:
        return array.cast(target), np.empty(0, dtype=int), ""
    except pa.ArrowInvalid:
        values, bad, found = _slow(array, target)
        return values, bad, f"{found}, the file says {array.type}" if found and typed else found


def _fits(source: pa.DataType, target: pa.DataType, typed: bool) -> bool:
    if pa.types.is_string(source) or pa.types.is_large_string(source):
        return pa.types.is_string(target) or pa.types.is_timestamp(target) or not typed
    if pa.types.is_integer(source) or pa.types.is_floating(source):
        return pa.types.is_integer(target) or pa.types.is_floating(target)
    return pa.types.is_timestamp(source) and pa.types.is_timestamp(target)


def _slow(array: pa.Array, target: pa.DataType) -> tuple[pa.Array, np.ndarray, str]:
    """Value by value, for the rare chunk that holds something unexpected."""
    values = array.to_pandas()
    if pa.types.is_timestamp(target):
        converted = pd.to_datetime(values, format="ISO8601", utc=True, errors="coerce")
        if values.dtype == object:  # text without a zone does not say which moment it is
            converted = converted.where(values.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", na=False))
    else:
        converted = pd.to_numeric(values, errors="coerce").astype("float64")
        if pa.types.is_integer(target):
            converted = converted.where((converted % 1 == 0) & (converted.abs() <= EXACT))
    bad = np.flatnonzero(values.notna() & converted.isna())
    found = repr(values.iloc[bad[0]]) if len(bad) else ""
    return pa.array(converted, from_pandas=True).cast(target), bad, found
