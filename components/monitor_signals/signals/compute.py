"""All signals of one pair of datasets, each column decoded once for all of them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from signals.columns import Column, NotComputed
from signals.drift_signal import DriftSignal
from signals.quality_signal import QualitySignal
from signals.result import Result
from signals.selection import DAMAGED, Pair
from signals.spec import QUALITY, Signal
from signals.tables import Table


class Work(Protocol):
    """A signal under way."""

    result: Result

    @property
    def names(self) -> list[str]:
        """Features that are left to compute."""

    @property
    def looks(self) -> list[str]:
        """Columns to look at first, for the rows in which they miss a value."""

    def begin(self) -> None:
        """Settle which rows count."""

    def column(self, name: str, reference: Column, production: Column) -> None:
        """Compute what the signal asks of one column; called by several threads at once, with different columns."""

    def again(self) -> bool:
        """Whether all columns have to be computed anew, since one has shown that fewer rows count than was known."""


def compute(reference: Table, production: Table, signals: Sequence[Signal]) -> list[Result]:
    """Compute signals.

    Returns:
        A result for each signal, its features in the reference's order; results come in any order.
    """
    pair = Pair(reference, production)
    failed, works = list[Result](), list[Work]()
    for signal in signals:
        try:
            works.append(QualitySignal(pair, signal) if signal.type == QUALITY else DriftSignal(pair, signal))
        except NotComputed as error:
            failed.append(Result(signal))
            failed[-1].note("error", "no-segment", f"its segment of the data can't be told: {error}")
    waiting = works
    with ThreadPoolExecutor(pair.workers) as pool:
        looks = dict.fromkeys(name for work in works for name in work.looks)
        list(pool.map(lambda look: pair.look(*look), [(side, name) for name in looks for side in (0, 1)]))
        for work in works:
            work.begin()
        while waiting:
            names = list(dict.fromkeys(name for work in waiting for name in work.names))

            def one(name: str, works: list[Work] = waiting) -> None:
                concerned = [work for work in works if name in work.names]
                try:
                    sides = pair.column(0, name), pair.column(1, name)
                except DAMAGED as error:
                    for work in concerned:
                        work.result.note("error", "unreadable", f"can't be read: {error}", name)
                    return
                for work in concerned:
                    try:
                        work.column(name, *sides)
                    except Exception as error:  # noqa: BLE001 - the other columns are computed all the same
                        work.result.note_crash(error, name)

            list(pool.map(one, names))
            waiting = [work for work in waiting if work.again()]
    for work in works:
        order = {name: place for place, name in enumerate(reference.types)}
        work.result.metrics.sort(key=lambda row: order.get(row.feature, -1))
        work.result.findings.sort(key=lambda found: (order.get(found.feature or "", -1), found.code, found.message))
    return failed + [work.result for work in works]
