"""Peak memory of prep's workers for 2, 6 and 12 months: it should be that of a month, however many there are."""

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from bench.rows import Row
from bench.scratch import Scratch, scratch
from bench.timing import BenchError, interleave
from bench.trivial import SCHEMA

# The largest months first, so that a larger set has no larger month; two at least, one for each worker.
MONTHS = ("07", "08", "10", "03", "05", "04", "06", "12", "09", "11", "01", "02")
SIZES = (2, 6, 12)
ROUNDS = 3
FACTOR = 1.15
SCRIPT = "peak_of_prep.py"


def measure() -> list[Row]:
    with scratch() as place:
        build = place.render()
        register_months(place, build)
        component = measured_component(place, build)
        specs = {size: write_pipeline(place, component, size) for size in SIZES}
        found = interleave({str(size): partial(peak, place, spec) for size, spec in specs.items()}, ROUNDS)
        few = found[str(SIZES[0])]
        what = "prep, largest worker, {} months"
        rows = [Row(what.format(size), found[str(size)], unit="MB") for size in SIZES[:-1]]
        rule = f"{FACTOR:g} x {SIZES[0]} months"
        return [*rows, Row(what.format(SIZES[-1]), found[str(SIZES[-1])], rule, FACTOR, reference=few, unit="MB")]


def register_months(place: Scratch, build: Path) -> None:
    """Land a year and register it, as `make land register-data` does."""
    place.script("land", "--env", "local", "--month", "2013-01..2013-12")
    place.script("apply", "--env", "local")
    place.ended(place.submit(build / "pipelines" / "register_data.yml"))


def measured_component(place: Scratch, build: Path) -> Path:
    """The rendered component prep with an entry script that measures."""
    folder = place.folder / "prep"
    shutil.copytree(build / "components" / "prep", folder)
    shutil.copyfile(Path(__file__).with_name(SCRIPT), folder / SCRIPT)
    path = folder / "component.yml"
    component = yaml.safe_load(path.read_text(encoding="utf-8"))
    component["task"]["entry_script"] = SCRIPT
    path.write_text(yaml.safe_dump(component, sort_keys=False), encoding="utf-8")
    return path


def write_pipeline(place: Scratch, component: Path, size: int) -> Path:
    """A pipeline of that component alone, over the first `size` of MONTHS."""
    flights = place.folder / f"flights-{size}"
    everything = place.data("flights")
    for month in MONTHS[:size]:
        shutil.copytree(everything / f"2013-{month}-01", flights / f"2013-{month}-01")
    shutil.copyfile(everything / "MLTable", flights / "MLTable")
    inputs = {
        "flights": {"type": "mltable", "path": str(flights)},
        "weather": {"type": "mltable", "path": str(place.data("weather"))},
    }
    spec: dict[str, Any] = {
        "$schema": SCHEMA,
        "type": "pipeline",
        "experiment_name": "bench",
        "settings": {"default_compute": "azureml:cpu-cluster", "force_rerun": True},
        "inputs": inputs,
        "outputs": {"prepared": {"type": "uri_folder"}},
        "jobs": {
            "prep": {
                "type": "parallel",
                "component": str(component),
                "inputs": {name: f"${{{{parent.inputs.{name}}}}}" for name in inputs},
                "outputs": {"prepared": "${{parent.outputs.prepared}}"},
            }
        },
    }
    path = place.folder / f"prep-{size}.yml"
    path.write_text(json.dumps(spec, indent=1), encoding="utf-8")
    return path


def peak(place: Scratch, spec: Path) -> float:
    """Megabytes of resident memory that the largest worker of a prep job has had."""
    job = place.submit(spec)
    place.ended(job)
    target = place.folder / "downloads" / job
    place.az("ml", "job", "download", "--name", job, "--output-name", "prepared", "--download-path", target)
    peaks = [int(path.read_text(encoding="utf-8")) for path in target.rglob("worker-*.peak")]
    if not peaks:
        raise BenchError(f"no worker of job {job} told its peak; {SCRIPT} writes it into the output `prepared`")
    return max(peaks) / 1024
