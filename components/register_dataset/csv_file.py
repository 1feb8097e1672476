"""CSV, block by block: values get the contract's types as they are read; a block in which one does not fit is text."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
from lines import Block, blocks
from source import Ragged, Source, Types, Unreadable

HEADER = 1 << 20  # bytes at most
PART = 1 << 20  # bytes


def read_csv(path: Path, types: Types) -> Source:
    """Opens a CSV file; columns of other names than those of `types` are text.

    Raises:
        Unreadable: the header is not UTF-8, longer than HEADER, or names a column more than once.
        csv.Error: it is no line of CSV.
    """
    with path.open("rb") as file:
        line = file.readline(HEADER)
        start = file.tell()
    if len(line) == HEADER:
        raise Unreadable("format", f"the header is longer than {HEADER >> 20} MB")
    names = next(csv.reader([Block(path, 0, line).text().removeprefix("\ufeff")]), [])
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise Unreadable("format", f"the header names {', '.join(repeated)} more than once")
    ragged = Ragged()
    return Source(names, _tables(blocks(path, start), names, types, ragged), typed=False, ragged=ragged)


def _tables(found: Iterator[Block], names: list[str], types: Types, ragged: Ragged) -> Iterator[pa.Table]:
    known = {name: types.get(name, pa.string()) for name in names}
    text = dict.fromkeys(names, pa.string())
    for block in found:
        try:
            yield _parsed(block, known)
        except pa.ArrowInvalid:  # the rest of the file is checked too, so that one report names everything
            block.text()
            table = _parsed(block, text, ragged)
            known |= {name: pa.string() for name in names if not _casts(table[name], known[name])}
            yield table


def _parsed(block: Block, types: Types, ragged: Ragged | None = None) -> pa.Table:
    first = block.line() if ragged is not None else 0

    def note(row: pa.csv.InvalidRow) -> str:
        if ragged is None:
            return "error"
        found = f"{row.actual_columns} fields instead of {row.expected_columns}"
        ragged.add(f"line {first + row.number - 1}: {found}: {row.text[:80]}")
        return "skip"

    return pa.csv.read_csv(
        pa.BufferReader(block.data),
        # Lines have numbers only without threads. By small parts, which stay in the processor's cache, it is a quarter
        # faster; no line may be longer than a part, so one that is comes as text.
        pa.csv.ReadOptions(
            column_names=list(types),
            use_threads=ragged is None,
            block_size=PART if ragged is None else len(block.data) + 1,
        ),
        pa.csv.ParseOptions(invalid_row_handler=note if ragged is not None else None),
        # Only an empty field is a missing value.
        pa.csv.ConvertOptions(column_types=dict(types), null_values=[""], strings_can_be_null=True),
    )


def _casts(column: pa.ChunkedArray, target: pa.DataType) -> bool:
    try:
        column.cast(target)
    except pa.ArrowInvalid:
        return False
    return True
