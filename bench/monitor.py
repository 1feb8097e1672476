"""The component monitor_signals beside reading its files with pyarrow, beside evidently, and on more and more rows."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from bench.rows import Row
from bench.scratch import REPOSITORY, variables
from bench.timing import BenchError, interleave, run, say

ROUNDS, FEWER = 5, 2
SMALL, LARGE, LARGEST = 10_000, 1_000_000, 10_000_000  # rows on each side
START, SHIPPED, ALL, GROWTH, MEMORY, EVIDENTLY = 1.0, 2.0, 4.0, 10.5, 1536, 1 / 30
SCRIPT = REPOSITORY / "components" / "monitor_signals" / "monitor_signals.py"
CONDA = REPOSITORY / "environments" / "monitoring" / "conda.yml"
DATA, BESIDE = (Path(__file__).with_name(name) for name in ("monitor_data.py", "monitor_evidently.py"))
COMPARED = ["evidently==0.7.23", "pandas==2.3.3", "pyarrow==17.0.0"]
READ = "import sys, pyarrow.parquet as pq\nfor path in sys.argv[1:]: pq.read_table(path)"
KINDS = ("numerical", "categorical")
DISTANCES: dict[str, tuple[str, ...]] = {
    "numerical": ("jensen_shannon_distance", "normalized_wasserstein_distance", "population_stability_index",
                  "two_sample_kolmogorov_smirnov_test"),
    "categorical": ("jensen_shannon_distance", "population_stability_index", "pearsons_chi_squared_test"),
}  # fmt: skip
RATES = ("null_value_rate", "data_type_error_rate", "out_of_bounds_rate")


@dataclass(frozen=True)
class Taken:
    """What a process has taken: seconds of wall time, megabytes of resident memory at most."""

    seconds: float
    megabytes: float


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        say("  building environments")
        python, evidently = environment(folder / "monitoring", packages()), environment(folder / "evidently", COMPARED)
        small, large, largest = (write_data(python, folder / str(rows), rows) for rows in (SMALL, LARGE, LARGEST))
        shipped, everything = signals(1), signals(None)
        few = interleave({"start": partial(monitor, python, small, shipped)}, ROUNDS, warm_up=True)
        some = interleave(
            {
                "read": partial(taken, [python, "-c", READ, *files(large)]),
                "shipped": partial(monitor, python, large, shipped),
                "all": partial(monitor, python, large, everything),
            },
            ROUNDS,
            warm_up=True,
        )
        say("  evidently, once")
        theirs = [taken([evidently, BESIDE, *files(large)]).seconds]
        pairs = {"shipped": shipped, "all": everything}
        sizes = {"large": large, "largest": largest}
        many = interleave(
            {f"{what} {size}": partial(monitor, python, data, asked)
             for what, asked in pairs.items() for size, data in sizes.items()}, FEWER)  # fmt: skip
    return [started(few["start"]), *compared(some, theirs), *(row for what in pairs for row in grown(what, many))]


def started(found: list[Taken]) -> Row:
    """Row of a run that has hardly any rows."""
    what = f"monitor as shipped, {SMALL:,} rows a side, whole process"
    return Row(what, [one.seconds for one in found], f"{START:g} s", plus=START)


def compared(found: Mapping[str, list[Taken]], theirs: list[float]) -> list[Row]:
    """Rows of a million rows a side."""
    seconds = {name: [one.seconds for one in runs] for name, runs in found.items()}
    sides = f"{LARGE:,} rows x 20 columns a side"
    return [
        Row(f"monitor as shipped, {sides}", seconds["shipped"], f"{SHIPPED:g} x reading both with pyarrow", SHIPPED,
            reference=seconds["read"]),
        Row(f"monitor with all metrics, {sides}", seconds["all"], f"{ALL:g} x reading both with pyarrow", ALL,
            reference=seconds["read"]),
        Row(f"monitor as shipped, {sides}", seconds["shipped"], "evidently / 30", EVIDENTLY, reference=theirs),
    ]  # fmt: skip


def grown(what: str, found: Mapping[str, list[Taken]]) -> list[Row]:
    """Rows of ten times as many rows."""
    large, largest = found[f"{what} large"], found[f"{what} largest"]
    name = f"monitor, {'as shipped' if what == 'shipped' else 'all metrics'}, {LARGEST:,} rows a side"
    return [
        Row(name, [one.seconds for one in largest], f"{GROWTH:g} x {LARGE:,} rows", GROWTH,
            reference=[one.seconds for one in large]),
        Row(f"{name}, peak memory", [one.megabytes for one in largest], f"{MEMORY} MB", plus=MEMORY, unit="MB"),
    ]  # fmt: skip


def packages() -> list[str]:
    """What pip installs in the environment of the component."""
    dependencies = yaml.safe_load(CONDA.read_text(encoding="utf-8"))["dependencies"]
    found: list[str] = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
    return found


def environment(folder: Path, requirements: list[str]) -> Path:
    """A virtual environment; returns its interpreter."""
    uv, known = Path(sys.executable).with_name("uv"), variables(folder)
    run([uv, "venv", "--quiet", "--python", sys.executable, folder], known, REPOSITORY)
    python = folder / "bin" / "python"
    run([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *requirements], known, REPOSITORY)
    return python


def write_data(python: Path, folder: Path, rows: int) -> Path:
    """The two files of so many rows."""
    say(f"  writing {rows:,} rows")
    folder.mkdir()
    run([python, DATA, folder, str(rows)], dict(os.environ), REPOSITORY)
    return folder


def files(folder: Path) -> list[Path]:
    """Reference and production."""
    return [folder / "reference.parquet", folder / "production.parquet"]


def signals(metrics: int | None) -> list[dict[str, Any]]:
    """Data drift and data quality with so many metrics of each kind, the first ones; None for all."""
    drift = {kind: dict.fromkeys(DISTANCES[kind][:metrics], 0.01) for kind in KINDS}
    quality = {kind: dict.fromkeys(RATES[:metrics], 0.01) for kind in KINDS}
    return [{"name": "drift", "type": "data_drift", "metric_thresholds": drift},
            {"name": "quality", "type": "data_quality", "metric_thresholds": quality}]  # fmt: skip


def monitor(python: Path, folder: Path, asked: list[dict[str, Any]]) -> Taken:
    """Run the component, and see that it has computed what it was asked.

    Raises:
        BenchError: a figure is missing.
    """
    reference, production = files(folder)
    result = folder / "result"
    found = taken([python, SCRIPT, "--reference", reference, "--production", production, "--signals", json.dumps(asked),
                   "--result", result])  # fmt: skip
    for signal in asked:
        document = json.loads((result / "signals" / f"{signal['name']}.json").read_text(encoding="utf-8"))
        if len({row["feature"] for row in document["features"]}) != 20:
            raise BenchError(f"{signal['name']} has not computed all features: {document['findings']}")
    return found


def taken(command: list[str | Path]) -> Taken:
    """Run a command to its end.

    Raises:
        BenchError: it failed.
    """
    started = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            text = said.read().decode(errors="replace")[-3000:]
            raise BenchError(f"{' '.join(map(str, command))}\nended with exit code {process.returncode}:\n{text}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return Taken(seconds, usage.ru_maxrss / unit)
