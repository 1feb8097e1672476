"""All signals of one pair of datasets, each column decoded once for all of them."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import pyarrow as pa

from signals.drift_signal import DriftSignal
from signals.quality_signal import QualitySignal
from signals.selection import Pair
from signals.spec import QUALITY, Result, Signal
from signals.tables import Table


class Work(Protocol):
    """A signal under way."""

    result: Result
    names: list[str]

    def column(self, name: str, reference: pa.ChunkedArray, production: pa.ChunkedArray) -> None:
        """Compute what the signal asks of one column; called by several threads at once, with different columns."""

    def again(self) -> bool:
        """Whether all columns have to be computed anew, since one has shown that fewer rows count than was known."""


def compute(reference: Table, production: Table, signals: Sequence[Signal]) -> list[Result]:
    """Compute signals.

    Returns:
        A result for each signal, its features in the reference's order.
    """
    pair = Pair(reference, production)
    works: list[Work] = [
        QualitySignal(pair, signal) if signal.type == QUALITY else DriftSignal(pair, signal) for signal in signals
    ]
    waiting = works
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while waiting:
            names = list(dict.fromkeys(name for work in waiting for name in work.names))

            def one(name: str, works: list[Work] = waiting) -> None:
                sides = pair.column("reference", name), pair.column("production", name)
                for work in works:
                    if name in work.names:
                        work.column(name, *sides)

            list(pool.map(one, names))
            waiting = [work for work in waiting if work.again()]
    for work in works:
        order = {name: place for place, name in enumerate(reference.types)}
        work.result.metrics.sort(key=lambda row: order.get(row.feature, -1))
    return [work.result for work in works]
