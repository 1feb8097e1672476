"""Which rows of a dataset count."""

from collections.abc import Callable
from functools import cached_property

import numpy as np


class Rows:
    """Some rows of a dataset.

    Args:
        total: rows of the dataset.
        keep: for each row whether it counts, as bool; None for all.
    """

    def __init__(self, total: int, keep: np.ndarray | None = None) -> None:
        self.keep = None if keep is None or keep.all() else keep
        self.total, self.count = total, total if keep is None else int(np.count_nonzero(keep))

    @property
    def all(self) -> bool:
        """Whether every row counts."""
        return self.keep is None

    def without(self, missing: np.ndarray | None) -> "Rows":
        """Those of them that are not missing."""
        if missing is None:
            return self
        return Rows(self.total, ~missing if self.keep is None else self.keep & ~missing)

    def tally(self, counts: np.ndarray, count: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Counts of these rows, from the counts of all.

        Args:
            counts: of all rows.
            count: counts some rows, given by their numbers. It is asked for those that count or for the others,
                whichever are fewer.
        """
        if self.keep is None:
            return counts
        return counts - count(self.fewer) if self.most else count(self.fewer)

    @property
    def most(self) -> bool:
        """Whether more than half of the rows count."""
        return 2 * self.count > self.total

    @cached_property
    def fewer(self) -> np.ndarray:
        """Numbers of the rows that don't count if most do, else of those that count."""
        if self.keep is None:
            return np.zeros(0, np.int64)
        return np.flatnonzero(~self.keep if self.most else self.keep)
