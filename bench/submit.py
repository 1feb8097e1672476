"""Submitting a pipeline beside what every submission needs: azure-ai-ml in memory, and az itself."""

from pathlib import Path

from bench.rows import Row
from bench.scratch import AZ_PYTHON, EXTENSION, REPOSITORY, Scratch, scratch
from bench.timing import interleave, run
from bench.trivial import STEPS, write_pipeline

ROUNDS = 5
IMPORT_FACTOR, VERSION_FACTOR = 2.0, 1.5
TIMED_IMPORT = "import time; t = time.perf_counter(); import azure.ai.ml; print(time.perf_counter() - t)"


def measure() -> list[Row]:
    with scratch() as place:
        spec = write_pipeline(place.folder)
        return [submission(place, spec, f"az ml job create, pipeline of {STEPS} inline steps", ROUNDS)]


def submission(place: Scratch, spec: Path, what: str, rounds: int) -> Row:
    """Submit a pipeline in each round; its job has ended before the next thing is measured."""
    runs = {
        "create": lambda: create(place, spec),
        "import": lambda: import_seconds(place),
        "version": lambda: place.az_seconds("version"),
    }
    found = interleave(runs, rounds, warm_up=True)
    # One number a round: what a submission may take, each part with its own factor.
    allowed = [
        IMPORT_FACTOR * imported + VERSION_FACTOR * version
        for imported, version in zip(found["import"], found["version"], strict=True)
    ]
    rule = f"{IMPORT_FACTOR:g} x import azure.ai.ml + {VERSION_FACTOR:g} x az version"
    return Row(what, found["create"], rule, 1.0, reference=allowed)


def create(place: Scratch, spec: Path) -> float:
    """Wall time of `az ml job create`; waits for the job's end, which is not in it."""
    name = f"submitted-{len(list((place.workspace / 'jobs').iterdir()))}"
    taken = place.az_seconds("ml", "job", "create", "--file", spec, "--name", name, "--output", "none")
    place.ended(name)
    return taken


def import_seconds(place: Scratch) -> float:
    """Seconds of `import azure.ai.ml` in the extension's interpreter, its start not included."""
    environment = {**place.environment, "PYTHONPATH": str(EXTENSION)}
    return float(run([AZ_PYTHON, "-c", TIMED_IMPORT], environment, REPOSITORY))
