"""A data quality signal: the share of values of each feature that are missing, of another type or out of bounds."""

import threading
from collections.abc import Collection

import numpy as np
import pyarrow as pa

from signals.counting import NotComputed, categories, few_distinct
from signals.drift_signal import CATEGORIES
from signals.kinds import FEW, NUMERICAL, kind_of
from signals.quality import NULLS, Profile, profile_categories, profile_numbers, rate, violations
from signals.selection import SIDES, Pair, Side
from signals.spec import Result, Row, Signal
from signals.tables import missing, numbers


class QualitySignal:
    """One data quality signal over a pair of datasets."""

    def __init__(self, pair: Pair, signal: Signal) -> None:
        self._pair, self._signal, self._lock = pair, signal, threading.Lock()
        self.result = Result(signal)
        self.names = pair.selected(self.result)
        self._keep: dict[Side, np.ndarray | None] = {side: pair.segment(side, signal) for side in SIDES}
        self.result.rows = {side: pair.tables[side].rows for side in SIDES}
        for side in SIDES:
            if (keep := self._keep[side]) is not None:
                self.result.rows[side] = int(np.count_nonzero(keep))
            if self.result.rows[side] < max(signal.minimum_rows, 1):
                text = f"{side} has {self.result.rows[side]:,} rows, and {max(signal.minimum_rows, 1):,} are needed"
                self.result.note("error", "too-few-rows", text)
        self._note_row_count()

    def column(self, name: str, reference: pa.ChunkedArray, production: pa.ChunkedArray) -> None:
        """Compute one feature."""
        if not all(self.result.rows[side] for side in SIDES):
            return
        sides = [
            column if self._keep[side] is None else column.filter(pa.array(self._keep[side]))
            for side, column in zip(SIDES, (reference, production), strict=True)
        ]
        spark = {side: self._pair.tables[side].types[name] for side in SIDES}
        kinds = {
            side: kind_of(name, spark[side], self._signal.overrides, lambda column=column: few_distinct(column, FEW))
            for side, column in zip(SIDES, sides, strict=True)
        }
        if kinds["reference"] is None or kinds["production"] is None:
            left = " and ".join(dict.fromkeys(spark.values()))
            self.result.note("warning", "type-left-out", f"is {left}, which monitors leave out", name)
            return
        metrics = self._signal.thresholds.get(kinds["reference"], {})
        if not metrics:
            return
        try:
            learned = _profile(sides[0], spark["reference"], kinds["reference"], None, metrics.keys())
            bounds = (learned.low, learned.high) if learned.low is not None and learned.high is not None else None
            found = _profile(sides[1], spark["production"], kinds["production"], bounds, metrics.keys())
        except NotComputed as error:
            self.result.note("error", "not-computed", f"{error}, too many to count each", name)
            return
        self._compare(name, kinds["reference"], learned, found)

    def again(self) -> bool:
        """Never: columns don't depend on each other."""
        return False

    def _compare(self, name: str, kind: str, learned: Profile, found: Profile) -> None:
        for side, profile in zip(SIDES, (learned, found), strict=True):
            if profile.nulls == profile.rows:
                self.result.note("warning", "all-null", f"has no value in {side}; Azure's job fails", name)
        reference, production = violations(learned, learned), violations(learned, found)
        rows = []
        for metric, threshold in self._signal.thresholds[kind].items():
            if metric not in reference or metric not in production:
                continue  # Azure has no such figure of a column of this type
            expected, value = reference[metric], production[metric]
            limit = rate(expected or 0, learned.rows) + threshold
            share = None if value is None else rate(value, found.rows)
            rows.append(Row(name, kind, metric, share, limit, share is not None and share > limit,
                            reference=rate(expected or 0, learned.rows)))  # fmt: skip
        with self._lock:
            self.result.metrics += rows

    def _note_row_count(self) -> None:
        limit = self.result.rows["reference"] + max(self._signal.thresholds.get("categorical", {}).values(), default=0)
        if self.result.rows["production"] > limit:
            self.result.note(
                "warning",
                "row-count",
                f"production has more rows ({self.result.rows['production']:,}) than the reference "
                f"({self.result.rows['reference']:,}); Azure takes that for a breach of data quality",
            )


def _profile(
    column: pa.ChunkedArray, spark: str, kind: str, bounds: tuple[float, float] | None, metrics: Collection[str]
) -> Profile:
    absent = missing(column)
    if set(metrics) == {NULLS}:  # the rest needs the values
        nulls = 0 if absent is None else int(np.count_nonzero(absent))
        return Profile(spark, kind, len(column), nulls)
    if kind == NUMERICAL and not pa.types.is_dictionary(column.type):
        return profile_numbers(spark, numbers(column, None if absent is None else ~absent), len(column), bounds)
    return profile_categories(spark, categories(column, None, CATEGORIES), len(column))
