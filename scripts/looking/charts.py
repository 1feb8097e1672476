"""Geometry of the charts on the comparison page; the template draws them.

Across, places are in percent of the width that the screen or the paper has; heights are in px. So text keeps its size.
"""

import math
from dataclasses import dataclass, field

HEIGHT, TOP, BOTTOM = 112, 24, 26  # px of a line chart, and what labels take of it
SIDE = 9  # percent left and right of a line chart's points
LABELLED = 8  # most points of a line chart that all have their value written beside them


@dataclass
class Dot:
    """A value on a row; `kind` is its look: champion, previous, other, registered, refused, best or bar."""

    value: float
    kind: str
    title: str
    at: float = 0.0


@dataclass
class Row:
    """A row of dots with a label, a note under it and a text at the end."""

    label: str
    note: str
    text: str
    dots: list[Dot] = field(default_factory=list)


@dataclass
class DotChart:
    """Rows over one common scale; `ticks` are (place in percent, label)."""

    rows: list[Row]
    ticks: list[tuple[float, str]]


@dataclass
class LinePoint:
    """A value of a series, `x` in percent, `y` in px from the top."""

    label: str
    text: str
    champion: bool
    x: float
    y: float


@dataclass
class LineChart:
    """A metric over versions.

    Args:
        segments: join neighbours that may be compared: (x1, y1, x2, y2).
        breaks: places, in percent, between neighbours that may not.
    """

    name: str
    points: list[LinePoint]
    segments: list[tuple[float, float, float, float]]
    breaks: list[float]
    height: int = HEIGHT


def dot_chart(rows: list[Row]) -> DotChart:
    """Gives each dot its place. Rows without dots stay, so that a missing value is seen."""
    values = [dot.value for row in rows for dot in row.dots]
    low, high = padded(values)
    for row in rows:
        for dot in row.dots:
            dot.at = round(100 * (dot.value - low) / (high - low), 2)
    marks = ticks(low, high)
    return DotChart(rows, [(round(100 * (mark - low) / (high - low), 2), f"{mark:g}") for mark in marks])


def line_chart(name: str, series: list[tuple[str, str, float | None]]) -> LineChart:
    """A metric over versions.

    Args:
        name: of the metric.
        series: (version, what it was judged on or "" if that is not known, value), oldest first; the last one is the
            champion.
    """
    places = [(at, group, value) for at, (_, group, value) in enumerate(series) if value is not None]
    low, high = padded([value for *_, value in places])
    step = (100 - 2 * SIDE) / max(1, len(series) - 1)
    extremes = {max(places, key=lambda place: place[2])[0], min(places, key=lambda place: place[2])[0]}
    points: list[LinePoint] = []
    segments: list[tuple[float, float, float, float]] = []
    breaks: list[float] = []
    for index, (at, group, value) in enumerate(places):
        x = round(50.0 if len(series) == 1 else SIDE + at * step, 2)
        y = round(TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low), 1)
        champion = at == len(series) - 1
        written = len(places) <= LABELLED or champion or at in extremes
        if index and group and places[index - 1][1] == group:
            segments.append((points[-1].x, points[-1].y, x, y))
        elif index:
            breaks.append(round((points[-1].x + x) / 2, 2))
        points.append(LinePoint(series[at][0], f"{value:.4g}" if written else "", champion, x, y))
    return LineChart(name, points, segments, breaks)


def padded(values: list[float]) -> tuple[float, float]:
    """A range somewhat wider than `values`, never empty."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = 0.06 * (high - low) or abs(high) * 0.05 or 1.0
    return low - margin, high + margin


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, at most `most`: multiples of 1, 2 or 5 times a power of ten."""
    size = 10 ** math.floor(math.log10((high - low) / most))
    step = next(size * factor for factor in (1, 2, 5, 10, 20) if (high - low) / (size * factor) <= most - 1)
    first = math.ceil(low / step)
    return [round(at * step, 10) for at in range(first, math.floor(high / step) + 1)]
