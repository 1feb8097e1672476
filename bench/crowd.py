"""A workspace with many jobs: submitted at the same time, none is lost; and listing them stays quick."""

import json
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

from bench.rows import Row
from bench.scratch import AZ_PYTHON, EXTENSION, REPOSITORY, Scratch, scratch
from bench.timing import interleave, run, say
from bench.trivial import ENVIRONMENT

AT_ONCE, JOBS = 50, 200
ROUNDS = 9
FACTOR = 2.0
# The rest of the jobs, by the engine alone: what az itself takes is measured elsewhere. A few at a time.
FILL = """
import json, sys, time
from pathlib import Path
from ml_workspace import Workspace
ws = Workspace(Path(sys.argv[1]))
names = []
for number in range(int(sys.argv[3])):
    names.append(ws.jobs.create(json.loads(sys.argv[2]), Path(sys.argv[1]))["name"])
    while number % 4 == 3 and ws.jobs.get(names[-1])["status"] != "Completed":
        time.sleep(0.05)
while any(ws.jobs.get(name)["status"] != "Completed" for name in names):
    time.sleep(0.1)
"""


def measure() -> list[Row]:
    with scratch() as place:
        spec = place.folder / "job.yml"
        spec.write_text(json.dumps(job()), encoding="utf-8")
        place.ended(place.submit(spec))  # the server is up, the environment is there
        say(f"  {AT_ONCE} submissions at once")
        lost = submit_at_once(place, spec)
        say(f"  {JOBS} jobs in all")
        fill(place, JOBS - AT_ONCE - 1)
        runs = {
            "list": partial(place.az_seconds, "ml", "job", "list"),
            "all": partial(place.az_seconds, "ml", "job", "list", "--all-results"),
            "version": partial(place.az_seconds, "version"),
        }
        found = interleave(runs, ROUNDS, warm_up=True)
        rule, version = f"{FACTOR:g} x az version", found["version"]
        return [
            Row(f"of {AT_ONCE} concurrent az ml job create, jobs lost or failed", [lost], "none", unit="jobs"),
            Row(f"az ml job list, {JOBS} jobs in the workspace", found["list"], rule, FACTOR, reference=version),
            Row("the same with --all-results", found["all"], rule, FACTOR, reference=version),
        ]


def job() -> dict[str, Any]:
    """A command job that does nothing."""
    return {
        "type": "command",
        "command": "true",
        "environment": ENVIRONMENT,
        "compute": "azureml:cpu-cluster",
        "experiment_name": "crowd",
    }


def submit_at_once(place: Scratch, spec: Path) -> float:
    """Start AT_ONCE submissions, each with a name of its own; how many of their jobs did not complete."""
    names = [f"crowd-{number}" for number in range(AT_ONCE)]
    started = [
        subprocess.Popen(
            ["az", "ml", "job", "create", "--file", spec, "--name", name, "--output", "none"],
            env=place.environment,
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name in names
    ]
    for process in started:
        process.wait()
    for name in names:
        place.az("ml", "job", "stream", "--name", name, expected=(0, 1, 3))
    listed = {row["name"]: row["status"] for row in place.json("ml", "job", "list", "--all-results")}
    return float(sum(listed.get(name) != "Completed" for name in names))


def fill(place: Scratch, count: int) -> None:
    """Run `count` more jobs to their end."""
    environment = {**place.environment, "PYTHONPATH": str(EXTENSION)}
    run([AZ_PYTHON, "-c", FILL, place.workspace, json.dumps(job()), str(count)], environment, REPOSITORY)
