"""Landing files as chunks of a table: CSV, Parquet, JSON lines, Avro and ORC, never a whole file in memory.

A chunk is a block of 16 MB of text, ROWS records, or a stripe of ORC, which its writer has chosen (64 MB by default).
"""

import csv
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import fastavro
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
from csv_file import read_csv
from json_file import read_json_lines
from records import tables
from source import ROWS, Source, Types, Unreadable, ahead

BUFFER = 1 << 20  # bytes of a Parquet column that are read at once; without, all of it that is in a row group
DAMAGED = (pa.ArrowException, OSError, ValueError, EOFError, LookupError, TypeError,
           csv.Error, struct.error, zlib.error)  # fmt: skip


def open_file(path: Path, types: Types) -> Source:
    """Opens a landing file by its suffix.

    Args:
        path: the file.
        types: the contract's columns; text is read as them where it can be.

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
        source = reader(path, types)
    except DAMAGED as error:
        raise _unreadable(path, error) from error
    source.chunks = ahead(_guarded(path, source.chunks))
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


def _parquet(path: Path, types: Types) -> Source:
    file = pa.parquet.ParquetFile(path, buffer_size=BUFFER)
    batches = (pa.Table.from_batches([batch]) for batch in file.iter_batches(ROWS))
    return Source(file.schema_arrow.names, batches)


def _orc(path: Path, types: Types) -> Source:
    file = pa.orc.ORCFile(path)
    stripes = (pa.Table.from_batches([file.read_stripe(number)]) for number in range(file.nstripes))
    return Source(file.schema.names, stripes)


def _avro(path: Path, types: Types) -> Source:
    def records() -> Iterator[dict[str, Any]]:
        with path.open("rb") as file:
            yield from cast(Iterator[dict[str, Any]], fastavro.reader(file))

    with path.open("rb") as file:
        schema = cast(dict[str, Any], fastavro.reader(file).writer_schema)
    names = [column["name"] for column in schema["fields"]]
    return Source(names, tables(records(), names))


READERS: dict[str, Callable[[Path, Types], Source]] = {
    ".csv": read_csv,
    ".parquet": _parquet,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".avro": _avro,
    ".orc": _orc,
}
