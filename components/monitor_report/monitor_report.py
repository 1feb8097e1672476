"""Makes of what a monitor's signals have found a page, a document and metrics: the last step of a monitor's run.

report.html and results.json are written first, then logged, with a metric for each figure, to the step's MLflow run and
to the one above it, the monitor's. Breaches don't make the step fail: a monitor that has found drift has worked.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric
from report.page import render
from report.results import BadInput, Document, metrics, read_history, read_monitor, read_signals, results

AT_ONCE = 100  # metrics of one call


def main(args: argparse.Namespace) -> int:
    try:
        monitor = read_monitor(args.monitor)
    except BadInput as error:
        print(f"ERROR {error}", file=sys.stderr)
        return 1
    signals = read_signals(args.signals, monitor["signals"])
    document = results(monitor, signals, datetime.now(UTC).isoformat(timespec="seconds"))
    history = read_history(args.history, monitor.get("run"))
    files = {
        "results.json": json.dumps(document, indent=2, allow_nan=False) + "\n",
        "report.html": render(document, signals, history),
    }
    for name, text in files.items():
        (args.report / name).write_text(text, encoding="utf-8")
    log(args.report, document, list(files))
    print(f"{document['monitor']}: {document['verdict']}")
    return 0


def log(folder: Path, document: Document, files: list[str]) -> None:
    """Logs the report to the active run and the one above it."""
    client = MlflowClient()
    now = int(datetime.now(UTC).timestamp() * 1000)
    values = [Metric(name, value, now, 0) for name, value in metrics(document).items()]
    for run in runs(client):
        for start in range(0, len(values), AT_ONCE):
            client.log_batch(run, metrics=values[start : start + AT_ONCE])
        client.set_tag(run, "verdict", document["verdict"])
        for name in files:
            client.log_artifact(run, str(folder / name))


def runs(client: MlflowClient) -> Iterator[str]:
    """The step's run, by MLFLOW_RUN_ID, and the pipeline's."""
    own = mlflow.active_run() or mlflow.start_run()
    yield own.info.run_id
    if parent := client.get_run(own.info.run_id).data.tags.get("mlflow.parentRunId"):
        yield parent


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signals", type=Path, nargs="*", required=True, help="outputs of monitor_signals")
    parser.add_argument("--history", type=Path, help="folder of earlier reports: <run>/results.json")
    parser.add_argument("--monitor", required=True, help="the monitor, its run and its signals, as JSON")
    parser.add_argument("--report", type=Path, required=True, help="output: folder of report.html and results.json")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
