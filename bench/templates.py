"""Rendering and checking generated component templates, as `make render` and `make check` do it, at three sizes."""

import os
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

from bench.rows import Row
from bench.scratch import REPOSITORY
from bench.timing import interleave, seconds

SIZES = (100, 300, 1000)
ROUNDS = 5
LIMITS = {"render": 5.0, "check": 60.0}  # seconds, for the largest
GROWTH = 1.25  # a further template among many costs at most this much more than among few

COMPONENT = """\
$schema: https://azuremlschemas.azureedge.net/latest/commandComponent.schema.json
name: generated_{number:04d}
version: << version >>
type: command
display_name: Generated {number}
description: Made by the benchmark.
tags:
  commit: << git.commit >>

inputs:
  table:
    type: uri_folder
    description: What it reads.
  month:
    type: string
    default: "2013-{month:02d}"
  rate:
    type: number
    min: 0.001
    max: 1.0
    default: 0.1{number:04d}1
  rounds:
    type: integer
    min: 1
    default: {rounds}
outputs:
  result:
    type: uri_folder

environment: << ref("environments/training") >>
code: .
command: >-
  python run.py
  --table ${{{{inputs.table}}}}
  --month ${{{{inputs.month}}}}
  --rate ${{{{inputs.rate}}}}
  --rounds ${{{{inputs.rounds}}}}
  --result ${{{{outputs.result}}}}
"""


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        for size in SIZES:
            write_repository(Path(name) / str(size), size)
        return [row for verb in LIMITS for row in growth(verb, Path(name))]


def growth(verb: str, folder: Path) -> list[Row]:
    """Rows of one verb: seconds at each size, and what a further template costs at the upper and lower end.

    Args:
        folder: has a repository for each size.
    """
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    line = [sys.executable, "-m", f"scripts.{verb}", "--env", "local"]
    runs = {str(size): partial(seconds, line, environment, folder / str(size)) for size in SIZES}
    found = interleave(runs, ROUNDS, warm_up=True)
    *smaller, largest = [found[str(size)] for size in SIZES]
    rows = [Row(f"{verb} {size} components", values) for size, values in zip(SIZES, smaller, strict=False)]
    limit = LIMITS[verb]
    rows.append(Row(f"{verb} {SIZES[-1]:,} components", largest, f"{limit:g} s", plus=limit))
    rows.append(further(verb, [median(found[str(size)]) for size in SIZES]))
    return rows


def further(verb: str, taken: list[float]) -> Row:
    """What each further component costs among many, beside what it costs among few; linear growth keeps them equal.

    Args:
        taken: median seconds at each of SIZES.
    """
    few, some, many = SIZES
    slopes = [
        1000 * (after - before) / more
        for before, after, more in ((taken[0], taken[1], some - few), (taken[1], taken[2], many - some))
    ]
    what = f"{verb}, each further component from {some} to {many:,}, beside {few} to {some}"
    return Row(what, [slopes[1]], f"{GROWTH:g} x", GROWTH, reference=[slopes[0]], unit="ms")


def write_repository(root: Path, size: int) -> None:
    """A repository of `size` components with a script each, on the configuration and an environment of this one."""
    for name in ("config", "environments"):
        shutil.copytree(REPOSITORY / name, root / name)
    for number in range(size):
        folder = root / "components" / f"generated_{number:04d}"
        folder.mkdir(parents=True)
        text = COMPONENT.format(number=number, month=number % 12 + 1, rounds=number + 1)
        (folder / "component.yml.j2").write_text(text, encoding="utf-8")
        (folder / "run.py").write_text(f'"""Script of component {number}."""\n', encoding="utf-8")
