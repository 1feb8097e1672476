"""Distances between the distributions of a column in two datasets, by Azure's definitions.

Source of the formulas: azureml-assets, assets/model_monitoring/components/src/data_drift_compute_metrics.
"""

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np
import pyarrow as pa

from signals.columns import Column, Counted, NotComputed
from signals.counting import edges, in_buckets
from signals.quantiles import Steps, chance, deviation, largest_difference
from signals.result import Histogram
from signals.rows import Rows

SMALLEST_DEVIATION = 0.001  # of the reference, in the normalized Wasserstein distance
KS_ROWS = 10_000  # from here on Azure's job fails; computed here all the same
IN_ORDER = {"normalized_wasserstein_distance", "two_sample_kolmogorov_smirnov_test"}  # metrics that need values sorted
Buckets = tuple[np.ndarray, np.ndarray, np.ndarray]  # limits, the reference's counts, production's counts


class Numbers:
    """A numerical column of both datasets, in rows that have a value in every column.

    Args:
        columns: reference, production.
        rows: of each, at least one.
        steps: those of samples of as many rows.
        in_order: whether metrics are asked for that need the values sorted.
    """

    def __init__(
        self, columns: tuple[Column, Column], rows: tuple[Rows, Rows], steps: Callable[[], Steps], in_order: bool
    ) -> None:
        self._columns, self._rows, self._steps, self._sorted = columns, rows, steps, in_order

    @cached_property
    def histogram(self) -> Buckets:
        """Of all rows that have a value in this column, whatever the other columns miss."""
        rows = min(column.rows for column in self._columns)
        limits = _limits([span for column in self._columns if (span := column.span)], rows)
        reference, production = (in_buckets(column.numbers(Rows(column.rows)), limits) for column in self._columns)
        return limits, reference, production

    def shown(self) -> Histogram:
        """The same for a report."""
        limits, reference, production = self.histogram
        return Histogram(reference.tolist(), production.tolist(), limits=limits.tolist())

    @cached_property
    def counts(self) -> Buckets:
        """Of the rows."""
        limits = _limits([self._span(side) for side in (0, 1)], min(rows.count for rows in self._rows))
        reference, production = (self._in_buckets(side, limits) for side in (0, 1))
        return limits, reference, production

    def jensen_shannon_distance(self) -> float:
        """In [0, 1], logarithms to base 2."""
        _, reference, production = self.counts
        return _jensen_shannon(reference, production)

    def population_stability_index(self) -> float:
        """0 or more, natural logarithms."""
        _, reference, production = self.counts
        return _stability(reference, production, *(rows.count for rows in self._rows))

    def normalized_wasserstein_distance(self) -> float:
        """In standard deviations of the reference."""
        reference, production = self._values
        if not all(math.isfinite(value) for side in self._values for value in (side[0], side[-1])):
            raise NotComputed("it has infinite values")
        spread = deviation(reference)
        return self._steps().distance(reference, production) / max(spread if spread > 0 else 0, SMALLEST_DEVIATION)

    def two_sample_kolmogorov_smirnov_test(self) -> float:
        """The p-value, two-sided."""
        reference, production = self._values
        if max(len(reference), len(production)) > KS_ROWS:
            return chance(largest_difference(reference, production), len(reference), len(production))
        from scipy.stats import ks_2samp  # here, since it takes longer to load than all that such few rows take

        return float(ks_2samp(reference, production).pvalue)

    @cached_property
    def _values(self) -> tuple[np.ndarray, np.ndarray]:
        pairs = zip(self._columns, self._rows, strict=True)
        reference, production = (column.in_order(of) if self._sorted else column.numbers(of) for column, of in pairs)
        return reference, production

    def _span(self, side: int) -> tuple[float, float]:
        if self._sorted:
            values = self._values[side]
            return float(values[0]), float(values[-1])
        rows, whole = self._rows[side], self._columns[side].span
        if whole and rows.most:
            left_out = self._columns[side].at(rows.fewer)
            if not len(left_out) or (left_out.min() > whole[0] and left_out.max() < whole[1]):
                return whole
        values = self._values[side]
        return float(values.min()), float(values.max())

    def _in_buckets(self, side: int, limits: np.ndarray) -> np.ndarray:
        if self._sorted:
            return in_buckets(self._values[side], limits, in_order=True)
        column, (of_all, *counts) = self._columns[side], self.histogram
        if np.array_equal(of_all, limits):
            return self._rows[side].tally(counts[side], lambda places: in_buckets(column.at(places), limits))
        return in_buckets(self._values[side], limits)


class Categories:
    """A categorical column of both datasets, rows with a missing value in any column left out.

    Args:
        columns: reference, production.
        rows: of each, at least one.
        kind: type in which the values are compared; None for their own.
    """

    def __init__(self, columns: tuple[Column, Column], rows: tuple[Rows, Rows], kind: pa.DataType | None) -> None:
        self.kind = kind
        reference, production = (column.counted(of, kind) for column, of in zip(columns, rows, strict=True))
        keys = _union(reference, production)
        self.reference, self.production = reference.of(keys), production.of(keys)

    def jensen_shannon_distance(self) -> float:
        """In [0, 1], logarithms to base 2."""
        return _jensen_shannon(self.reference, self.production)

    def population_stability_index(self) -> float:
        """0 or more, natural logarithms."""
        return _stability(self.reference, self.production, int(self.reference.sum()), int(self.production.sum()))

    def pearsons_chi_squared_test(self) -> float:
        """The p-value; NaN for a single category, 0 if production has a category that the reference hasn't."""
        from scipy.special import chdtrc

        expected = self.reference / self.reference.sum() * self.production.sum()
        if np.any((expected == 0) & (self.production > 0)):
            return 0.0
        if len(self.reference) == 1:
            return math.nan
        return float(chdtrc(len(self.reference) - 1, _sum((self.production - expected) ** 2 / expected)))


def _union(reference: Counted, production: Counted) -> pa.Array:
    return pa.chunked_array([reference.values, production.values]).unique()


def _limits(spans: list[tuple[float, float]], rows: int) -> np.ndarray:
    lows, highs = zip(*spans, strict=True)
    return edges(min(lows), max(highs), rows)


def _jensen_shannon(reference: np.ndarray, production: np.ndarray) -> float:
    if not (reference.any() and production.any()):
        return math.nan  # Spark's buckets lose the largest value to rounding at times, here all that there was
    p, q = reference / reference.sum(), production / production.sum()
    middle = (p + q) / 2
    total = _relative_entropy(p, middle) + _relative_entropy(q, middle)
    return math.sqrt(max(total, 0.0) / math.log(2) / 2)


def _relative_entropy(p: np.ndarray, q: np.ndarray) -> float:
    some = p > 0
    return _sum(p[some] * np.log(p[some] / q[some]))


def _stability(reference: np.ndarray, production: np.ndarray, rows: int, production_rows: int) -> float:
    bins = len(reference)
    p, q = (reference + 1) / (rows + bins), (production + 1) / (production_rows + bins)
    return _sum((q - p) * np.log(q / p))


def _sum(terms: np.ndarray) -> float:
    """Exact but for one rounding, so that the order of the rows, which orders categories, changes no figure."""
    return math.fsum(terms.tolist())
