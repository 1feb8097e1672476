"""Distances of two samples in order: Wasserstein's between their quantiles, Kolmogorov and Smirnov's between their shares."""

from collections.abc import Iterator

import numpy as np

BLOCK = 65_536  # steps that are looked at in one go
STRIDE = 64  # of the first, coarse look for the largest difference


class Steps:
    """The shares at which one of two samples goes on to its next value.

    The area between the quantile functions of two samples is that between their distribution functions, which is the
    Wasserstein distance. Where the former step depends on the samples' sizes alone, so they serve all columns.

    Args:
        reference, production: the sizes, in rows; at least 1.
    """

    def __init__(self, reference: int, production: int) -> None:
        self._sizes = reference, production
        # In units of 1/(reference * production), integers: floating-point shares that should be equal may differ.
        parts = [self._between(start, min(start + BLOCK, reference)) for start in range(0, reference, BLOCK)]
        self._ends = np.concatenate(parts)

    def distance(self, reference: np.ndarray, production: np.ndarray) -> float:
        """Wasserstein distance of two samples of these sizes, both float64 and ascending."""
        rows, others = self._sizes
        total = 0.0
        for starts, widths in self._blocks():
            apart = reference[starts // others]
            apart -= production[starts // rows]
            total += float(np.dot(np.abs(apart, out=apart), widths))
        return total / (rows * others)

    def _between(self, first: int, last: int) -> np.ndarray:
        rows, others = self._sizes
        own = np.arange(first + 1, last + 1, dtype=np.int64) * others
        theirs = np.arange(first * others // rows + 1, last * others // rows + 1, dtype=np.int64) * rows
        return np.union1d(own, theirs)

    def _blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(where steps start, how wide they are)."""
        before = 0
        for start in range(0, len(self._ends), BLOCK):
            ends = self._ends[start : start + BLOCK]
            starts = np.concatenate(([before], ends[:-1]))
            before = int(ends[-1])
            yield starts, (ends - starts).astype(np.float64)


def deviation(values: np.ndarray) -> float:
    """Standard deviation of a sample, with the degree of freedom that its mean takes; NaN for a single value."""
    if len(values) < 2:
        return float("nan")
    mean, total = float(values.mean()), 0.0
    for start in range(0, len(values), BLOCK):  # np.std would take the memory of the values again
        off = values[start : start + BLOCK] - mean
        total += float(np.dot(off, off))
    return float(np.sqrt(total / (len(values) - 1)))


def largest_difference(reference: np.ndarray, production: np.ndarray) -> float:
    """Kolmogorov and Smirnov's statistic: the largest difference of the two distribution functions.

    Args:
        reference, production: float64, ascending, at least one value each.
    """
    return max(_lead(reference, production), _lead(production, reference), 0.0)


def _lead(values: np.ndarray, others: np.ndarray) -> float:
    """How far the distribution function of `values` is above that of `others` at most.

    It is so at one of the values. A look at every 64th bounds what lies in between, since both functions ascend: only
    stretches that may hold more than what was found so far are looked at value by value.
    """
    found = _leads(values, others, np.arange(0, len(values), STRIDE))
    best = float(found.max())
    ends = np.minimum(np.arange(1, len(found) + 1) * STRIDE, len(values))
    below = np.searchsorted(others, values[::STRIDE], side="right")
    promising = np.flatnonzero(ends / len(values) - below / len(others) > best)
    if not len(promising):
        return best
    places = (promising[:, None] * STRIDE + np.arange(STRIDE)).ravel()
    return max(best, float(_leads(values, others, places[places < len(values)]).max()))


def _leads(values: np.ndarray, others: np.ndarray, places: np.ndarray) -> np.ndarray:
    chosen = values[places]
    # Equal values count together: the share at a value is that of the last of them.
    own, theirs = (np.searchsorted(side, chosen, side="right") for side in (values, others))
    return own / len(values) - theirs / len(others)
