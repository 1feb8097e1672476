"""DuckDB, which turns text into Parquet and joins tables in bounded memory. It is loaded only if there is such work."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MEMORY = "800MB"
THREADS = 4  # each has buffers of twice the longest line
LONGEST = 16 * 2**20  # bytes of a line of JSON; the collector puts data above 4 MB into a file of its own
GLOB = set("*?[]{}")  # DuckDB takes them in names of files for patterns
ALL_FILES = 2**30  # how many files DuckDB looks at for their types
NUMBERS = {"BIGINT": "BIGINT", "DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN", "UBIGINT": "DOUBLE", "HUGEINT": "DOUBLE"}


class DuckError(Exception):
    """DuckDB can't do what it was asked; the message is its own."""


@contextmanager
def connect(folder: Path) -> Iterator[Any]:
    """A connection to an empty database in memory.

    Args:
        folder: for what does not fit into memory.

    Raises:
        DuckError: something that is done with it fails.
    """
    import duckdb

    settings: dict[str, Any] = {
        "threads": min(THREADS, os.cpu_count() or 1),
        "memory_limit": MEMORY,
        "temp_directory": str(folder / "spilled"),
        "preserve_insertion_order": False,  # no figure depends on the order of rows; keeping it takes memory
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        with duckdb.connect(config=settings) as connection:
            connection.execute("SET enable_progress_bar = false")
            yield connection
    except duckdb.Error as error:
        raise DuckError(str(error).strip().splitlines()[0]) from error


def name(text: str) -> str:
    """A name as SQL quotes it."""
    return '"' + text.replace('"', '""') + '"'


def literal(text: object) -> str:
    """A text as SQL quotes it."""
    return "'" + str(text).replace("'", "''") + "'"


def files(paths: Iterable[Path]) -> str:
    """A list of files.

    Raises:
        DuckError: a name would be taken for a pattern.
    """
    paths = list(paths)
    for path in paths:
        if GLOB & set(str(path)):
            raise DuckError(f"{path.name}: the path of a file may not have any of * ? [ ] {{ }} in it; rename it")
    return "[" + ", ".join(literal(path) for path in paths) + "]"


def read_json(paths: Iterable[Path], columns: Mapping[str, str] | None = None, depth: int = 2) -> str:
    """A table function that reads JSON lines; lines that are none come as rows of NULLs.

    Args:
        columns: name -> type; None to find them out, which takes a look at every line.
        depth: to which lists and objects get types of their own.
    """
    options = ["format='newline_delimited'", "records=true", "ignore_errors=true", f"maximum_object_size={LONGEST}"]
    if columns is None:
        options += [
            "union_by_name=true",
            "sample_size=-1",
            f"maximum_sample_files={ALL_FILES}",
            f"maximum_depth={depth}",
        ]
    else:
        options.append(
            "columns={" + ", ".join(f"{literal(key)}: {literal(kind)}" for key, kind in columns.items()) + "}"
        )
    return f"read_json({files(paths)}, {', '.join(options)})"


def read_parquet(paths: Iterable[Path]) -> str:
    """A table function that reads Parquet files."""
    return f"read_parquet({files(paths)}, union_by_name=true)"


def described(connection: Any, query: str) -> dict[str, str]:
    """Column -> type of what a query gives."""
    return {column: kind for column, kind, *_ in connection.execute(f"DESCRIBE {query}").fetchall()}


def plain(types: Mapping[str, str]) -> dict[str, str]:
    """Column -> type in which values of JSON are read: numbers, booleans and text.

    Times stay text, as in Spark. What is text in one line and a number in another, or has values inside, is JSON first.
    """
    return {
        column: NUMBERS.get(
            kind, "JSON" if kind.startswith(("JSON", "STRUCT", "MAP")) or kind.endswith("]") else "VARCHAR"
        )
        for column, kind in types.items()
    }


def as_text(column: str, kind: str) -> str:
    """SQL for a column of `plain` types: JSON becomes text, a string in it without its quotes."""
    return f"{name(column)}->>'$' AS {name(column)}" if kind == "JSON" else name(column)


def write(connection: Any, query: str, target: Path) -> None:
    """Write what a query gives to a Parquet file."""
    connection.execute(
        f"COPY ({query}) TO {literal(target)} (FORMAT parquet, ROW_GROUP_SIZE 262144, COMPRESSION lz4_raw)"
    )


def count(connection: Any, query: str) -> int:
    """The number that a query gives."""
    return int(connection.execute(query).fetchone()[0])
