"""All runs of a workspace with their parameters, metrics and tags: build/<env>/runs.csv, one row a run.

    python -m scripts.export --env local

Columns: what every run has, then `param.*`, `metric.*` and `tag.*` by name; a cell is empty where a run has no value.
Rows: by start. The file is UTF-8 CSV as RFC 4180 has it, times are UTC, durations seconds, metrics in full precision.
"""

import argparse
import csv
import io
import sys
from pathlib import Path

from scripts.arguments import env_parser
from scripts.az import AzError
from scripts.looking.files import write_whole
from scripts.looking.runs import PLATFORM, Run, Tracking, TrackingError
from scripts.looking.workspace import Workspace
from scripts.specs.config import load_config
from scripts.specs.errors import SpecError

FIXED = [
    "run_id",
    "name",
    "status",
    "start",
    "duration",
    "parent",
    "job",
    "type",
    "experiment",
    "commit",
    "reused_from",
]


def main(args: argparse.Namespace) -> int:
    try:
        workspace = Workspace(load_config(Path.cwd(), args.env))
        runs = Tracking(workspace.tracking_uri()).runs()
    except (SpecError, AzError, TrackingError) as error:
        print(error, file=sys.stderr)
        return 1
    path = Path("build") / args.env / "runs.csv"
    write_whole(path, to_csv(runs))
    print(f"{path}: {len(runs)} runs")
    return 0


def to_csv(runs: list[Run]) -> str:
    rows = [row(run) for run in runs]
    variable = sorted({name for row in rows for name in row} - set(FIXED), key=column_order)
    text = io.StringIO()
    writer = csv.DictWriter(text, [*FIXED, *variable], restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def column_order(name: str) -> tuple[int, str]:
    return ["param", "metric", "tag"].index(name.partition(".")[0]), name


def row(run: Run) -> dict[str, object]:
    return {
        "run_id": run.id,
        "name": run.name,
        "status": run.status,
        "start": run.start.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "duration": "" if run.seconds is None else run.seconds,
        "parent": run.parent or "",
        "job": run.job,
        "type": run.tags.get("azureml.type", ""),
        "experiment": run.experiment,
        "commit": run.tags.get("mlflow.source.git.commit", ""),
        "reused_from": run.reused_from or "",
        **{f"param.{name}": value for name, value in run.params.items()},
        **{f"metric.{name}": value for name, value in run.metrics.items()},
        **{f"tag.{name}": value for name, value in run.tags.items() if not name.startswith(PLATFORM)},
    }


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
