"""Model versions and training runs side by side, in the terminal and in build/<env>/compare.html.

    python -m scripts.compare --env local --runs 5

Which version is better and why: metrics, settings, data, commit, the gate's reason. The newest one that is not
archived is the champion.
"""

import argparse
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from scripts.arguments import env_parser
from scripts.az import AzError
from scripts.looking.comparison import Training, differing, metric_names, same_in_all, trainings, versions
from scripts.looking.files import write_whole
from scripts.looking.judging import judging
from scripts.looking.page import Comparison, render, value, when
from scripts.looking.runs import Tracking, TrackingError
from scripts.looking.slices import compare_slices
from scripts.looking.table import duration, shown, table
from scripts.looking.workspace import AT_ONCE, Workspace
from scripts.specs.errors import SpecError
from scripts.specs.project import Project


class NothingToCompare(Exception):
    """There is no such model, and no run that made one."""


def main(args: argparse.Namespace) -> int:
    try:
        project = Project(Path.cwd(), args.env)
        workspace = Workspace(project.config)
        tracking = Tracking(workspace.tracking_uri())
        model = args.model or project.config["model"]
        comparison = compare(tracking, workspace.name, project, model, args.runs, workspace.why_failed)
    except (SpecError, AzError, TrackingError, NothingToCompare) as error:
        print(error, file=sys.stderr)
        return 1
    path = Path("build") / args.env / "compare.html"
    write_whole(path, render(comparison, datetime.now(UTC)))
    if args.format == "json":
        print(json.dumps(asdict(comparison), indent=2, sort_keys=True, default=str))
    else:
        print("\n".join([*report(comparison), "", f"With plots and trials: {path}"]))
    return 0


def compare(
    tracking: Tracking, workspace: str, project: Project, model: str, newest: int, why: Callable[[str], str | None]
) -> Comparison:
    """The `newest` versions and training runs of a model.

    Args:
        tracking: has the runs and versions.
        workspace: its name.
        project: its specs tell what is compared by what.
        model: name of the registered model.
        newest: how many of each.
        why: job that failed -> reason in a line; None if it is not known.

    Raises:
        NothingToCompare: there are none.
    """
    by = judging(project)
    runs = tracking.runs(project.config["experiment"])
    found = versions(tracking.versions(model), runs, by)[:newest]
    made = trainings(runs, model, project.config["model"], by)[:newest]
    if not found and not made:
        known = ", ".join(tracking.models()) or "none"
        raise NothingToCompare(f"model {model} has neither versions nor training runs; registered models: {known}")
    slices = compare_slices(found, lambda run: tracking.json_artifact(run, "evaluation/evaluation.json"), by)
    return Comparison(workspace, model, by, found, explained(made, why), slices)


def explained(made: list[Training], why: Callable[[str], str | None]) -> list[Training]:
    """Training runs, those that failed with the reason."""
    failed = [one.job for one in made if one.status == "FAILED"]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        reasons = dict(zip(failed, pool.map(why, failed), strict=True))
    return [replace(one, error=reasons.get(one.job)) for one in made]


def report(comparison: Comparison) -> list[str]:
    """The comparison as lines for a terminal."""
    names, validation = metric_names(comparison.versions, comparison.trainings, comparison.judging)
    lines = [f"{comparison.model} in workspace {comparison.workspace}, newest first"]
    if comparison.versions:
        lines += ["", *version_lines(comparison, names, validation)]
    if comparison.trainings:
        lines += ["", *training_lines(comparison, names, validation)]
    return lines


def version_lines(comparison: Comparison, names: list[str], validation: list[str]) -> list[str]:
    params = [one.params for one in comparison.versions if one.params]
    data = sorted({name for one in comparison.versions for name in one.tags if name.startswith("data.")})
    headings = ["version", "registered", *names, *validation[:1], *differing(params), "test month", "commit", *data]
    rows = [
        [
            f"{one.number} champion" if one.champion else str(one.number),
            when(one.created),
            *(value(one, "metrics", name) for name in (*names, *validation[:1])),
            *(value(one, "params", name) for name in differing(params)),
            shown(one.tags.get("test_month")),
            shown(one.tags.get("commit"))[:7],
            *(shown(one.tags.get(name)).partition(" by ")[0] for name in data),
        ]
        for one in comparison.versions
    ]
    return ["Versions", *table(headings, rows), *same_line("the same in all", params)]


def training_lines(comparison: Comparison, names: list[str], validation: list[str]) -> list[str]:
    metric, params = comparison.judging.metric, [one.params for one in comparison.trainings if one.judged]
    headings = ["job", "started", "took", "status", "outcome", metric, "champion's", *validation[:1], "trials"]
    rows = [
        [
            one.job,
            when(one.start),
            duration(one.seconds),
            one.status.lower(),
            one.outcome,
            *(value(one, group, metric) for group in ("metrics", "champion")),
            *(value(one, "metrics", name) for name in validation[:1]),
            str(len(one.trials)),
            *(value(one, "params", name) for name in differing(params)),
        ]
        for one in comparison.trainings
    ]
    return [
        "Training runs, with the settings of the best trial",
        *table([*headings, *differing(params)], rows),
        *same_line("the same in all that were judged", params),
        *(f"  {one.job} failed: {one.error}" for one in comparison.trainings if one.error),
    ]


def same_line(where: str, params: list[dict[str, str]]) -> list[str]:
    return [f"  {where}: {same_in_all(params)}"] if len(params) > 1 else []


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--model", help="registered model (default: the one of config/)")
    parser.add_argument("--runs", type=positive, default=10, help="newest versions and runs to compare (default: 10)")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="what to print (default: text)")
    return parser.parse_args(argv)


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main(parse_args()))
