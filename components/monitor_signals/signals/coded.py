"""A column of text in memory, or of anything else but numbers: a list of its distinct values, and places in it."""

from collections.abc import Collection
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from signals.columns import BATCH, Column, Counted, text_of
from signals.rows import Rows


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
