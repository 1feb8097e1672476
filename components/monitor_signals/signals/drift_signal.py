"""A drift signal: the distance between reference and production for each feature."""

import threading

import numpy as np
import pyarrow as pa

from signals.counting import Counts, NotComputed, categories, edges, few_distinct, in_buckets
from signals.drift import KS_ROWS, Categories, Grid, Numbers
from signals.kinds import FEW, NUMERICAL, kind_of
from signals.selection import SIDES, Pair, Side, kept_rows
from signals.spec import P_VALUES, Histogram, Result, Row, Signal
from signals.tables import missing, numbers

CATEGORIES = 1_000_000  # distinct values of a feature on one side; more of them say nothing and would fill the memory
SHOWN = 100  # categories of a histogram


class DriftSignal:
    """One drift signal over a pair of datasets.

    Azure drops every row that misses a value in any selected column before it compares a single one, so each figure
    depends on which features are selected together.
    """

    def __init__(self, pair: Pair, signal: Signal) -> None:
        self._pair, self._signal, self._lock = pair, signal, threading.Lock()
        self.result = Result(signal)
        self._selected, self._types = pair.selected(self.result), dict[str, str]()
        self._keep: dict[Side, np.ndarray | None] = {side: pair.segment(side, signal) for side in SIDES}
        for name in [name for name in self._selected if any(pair.tables[side].may_have_nulls(name) for side in SIDES)]:
            self._leave_out(name, {side: missing(pair.column(side, name, keep=True)) for side in SIDES})
        self._types = pair.comparable(self.result, self._selected)
        for name in (name for name in self._types if "." in name):
            self.result.note("warning", "dot-in-name", "Azure's monitor refuses all data with a dot in a name", name)
        self._late: dict[str, dict[Side, np.ndarray | None]] = {}
        self._begin()

    @property
    def names(self) -> list[str]:
        """Features that are left to compute."""
        return list(self._types)

    def column(self, name: str, reference: pa.ChunkedArray, production: pa.ChunkedArray) -> None:
        """Compute one feature."""
        columns = dict(zip(SIDES, (reference, production), strict=True))
        absent = {side: self._unknown_missing(side, columns[side]) for side in SIDES}
        if any(found is not None for found in absent.values()):
            with self._lock:
                self._late[name] = absent
            return
        kind = kind_of(name, self._types[name], self._signal.overrides, lambda: few_distinct(reference, FEW))
        if kind is None:
            self.result.note("warning", "type-left-out", f"is {self._types[name]}, which monitors leave out", name)
            return
        if not all(self._rows.values()):
            return
        try:
            measured = self._numbers(columns) if kind == NUMERICAL else self._categories(columns)
            self._measure(name, kind, measured)
            histogram = _of_numbers(columns) if kind == NUMERICAL else _of_categories(columns)
        except NotComputed as error:
            hint = "the figures that need it are left out; Azure's job fails"
            self.result.note("error", "not-computed", f"{error}: {hint}", name)
            return
        with self._lock:
            self.result.histograms[name] = histogram

    def again(self) -> bool:
        """Whether columns turned out to miss values, NaN as a rule, that their files' statistics did not tell of."""
        if not self._late:
            return False
        for name, absent in self._late.items():
            self._leave_out(name, absent)
        self._late = {}
        self.result.metrics, self.result.histograms = [], {}
        self._begin()
        return True

    def _begin(self) -> None:
        self._grid: Grid | None = None
        self._rows = {side: kept_rows(self._keep[side], self._pair.tables[side].rows) for side in SIDES}
        self.result.rows = {side: self._pair.tables[side].rows for side in SIDES} | {
            f"complete_{side}": count for side, count in self._rows.items()
        }
        for side, count in self._rows.items():
            if count < self._signal.minimum_rows:
                text = f"{side} has {count:,} rows that miss no value, and {self._signal.minimum_rows:,} are needed"
                self.result.note("error", "too-few-rows", text)

    def _leave_out(self, name: str, absent: dict[Side, np.ndarray | None]) -> None:
        """Rows that miss a value in this column no longer count."""
        for side, rows in absent.items():
            if rows is not None and rows.all():
                text = f"has no value in {side}; it is left out here, while Azure's job fails"
                self.result.note("error", "all-null", text, name)
                self._selected = [other for other in self._selected if other != name]
                self._types.pop(name, None)
                return
        for side, rows in absent.items():
            if rows is not None:
                keep = self._keep[side]
                self._keep[side] = ~rows if keep is None else keep & ~rows

    def _unknown_missing(self, side: Side, column: pa.ChunkedArray) -> np.ndarray | None:
        rows, keep = missing(column), self._keep[side]
        if rows is None:
            return None
        return rows if keep is None or np.any(rows & keep) else None

    def _quantiles(self) -> Grid:
        with self._lock:
            if self._grid is None:
                self._grid = Grid(self._rows["reference"], self._rows["production"])
            return self._grid

    def _numbers(self, columns: dict[Side, pa.ChunkedArray]) -> Numbers:
        return Numbers(*(numbers(columns[side], self._keep[side]) for side in SIDES), grid=self._quantiles)

    def _categories(self, columns: dict[Side, pa.ChunkedArray]) -> Categories:
        return Categories(*(categories(columns[side], self._keep[side], CATEGORIES) for side in SIDES))

    def _measure(self, name: str, kind: str, measured: Numbers | Categories) -> None:
        found = []
        for metric, threshold in self._signal.thresholds.get(kind, {}).items():
            value = float(np.float32(getattr(measured, metric)()))  # Azure keeps drift in single precision
            limit = float(np.float32(threshold))
            breached = value < limit if metric in P_VALUES else value > limit
            found.append(Row(name, kind, metric, None if np.isnan(value) else value, limit, breached,
                             self._difference(kind, metric)))  # fmt: skip
        with self._lock:
            self.result.metrics += found

    def _difference(self, kind: str, metric: str) -> str:
        if not self._signal.azure_evaluates(kind, metric):
            if self._signal.thresholds[kind][metric] == 0:
                return "not evaluated on Azure: its client takes a threshold of 0 for none"
            return "not evaluated on Azure: its client sends one drift metric of each kind, the first in its own order"
        if metric == P_VALUES[0] and max(self._rows.values()) >= KS_ROWS:
            return f"Azure's job fails: it runs this test on fewer than {KS_ROWS:,} rows only"
        return ""


