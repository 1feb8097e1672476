"""Landing files as chunks of a table: CSV, Parquet, JSON lines, Avro and ORC, never a whole file in memory."""

import codecs
import csv
import itertools
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import fastavro
import pyarrow as pa
import pyarrow.csv
import pyarrow.orc
import pyarrow.parquet

ROWS = 65_536  # of a chunk; chunks of CSV are BLOCK bytes instead
BLOCK = 8 << 20
MIXED = b"mixed"  # marks a column of a chunk whose values had several types: they come as text
DAMAGED = (pa.ArrowException, OSError, ValueError, EOFError, LookupError, TypeError,
           csv.Error, struct.error, zlib.error)  # fmt: skip


class Unreadable(Exception):
    """The file can't be read as what it claims to be.

    Args:
        rule: short name of what is broken: empty, encoding, truncated, format.
        message: what was found, and where.
    """

    def __init__(self, rule: str, message: str) -> None:
        self.rule, self.message = rule, message
        super().__init__(f"{rule}: {message}")


@dataclass
class Source:
    """An open landing file.

    Args:
        names: columns in the order of the file.
        chunks: tables of these columns.
        typed: the format knows types; in CSV each value is text until the contract gives it one.
        ordered: the format has an order of columns; JSON lines have none.
        ragged: lines with too few or too many fields, described, filled while chunks are read.
    """

    names: list[str]
    chunks: Iterator[pa.Table]
    typed: bool = True
    ordered: bool = True
    ragged: list[str] = field(default_factory=list)


def open_file(path: Path) -> Source:
    """Opens a landing file by its suffix.

    Raises:
        Unreadable: an unknown format, an empty file, or one that is damaged at its start. What is damaged further
            on raises it from `chunks`.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise Unreadable("format", f"files {path.suffix or 'without suffix'} are not read; use {', '.join(READERS)}")
    if path.stat().st_size == 0:
        raise Unreadable("empty", "the file has 0 bytes")
    try:
        source = reader(path)
    except DAMAGED as error:
        raise _unreadable(path, error) from error
    source.chunks = _guarded(path, source.chunks)
    return source


def _unreadable(path: Path, error: Exception) -> Exception:
    if isinstance(error, OSError) and error.errno is not None:
        return error  # the disk or the network, not the file
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, UnicodeDecodeError):
        return Unreadable("encoding", f"is not UTF-8: {text}")
    return Unreadable("truncated", f"can't be read to its end as {path.suffix[1:].lower()}; cut off or damaged? {text}")


def _guarded(path: Path, chunks: Iterator[pa.Table]) -> Iterator[pa.Table]:
    try:
        yield from chunks
    except DAMAGED as error:
        raise _unreadable(path, error) from error


def _refuse_no_utf8(path: Path) -> None:
    """Before pyarrow sees the file: it decodes a ragged line for `note` where an error is printed and lost."""
    decoder, lines = codecs.getincrementaldecoder("utf-8")(), 1
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                lines += error.object[: error.start].count(b"\n")
                found = f"byte 0x{error.object[error.start]:02x} in line {lines:,}"
                raise Unreadable("encoding", f"is not UTF-8: {found}; is it text? export it as UTF-8") from error
            lines += block.count(b"\n")
    decoder.decode(b"", final=True)


def _csv(path: Path) -> Source:
    _refuse_no_utf8(path)
    with path.open("rb") as file:
        line = file.readline().decode("utf-8-sig")
    names = next(csv.reader([line]), [])
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise Unreadable("format", f"the header names {', '.join(repeated)} more than once")
    ragged: list[str] = []

    def note(row: pa.csv.InvalidRow) -> str:
        found = f"{row.actual_columns} fields instead of {row.expected_columns}"
        ragged.append(f"line {row.number}: {found}: {row.text[:80]}")
        return "skip"  # the rest of the file is still checked, so that one report names everything

    reader = pa.csv.open_csv(
        path,
        read_options=pa.csv.ReadOptions(use_threads=False, block_size=BLOCK),
        parse_options=pa.csv.ParseOptions(invalid_row_handler=note),
        # Everything as text: guessed types would differ from chunk to chunk. Only an empty field is a missing value.
        convert_options=pa.csv.ConvertOptions(
            column_types={name: pa.string() for name in names}, null_values=[""], strings_can_be_null=True
        ),
    )
    return Source(names, (pa.Table.from_batches([batch]) for batch in reader), typed=False, ragged=ragged)


def _parquet(path: Path) -> Source:
    file = pa.parquet.ParquetFile(path)
    batches = (pa.Table.from_batches([batch]) for batch in file.iter_batches(ROWS))
    return Source(file.schema_arrow.names, batches)


def _orc(path: Path) -> Source:
    file = pa.orc.ORCFile(path)
    stripes = (pa.Table.from_batches([file.read_stripe(number)]) for number in range(file.nstripes))
    return Source(file.schema.names, stripes)


def _avro(path: Path) -> Source:
    def records() -> Iterator[dict[str, Any]]:
        with path.open("rb") as file:
            yield from cast(Iterator[dict[str, Any]], fastavro.reader(file))

    with path.open("rb") as file:
        schema = cast(dict[str, Any], fastavro.reader(file).writer_schema)
    names = [column["name"] for column in schema["fields"]]
    return Source(names, _tables(records(), names))


def _json_lines(path: Path) -> Source:
    def records() -> Iterator[dict[str, Any]]:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _json_object(number, line)

    # A key may be left out where its value is null, so the first lines together tell the columns.
    names: dict[str, None] = {}
    for record in itertools.islice(records(), ROWS):
        names.update(dict.fromkeys(record))
    return Source(list(names), _tables(records(), list(names)), ordered=False)


def _json_object(number: int, line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise Unreadable("truncated", f"line {number} is not JSON ({error.msg}): cut off or damaged?") from error
    if not isinstance(record, dict):
        raise Unreadable("format", f"line {number} is not a JSON object")
    return record


def _tables(records: Iterator[dict[str, Any]], names: list[str]) -> Iterator[pa.Table]:
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


READERS: dict[str, Callable[[Path], Source]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".avro": _avro,
    ".orc": _orc,
}
