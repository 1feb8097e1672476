"""Model versions and training runs side by side: which trial, which metrics, which data, what the gate said.

A training run is a run without a run around it that has, in itself or below, what was trained or judged, or is of a
pipeline that trains. What a reused step did is taken from the step that did the work.
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime

from scripts.looking.judging import Judging
from scripts.looking.runs import ModelVersion, Run
from scripts.looking.table import shown_parameter
from scripts.looking.tree import Runs

NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]\d+)?")


@dataclass(frozen=True)
class Trial:
    """One attempt at training: a trial of a sweep, or the train step itself where there is no sweep."""

    name: str
    job: str
    status: str
    params: dict[str, str]
    metrics: dict[str, float]
    best: bool


@dataclass(frozen=True)
class Training:
    """A training run.

    Args:
        metrics: of the candidate on the test month, and those of the best trial.
        champion: metrics of the champion on the same rows; empty if there was none or it could not be judged.
        params: of the best trial and of the evaluation.
        registered: version that came of it; None if the gate refused, or the run did not get so far.
        gate: the gate's reason.
        reused: no step did its work anew.
        judged: id of the run that holds the evaluation.
        error: why it failed, in a line; None if it did not or the reason is not known.
    """

    job: str
    name: str
    status: str
    start: datetime
    seconds: float | None
    metrics: dict[str, float]
    champion: dict[str, float]
    params: dict[str, str]
    trials: list[Trial]
    registered: str | None
    gate: str | None
    reused: bool
    judged: str | None
    error: str | None = None

    @property
    def outcome(self) -> str:
        """In a word: reused, version N, refused; else how far it got."""
        if self.reused:
            return "reused"
        if self.registered:
            return f"version {self.registered}"
        return "refused" if self.gate else self.status.lower()


@dataclass(frozen=True)
class Version:
    """A model version; `params` and `judged` are known while the runs it came from are there."""

    number: int
    created: datetime
    champion: bool
    job: str | None
    metrics: dict[str, float]
    params: dict[str, str]
    tags: dict[str, str]
    judged: str | None


def trainings(runs: list[Run], model: str, usual: str, judging: Judging) -> list[Training]:
    """Training runs of a model, newest first.

    Args:
        runs: all runs of the experiment, oldest first.
        model: name of the registered model.
        usual: name of the model that a run is of which did not get so far as to say.
        judging: what makes a run a training run.
    """
    tree = Runs(runs)
    found = [training(tree, root, judging) for root in reversed(tree.roots)]
    return [one for one in found if one and one.params.get("model_name", usual) == model]


def training(tree: Runs, root: Run, judging: Judging) -> Training | None:
    """The training run under `root`; None if it is none, see the top of this module."""
    family = [root, *tree.below(root)]
    judged = next((run for run in reversed(family) if judging.metric in run.metrics), None)
    trials = find_trials(root, family, judging.objectives)
    if judged is None and not trials and root.name not in judging.pipelines:
        return None
    best = next((trial for trial in trials if trial.best), None)
    metrics = dict(judged.metrics) if judged else {}
    champion = {
        name.removeprefix("champion_"): metrics.pop(name) for name in [*metrics] if name.startswith("champion_")
    }
    tags = {name: value for run in family for name, value in run.tags.items()}
    registered = tags.get("registered", "none").rpartition(":")[2]
    return Training(
        job=root.job,
        name=root.name,
        status=root.status,
        start=root.start,
        seconds=root.seconds,
        metrics=metrics | (best.metrics if best else {}),
        champion=champion,
        params=(judged.params if judged else {}) | (best.params if best else {}),
        trials=trials,
        registered=None if registered == "none" else registered,
        gate=tags.get("gate.reason"),
        reused=tree.all_reused(root),
        judged=judged.id if judged else None,
    )


def find_trials(root: Run, family: list[Run], objectives: dict[str, str]) -> list[Trial]:
    """Runs that logged a sweep's primary metric, and their siblings, which did not get so far; the best one marked."""
    metric = next((name for name in objectives if any(name in run.metrics for run in family)), None)
    if metric is None:
        return []
    logged = [run for run in family if metric in run.metrics]
    sweeps = {run.parent for run in logged} - {root.id, None}
    runs = [run for run in family if run.parent in sweeps] if sweeps else logged
    sign = 1 if objectives[metric] == "minimize" else -1
    ranked = [run for run in runs if not math.isnan(run.metrics.get(metric, math.nan))]
    best = min(ranked, key=lambda run: sign * run.metrics[metric], default=None)
    return [Trial(run.name, run.job, run.status, run.params, run.metrics, run is best) for run in runs]


def versions(found: list[ModelVersion], runs: list[Run], judging: Judging) -> list[Version]:
    """Versions of a model, newest first; the newest is the champion."""
    tree = Runs(runs)
    return [version(one, tree.root_of(one.run), tree, judging, champion=one is found[-1]) for one in reversed(found)]


def version(found: ModelVersion, root: Run | None, tree: Runs, judging: Judging, champion: bool) -> Version:
    origin = training(tree, root, judging) if root else None
    params = origin.params if origin else {}
    # Metrics as the run logged them, or as the tags keep them where the run is not there: in another workspace.
    tagged = {name: float(text) for name, text in found.tags.items() if NUMBER.fullmatch(text)}
    return Version(
        number=found.number,
        created=found.created,
        champion=champion,
        job=found.tags.get("root_job") or (origin.job if origin else None),
        metrics=tagged | (origin.metrics if origin else {}),
        params={name: text for name, text in params.items() if name not in found.tags},  # tell everything once
        tags=found.tags,
        judged=origin.judged if origin else None,
    )


def differing(all_params: list[dict[str, str]]) -> list[str]:
    """Names of the parameters that don't have the same value in all of `all_params`, sorted."""
    names = sorted({name for params in all_params for name in params})
    return [name for name in names if len({params.get(name) for params in all_params}) > 1]


def same_in_all(all_params: list[dict[str, str]]) -> str:
    """The other parameters, as `name value`, in one line."""
    names = sorted({name for params in all_params for name in params} - set(differing(all_params)))
    return ", ".join(f"{name} {shown_parameter(all_params[0][name])}" for name in names)


def metric_names(versions: list[Version], trainings: list[Training], judging: Judging) -> tuple[list[str], list[str]]:
    """Metrics on the test month, the gate's first, and those of trials, the objective first."""
    trial = {name for one in trainings for trial in one.trials for name in trial.metrics} | set(judging.objectives)
    found = {name for v in versions for name in v.metrics} | {name for t in trainings for name in t.metrics}
    first = {judging.metric, *judging.objectives}
    order = sorted(found, key=lambda name: (name not in first, name))
    return [name for name in order if name not in trial], [name for name in order if name in trial]
