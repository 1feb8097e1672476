"""Counting numbers in the buckets of a histogram, as Spark does."""

import bisect
import math

import numpy as np

from signals.columns import BATCH, NotComputed

EVEN = 1e-10  # Spark takes buckets for equally wide if their widths differ by less, whatever the scale of the column


def edges(low: float, high: float, rows: int) -> np.ndarray:
    """Limits of the buckets of a numerical column, by Sturges' rule.

    Args:
        low, high: smallest and largest value of both datasets.
        rows: of the smaller dataset.

    Raises:
        NotComputed: the range is not finite, or too narrow for that many different floating-point numbers.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        raise NotComputed("it has infinite values")
    if low == high:
        half = 0.005 if low == 0 else abs(0.005 * low)
        buckets, found = 1, np.array([low - half, low + half])
    else:
        buckets = math.ceil(math.log2(rows) + 1)
        width = (high - low) / buckets
        found = np.array([low, *(low + i * width for i in range(1, buckets + 1))])
    if not (np.isfinite(found).all() and np.all(np.diff(found) > 0) and (found[-1] - found[0]) / buckets > 0):
        raise NotComputed(f"its values from {low} to {high} can't be cut into {buckets} buckets of different limits")
    return found


def in_buckets(values: np.ndarray, limits: np.ndarray, in_order: bool = False) -> np.ndarray:
    """How many values lie in each bucket, as Spark's RDD.histogram counts them.

    Args:
        values: float64 without NaN, none below the first limit.
        limits: ascending, one more than there are buckets.
        in_order: whether the values ascend, which saves looking at each.

    Returns:
        int64 of the buckets' shape. A value above the last limit counts nowhere, one that equals it in the last bucket.
    """
    buckets, low, high = len(limits) - 1, limits[0], limits[-1]
    widths = np.diff(limits)
    width = (high - low) / buckets if widths.max() - widths.min() < EVEN else None
    if in_order:
        counts = _of_ordered(values, limits, width)
    else:
        counts = np.zeros(buckets + 1, np.int64)
        for start in range(0, len(values), BATCH):
            counts += _of_batch(values[start : start + BATCH], limits, width)
    counts[buckets - 1] += counts[buckets]
    return counts[:buckets]


def _of_batch(values: np.ndarray, limits: np.ndarray, width: float | None) -> np.ndarray:
    """Counts, with one bucket more for what equals the last limit."""
    if values.max() > limits[-1]:
        values = values[values <= limits[-1]]
    if width is None:
        places = np.searchsorted(limits, values, side="right") - 1
    else:
        shares = values - limits[0]
        shares /= width
        places = shares.astype(np.int64)
    return np.bincount(places, minlength=len(limits))


def _of_ordered(values: np.ndarray, limits: np.ndarray, width: float | None) -> np.ndarray:
    end = int(np.searchsorted(values, limits[-1], side="right"))
    if width is None:
        firsts = np.searchsorted(values, limits, side="left")
    else:
        low, last = limits[0], len(limits)
        firsts = np.array(
            [bisect.bisect_left(values, k, hi=end, key=lambda x: int((x - low) / width)) for k in range(last)]
        )
    return np.diff(np.append(firsts, end))
