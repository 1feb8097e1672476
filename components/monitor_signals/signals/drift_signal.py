"""A drift signal: the distance between reference and production for each feature."""

import threading

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from signals.columns import Column, NotComputed, text_of
from signals.drift import IN_ORDER, KS_ROWS, Categories, Numbers
from signals.kinds import FEW, NUMERICAL, kind_of
from signals.quantiles import Steps
from signals.result import Histogram, Result, Row
from signals.rows import Rows
from signals.selection import SIDES, Pair
from signals.spec import FROM_BELOW, P_VALUES, Signal

SHOWN = 100  # categories of a histogram
SHARED = {"long": pa.int64(), "double": pa.float64()}  # types in which columns of different types are compared


class DriftSignal:
    """One drift signal over a pair of datasets.

    Azure drops every row that misses a value in any selected column before it compares a single one, so each figure
    depends on which features are selected together.
    """

    def __init__(self, pair: Pair, signal: Signal) -> None:
        self._pair, self._signal, self._lock = pair, signal, threading.Lock()
        self._needed = max(1, signal.minimum_rows)
        self.result = Result(signal)
        self._selected = pair.selected(self.result)
        self._types = pair.comparable(self.result, self._selected)
        self._rows = pair.segment(0, signal), pair.segment(1, signal)
        self._steps: Steps | None = None
        self._late: list[str] = []
        for name in (name for name in self._types if "." in name):
            self.result.note("warning", "dot-in-name", "Azure's monitor refuses all data with a dot in a name", name)

    @property
    def names(self) -> list[str]:
        """Features that are left to compute."""
        return list(self._types)

    @property
    def looks(self) -> list[str]:
        """Columns to look at first, for the rows in which they miss a value."""
        return [name for name in self._selected if any(table.may_have_nulls(name) for table in self._pair.tables)]

    def begin(self) -> None:
        """Settle which rows count, once the pair has looked at `looks`."""
        self._leave_out(self.looks)

    def column(self, name: str, reference: Column, production: Column) -> None:
        """Compute one feature."""
        columns = reference, production
        if any(_has_more(rows, column) for rows, column in zip(self._rows, columns, strict=True)):
            with self._lock:
                self._late.append(name)
            return
        if any(rows.count < self._needed for rows in self._rows):
            return
        kind = kind_of(name, self._types[name], self._signal.overrides, lambda: reference.few(FEW))
        if kind is None:
            self.result.note("warning", "type-left-out", f"is {self._types[name]}, which monitors leave out", name)
            return
        if self._signal.overrides.get(name, kind) != kind:
            text = f"is {self._types[name]} and so no number as feature_type_override says; Azure's job fails"
            self.result.note("warning", "no-number", text, name)
        try:
            measured = self._numbers(columns) if kind == NUMERICAL else self._categories(name, columns)
            self._measure(name, kind, measured)
            histogram = measured.shown() if isinstance(measured, Numbers) else _of_categories(columns, measured.kind)
            with self._lock:
                self.result.histograms[name] = histogram
        except NotComputed as error:
            self._not_computed(name, error, "its figures")

    def again(self) -> bool:
        """Whether columns turned out to miss values, NaN as a rule, that their files' statistics did not tell of."""
        if not self._late:
            return False
        for name in self._late:
            for side in (0, 1):
                self._pair.look(side, name)
        self.result.metrics, self.result.histograms = [], {}
        self._leave_out(self._late)
        self._late, self._steps = [], None
        return True

    def _leave_out(self, names: list[str]) -> None:
        """Rows that miss a value in one of these columns no longer count."""
        for name in names:
            missing = [self._pair.missing(side, name) for side in (0, 1)]
            empty = [SIDES[side] for side in (0, 1) if (rows := missing[side]) is not None and rows.all()]
            if empty:
                text = f"has no value in {' and '.join(empty)}; it is left out here, while Azure's job fails"
                self.result.note("error", "all-null", text, name)
                self._types.pop(name, None)
                continue
            self._rows = self._rows[0].without(missing[0]), self._rows[1].without(missing[1])
        self.result.rows = {side: table.rows for side, table in zip(SIDES, self._pair.tables, strict=True)}
        for side, counted in zip(SIDES, self._rows, strict=True):
            self.result.rows[f"{side}_after_dropna"] = counted.count
            if counted.count < self._needed:
                text = f"{side} has {counted.count:,} rows that miss no value, and {self._needed:,} are needed"
                self.result.note("error", "too-few-rows", text)

    def _quantiles(self) -> Steps:
        with self._lock:
            if self._steps is None:
                self._steps = Steps(self._rows[0].count, self._rows[1].count)
            return self._steps

    def _numbers(self, columns: tuple[Column, Column]) -> Numbers:
        in_order = bool(IN_ORDER & self._signal.thresholds.get(NUMERICAL, {}).keys())
        return Numbers(columns, self._rows, self._quantiles, in_order)

    def _categories(self, name: str, columns: tuple[Column, Column]) -> Categories:
        return Categories(columns, self._rows, SHARED.get(self._types[name]))

    def _not_computed(self, name: str, error: NotComputed, what: str) -> None:
        self.result.note("error", "not-computed", f"{error}, so {what} can't be computed; Azure's job fails", name)

    def _measure(self, name: str, kind: str, measured: Numbers | Categories) -> None:
        found = []
        for metric, threshold in self._signal.thresholds.get(kind, {}).items():
            try:
                value = float(np.float32(getattr(measured, metric)()))  # Azure keeps drift in single precision
            except NotComputed as error:
                self._not_computed(name, error, metric)
                continue
            limit = float(np.float32(threshold))
            if np.isnan(value):
                text = f"has too few different values for {metric}, which is never breached on Azure either"
                self.result.note("warning", "not-defined", text, name)
            breached = value < limit if metric in FROM_BELOW else value > limit
            row = Row(name, kind, metric, None if np.isnan(value) else value, limit, breached)
            row.azure, row.evaluated = self._difference(kind, metric), self._signal.azure_evaluates(kind, metric)
            found.append(row)
        with self._lock:
            self.result.metrics += found

    def _difference(self, kind: str, metric: str) -> str:
        if not self._signal.azure_evaluates(kind, metric):
            if self._signal.thresholds[kind][metric] == 0:
                return "not evaluated on Azure: its client takes a threshold of 0 for none"
            return "not evaluated on Azure: its client sends one drift metric of each kind, the first in its own order"
        if metric == P_VALUES[0] and max(rows.count for rows in self._rows) >= KS_ROWS:
            return f"Azure's job fails: it runs this test on fewer than {KS_ROWS:,} rows only"
        return ""


def _has_more(rows: Rows, column: Column) -> bool:
    """Whether one of these rows misses a value in a column."""
    return column.missing is not None and bool(
        np.any(column.missing if rows.keep is None else column.missing & rows.keep)
    )


def _of_categories(columns: tuple[Column, Column], kind: pa.DataType | None) -> Histogram:
    """Of the commonest values, NULL among them. What production alone has is shown too, unlike in Azure's page."""
    counts = [column.counted(Rows(column.rows), kind) for column in columns]
    values = pa.chunked_array([side.values for side in counts]).unique()
    reference, production = (side.of(values) for side in counts)
    nulls = [column.nulls for column in columns]
    table = pa.table({"value": values, "reference": -reference, "production": -production})
    keys = [("reference", "ascending"), ("production", "ascending"), ("value", "ascending")]
    shown = table.take(pc.select_k_unstable(table, SHOWN, keys)).to_pydict()
    texts: list[str | None] = [text_of(value) for value in shown["value"]]
    sides = [[-count for count in shown[side]] for side in SIDES]
    if any(nulls):
        texts.append(None)
        sides = [[*side, count] for side, count in zip(sides, nulls, strict=True)]
    return Histogram(sides[0], sides[1], categories=texts)
