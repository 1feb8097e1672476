"""What a reader of a format gives: the columns of a landing file, and its rows as tables, one after another."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pyarrow as pa

ROWS = 65_536  # of a chunk, in formats that hold records; text is read in blocks of bytes instead
Types = Mapping[str, pa.DataType]  # of the contract's columns


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
class Ragged:
    """Lines with too few or too many fields: how many, and the first one described."""

    lines: int = 0
    first: str = ""

    def add(self, found: str) -> None:
        self.lines, self.first = self.lines + 1, self.first or found


@dataclass
class Source:
    """An open landing file.

    Args:
        names: columns in the order of the file.
        chunks: tables of these columns.
        typed: the format knows types; in CSV each value is text until the contract gives it one.
        ordered: the format has an order of columns; JSON lines have none.
        ragged: filled while chunks are read.
    """

    names: list[str]
    chunks: Iterator[pa.Table]
    typed: bool = True
    ordered: bool = True
    ragged: Ragged = field(default_factory=Ragged)


def ahead(chunks: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same chunks; while one is worked on, a thread reads the next, and only that one, so memory stays bounded."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, chunks, None)
        while (chunk := coming.result()) is not None:
            coming = pool.submit(next, chunks, None)
            yield chunk
