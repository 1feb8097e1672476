"""A column in memory: as it is counted, with what several signals need of it worked out once."""

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from signals.rows import Rows

DISTINCT = 1_000_000  # values of a categorical column; more of them say nothing and would fill the memory
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


def text_of(value: object) -> str:
    """A category as text, as Azure shows it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
