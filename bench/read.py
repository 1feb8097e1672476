"""Read commands beside `az version`, the quickest that az has."""

from functools import partial

from bench.rows import Row
from bench.scratch import scratch
from bench.timing import interleave
from bench.trivial import write_pipeline

ROUNDS = 9
PIPELINES = 3  # jobs of the workspace: these, with ten steps each
FACTOR = 2.0


def measure() -> list[Row]:
    with scratch() as place:
        spec = write_pipeline(place.folder)
        jobs = [place.submit(spec) for _ in range(PIPELINES)]
        for job in jobs:
            place.ended(job)
        commands = {
            "az ml job list": ("ml", "job", "list"),
            "az ml job list --parent-job-name": ("ml", "job", "list", "--parent-job-name", jobs[0]),
            "az ml job show": ("ml", "job", "show", "--name", jobs[0]),
        }
        runs = {name: partial(place.az_seconds, *line) for name, line in commands.items()}
        found = interleave({"az version": partial(place.az_seconds, "version"), **runs}, ROUNDS, warm_up=True)
        reference = found.pop("az version")
        rule = f"{FACTOR:g} x az version"
        return [Row(name, values, rule, FACTOR, reference=reference) for name, values in found.items()]
