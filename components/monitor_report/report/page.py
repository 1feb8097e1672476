"""report.html: one file that needs nothing else, for screens, phones and paper, light and dark."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from report.charts import Buckets, Category, Course, buckets, categories, course, percent, shown
from report.results import Document

RUNS = 30  # of a course


@dataclass(frozen=True)
class Metric:
    """One metric of a feature: the row of results.json and its course over runs; None where it never had a value."""

    row: Document
    course: Course | None


@dataclass
class Feature:
    """What is shown of one feature."""

    name: str
    metrics: list[Metric] = field(default_factory=list)
    buckets: Buckets | None = None
    categories: list[Category] | None = None

    @property
    def breached(self) -> bool:
        return any(metric.row["breached"] for metric in self.metrics)


def render(results: Document, signals: Sequence[Document], history: Sequence[Document]) -> str:
    """The page.

    Args:
        results: this run's results.json.
        signals: with histograms.
        history: results.json of earlier runs, oldest first.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"shown": shown, "percent": percent, "when": when}
    courses = values_over_runs([*history, results])
    return environment.get_template("report.html.j2").render(
        results=results,
        signals=[(signal, features(signal, courses)) for signal in signals],
        breaches=breaches(results),
        problems=problems(results),
        runs=[*history, results][-RUNS:],
    )


def features(signal: Document, courses: dict[tuple[str, str, str], list[Any]]) -> list[Feature]:
    """Features of a signal, those that breached first, with the worst of them in front."""
    found: dict[str, Feature] = {}
    for row in signal["features"]:
        feature = found.setdefault(row["feature"], Feature(row["feature"]))
        runs = courses.get((signal["signal"], row["feature"], row["metric"]), [])
        feature.metrics.append(Metric(row, course(runs[-RUNS:]) if runs else None))
    for name, histogram in signal["histograms"].items():
        feature = found.setdefault(name, Feature(name))
        if histogram.get("categories") is not None:
            feature.categories = categories(histogram)
        else:
            feature.buckets = buckets(histogram)
    return sorted(found.values(), key=lambda feature: -max(map(excess, feature.metrics), default=0.0))


def excess(metric: Metric) -> float:
    """How far a value is beyond its threshold; 0 where it isn't. For the order of features only."""
    row = metric.row
    if not row["breached"]:
        return 0.0
    return 1 + abs(float(row["value"]) - float(row["threshold"]))


def breaches(results: Document) -> list[tuple[str, Document]]:
    """(signal, row) of what breached."""
    return [(one["signal"], row) for one in results["signals"] for row in one["features"] if row["breached"]]


def problems(results: Document) -> list[tuple[str, Document]]:
    """(signal, finding), errors first."""
    found = [(one["signal"], finding) for one in results["signals"] for finding in one["findings"]]
    return sorted(found, key=lambda item: item[1]["level"] != "error")


def values_over_runs(runs: Sequence[Document]) -> dict[tuple[str, str, str], list[tuple[str, float, float, bool]]]:
    """(signal, feature, metric) -> (time, value, threshold, breached) of each run that has a value."""
    found: dict[tuple[str, str, str], list[tuple[str, float, float, bool]]] = {}
    for run in runs:
        for signal in run["signals"]:
            for row in signal["features"]:
                if row["value"] is not None and row["threshold"] is not None:
                    key = (signal["signal"], row["feature"], row["metric"])
                    value = (when(run.get("due") or run.get("ended")), row["value"], row["threshold"], row["breached"])
                    found.setdefault(key, []).append(value)
    return found


def when(moment: str | None) -> str:
    """A time of results.json as people read it."""
    try:
        return f"{datetime.fromisoformat(str(moment)):%Y-%m-%d %H:%M}"
    except ValueError:
        return str(moment or "-")
