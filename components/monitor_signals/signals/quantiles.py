"""Distances of two ordered samples: Wasserstein's between quantiles, Kolmogorov and Smirnov's between shares."""

import math

import numpy as np

BLOCK = 65_536  # steps that are looked at in one go
MANY = 50_000  # rows * rows / (rows + rows) of two samples, beyond which the limit stands for the exact chance
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
        parts = [self._between(start, min(start + BLOCK, reference)) for start in range(0, reference, BLOCK)]
        self._reference, self._production, self._widths = (np.concatenate(each) for each in zip(*parts, strict=True))

    def distance(self, reference: np.ndarray, production: np.ndarray) -> float:
        """Wasserstein distance of two samples of these sizes, both float64 and ascending."""
        total = 0.0
        for start in range(0, len(self._widths), BLOCK):
            block = slice(start, start + BLOCK)
            apart = reference[self._reference[block]]
            apart -= production[self._production[block]]
            np.abs(apart, out=apart)
            apart *= self._widths[block]
            total += float(apart.sum())
        return total

    def _between(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places in both samples and widths, while the reference goes from its value `first` to that before `last`."""
        rows, others = self._sizes
        # In units of 1/(reference * production), integers: floating-point shares that should be equal may differ.
        own = np.arange(first + 1, last + 1, dtype=np.int64) * others
        theirs = np.arange(first * others // rows + 1, last * others // rows + 1, dtype=np.int64) * rows
        ends = np.sort(np.concatenate((own, theirs)))
        ends = ends[np.append(ends[1:] != ends[:-1], True)]
        starts = np.concatenate(([first * others], ends[:-1]))
        # Kept as small as may be: there are as many as both samples have values.
        widths = ((ends - starts) / (rows * others)).astype(np.float32)
        return (starts // others).astype(np.int32), (starts // rows).astype(np.int32), widths


def deviation(values: np.ndarray) -> float:
    """Standard deviation of a sample, with the degree of freedom that its mean takes; NaN for a single value."""
    if len(values) < 2:
        return math.nan
    mean, total = float(values.mean()), 0.0
    for start in range(0, len(values), BLOCK):  # np.std would take the memory of the values again, np.dot all cores
        off = values[start : start + BLOCK] - mean
        off *= off
        total += float(off.sum())
    return math.sqrt(total / (len(values) - 1))


def largest_difference(reference: np.ndarray, production: np.ndarray) -> float:
    """Kolmogorov and Smirnov's statistic: the largest difference of the two distribution functions.

    Args:
        reference, production: float64, ascending, at least one value each.
    """
    return max(_lead(reference, production), _lead(production, reference), 0.0)


def chance(difference: float, reference: int, production: int) -> float:
    """How likely a difference as large as this or larger is for samples of one distribution.

    Args:
        difference: of the distribution functions, see `largest_difference`.
        reference, production: rows of the samples, thousands of them.
    """
    size = reference * (production / (reference + production))
    if size <= MANY:  # as scipy.stats.ks_2samp does it for so many rows
        from scipy.stats import kstwo  # here, since it takes longer to load than most of what else is computed

        return min(max(float(kstwo.sf(difference, round(size))), 0.0), 1.0)
    # That takes time in proportion to the rows. Kolmogorov's limit, with the correction of Vrbik, Small-sample
    # corrections to Kolmogorov-Smirnov test statistic (2018), differs from it by less than 1e-4 of it down to 1e-6.
    from scipy.special import kolmogorov

    root = math.sqrt(size)
    limit = difference * root
    return float(kolmogorov(limit + 1 / (6 * root) + (limit - 1) / (4 * size)))


def _lead(values: np.ndarray, others: np.ndarray) -> float:
    """How far the distribution function of `values` is above that of `others` at most.

    It is so at one of the values. A look at every 64th bounds what lies in between, since both functions ascend: only
    stretches that may hold more than what was found so far are looked at value by value.
    """
    starts = np.arange(0, len(values), STRIDE)
    theirs = _shares(others, values[starts])
    # Of equal values, all but the last are given too small a share here, which does not change what is the most.
    best = float(((starts + 1) / len(values) - theirs).max())
    ends = np.minimum(starts + STRIDE, len(values)) / len(values)
    promising = starts[ends - theirs > best]
    places = (promising[:, None] + np.arange(STRIDE)).ravel()
    places = places[places < len(values)]
    leads = (places + 1) / len(values) - _shares(others, values[places])
    return float(max(best, leads.max(initial=0.0)))


def _shares(values: np.ndarray, limits: np.ndarray) -> np.ndarray:
    return np.searchsorted(values, limits, side="right") / len(values)
