"""Counting values: in the buckets of a histogram, and of categories."""

import math
from collections.abc import Hashable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

EVEN = 1e-10  # Spark takes buckets for equally wide if their widths differ by less, whatever the scale of the column
BATCH = 65_536  # rows that are looked at before a column with many distinct values is known as such

Counts = dict[Hashable, int]


class NotComputed(Exception):
    """A figure is not defined for these values; the message says why."""


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
        return np.array([low - half, low + half])
    buckets = math.ceil(math.log2(rows) + 1)
    width = (high - low) / buckets
    found = np.array([low, *(low + i * width for i in range(1, buckets + 1))])
    if not np.all(np.diff(found) > 0):
        raise NotComputed(f"its values from {low} to {high} are too close together for {buckets} buckets")
    return found


def in_buckets(values: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """How many values lie in each bucket, as Spark's RDD.histogram counts them.

    Args:
        values: float64 without NaN, in any order.
        limits: ascending, one more than there are buckets.

    Returns:
        int64 of the buckets' shape. A value above the last limit counts nowhere; one that equals it, in the last bucket.
    """
    buckets, low, high = len(limits) - 1, limits[0], limits[-1]
    widths = np.diff(limits)
    if widths.max() - widths.min() < EVEN:
        places = (values - low) / ((high - low) / buckets)
        # Outside values are at places below 0 or above the last; -0.5 would be cut to 0, so they are told by value.
        inside = (values >= low) & (values <= high)
        places = places.astype(np.int64) if inside.all() else places[inside].astype(np.int64)
    else:
        inside = (values >= low) & (values <= high)
        chosen = values if inside.all() else values[inside]
        places = np.searchsorted(limits, chosen, side="right") - 1
    counts = np.bincount(places, minlength=buckets + 1)
    counts[buckets - 1] += counts[buckets]
    return counts[:buckets]


def categories(column: pa.ChunkedArray, keep: np.ndarray | None, limit: int) -> Counts:
    """How often each value occurs.

    Args:
        keep: for each row whether it counts, as bool; None for all.
        limit: of distinct values.

    Raises:
        NotComputed: there are more distinct values than `limit`.
    """
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    counts: Counts = {}
    start = 0
    for chunk in column.chunks:
        part = chunk if keep is None else chunk.filter(pa.array(keep[start : start + len(chunk)]))
        start += len(chunk)
        found = pc.value_counts(part)
        if len(found) > limit:
            raise NotComputed(f"it has more than {limit:,} distinct values")
        for value, count in zip(found.field(0).to_pylist(), found.field(1).to_pylist(), strict=True):
            counts[value] = counts.get(value, 0) + count
        if len(counts) > limit:
            raise NotComputed(f"it has more than {limit:,} distinct values")
    return counts


def few_distinct(column: pa.ChunkedArray, share: float) -> bool:
    """Whether a column has fewer distinct values, NULL among them, than `share` of its rows. Ends as soon as it hasn't."""
    limit = share * len(column)
    seen = pa.array([], type=column.type)
    for chunk in column.chunks:
        for start in range(0, len(chunk), BATCH):
            seen = pc.unique(pa.chunked_array([seen, pc.unique(chunk.slice(start, BATCH))]))
            if len(seen) >= limit:
                return False
    return len(seen) < limit
