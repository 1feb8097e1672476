"""A data quality signal: the share of values of each feature that are missing, of another type or out of bounds."""

import threading

from signals.columns import Column, NotComputed
from signals.kinds import CATEGORICAL, FEW, kind_of
from signals.quality import NULLS, Profile, profile, rate, violations
from signals.result import Result, Row
from signals.selection import SIDES, Pair
from signals.spec import Signal


class QualitySignal:
    """One data quality signal over a pair of datasets."""

    def __init__(self, pair: Pair, signal: Signal) -> None:
        self._pair, self._signal, self._lock = pair, signal, threading.Lock()
        self._needed = max(1, signal.minimum_rows)
        self.result = Result(signal)
        self.names, self.looks = pair.selected(self.result), list[str]()
        self._rows = pair.segment(0, signal), pair.segment(1, signal)
        for side, rows in zip(SIDES, self._rows, strict=True):
            self.result.rows[side] = rows.count
            if rows.count < self._needed:
                text = f"{side} has {rows.count:,} rows, and {self._needed:,} are needed"
                self.result.note("error", "too-few-rows", text)
        self._note_row_count()

    def begin(self) -> None:
        """Nothing to settle: a row that misses a value in one column counts in the others."""

    def column(self, name: str, reference: Column, production: Column) -> None:
        """Compute one feature."""
        if any(rows.count < self._needed for rows in self._rows):
            return
        columns = [column.only(rows) for column, rows in zip((reference, production), self._rows, strict=True)]
        spark = [table.types[name] for table in self._pair.tables]
        kind = kind_of(name, spark[0], self._signal.overrides, lambda: columns[0].few(FEW))
        if kind is None:
            self.result.note("warning", "type-left-out", f"is {spark[0]}, which monitors leave out", name)
            return
        metrics = self._signal.thresholds.get(kind, {})
        if not metrics:
            return
        values = set(metrics) != {NULLS}
        try:
            learned = profile(columns[0], spark[0], kind, None, values)
            # Azure asks each side whether its integers are few, so a column may be of one kind here, the other there.
            other = kind_of(name, spark[1], self._signal.overrides, lambda: columns[1].few(FEW)) if values else kind
            found = profile(columns[1], spark[1], other or CATEGORICAL, learned, values)
        except NotComputed as error:
            self.result.note("error", "not-computed", f"{error}: figures that need it are left out", name)
            return
        self._compare(name, kind, learned, found)

    def again(self) -> bool:
        """Never: columns don't depend on each other."""
        return False

    def _compare(self, name: str, kind: str, learned: Profile, found: Profile) -> None:
        for side, counted in zip(SIDES, (learned, found), strict=True):
            if counted.nulls == counted.rows:
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
