"""The comparison as one HTML file that needs nothing else: for screens, phones and paper, light and dark."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from scripts.looking.charts import Dot, DotChart, LineChart, Row, dot_chart, line_chart
from scripts.looking.comparison import Slices, Training, Version, differing, metric_names, same_in_all
from scripts.looking.judging import Judging
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
        slices: version -> its metric by slice, for versions whose evaluation is there.
    """

    workspace: str
    model: str
    judging: Judging
    versions: list[Version]
    trainings: list[Training]
    slices: dict[int, Slices]


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
        charts=charts(comparison, names),
        **{f"differing_{name}": differing(of) for name, of in params.items()},
        **{f"same_{name}": same_in_all(of) for name, of in params.items()},
    )


def charts(comparison: Comparison, names: list[str]) -> dict[str, list[LineChart] | DotChart | None]:
    judging = comparison.judging
    return {
        "versions": [version_chart(name, comparison.versions) for name in names if has(comparison.versions, name)],
        "slices": slice_chart(comparison.versions, comparison.slices),
        "trainings": training_chart(comparison.trainings, judging.metric),
        "trials": trial_chart(comparison.trainings, judging),
    }


def has(versions: list[Version], metric: str) -> bool:
    return any(metric in one.metrics for one in versions)


def version_chart(name: str, versions: list[Version]) -> LineChart:
    oldest_first = versions[::-1]
    series = [(f"v{one.number}", one.tags.get("test_month", ""), one.metrics.get(name)) for one in oldest_first]
    return line_chart(name, series)


def slice_chart(versions: list[Version], slices: dict[int, Slices]) -> DotChart | None:
    """The gate's metric by slice: champion, the version before it, and older ones."""
    if not versions or versions[0].number not in slices:
        return None
    newest = slices[versions[0].number]
    rows = []
    for name in sorted(newest, key=lambda name: -newest[name][0]):
        count, value_now = newest[name]
        dots, change = [], ""
        for age, one in reversed([*enumerate(versions)]):
            if name in slices.get(one.number, {}):
                value_then = slices[one.number][name][1]
                kind = ("champion", "previous")[age] if age < 2 else "other"
                dots.append(Dot(value_then, kind, f"version {one.number}: {value_then:.4g}"))
                change = f" ({value_now - value_then:+.2f})" if age == 1 else change
        rows.append(Row(name, f"{count:,} flights", f"{value_now:.4g}{change}", dots))
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
