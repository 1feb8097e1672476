"""Which features a signal looks at, and which rows count."""

import os
import threading
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from signals.columns import Column, NotComputed
from signals.kinds import common
from signals.result import Result
from signals.rows import Rows
from signals.spec import CORRELATION, Signal
from signals.tables import Table

MEMORY = 800 * 2**20  # bytes for columns, those that are computed and those that were read before their time
WIDTH = 4 * 8  # bytes a row of a column that is computed: the values of both sides, and those that count, sorted
DAMAGED = (pa.ArrowException, OSError)  # what reading a damaged file raises
SIDES = ("reference", "production")


class Pair:
    """The two datasets of a monitor, with what was decoded of them.

    Attributes:
        workers: how many columns may be computed at a time.
    """

    def __init__(self, reference: Table, production: Table) -> None:
        self.tables = reference, production
        self._lock = threading.Lock()
        self._kept: dict[tuple[int, str], Column] = {}
        self._missing: dict[tuple[int, str], np.ndarray | None] = {}
        each = max(1, WIDTH * max(reference.rows, production.rows))
        self.workers = max(1, min(os.cpu_count() or 1, MEMORY // each))
        self._spare = MEMORY - self.workers * each

    def look(self, side: int, name: str) -> None:
        """Find out which rows miss a value in a column; the column stays at hand if memory allows."""
        try:
            column = self.tables[side].column(name)
        except DAMAGED:
            self._missing[side, name] = None  # found again, and told, when the column is computed
            return
        with self._lock:
            self._missing[side, name] = None if column.missing is None else np.packbits(column.missing)
            if sum(kept.nbytes for kept in self._kept.values()) + column.nbytes <= self._spare:
                self._kept[side, name] = column

    def missing(self, side: int, name: str) -> np.ndarray | None:
        """For each row whether it misses a value in a column that was looked at, as bool; None if none does."""
        packed = self._missing[side, name]
        return None if packed is None else np.unpackbits(packed, count=self.tables[side].rows).view(bool)

    def column(self, side: int, name: str) -> Column:
        """A column of one side."""
        with self._lock:
            kept = self._kept.pop((side, name), None)
        return kept or self.tables[side].column(name)

    def selected(self, result: Result) -> list[str]:
        """Features that the signal looks at, in the reference's order; findings tell of those that it can't look at."""
        signal, (reference, production) = result.signal, (table.types for table in self.tables)
        for name in signal.features or ():
            for side, table in zip(SIDES, self.tables, strict=True):
                if name not in table.types:
                    result.note("error", "missing-column", f"{side} data has no column '{name}'", name)
        if signal.features is None:
            for side, own, other in ((SIDES[0], reference, production), (SIDES[1], production, reference)):
                absent = [name for name in other if name not in own and name != CORRELATION]
                # A model's outputs are its predictions alone, while the reference as a rule has its inputs too.
                if absent and not (signal.type == "prediction_drift" and side == SIDES[1]):
                    text = f"{side} data has no columns {', '.join(absent)}; they are not compared"
                    result.note("warning", "missing-column", text)
        wanted = reference if signal.features is None else [name for name in reference if name in signal.features]
        return [name for name in wanted if name in production and (signal.features is not None or name != CORRELATION)]

    def comparable(self, result: Result, names: Iterable[str]) -> dict[str, str]:
        """Feature -> the type in which both sides are compared; findings tell of those that have none."""
        found = {}
        for name in names:
            types = [table.types[name] for table in self.tables]
            shared = common(*types)
            if shared is None:
                result.note(
                    "error",
                    "retyped-column",
                    f"is {types[0]} in the reference and {types[1]} in production, so their distributions can't be "
                    "compared; Azure leaves it out without saying so",
                    name,
                )
            else:
                found[name] = shared
        return found

    def segment(self, side: int, signal: Signal) -> Rows:
        """The rows that are in the signal's segment, or all if it has none.

        Raises:
            NotComputed: the data has no such column, or its values can't be compared.
        """
        table = self.tables[side]
        if signal.segment is None:
            return Rows(table.rows)
        name, values = signal.segment
        if name not in table.types:
            raise NotComputed(f"{SIDES[side]} data has no column '{name}'")
        return Rows(table.rows, table.column(name).among(values))
