"""Rates of values that are missing, of another type or out of bounds, by Azure's definitions.

Source: azureml-assets, assets/model_monitoring/components/src/data_quality_statistics, data_quality_compute_metrics.
What it does before it counts, it does here too: missing numbers become the median and missing text the commonest text.
Only the missing that are left then are of a wrong type; a number that was missing is out of bounds if the median is.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from signals.casts import fails
from signals.columns import Column
from signals.kinds import CATEGORICAL, NUMERICAL
from signals.rows import Rows

NULLS, TYPES, BOUNDS = "null_value_rate", "data_type_error_rate", "out_of_bounds_rate"
SEPARATOR = re.compile(r"(?: +)?, ?")  # at which Azure cuts the text that it has made of all categories
CHECKED = (
    "smallint",
    "boolean",
    "binary",
    "double",
    "timestamp",
    "string",
    "int",
    "float",
    "tinyint",
    "bigint",
    "date",
)


@dataclass
class Profile:
    """What is counted of one column of one dataset.

    Attributes:
        spark: the type.
        kind: NUMERICAL or CATEGORICAL in this dataset.
        rows, nulls: rows, and those that are NULL or NaN.
        low, high: of a numerical column with values.
        counts: of text: how often each value occurs, NULL left out.
        below, above: numbers outside of the reference's range, missing ones left out.
        median_outside: whether the median is outside of the reference's range.
    """

    spark: str
    kind: str
    rows: int
    nulls: int
    low: float | None = None
    high: float | None = None
    counts: dict[str, int] | None = None
    below: int = 0
    above: int = 0
    median_outside: bool = False

    @property
    def bounds(self) -> tuple[float, float] | None:
        """(low, high)."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def imputed(self) -> bool:
        """Whether Azure fills in what is missing."""
        if self.kind == NUMERICAL:
            return True
        if self.spark != "string" or not self.counts:
            return False
        return self.nulls < max(self.counts.values())  # else NULL is the commonest


def profile(column: Column, spark: str, kind: str, learned: Profile | None, values: bool) -> Profile:
    """Of a column.

    Args:
        spark: its type, as Spark names it.
        learned: of the reference; None for the reference itself.
        values: whether more is asked for than how many are missing.

    Raises:
        NotComputed: the values can't be counted.
    """
    found = Profile(spark, kind, column.rows, column.nulls)
    rows = Rows(column.rows)
    if not values:
        return found
    if spark == "string":
        found.counts = column.counted(rows).texts()
    if kind == CATEGORICAL or (span := column.span) is None:
        return found
    found.low, found.high = span
    low, high = learned.bounds if learned and learned.bounds else span
    if found.low < low or found.high > high:
        numbers = column.numbers(rows)
        found.below, found.above = int(np.count_nonzero(numbers < low)), int(np.count_nonzero(numbers > high))
    # Half of the values are at or below the median; where in the middle two it lies changes nothing else here.
    present = column.rows - column.nulls
    found.median_outside = 2 * found.below > present or 2 * found.above >= present
    return found


def violations(reference: Profile, column: Profile) -> dict[str, int | None]:
    """Metric -> how many rows violate it; None where Azure gives no value; a metric that it does not have is absent.

    Args:
        reference: the column in the reference, from which types and bounds are learned.
        column: the column in the dataset that is counted, the reference itself or production.
    """
    found: dict[str, int | None] = {NULLS: column.nulls}
    if reference.spark in CHECKED:
        left = 0 if column.imputed else column.nulls
        found[TYPES] = left + _uncastable(reference.spark, column)
    if reference.kind == NUMERICAL:
        numerical = column.kind == NUMERICAL
        outside = column.below + column.above + (column.nulls if column.median_outside else 0)
        found[BOUNDS] = outside if numerical else None
    elif reference.spark == "string":
        found[BOUNDS] = _unknown(reference, column)
    return found


def rate(count: int, rows: int) -> float:
    """Share of rows, rounded to 5 decimals as Spark rounds: halves away from zero, of the number as it is written."""
    return float(Decimal(repr(count / rows)).quantize(Decimal("0.00001"), ROUND_HALF_UP))


def known_texts(counts: Iterable[str], with_null: bool) -> set[str]:
    """The categories that Azure knows of a reference column: what is left of them after it went through one text.

    Square brackets are taken out, and the text is cut at commas with blanks around them. So a value with a comma, a
    bracket or blanks at its end is known under another name, and its rows are out of bounds, in the reference too.
    """
    texts = [text.replace("[", "").replace("]", "") for text in counts] + (["null"] if with_null else [])
    if len(texts) == 1:
        return {texts[0].strip(" ")}
    return {piece for text in texts for piece in SEPARATOR.split(text.rstrip(" "))}


def _unknown(reference: Profile, column: Profile) -> int:
    if column.spark != "string" or column.kind != CATEGORICAL:
        return 0
    known = known_texts(reference.counts or {}, with_null=reference.nulls > 0)
    counts = dict(column.counts or {})
    if column.imputed and column.nulls:
        counts[_commonest(counts)] += column.nulls
    return sum(count for value, count in counts.items() if value not in known)


def _uncastable(wanted: str, column: Profile) -> int:
    filled = column.nulls if column.imputed else 0
    if column.counts is None:  # whether a number or a date can be cast, depends on the types alone
        return column.rows - column.nulls + filled if fails("", column.spark, wanted) else 0
    failing = sum(count for value, count in column.counts.items() if fails(value, column.spark, wanted))
    return failing + (filled if filled and fails(_commonest(column.counts), column.spark, wanted) else 0)


def _commonest(counts: dict[str, int]) -> str:
    return max(counts, key=lambda value: (counts[value], value))  # of several, one that the rows' order does not change
