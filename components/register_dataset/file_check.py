"""The check of one landing file against its contract, chunk by chunk."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from contract import Contract
from distinct import Values
from records import MIXED
from repeated import Keys
from source import Ragged, Source
from values import cast

SHOWN = 120  # characters of a file's own header in a message


@dataclass
class Broken:
    """A rule that a file breaks.

    Args:
        rule: as in the contract, such as `isin(['EWR', 'JFK', 'LGA'])`.
        column: the column it is about; None for a rule about the file.
        rows: how many rows break it; None where that can't be counted.
        example: the first place.
    """

    rule: str
    column: str | None
    rows: int | None
    example: str

    def __str__(self) -> str:
        count = "" if self.rows is None else f" in {self.rows:,} row{'' if self.rows == 1 else 's'}"
        return f"{self.column + ': ' if self.column else ''}{self.rule}{count}; {self.example}"


@dataclass
class FileCheck:
    """Running check of one file: feed it chunks, then `finish`.

    Args:
        contract: what the file must hold.
        month: year and month of the folder that the file lies in.
    """

    contract: Contract
    month: tuple[int, int]
    rows: int = 0
    broken: dict[tuple[str | None, str], Broken] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._keys = Keys(self.contract.unique)
        self._checks = {name: Values(column.checks) for name, column in self.contract.schema.columns.items()}

    def columns(self, source: Source) -> bool:
        """Compares the names of the columns; False if there is no point in reading on."""
        known = self.contract.columns
        wanted = [name for name in known if name in source.names or name not in self.contract.since]
        header = f"the header is {shortened(source.names)}"
        if separator := other_separator(source):
            header += f": the file seems to be separated by {separator} and must be separated by commas"
        missing = [f"{name} ({self.contract.dtype(name)})" for name in wanted if name not in source.names]
        if missing:
            self.add(f"columns are missing: {', '.join(missing)}", header)
        extra = [name for name in source.names if name not in known]
        if extra and self.contract.schema.strict and not separator:
            advice = "take them out, or have the contract changed" + ("" if missing else f"; {header}")
            self.add(f"columns are not in the contract: {shortened(extra)}", advice)
        if self.contract.schema.ordered and source.ordered and not self.broken and source.names != wanted:
            at = next(i for i, (found, name) in enumerate(zip(source.names, wanted, strict=False)) if found != name)
            found = f"column {at + 1} is {source.names[at]}, not {wanted[at]}"
            self._add("columns are in another order", None, None, found)
        return not self.broken

    def chunk(self, table: pa.Table, typed: bool) -> pa.Table:
        """Checks the next rows; returns them with the contract's types and order of columns."""
        arrays = []
        for name, dtype in self.contract.columns.items():
            if name not in table.column_names:  # a file from before this column
                arrays.append(pa.nulls(len(table), dtype))
                continue
            as_written = typed and not (table.field(name).metadata or {}).get(MIXED)
            array, bad, found = cast(table[name], dtype, as_written)
            arrays.append(array)
            if len(bad):
                rule = f"type is not {self.contract.dtype(name)}"
                self._add(rule, name, len(bad), f"row {self.rows + int(bad[0]) + 1}: {found}")
            self._values(name, array, bad)
        checked = pa.table(arrays, schema=pa.schema(self.contract.columns))
        self._month(checked)
        self._keys.add(checked)
        self.rows += len(checked)
        return checked

    def finish(self, ragged: Ragged) -> None:
        """Rules that only the whole file can break; `ragged` are lines that could not be split into columns."""
        if ragged.lines:
            self._add("lines have the wrong number of fields: cut off?", None, ragged.lines, ragged.first)
        if found := self._keys.repeats():
            repeated, (one, two) = found
            self._add(f"unique by {', '.join(self.contract.unique)}", None, repeated, f"row {two} repeats row {one}")
        if self.rows < self.contract.minimum_rows:
            few = (
                f"there are {self.rows:,} rows; is the file cut off?" if self.rows else "there are no rows: it is empty"
            )
            self._add(f"at least {self.contract.minimum_rows:,} rows", None, None, few)

    def add(self, rule: str, message: str) -> None:
        """Notes what is wrong with the file as a whole."""
        self._add(rule, None, None, message)

    def _values(self, name: str, array: pa.Array, mistyped: np.ndarray) -> None:
        """Rules about the values of a column; one of another type was emptied and is no missing value."""
        if array.null_count > len(mistyped) and not self.contract.schema.columns[name].nullable:
            missing = np.setdiff1d(np.flatnonzero(array.is_null()), mistyped)
            self._add("value is missing", name, len(missing), f"row {self.rows + int(missing[0]) + 1}")
        for rule, bad in self._checks[name].broken(array):
            at = int(bad[0])
            self._add(rule, name, len(bad), f"row {self.rows + at + 1}: {array[at].as_py()}")

    def _month(self, table: pa.Table) -> None:
        year, month = (table[name].combine_chunks() for name in self.contract.partition)
        outside = pc.or_(pc.not_equal(year, self.month[0]), pc.not_equal(month, self.month[1]))
        if pc.any(outside).as_py():
            at = int(pc.index(outside, True).as_py())
            rule = f"rows are of the month of their folder, {self.month[0]}-{self.month[1]:02d}"
            example = f"row {self.rows + at + 1} is of {year[at]}-{month[at].as_py():02d}: was a month sent twice?"
            self._add(rule, None, int(pc.sum(outside).as_py()), example)

    def _add(self, rule: str, column: str | None, rows: int | None, example: str) -> None:
        known = self.broken.setdefault((column, rule), Broken(rule, column, rows and 0, example))
        if rows:
            known.rows = (known.rows or 0) + rows


def shortened(names: list[str]) -> str:
    text = ", ".join(names)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(names)} column{'' if len(names) == 1 else 's'})"


def other_separator(source: Source) -> str | None:
    """What seems to stand between the columns of a CSV file whose header was read as a single name."""
    if source.typed or len(source.names) != 1:
        return None
    return next((said for sign, said in ((";", "';'"), ("\t", "a tab")) if sign in source.names[0]), None)
