"""A dataset of any format as a table of Parquet files."""

import gzip
import shutil
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from signals import duck
from signals.kinds import INTEGERS, REALS, spark_type
from signals.records import convert_records, is_record
from signals.sources import CSV, PARQUET, NoData, Source, Window, find
from signals.tables import Table

NULLS = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")  # what stands for no value in CSV
TEXT = ("TIME", "UUID", "BLOB", "INTERVAL", "BIT")  # of DuckDB's types, those that monitors have no place for
COPIED = 2**20  # bytes in one go
WIDE = ("HUGEINT", "UHUGEINT", "UBIGINT", "DECIMAL")


@dataclass
class Dataset:
    """What was read.

    Attributes:
        files: what it was read from.
        notes: (code, message) of what the reader of a report has to know.
    """

    table: Table
    files: Sequence[Path] = ()
    notes: list[tuple[str, str]] = field(default_factory=list)


def read(path: Path, window: Window | None, folder: Path) -> Dataset:
    """Read a dataset; Parquet stays where it is, anything else is turned into it, piece by piece.

    Args:
        path: a file of Parquet, CSV, JSON lines or records of collected data, a folder of such, or of an MLTable.
        window: the hours to take of collected data; None for all.
        folder: for what is converted; it has to stay while the table is used.

    Raises:
        NoData: it can't be read.
    """
    source = find(path, window)
    files = [file.resolve() for file in source.files]
    try:
        if source.format != PARQUET:
            folder.mkdir(parents=True, exist_ok=True)
            source = _converted(source, folder)
        return Dataset(open_table(source), files, source.notes)
    except (pa.ArrowException, OSError, EOFError, zlib.error, duck.DuckError) as error:
        raise NoData("unreadable", f"{path.name} can't be read: {str(error).splitlines()[0]}") from error


def open_table(source: Source) -> Table:
    """The table of Parquet files.

    Raises:
        NoData: it has no columns.
    """
    schemas = [pq.read_schema(path) for path in source.files]
    fields: dict[str, pa.DataType] = {}
    for schema in schemas:
        for column in schema:
            known = fields.get(column.name)
            fields[column.name] = (
                column.type if known is None else _shared(column.name, known, column.type, source.notes)
            )
    wanted = [name for name in source.columns or fields if name in fields and name not in source.dropped]
    if not wanted:
        raise NoData("no-data", f"{source.root.name} has no columns to look at")
    lacking = [name for name in wanted if any(name not in schema.names for schema in schemas)]
    for name in lacking:
        source.notes.append(
            ("missing-in-files", f"'{name}' is not in all files; where it is missing it counts as NULL")
        )
    return Table(list(source.files), pa.schema([(name, fields[name]) for name in wanted]))


def _shared(name: str, one: pa.DataType, other: pa.DataType, notes: list[tuple[str, str]]) -> pa.DataType:
    """The type of a column that has different ones in different files."""
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    kinds = {spark_type(one), spark_type(other)}
    if kinds <= {*INTEGERS}:
        return pa.int64()
    if kinds <= {*INTEGERS, *REALS}:
        return pa.float64()
    if kinds == {"timestamp"} or kinds == {"timestamp", "date"}:
        return pa.timestamp("us")
    if kinds != {"string"}:
        note = ("mixed-types", f"'{name}' is {one} in one file and {other} in another; all of it is taken as text")
        if note not in notes:
            notes.append(note)
    return pa.string()


def _converted(source: Source, folder: Path) -> Source:
    target = folder / "converted.parquet"
    with duck.connect(folder) as connection:
        if source.format == CSV:
            _convert_csv(connection, source, target)
        elif is_record((source := _gathered(source, folder)).files):
            convert_records(connection, source, target)
        else:
            _convert_json(connection, source, target)
    return Source(source.root, [target], PARQUET, source.columns, source.dropped, notes=source.notes)


def _gathered(source: Source, folder: Path) -> Source:
    """The same lines in one file: DuckDB takes memory for each file, and there may be one for each hour."""
    target = folder / "gathered.jsonl"
    with target.open("wb") as gathered:
        for path in source.files:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                shutil.copyfileobj(file, gathered, COPIED)
            gathered.write(b"\n")
    return replace(source, files=[target])


def _convert_csv(connection: Any, source: Source, target: Path) -> None:
    options = ["union_by_name=true", "sample_size=-1", f"header={str(source.header).lower()}",
               f"nullstr=[{', '.join(map(duck.literal, NULLS))}]", "allow_quoted_nulls=false"]  # fmt: skip
    if source.delimiter:
        options.append(f"delim={duck.literal(source.delimiter)}")
    read = f"read_csv({duck.files(source.files)}, {', '.join(options)})"
    columns = []
    for column, kind in duck.described(connection, f"SELECT * FROM {read}").items():
        wanted = "VARCHAR" if kind.startswith(TEXT) else "DOUBLE" if kind.startswith(WIDE) else kind
        columns.append(f"CAST({duck.name(column)} AS {wanted}) AS {duck.name(column)}")
    duck.write(connection, f"SELECT {', '.join(columns)} FROM {read}", target)


def _convert_json(connection: Any, source: Source, target: Path) -> None:
    types = duck.plain(duck.described(connection, f"SELECT * FROM {duck.read_json(source.files)}"))
    read = duck.read_json(source.files, types)
    picked = ", ".join(duck.as_text(column, kind) for column, kind in types.items())
    some = f"COALESCE({', '.join(f'CAST({duck.name(column)} AS VARCHAR)' for column in types)}) IS NOT NULL"
    if left_out := duck.count(connection, f"SELECT count(*) FROM {read} WHERE NOT ({some})"):
        source.notes.append(
            ("corrupt-line", f"{left_out:,} lines that are no objects, or have no values, are left out")
        )
    duck.write(connection, f"SELECT {picked} FROM {read} WHERE {some}", target)
