"""Distances between the distributions of a column in two datasets, by Azure's definitions.

Source of the formulas: azureml-assets, assets/model_monitoring/components/src/data_drift_compute_metrics.
"""

import math
from collections.abc import Callable

import numpy as np

from signals.counting import Counts, NotComputed, edges, in_buckets

SMALLEST_DEVIATION = 0.001  # of the reference, in the normalized Wasserstein distance
KS_ROWS = 10_000  # from here on Azure's job fails; computed here all the same


class Numbers:
    """A numerical column of both datasets, rows with a missing value in any column left out.

    Args:
        reference, production: float64, finite or not, without NaN, at least one value each.
        grid: see `quantile_grid`, for these numbers of rows.
    """

    def __init__(self, reference: np.ndarray, production: np.ndarray, grid: Callable[[], "Grid"]) -> None:
        self.reference, self.production, self._grid = reference, production, grid
        self._counts: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        self._sorted: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def counts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(limits, reference's counts, production's counts) of the buckets that both share."""
        if self._counts is None:
            low = min(self.reference.min(), self.production.min())
            high = max(self.reference.max(), self.production.max())
            limits = edges(float(low), float(high), min(len(self.reference), len(self.production)))
            self._counts = limits, in_buckets(self.reference, limits), in_buckets(self.production, limits)
        return self._counts

    def jensen_shannon_distance(self) -> float:
        """In [0, 1], logarithms to base 2."""
        _, reference, production = self.counts
        return _jensen_shannon(reference / len(self.reference), production / len(self.production))

    def population_stability_index(self) -> float:
        """0 or more, natural logarithms."""
        _, reference, production = self.counts
        return _stability(reference, production, len(self.reference), len(self.production))

    def normalized_wasserstein_distance(self) -> float:
        """In standard deviations of the reference."""
        reference, production = self._in_order()
        grid = self._grid()
        distance = float(np.dot(np.abs(reference[grid.reference] - production[grid.production]), grid.widths))
        deviation = float(np.std(self.reference, ddof=1)) if len(self.reference) > 1 else math.nan
        if not math.isfinite(distance):
            raise NotComputed("it has infinite values")
        return distance / (deviation if deviation > SMALLEST_DEVIATION else SMALLEST_DEVIATION)

    def two_sample_kolmogorov_smirnov_test(self) -> float:
        """The p-value, two-sided."""
        from scipy.stats import ks_2samp  # here, since it takes longer to load than most of what else is computed

        return float(ks_2samp(*self._in_order()).pvalue)

    def _in_order(self) -> tuple[np.ndarray, np.ndarray]:
        if self._sorted is None:
            self._sorted = np.sort(self.reference), np.sort(self.production)
        return self._sorted


class Categories:
    """A categorical column of both datasets, rows with a missing value in any column left out."""

    def __init__(self, reference: Counts, production: Counts) -> None:
        self.keys = [*reference, *(key for key in production if key not in reference)]
        self.reference = np.array([reference.get(key, 0) for key in self.keys])
        self.production = np.array([production.get(key, 0) for key in self.keys])

    def jensen_shannon_distance(self) -> float:
        """In [0, 1], logarithms to base 2."""
        return _jensen_shannon(self.reference / self.reference.sum(), self.production / self.production.sum())

    def population_stability_index(self) -> float:
        """0 or more, natural logarithms."""
        return _stability(self.reference, self.production, int(self.reference.sum()), int(self.production.sum()))

    def pearsons_chi_squared_test(self) -> float:
        """The p-value; NaN for a single category, 0 if production has a category that the reference hasn't."""
        from scipy.special import chdtrc

        expected = self.reference / self.reference.sum() * self.production.sum()
        if np.any((expected == 0) & (self.production > 0)):
            return 0.0
        if len(self.keys) == 1:
            return math.nan
        return float(chdtrc(len(self.keys) - 1, float(np.sum((self.production - expected) ** 2 / expected))))


class Grid:
    """The shares at which one of two samples goes on to its next value, and which values the samples have in between.

    The area between the quantile functions of two samples is that between their distribution functions, which is the
    Wasserstein distance. Where they step depends on the samples' sizes alone, so one grid serves all columns.

    Args:
        reference, production: the sizes, in rows.
    """

    def __init__(self, reference: int, production: int) -> None:
        # In units of 1/(reference * production), integers: floating-point shares that should be equal may differ.
        ends = np.union1d(
            np.arange(1, reference + 1, dtype=np.int64) * production,
            np.arange(1, production + 1, dtype=np.int64) * reference,
        )
        starts = np.concatenate(([0], ends[:-1]))
        self.reference = starts // production
        self.production = starts // reference
        self.widths = (ends - starts) / (reference * production)


def _jensen_shannon(reference: np.ndarray, production: np.ndarray) -> float:
    p, q = reference / reference.sum(), production / production.sum()
    middle = (p + q) / 2
    total = _relative_entropy(p, middle) + _relative_entropy(q, middle)
    return math.sqrt(max(total, 0.0) / math.log(2) / 2)


def _relative_entropy(p: np.ndarray, q: np.ndarray) -> float:
    some = p > 0
    return float(np.sum(p[some] * np.log(p[some] / q[some])))


def _stability(reference: np.ndarray, production: np.ndarray, rows: int, production_rows: int) -> float:
    bins = len(reference)
    p, q = (reference + 1) / (rows + bins), (production + 1) / (production_rows + bins)
    return float(np.sum((q - p) * np.log(q / p)))
