"""A dataset whose columns are decoded one by one, so that memory is that of a few columns whatever the rows."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from signals.kinds import spark_type


class Table:
    """Rows in Parquet files.

    Args:
        files: the files, in the order of their rows.
        schema: that of all files; those that differ are cast to it.
    """

    def __init__(self, files: Sequence[Path], schema: pa.Schema) -> None:
        self._files, self.schema = [str(file) for file in files], schema
        # Text is kept as the number of its place in a dictionary: it is counted by number, which is many times faster.
        text = [field.name for field in schema if pa.types.is_string(field.type)]
        self._format = ds.ParquetFileFormat(read_options=ds.ParquetReadOptions(dictionary_columns=text))

    @cached_property
    def rows(self) -> int:
        """The number of rows."""
        return sum(metadata.num_rows for metadata in self._metadata)

    @cached_property
    def types(self) -> dict[str, str]:
        """Column -> its type as Spark names it."""
        return {field.name: spark_type(field.type) for field in self.schema}

    def column(self, name: str) -> pa.ChunkedArray:
        """A column as it is stored, decoded by the calling thread alone."""
        kind = self.schema.field(name).type
        text = pa.types.is_string(kind)
        wanted = pa.schema([pa.field(name, pa.dictionary(pa.int32(), pa.string()) if text else kind)])
        found = ds.dataset(self._files, schema=wanted, format=self._format)
        return found.to_table(use_threads=False).column(0)

    def may_have_nulls(self, name: str) -> bool:
        """Whether the files' own statistics leave it open that the column has NULLs. They don't tell of NaN."""
        return any(_nulls(metadata, name) != 0 for metadata in self._metadata)

    @cached_property
    def _metadata(self) -> list[pq.FileMetaData]:
        return [pq.read_metadata(file) for file in self._files]


def _nulls(metadata: pq.FileMetaData, name: str) -> int | None:
    """NULLs of a column in one file by its statistics; None if they don't tell."""
    index = metadata.schema.names.index(name) if name in metadata.schema.names else None
    if index is None or metadata.schema.column(index).path != name:
        return None
    total = 0
    for group in range(metadata.num_row_groups):
        statistics = metadata.row_group(group).column(index).statistics
        if statistics is None or not statistics.has_null_count:
            return None
        total += statistics.null_count
    return total


def missing(column: pa.ChunkedArray) -> np.ndarray | None:
    """For each row whether it is NULL or NaN, as bool; None if no row is."""
    floats = pa.types.is_floating(column.type)
    if not floats and column.null_count == 0:
        return None
    found = pc.is_null(column, nan_is_null=floats).to_numpy()
    return found if found.any() else None


def numbers(column: pa.ChunkedArray, keep: np.ndarray | None) -> np.ndarray:
    """A column of numbers as float64, of the rows to keep: none of them is NULL.

    Args:
        keep: for each row whether it counts, as bool; None for all.
    """
    values = column.cast(pa.float64(), safe=False).to_numpy()
    return values if keep is None else values[keep]
