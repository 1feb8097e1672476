"""The check of one landing file against its contract, chunk by chunk."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
from contract import Contract
from formats import MIXED, Source
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
    _keys: list[np.ndarray] = field(default_factory=list)

    def columns(self, source: Source) -> bool:
        """Compares the names of the columns; False if there is no point in reading on."""
        wanted = list(self.contract.columns)
        header = f"the header is {shortened(source.names)}"
        if separator := other_separator(source):
            header += f": the file seems to be separated by {separator} and must be separated by commas"
        missing = [name for name in wanted if name not in source.names]
        if missing:
            self.add(f"columns are missing: {', '.join(missing)}", header)
        extra = [name for name in source.names if name not in wanted]
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
        arrays, mistyped = [], {}
        for name, dtype in self.contract.columns.items():
            as_written = typed and not (table.field(name).metadata or {}).get(MIXED)
            array, bad, found = cast(table[name], dtype, as_written)
            arrays.append(array)
            mistyped[name] = bad
            if len(bad):
                rule = f"type is not {self.contract.schema.columns[name].dtype}"
                self._add(rule, name, len(bad), f"row {self.rows + int(bad[0]) + 1}: {found}")
        typed_table = pa.table(arrays, schema=pa.schema(self.contract.columns))
        frame = typed_table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype(), pa.string(): pd.StringDtype()}.get)
        self._validate(frame, mistyped)
        self._whole_file(frame)
        self.rows += len(frame)
        return typed_table

    def finish(self, ragged: Sequence[str]) -> None:
        """Rules that only the whole file can break; `ragged` describes lines that could not be split into columns."""
        if ragged:
            self._add("lines have the wrong number of fields: cut off?", None, len(ragged), ragged[0])
        keys = np.concatenate(self._keys) if self._keys else np.empty(0, dtype=np.uint64)
        # A hash of 64 bits stands for each key, 8 bytes a row: of 20 million, two share one with odds of 1 in 100,000.
        _, first, counts = np.unique(keys, return_index=True, return_counts=True)
        if repeated := len(keys) - len(counts):
            hashed = keys[first[np.argmax(counts > 1)]]
            one, two = np.flatnonzero(keys == hashed)[:2] + 1
            self._add(f"unique by {', '.join(self.contract.unique)}", None, repeated, f"row {two} repeats row {one}")
        if self.rows < self.contract.minimum_rows:
            found = (
                f"there are {self.rows:,} rows; is the file cut off?" if self.rows else "there are no rows: it is empty"
            )
            self._add(f"at least {self.contract.minimum_rows:,} rows", None, None, found)

    def add(self, rule: str, message: str) -> None:
        """Notes what is wrong with the file as a whole."""
        self._add(rule, None, None, message)

    def _validate(self, frame: pd.DataFrame, mistyped: dict[str, np.ndarray]) -> None:
        try:
            self.contract.schema.validate(frame, lazy=True)
        except pandera.errors.SchemaErrors as errors:
            for (column, check), cases in errors.failure_cases.groupby(["column", "check"], sort=False):
                if check == "not_nullable":  # a value of another type was emptied above and is counted there
                    cases = cases[~cases["index"].isin(mistyped[column])]
                if len(cases):
                    rule = "value is missing" if check == "not_nullable" else str(check)
                    row = self.rows + int(cases["index"].iloc[0]) + 1
                    found = "" if check == "not_nullable" else f": {cases['failure_case'].iloc[0]}"
                    self._add(rule, column, len(cases), f"row {row}{found}")

    def _whole_file(self, frame: pd.DataFrame) -> None:
        self._keys.append(pd.util.hash_pandas_object(frame[self.contract.unique], index=False).to_numpy())
        year, month = self.contract.partition
        outside = ((frame[year] != self.month[0]) | (frame[month] != self.month[1])).fillna(False).to_numpy(dtype=bool)
        if outside.any():
            at = int(outside.argmax())
            found = f"{frame[year].iloc[at]}-{frame[month].iloc[at]:02d}"
            rule = f"rows are of the month of their folder, {self.month[0]}-{self.month[1]:02d}"
            example = f"row {self.rows + at + 1} is of {found}: was a month sent twice?"
            self._add(rule, None, int(outside.sum()), example)

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
