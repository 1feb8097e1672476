"""Which features a signal looks at, and which rows count."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from signals.kinds import common
from signals.spec import Result, Signal
from signals.tables import Table, missing

KEPT = 256 * 2**20  # bytes of columns that are kept from the look for missing values, so as not to decode them again
Side = str
SIDES: tuple[Side, Side] = ("reference", "production")


class Pair:
    """The two datasets of a monitor, with what was decoded of them."""

    def __init__(self, reference: Table, production: Table) -> None:
        self.tables = dict(zip(SIDES, (reference, production), strict=True))
        self._kept: dict[tuple[Side, str], pa.ChunkedArray] = {}
        self._bytes = 0

    def column(self, side: Side, name: str, keep: bool = False) -> pa.ChunkedArray:
        """A column of one side; with `keep` it stays at hand if memory allows."""
        found = self._kept.pop((side, name), None)
        if found is None:
            found = self.tables[side].column(name)
        else:
            self._bytes -= found.nbytes
        if keep and self._bytes + found.nbytes <= KEPT:
            self._kept[side, name] = found
            self._bytes += found.nbytes
        return found

    def selected(self, result: Result) -> list[str]:
        """Features that the signal looks at, in the reference's order; findings tell of those that it can't look at."""
        signal, (reference, production) = result.signal, (self.tables[side].types for side in SIDES)
        for name in signal.features or ():
            for side in SIDES:
                if name not in self.tables[side].types:
                    result.note("error", "missing-column", f"{side} data has no column '{name}'", name)
        if signal.features is None:
            for name in [*reference, *production]:
                for side, types in zip(SIDES, (reference, production), strict=True):
                    if name not in types:
                        result.note("warning", "missing-column", f"{side} data has no column '{name}'", name)
        wanted = reference if signal.features is None else [name for name in reference if name in signal.features]
        return [name for name in wanted if name in production]

    def comparable(self, result: Result, names: Iterable[str]) -> dict[str, str]:
        """Feature -> the type in which both sides are compared; findings tell of those that have none."""
        found = {}
        for name in names:
            types = [self.tables[side].types[name] for side in SIDES]
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

    def segment(self, side: Side, signal: Signal) -> np.ndarray | None:
        """For each row whether it is in the signal's segment; None if it has none."""
        if signal.segment is None:
            return None
        name, values = signal.segment
        column = self.tables[side].column(name)
        return pc.is_in(column.cast(pa.string()), value_set=pa.array(values)).to_numpy()


def kept_rows(keep: np.ndarray | None, rows: int) -> int:
    """How many rows count."""
    return rows if keep is None else int(np.count_nonzero(keep))
