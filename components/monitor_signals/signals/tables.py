"""A dataset whose columns are decoded one by one, so that memory is that of a few columns whatever the rows."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from signals.coded import Coded
from signals.columns import DISTINCT, Column, TooMany
from signals.kinds import INTEGERS, REALS, spark_type
from signals.numeric import Numeric

BATCH = 65_536  # rows that are decoded in one go; of text more, since each batch has its own list of distinct values
TEXT_BATCH = 1_048_576
COUNTED = ("string", "boolean", "timestamp", "date", "binary")
# Types that both sides are compared in, whatever unit, zone or offsets their files use; Spark's times have this unit.
SAME = {"timestamp": pa.timestamp("us"), "binary": pa.binary()}


class Table:
    """Rows in Parquet files.

    Args:
        files: the files, in the order of their rows.
        schema: of the whole; columns of files that have another type are cast to it, those that a file lacks are NULL.
    """

    def __init__(self, files: Sequence[Path], schema: pa.Schema) -> None:
        self.files, self.schema = list(files), schema

    @cached_property
    def rows(self) -> int:
        """The number of rows."""
        return sum(metadata.num_rows for metadata in self._metadata)

    @cached_property
    def types(self) -> dict[str, str]:
        """Column -> its type as Spark names it."""
        return {field.name: spark_type(field.type) for field in self.schema}

    def column(self, name: str) -> Column:
        """A column, decoded by the calling thread alone.

        Raises:
            pyarrow.ArrowInvalid: a value of a file can't be cast to the column's type.
        """
        spark = self.types[name]
        if self.is_number(name):
            return self._numeric(name)
        if spark in COUNTED:
            return self._coded(name)
        missing = np.zeros(self.rows, bool)
        for start, part in self._parts(name, BATCH):
            missing[start : start + len(part)] = _nulls(part)
        return Column(self.rows, _some(missing))

    def is_number(self, name: str) -> bool:
        """Whether a column is one of numbers."""
        return self.types[name] in (*INTEGERS, *REALS)

    def may_have_nulls(self, name: str) -> bool:
        """Whether the files' own statistics leave it open that the column has NULLs. They don't tell of NaN."""
        return any(_null_count(metadata, name) != 0 for metadata in self._metadata)

    def _numeric(self, name: str) -> Numeric:
        kind = self.schema.field(name).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        data, missing = np.empty(self.rows, pa.array([], kind).to_numpy().dtype), np.zeros(self.rows, bool)
        end = 0
        for start, part in self._parts(name, BATCH):
            absent = missing[start : start + len(part)]
            if part.null_count:
                absent |= _nulls(part)
                part = part.drop_null()
            values = part.to_numpy(zero_copy_only=False)
            if data.dtype.kind == "f" and (nan := np.isnan(values)).any():
                absent[~absent] = nan
                values = values[~nan]
            data[end : end + len(values)] = values
            end += len(values)
        return Numeric(self.rows, data[:end], _some(missing))

    def _coded(self, name: str) -> Column:
        missing = np.zeros(self.rows, bool)
        chunks: list[pa.DictionaryArray] = []
        known, few = 0, True
        for start, part in self._parts(name, TEXT_BATCH):
            if part.null_count:
                missing[start : start + len(part)] = _nulls(part)
            if not few:
                continue
            if (same := SAME.get(self.types[name])) and part.type != same:
                part = _cast(part, same)
            chunks.append(part if pa.types.is_dictionary(part.type) else part.dictionary_encode())
            known += len(chunks[-1].dictionary)
            if known > DISTINCT:
                chunks = pa.chunked_array(chunks).unify_dictionaries().chunks
                known = len(chunks[-1].dictionary)
                few = known <= DISTINCT
        if not few:
            return TooMany(self.rows, _some(missing))
        codes = np.empty(self.rows, np.int32)
        start, values = 0, pa.array([], pa.string())
        for chunk in pa.chunked_array(chunks).unify_dictionaries().chunks if chunks else ():
            codes[start : start + len(chunk)] = chunk.indices.fill_null(-1)
            start, values = start + len(chunk), chunk.dictionary
        return Coded(codes, values, _some(missing))

    def _parts(self, name: str, batch: int) -> Iterator[tuple[int, pa.Array]]:
        """(number of the first row, values) of a column, piece by piece. Text is a dictionary's."""
        start = 0
        kind = self.schema.field(name).type
        text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        for path, metadata in zip(self.files, self._metadata, strict=True):
            if name not in metadata.schema.to_arrow_schema().names:
                yield start, pa.nulls(metadata.num_rows, kind)
                start += metadata.num_rows
                continue
            with pq.ParquetFile(path, metadata=metadata, read_dictionary=[name] if text else None) as file:
                for found in file.iter_batches(batch, columns=[name], use_threads=False):
                    part = found.column(0)
                    wanted = pa.dictionary(pa.int32(), pa.string()) if text else kind
                    yield start, part if part.type == wanted else _cast(part, wanted)
                    start += len(part)

    @cached_property
    def _metadata(self) -> list[pq.FileMetaData]:
        return [pq.read_metadata(file) for file in self.files]


def _cast(part: pa.Array, wanted: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(wanted):
        if pa.types.is_dictionary(part.type):
            part = part.dictionary_decode()
        return part.cast(wanted.value_type).dictionary_encode()
    if pa.types.is_dictionary(part.type):
        part = part.dictionary_decode()
    return part.cast(wanted.value_type if pa.types.is_dictionary(wanted) else wanted, safe=False)


def _nulls(part: pa.Array) -> np.ndarray:
    return part.is_null().to_numpy(zero_copy_only=False)


def _some(missing: np.ndarray) -> np.ndarray | None:
    return missing if missing.any() else None


def _null_count(metadata: pq.FileMetaData, name: str) -> int | None:
    """NULLs of a column in one file by its statistics; None if they don't tell."""
    paths = [metadata.schema.column(number).path for number in range(len(metadata.schema))]
    if name not in paths:
        return None
    total = 0
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(paths.index(name)).statistics
        if statistics is None or not statistics.has_null_count:
            return None
        total += statistics.null_count
    return total