def _of_numbers(columns: dict[Side, pa.ChunkedArray]) -> Histogram:
    """Over all rows that have a value in this column, whatever the others miss."""
    present = {side: numbers(column.drop_null(), None) for side, column in columns.items()}
    present = {side: values[~np.isnan(values)] for side, values in present.items()}
    low = float(min(values.min() for values in present.values()))
    high = float(max(values.max() for values in present.values()))
    limits = edges(low, high, min(len(column) for column in columns.values()))
    counts = {side: in_buckets(values, limits).tolist() for side, values in present.items()}
    return Histogram(counts["reference"], counts["production"], limits=limits.tolist())


def _of_categories(columns: dict[Side, pa.ChunkedArray]) -> Histogram:
    """Of the commonest values, NULL among them. What production alone has is shown too, unlike in Azure's page."""
    counts: dict[Side, Counts] = {side: categories(column, None, CATEGORIES) for side, column in columns.items()}
    reference, production = counts["reference"], counts["production"]
    order = sorted({**reference, **production}, key=lambda value: (-reference.get(value, 0), -production.get(value, 0)))
    texts = [None if value is None else str(value).lower() if isinstance(value, bool) else str(value) for value in order]
    sides = ([counts[side].get(value, 0) for value in order[:SHOWN]] for side in SIDES)
    return Histogram(*sides, categories=texts[:SHOWN])
