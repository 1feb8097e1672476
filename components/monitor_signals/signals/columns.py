"""A column in memory: as it is counted, with what several signals need of it worked out once."""

import math
from collections.abc import Collection
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from signals.rows import Rows

DISTINCT = 1_000_000  # values of a categorical column; more of them say nothing and would fill the memory
SPAN = 2**21  # integers within a range of this width are counted by their place in it, others by hash
BATCH = 65_536  # rows that are looked at in one go: what is computed of them stays in the processor's cache


class NotComputed(Exception):
    """A figure is not defined for these values; the message says why."""


class Counted:
    """How often each value occurs; each occurs at least once, and none is missing.

    Args:
        values: distinct.
        counts: of the same length, int64.
    """

    def __init__(self, values: pa.Array, counts: np.ndarray) -> None:
        some = counts > 0
        self.values = values if some.all() else values.filter(pa.array(some))
        self.counts = counts if some.all() else counts[some]

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def total(self) -> int:
        """How many values were counted."""
        return int(self.counts.sum())

    def of(self, values: pa.Array) -> np.ndarray:
        """How often each of these values occurs."""
        if not len(self):
            return np.zeros(len(values), np.int64)
        places = pc.index_in(values, value_set=self.values)
        found = self.counts[places.fill_null(0).to_numpy(zero_copy_only=False)]
        return np.where(places.is_valid().to_numpy(zero_copy_only=False), found, 0)

    def texts(self) -> dict[str, int]:
        """Value as text -> count."""
        return dict(zip(map(text_of, self.values.to_pylist()), self.counts.tolist(), strict=True))


class Column:
    """A column of one dataset.

    Args:
        rows: how many rows it has.
        missing: for each row whether it is NULL or NaN, as bool; None if none is.
    """

    def __init__(self, rows: int, missing: np.ndarray | None) -> None:
        self.rows, self.missing = rows, missing

    @property
    def nulls(self) -> int:
        """Rows without a value."""
        return 0 if self.missing is None else int(np.count_nonzero(self.missing))

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return 0 if self.missing is None else self.missing.nbytes

    def only(self, rows: Rows) -> "Column":
        """The column with these rows alone."""
        return self if rows.keep is None else self._pick(rows.keep)

    def counted(self, rows: Rows, kind: pa.DataType | None = None) -> Counted:
        """The values of some rows.

        Args:
            kind: type that the values are given in; None for their own.

        Raises:
            NotComputed: they can't be counted.
        """
        raise NotComputed("its type can't be counted")

    def few(self, share: float) -> bool:
        """Whether its distinct values, a missing one among them, are fewer than this share of its rows."""
        raise NotComputed("its type can't be counted")

    def numbers(self, rows: Rows) -> np.ndarray:
        """The values of some rows as float64, those without a value left out.

        Raises:
            NotComputed: they are no numbers.
        """
        raise NotComputed("its values are no numbers")

    def in_order(self, rows: Rows) -> np.ndarray:
        """The same, ascending."""
        raise NotComputed("its values are no numbers")

    def at(self, places: np.ndarray) -> np.ndarray:
        """The same of the rows with these numbers, in any order."""
        raise NotComputed("its values are no numbers")

    @property
    def span(self) -> tuple[float, float] | None:
        """(smallest, largest) number; None if there is none."""
        raise NotComputed("its values are no numbers")

    def among(self, texts: Collection[str]) -> np.ndarray:
        """For each row whether its value, as text, is one of these, as bool.

        Raises:
            NotComputed: the values can't be counted.
        """
        raise NotComputed("its type can't be compared")

    def codes(self) -> np.ndarray:
        """For each row the place of its value among the distinct values in their order, float64, NaN for none.

        Raises:
            NotComputed: the values can't be counted.
        """
        raise NotComputed("its type can't be counted")

    def _pick(self, keep: np.ndarray) -> "Column":
        return type(self)(int(np.count_nonzero(keep)), self._missing_of(keep))

    def _missing_of(self, keep: np.ndarray) -> np.ndarray | None:
        missing = None if self.missing is None else self.missing[keep]
        return missing if missing is not None and missing.any() else None


class TooMany(Column):
    """A column with more distinct values than are counted."""

    def counted(self, rows: Rows, kind: pa.DataType | None = None) -> Counted:
        raise NotComputed(f"it has more than {DISTINCT:,} distinct values")

    def few(self, share: float) -> bool:
        return False


class Coded(Column):
    """A column of text, or of anything else but numbers.

    Args:
        codes: for each row the place of its value, int32, -1 for none.
        values: the distinct values.
    """

    def __init__(self, codes: np.ndarray, values: pa.Array, missing: np.ndarray | None) -> None:
        super().__init__(len(codes), missing)
        self._codes, self._values = codes, values

    @property
    def nbytes(self) -> int:
        return super().nbytes + self._codes.nbytes + self._values.nbytes

    @cached_property
    def _all(self) -> np.ndarray:
        return self._count(self._codes)

    def counted(self, rows: Rows, kind: pa.DataType | None = None) -> Counted:
        return Counted(self._values, rows.tally(self._all, lambda places: self._count(self._codes[places])))

    def among(self, texts: Collection[str]) -> np.ndarray:
        wanted = [text_of(value) in texts for value in self._values.to_pylist()]
        return np.array([*wanted, False])[self._codes]

    def few(self, share: float) -> bool:
        return len(self._values) + (self.missing is not None) < share * self.rows

    def codes(self) -> np.ndarray:
        used = np.flatnonzero(self._all)
        places = np.full(len(self._values) + 1, np.nan)  # the last for code -1
        order = pc.sort_indices(self._values.take(pa.array(used))).to_numpy()
        places[used[order]] = np.arange(len(used))
        return places[self._codes]

    def _pick(self, keep: np.ndarray) -> Column:
        return Coded(self._codes[keep], self._values, self._missing_of(keep))

    def _count(self, codes: np.ndarray) -> np.ndarray:
        counts = np.zeros(len(self._values) + 1, np.int64)
        for start in range(0, len(codes), BATCH):  # bincount widens what it is given to int64
            counts += np.bincount(codes[start : start + BATCH] + 1, minlength=len(counts))
        return counts[1:]


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


def text_of(value: object) -> str:
    """A category as text, as Azure shows it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def number_of(text: str) -> float | None:
    """The number that a text tells, None if it tells none."""
    try:
        return float(text)
    except ValueError:
        return None
