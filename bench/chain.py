"""Ten steps one after another beside the same commands in a shell script.

A step's price is everything between the moment at which `az ml job create` hands the job over (creation_context) and
the end of the job's MLflow run: start of the runner, then for each step its job, its run, folders, process and log.
"""

import json
import urllib.request
from datetime import datetime
from pathlib import Path

from bench.rows import Row
from bench.scratch import Scratch, scratch
from bench.timing import interleave, seconds
from bench.trivial import STEPS, write_pipeline, write_script

ROUNDS = 5
PLUS = 0.15  # seconds a step


def measure() -> list[Row]:
    with scratch() as place:
        spec, script = write_pipeline(place.folder), write_script(place.folder)
        runs = {"job": lambda: job_seconds(place, spec), "script": lambda: script_seconds(place, script)}
        found = interleave(runs, ROUNDS, warm_up=True)
        each = {name: [value / STEPS for value in values] for name, values in found.items()}
        what = f"a step of a chain of {STEPS}, from submission to the job's end"
        return [Row(what, each["job"], f"script + {PLUS:g} s", 1.0, PLUS, each["script"])]


def job_seconds(place: Scratch, spec: Path) -> float:
    """Seconds from a job's submission to its end."""
    job = place.ended(place.submit(spec))
    server, run_id = job["services"]["Tracking"]["endpoint"], job["properties"]["mlflow.run_id"]
    with urllib.request.urlopen(f"{server}/api/2.0/mlflow/runs/get?run_id={run_id}") as answer:
        ended_at = int(json.load(answer)["run"]["info"]["end_time"]) / 1000
    return ended_at - datetime.fromisoformat(job["creation_context"]["created_at"]).timestamp()


def script_seconds(place: Scratch, script: Path) -> float:
    return seconds(["bash", script, place.folder / "by-hand"], place.environment, place.folder)
