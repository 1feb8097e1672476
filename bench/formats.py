"""The component register_dataset beside pyarrow's own conversion of 2 GB of CSV; its memory on every format."""

import os
import shutil
import tempfile
from functools import partial
from pathlib import Path

import yaml

from bench.monitor import Taken, environment, taken
from bench.rows import Row
from bench.scratch import REPOSITORY
from bench.timing import interleave, run, say

ROUNDS, OTHER_ROUNDS = 3, 1
SPEED, MEMORY = 0.7, 1_000  # of the rate of pyarrow; megabytes
LARGE, SMALL = 2_048, 256  # megabytes as CSV; the same rows in the other formats
OTHERS = ("parquet", "jsonl", "avro", "orc")
COMPONENT = REPOSITORY / "components" / "register_dataset"
CONTRACT = REPOSITORY / "data" / "flights" / "contract"
CONDA = REPOSITORY / "environments" / "data" / "conda.yml"
DATA, BY_HAND = (Path(__file__).with_name(name) for name in ("formats_data.py", "formats_by_hand.py"))


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        say("  building the environment")
        python, contract = environment(folder / "data", packages()), write_contract(folder / "contract")
        for megabytes, suffixes in ((LARGE, ("csv",)), (SMALL, OTHERS)):
            say(f"  writing {megabytes} MB as {', '.join(suffixes)}")
            (folder / "files").mkdir(exist_ok=True)
            run([python, DATA, folder / "files", str(megabytes), *suffixes], dict(os.environ), REPOSITORY)
        registered = {suffix: partial(register, python, contract, folder, suffix) for suffix in ("csv", *OTHERS)}
        file, target = folder / "files" / "flights.csv", folder / "by-hand.parquet"
        by_hand: list[str | Path] = [python, BY_HAND, COMPONENT, contract / "contract.yml", file, target]
        found = interleave({"csv": registered["csv"], "by hand": partial(taken, by_hand)}, ROUNDS)
        others = interleave({suffix: registered[suffix] for suffix in OTHERS}, OTHER_ROUNDS)
    whole = f"register_dataset, {LARGE:,} MB of CSV"
    rows = [
        Row(whole, seconds(found["csv"]), f"{SPEED:g} x the rate of pyarrow's CSV to Parquet", 1 / SPEED,
            reference=seconds(found["by hand"])),
        peak(whole, found["csv"]),
    ]  # fmt: skip
    for suffix in OTHERS:
        what = f"register_dataset, {suffix}, rows of {SMALL} MB of CSV"
        rows += [
            Row(what, seconds(others[suffix])),
            peak(what, others[suffix]),
        ]
    return rows


def seconds(runs: list[Taken]) -> list[float]:
    return [one.seconds for one in runs]


def peak(what: str, runs: list[Taken]) -> Row:
    samples = [one.megabytes for one in runs]
    return Row(f"{what}, peak memory", samples, f"{MEMORY:,} MB", plus=MEMORY, unit="MB")


def packages() -> list[str]:
    """What pip installs in the environment of the component."""
    dependencies = yaml.safe_load(CONDA.read_text(encoding="utf-8"))["dependencies"]
    found: list[str] = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
    return found


def write_contract(folder: Path) -> Path:
    """The contract of flights with a key that so many rows of one month can have."""
    shutil.copytree(CONTRACT, folder)
    path = folder / "contract.yml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["file"]["unique"].append("sched_dep_time")
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return folder


def register(python: Path, contract: Path, folder: Path, suffix: str) -> Taken:
    """Run the component over one landing file; a refusal is an error."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        outputs = {option: place / option for option in ("dataset", "quarantine", "report")}
        landing = place / "landing" / "2013-02-01"
        for path in (landing, *outputs.values()):
            path.mkdir(parents=True)
        (landing / f"flights.{suffix}").hardlink_to(folder / "files" / f"flights.{suffix}")
        options = {"landing": landing.parent, "contract": contract, "datastore": "bench", "dataset-path": "landing"}
        line = [part for option, value in (options | outputs).items() for part in (f"--{option}", str(value))]
        return taken([python, COMPONENT / "register_dataset.py", *line])
