"""The comparison as one HTML file that needs nothing else: for screens, phones and paper, light and dark."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from scripts.looking.charts import Dot, DotChart, LineChart, Row, dot_chart, line_chart
from scripts.looking.comparison import Training, Version, differing, metric_names, same_in_all
from scripts.looking.judging import Judging
from scripts.looking.slices import SliceComparison
from scripts.looking.table import duration, shown, shown_parameter

FACTS = ("gate", "test_month", "commit", "root_job")  # tags of the champion that are shown at the top
NO_FACT = ("model_uuid", "job")  # tags that tell people nothing


@dataclass(frozen=True)
class Comparison:
    """What the page shows.

    Args:
        workspace: its name.
        model: name of the registered model.
        versions: newest first.
        trainings: newest first.
        slices: the newest version by slice beside others; None if its evaluation is not there.
    """

    workspace: str
    model: str
    judging: Judging
    versions: list[Version]
    trainings: list[Training]
    slices: SliceComparison | None


def render(comparison: Comparison, now: datetime) -> str:
    """The page.

    Args:
        comparison: what it shows.
        now: time that it bears.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"shown": shown, "duration": duration, "when": when, "value": value, "breakable": breakable}
    names, validation = metric_names(comparison.versions, comparison.trainings, comparison.judging)
    data = sorted({name for one in comparison.versions for name in one.tags if name.startswith("data.")})
    trials = [trial for one in comparison.trainings if not one.reused for trial in one.trials]
    params = {
        "versions": [one.params for one in comparison.versions if one.params],
        "trainings": [one.params for one in comparison.trainings if one.judged],
        "trials": [trial.params for trial in trials],
    }
    return environment.get_template("compare.html.j2").render(
        **vars(comparison),
        now=now,
        metrics=names,
        validation=validation,
        facts=[*FACTS, *data],
        tags=[*data, *(name for name in other_tags(comparison.versions, names) if name not in data)],
        months=months(comparison.versions),
        charts=charts(comparison, names),
        **{f"differing_{name}": differing(of) for name, of in params.items()},
        **{f"same_{name}": same_in_all(of) for name, of in params.items()},
    )


def charts(comparison: Comparison, names: list[str]) -> dict[str, list[LineChart] | DotChart | None]:
    judging = comparison.judging
    return {
        "versions": [version_chart(name, comparison.versions) for name in names if has(comparison.versions, name)],
        "slices": slice_chart(comparison.slices) if comparison.slices else None,
        "trainings": training_chart(comparison.trainings, judging.metric),
        "trials": trial_chart(comparison.trainings, judging),
    }


def months(versions: list[Version]) -> dict[str, list[int]]:
    """Test month -> versions that were judged on it, both from old to new; a version without one is left out."""
    numbers: dict[str, list[int]] = {}
    for one in reversed(versions):
        if "test_month" in one.tags:
            numbers.setdefault(one.tags["test_month"], []).append(one.number)
    return dict(sorted(numbers.items()))


def has(versions: list[Version], metric: str) -> bool:
    return any(metric in one.metrics for one in versions)


def version_chart(name: str, versions: list[Version]) -> LineChart:
    oldest_first = versions[::-1]
    series = [(f"v{one.number}", one.tags.get("test_month", ""), one.metrics.get(name)) for one in oldest_first]
    return line_chart(name, series)


def slice_chart(slices: SliceComparison) -> DotChart:
    """The gate's metric by slice: the newest version, the champion of its time, and older ones of the same month."""
    champion = max(slices.versions)
    kinds = {champion: "champion", slices.before: "previous"}
    before = slices.versions[slices.before] if slices.before else {}
    rows = []
    for name, (count, now) in sorted(slices.versions[champion].items(), key=lambda item: -item[1][0]):
        dots = [
            Dot(of[name][1], kinds.get(number, "other"), f"version {number}: {of[name][1]:.4g}")
            for number, of in reversed(slices.versions.items())  # the champion last, above the others
            if name in of
        ]
        change = f" ({now - before[name][1]:+.2f})" if name in before else ""
        rows.append(Row(name, f"{count:,} flights", f"{now:.4g}{change}", dots))
    return dot_chart(rows)


def training_chart(trainings: list[Training], metric: str) -> DotChart | None:
    rows = []
    for one in trainings:
        if one.reused or metric not in one.metrics:
            continue
        new, old = one.metrics[metric], one.champion.get(metric)
        dots = [Dot(new, "registered" if one.registered else "refused", f"candidate {new:.4g}, {one.outcome}")]
        if old is not None:
            dots.append(Dot(old, "bar", f"champion {old:.4g}"))
        rows.append(Row(f"{one.start:%Y-%m-%d}", f"{one.start:%H:%M}, {one.outcome}", f"{new:.4g}", dots))
    return dot_chart(rows) if rows else None


def trial_chart(trainings: list[Training], judging: Judging) -> DotChart | None:
    rows = []
    for one in trainings:
        if one.reused or not one.trials:
            continue
        metric = next((name for name in judging.objectives if any(name in t.metrics for t in one.trials)), "")
        dots = [
            Dot(trial.metrics[metric], "best" if trial.best else "other", f"{trial.metrics[metric]:.4g}")
            for trial in sorted(one.trials, key=lambda trial: trial.best)
            if metric in trial.metrics
        ]
        best = next((dot.title for dot in dots if dot.kind == "best"), shown(None))
        rows.append(Row(f"{one.start:%Y-%m-%d}", f"{one.start:%H:%M}, {len(one.trials)} trials", best, dots))
    return dot_chart(rows) if rows else None


def other_tags(versions: list[Version], metrics: list[str]) -> list[str]:
    names = sorted({name for one in versions for name in one.tags})
    return [name for name in names if name not in metrics and name not in NO_FACT]


def when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def breakable(name: str) -> Markup:
    """A name that may go on in the next line after an underscore, where the paper is narrow."""
    return Markup("_<wbr>").join(name.split("_"))


def value(one: Any, group: str, name: str) -> str:
    """A metric, parameter or tag of a version, training or trial as people read it."""
    found = getattr(one, group).get(name)
    return shown_parameter(found) if group == "params" else shown(found)
