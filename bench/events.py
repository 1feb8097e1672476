"""A month's file from its landing to its version by `make watch`, beside the pipeline register_data alone.

On both sides the landing folder holds one month, and another of about the same size comes.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.rows import Row
from bench.scratch import REPOSITORY, Scratch, scratch
from bench.timing import BenchError, interleave

ROUNDS = 3
FACTOR = 1.5
MONTHS = range(2, 2 + 2 * (ROUNDS + 1))  # one for each run, the warm-up's too
ASSETS = (
    ("environment", "environments/data/environment"),
    ("data", "data/flights/data"),
    ("data", "data/weather/data"),
    ("component", "components/register_dataset/component"),
    ("component", "components/register_data/component"),
)


def measure() -> list[Row]:
    with scratch() as place:
        build = place.render()
        for kind, name in ASSETS:
            place.az("ml", kind, "create", "--file", build / f"{name}.yml", "--output", "none")
        files = iter(months(place))
        with watching(place) as lines:  # the month that is there has its version before anything is measured
            wait(lines, ": Completed")
        spec = build / "pipelines/register_data.yml"
        runs = {"landing": lambda: landing(place, next(files)), "pipeline": lambda: pipeline(place, spec, next(files))}
        found = interleave(runs, ROUNDS, warm_up=True)
    what = "a month of flights from its landing to its version, by make watch"
    return [Row(what, found["landing"], f"{FACTOR:g} x register_data alone", FACTOR, reference=found["pipeline"])]


def months(place: Scratch) -> list[Path]:
    """Lands January and lays files of other months ready, <folder>/<date>/flights.csv."""
    place.script("land", "--env", "local", "--month", f"2013-01..2013-{MONTHS[-1]:02d}")
    found = []
    for month in MONTHS:
        name = f"2013-{month:02d}-01"
        shutil.rmtree(landing_folder(place) / "weather" / name)
        ready = place.folder / "ready" / name
        ready.parent.mkdir(exist_ok=True)
        found.append((landing_folder(place) / "flights" / name).rename(ready) / "flights.csv")
    return found


def landing_folder(place: Scratch) -> Path:
    return place.workspace / "datastores/workspaceblobstore/landing"


@contextmanager
def landed(place: Scratch, file: Path) -> Iterator[None]:
    """The file of a month in its place, for the block."""
    folder = landing_folder(place) / "flights" / file.parent.name
    folder.mkdir()
    file.rename(folder / file.name)
    yield
    shutil.rmtree(folder)


def landing(place: Scratch, file: Path) -> float:
    """Seconds from a file's landing to the end of the job that registers it; the watcher is up before."""
    with watching(place) as lines:
        wait(lines, "watching ")
        started = time.perf_counter()
        with landed(place, file):
            wait(lines, ": Completed")
            return time.perf_counter() - started


def pipeline(place: Scratch, spec: Path, file: Path) -> float:
    """Seconds from the submission of register_data to its end."""
    with landed(place, file):
        started = time.perf_counter()
        place.ended(place.submit(spec))
        return time.perf_counter() - started


@contextmanager
def watching(place: Scratch) -> Iterator[Iterator[str]]:
    """What `make watch` says, line by line."""
    environment = {**place.environment, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.watch", "--env", "local"],
        cwd=place.specs,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    try:
        yield iter(process.stdout)
    finally:
        process.terminate()
        process.communicate()


def wait(lines: Iterator[str], text: str) -> None:
    """Reads on until a line has `text`.

    Raises:
        BenchError: the watcher ended, or a job failed.
    """
    said = ""
    for line in lines:
        said += line
        if text in line:
            return
        if ": Failed" in line:
            break
    raise BenchError(f"the watcher said:\n{said}")
