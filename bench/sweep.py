"""A sweep whose trials overlap, beside the same commands run two at a time by a shell script."""

import json
import sys
from pathlib import Path
from typing import Any

from bench.chain import job_seconds
from bench.rows import Row
from bench.scratch import Scratch, scratch
from bench.timing import interleave, seconds
from bench.trivial import ENVIRONMENT

ROUNDS = 3
TRIALS, AT_ONCE = 20, 2
FACTOR = 1.5  # one after another would be a factor of 2
# Learns for a second, and logs its metric without a package: importing one would take longer than the trial.
TRAIN = """
import json, os, sys, time, urllib.request
time.sleep(1)
value = {"run_id": os.environ["MLFLOW_RUN_ID"], "key": "score", "value": float(sys.argv[1]), "timestamp": 1}
address = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/log-metric"
kind = {"Content-Type": "application/json"}
urllib.request.urlopen(urllib.request.Request(address, json.dumps(value).encode(), kind))
"""
SCRIPT = "seq {trials} | xargs -P {at_once} -I N {python} code/train.py 0.N\n"


def measure() -> list[Row]:
    with scratch() as place:
        (place.folder / "code").mkdir()
        (place.folder / "code" / "train.py").write_text(TRAIN, encoding="utf-8")
        spec = place.folder / "sweep.yml"
        spec.write_text(json.dumps(sweep()), encoding="utf-8")
        script = place.folder / "sweep.sh"
        script.write_text(SCRIPT.format(trials=TRIALS, at_once=AT_ONCE, python=sys.executable), encoding="utf-8")
        job = place.ended(place.submit(spec))
        logged = {
            "MLFLOW_TRACKING_URI": job["services"]["Tracking"]["endpoint"],
            "MLFLOW_RUN_ID": job["properties"]["mlflow.run_id"],
        }
        runs = {"sweep": lambda: job_seconds(place, spec), "script": lambda: by_script(place, script, logged)}
        found = interleave(runs, ROUNDS)
        what = f"sweep of {TRIALS} trials of 1 s, {AT_ONCE} at once, from submission to its end"
        return [Row(what, found["sweep"], f"{FACTOR:g} x script", FACTOR, reference=found["script"])]


def sweep() -> dict[str, Any]:
    """A sweep job of TRIALS trials."""
    return {
        "type": "sweep",
        "experiment_name": "sweep",
        "compute": "azureml:cpu-cluster",
        "trial": {
            "code": "code",
            "command": "python train.py ${{search_space.rate}}",
            "environment": ENVIRONMENT,
        },
        "search_space": {"rate": {"type": "uniform", "min_value": 0, "max_value": 1}},
        "sampling_algorithm": "random",
        "objective": {"goal": "maximize", "primary_metric": "score"},
        "limits": {"max_total_trials": TRIALS, "max_concurrent_trials": AT_ONCE},
    }


def by_script(place: Scratch, script: Path, logged: dict[str, str]) -> float:
    return seconds(["bash", script], {**place.environment, **logged}, place.folder)
