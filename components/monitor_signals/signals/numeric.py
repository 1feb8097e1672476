"""A column of numbers in memory."""

import math
from collections.abc import Collection
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from signals.columns import BATCH, DISTINCT, Column, Counted, NotComputed
from signals.rows import Rows

SPAN = 2**21  # integers within a range of this width are counted by their place in it, others by hash


class Numeric(Column):
    """A column of numbers.

    Args:
        data: the values, those that are missing left out: float64, float32, or integers of any width.
    """

    def __init__(self, rows: int, data: np.ndarray, missing: np.ndarray | None) -> None:
        super().__init__(rows, missing)
        self._data = data

    @property
    def nbytes(self) -> int:
        return super().nbytes + self._data.nbytes

    @cached_property
    def span(self) -> tuple[float, float] | None:
        """(smallest, largest) value; None if there is none."""
        return (float(self._data.min()), float(self._data.max())) if len(self._data) else None

    def numbers(self, rows: Rows) -> np.ndarray:
        return self._chosen(rows).astype(np.float64, copy=False)

    def in_order(self, rows: Rows) -> np.ndarray:
        values = self.numbers(rows)
        if values is self._data:
            return np.sort(values)
        values.sort()  # a copy already
        return values

    def at(self, places: np.ndarray) -> np.ndarray:
        return self._at(places).astype(np.float64, copy=False)

    def counted(self, rows: Rows, kind: pa.DataType | None = None) -> Counted:
        """See Column. Integers are counted by value, other numbers as well, however many there are of them."""
        if self._window is None:
            found = self._hashed(self._chosen(rows), DISTINCT)
            if found is None:
                raise NotComputed(f"it has more than {DISTINCT:,} distinct values")
            return Counted(found.values.cast(kind) if kind else found.values, found.counts)
        low, high = self._window
        counts = rows.tally(self._places, lambda places: self._count(self._at(places)))
        return Counted(pa.array(np.arange(low, high + 1)).cast(kind or pa.int64()), counts)

    def few(self, share: float) -> bool:
        limit = share * self.rows - (self.missing is not None)
        if self._window is not None:
            return int(np.count_nonzero(self._places)) < limit
        return self._hashed(self._data, math.ceil(limit) - 1) is not None

    def among(self, texts: Collection[str]) -> np.ndarray:
        found = np.isin(self._data, [value for text in texts if (value := number_of(text)) is not None])
        if self.missing is None:
            return found
        rows = np.zeros(self.rows, bool)
        rows[~self.missing] = found
        return rows

    @cached_property
    def _window(self) -> tuple[int, int] | None:
        if self._data.dtype.kind == "f" or not len(self._data):
            return None
        low, high = int(self._data.min()), int(self._data.max())
        return (low, high) if high - low < SPAN else None

    @cached_property
    def _places(self) -> np.ndarray:
        return self._count(self._data)

    def _chosen(self, rows: Rows) -> np.ndarray:
        if rows.keep is None:
            return self._data
        return self._data[rows.keep if self.missing is None else rows.keep[~self.missing]]

    def _at(self, places: np.ndarray) -> np.ndarray:
        if self.missing is None:
            return self._data[places]
        chosen = np.zeros(self.rows, bool)
        chosen[places] = True
        return self._data[chosen[~self.missing]]

    def codes(self) -> np.ndarray:
        values, places = np.unique(self._data, return_inverse=True)
        if len(values) > DISTINCT:
            raise NotComputed(f"it has more than {DISTINCT:,} distinct values")
        found = np.full(self.rows, np.nan)
        found[slice(None) if self.missing is None else ~self.missing] = places
        return found

    def _pick(self, keep: np.ndarray) -> Column:
        return Numeric(int(np.count_nonzero(keep)), self._chosen(Rows(self.rows, keep)), self._missing_of(keep))

    def _count(self, values: np.ndarray) -> np.ndarray:
        low, high = self._window or (0, 0)
        counts = np.zeros(high - low + 1, np.int64)
        step = max(BATCH, 4 * len(counts))
        for start in range(0, len(values), step):
            part = values[start : start + step].astype(np.int64)
            part -= low
            counts += np.bincount(part, minlength=len(counts))
        return counts

    @staticmethod
    def _hashed(values: np.ndarray, limit: int) -> Counted | None:
        """Counts, or None as soon as there are more distinct values than `limit`."""
        found = Counted(pa.array([], pa.from_numpy_dtype(values.dtype)), np.zeros(0, np.int64))
        start = 0
        while start < len(values):
            step = max(BATCH, 4 * len(found))
            part = pc.value_counts(pa.array(values[start : start + step]))
            start += step
            seen = pc.unique(pa.chunked_array([found.values, part.field(0)]))
            if len(seen) > limit:
                return None
            new = Counted(part.field(0), part.field(1).to_numpy())
            found = Counted(seen, found.of(seen) + new.of(seen))
        return found


def number_of(text: str) -> float | None:
    """The number that a text tells, None if it tells none."""
    try:
        return float(text)
    except ValueError:
        return None
