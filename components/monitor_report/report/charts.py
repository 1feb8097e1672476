"""Where things are on the page's charts: places across in percent, so that a chart is as wide as there is room."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

HEIGHT = 96  # of a chart, in CSS pixels
SHOWN = 12  # categories; the others are one more row
NULL = "(null)"


@dataclass(frozen=True)
class Bucket:
    """A bucket of numbers.

    Args:
        x, width: percent of the chart.
        reference, production: heights.
        title: what it stands for.
    """

    x: float
    width: float
    reference: float
    production: float
    title: str


@dataclass(frozen=True)
class Buckets:
    """A histogram of numbers; `low` and `high` stand at its ends."""

    buckets: list[Bucket]
    low: str
    high: str
    height: int = HEIGHT


@dataclass(frozen=True)
class Category:
    """A category with the shares that it has of each side, and their widths in percent of the longest bar."""

    label: str
    reference: float
    production: float
    reference_width: float
    production_width: float


@dataclass(frozen=True)
class Point:
    """The value of one run; `x` in percent, `y` from the top."""

    x: float
    y: float
    breached: bool
    title: str


@dataclass(frozen=True)
class Course:
    """A metric over runs; `limit` is the height of the newest threshold, None if it lies outside."""

    points: list[Point]
    segments: list[tuple[Point, Point]]
    limit: float
    text: str
    height: int = HEIGHT


def buckets(histogram: dict[str, Any]) -> Buckets:
    """A histogram of numbers, of shares: the sides may have very different numbers of rows."""
    edges = histogram["edges"]
    sides = [shares(histogram[side]) for side in ("reference", "production")]
    most = max(max(side, default=0) for side in sides) or 1
    span = (edges[-1] - edges[0]) or 1
    found = [
        Bucket(
            x=round(100 * (low - edges[0]) / span, 3),
            width=round(100 * (high - low) / span, 3),
            reference=round(HEIGHT * reference / most, 2),
            production=round(HEIGHT * production / most, 2),
            title=f"{shown(low)} to {shown(high)}: {percent(reference)} of the reference, {percent(production)} now",
        )
        for low, high, reference, production in zip(edges[:-1], edges[1:], *sides, strict=True)
    ]
    return Buckets(found, shown(edges[0]), shown(edges[-1]))


def categories(histogram: dict[str, Any]) -> list[Category]:
    """The commonest categories of either side, with one more row for what is left."""
    labels = [NULL if label is None else str(label) for label in histogram["categories"]]
    sides = [shares(histogram[side]) for side in ("reference", "production")]
    rows = sorted(zip(labels, *sides, strict=True), key=lambda row: -max(row[1:]))
    if len(rows) > SHOWN:
        rest = rows[SHOWN:]
        rows = [*rows[:SHOWN], (f"{len(rest)} others", sum(row[1] for row in rest), sum(row[2] for row in rest))]
    most = max((max(row[1:]) for row in rows[:SHOWN]), default=0) or 1  # the others together may be more
    return [
        Category(label, *sides, *(round(min(100 * share / most, 100), 2) for share in sides)) for label, *sides in rows
    ]


def course(runs: Sequence[tuple[str, float, float, bool]]) -> Course:
    """A metric over runs, from the oldest to the newest.

    Args:
        runs: (time, value, threshold, breached) of each; at least one.
    """
    values = [value for _, value, _, _ in runs]
    limit = runs[-1][2]
    top = max(*values, limit) * 1.15 or 1.0
    low = min(*values, 0.0)

    def height(value: float) -> float:
        return round((HEIGHT - 8) * (1 - (value - low) / (top - low)) + 4, 2)

    step = 96 / max(len(runs) - 1, 1)
    points = [
        Point(
            round(2 + step * place if len(runs) > 1 else 50, 3),
            height(value),
            breached,
            f"{time}: {shown(value)}, threshold {shown(threshold)}{', breached' if breached else ''}",
        )
        for place, (time, value, threshold, breached) in enumerate(runs)
    ]
    text = f"{len(runs)} runs from {runs[0][0]} to {runs[-1][0]}" if len(runs) > 1 else f"first run, {runs[0][0]}"
    return Course(points, list(pairwise(points)), height(limit), text)


def shares(counts: Sequence[float]) -> list[float]:
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]


def shown(value: Any) -> str:
    """A value as people read it: four significant digits, `-` for none."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"
