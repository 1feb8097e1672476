"""A contract's rules about the values of a column, by pandera, on values that no earlier row had."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandera.api.checks import Check

REMEMBERED = 100_000  # values of a column that are known to be good
PANDAS = {pa.int64(): pd.Int64Dtype(), pa.string(): pd.StringDtype()}


@dataclass
class Values:
    """Running check of one column.

    Args:
        checks: rules, each about a value alone.
    """

    checks: list[Check]
    _good: pa.Array | None = field(default=None, repr=False)

    def broken(self, array: pa.Array) -> list[tuple[str, np.ndarray]]:
        """The rules that values of `array` break, each with their positions; missing values break none."""
        if not self.checks:
            return []
        new = array.unique().drop_null()
        if self._good is not None:
            new = new.filter(pc.invert(pc.is_in(new, self._good)))
        if not len(new) or not any(len(_bad(check, new)) for check in self.checks):
            self._remember(new)
            return []
        found = [(str(check.error), _bad(check, array)) for check in self.checks]
        return [(rule, bad) for rule, bad in found if len(bad)]

    def _remember(self, new: pa.Array) -> None:
        known = 0 if self._good is None else len(self._good)
        if known + len(new) <= REMEMBERED:
            self._good = new if self._good is None else pa.concat_arrays([self._good, new])


def _bad(check: Check, array: pa.Array) -> np.ndarray:
    good = check(array.to_pandas(types_mapper=PANDAS.get)).check_output  # of the values that are there
    return good.index[~good.to_numpy(dtype=bool)].to_numpy()
