"""Writes months of flights of about so many megabytes: `python formats_data.py FOLDER MEGABYTES SUFFIX...`.

CSV as columns of text; the other formats with the types of the contract. Rows differ by the contract's key with
sched_dep_time, however many there are.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.orc
import pyarrow.parquet as pq

ROWS = 100_000  # that are made, and written, in one go
BYTES = 90  # of a row of CSV
CARRIERS = ["9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV"]
ORIGINS, DESTINATIONS = ["EWR", "JFK", "LGA"], ["ATL", "BOS", "LAX", "MIA", "ORD", "SFO"]
DAYS, FLIGHTS = 28, 9_999
MISSING = 0.02  # of the flights are cancelled


def main(folder: str, megabytes: str, *suffixes: str) -> None:
    for suffix in suffixes:
        path = Path(folder) / f"flights.{suffix}"
        WRITERS[suffix](path, tables(int(megabytes) * 2**20 // BYTES))


def tables(rows: int) -> Iterator[pa.Table]:
    rng = np.random.default_rng(0)
    for start in range(0, rows, ROWS):
        yield pa.table(columns(rng, np.arange(start, min(start + ROWS, rows))))


def columns(rng: np.random.Generator, numbers: np.ndarray) -> dict[str, pa.Array]:
    """Rows of these numbers, in the contract's order of columns."""
    rows = len(numbers)
    cancelled = rng.random(rows) < MISSING

    def drawn(low: int, high: int, gaps: bool = False) -> pa.Array:
        return pa.array(rng.integers(low, high, rows), mask=cancelled if gaps else None)

    rest, day = np.divmod(numbers, DAYS)
    rest, flight = np.divmod(rest, FLIGHTS)
    rest, origin = np.divmod(rest, len(ORIGINS))
    rest, carrier = np.divmod(rest, len(CARRIERS))
    tails = np.array([f"N{number:05}" for number in range(4_000)])
    hour = rng.integers(0, 24, rows)
    moment = np.datetime64("2013-02-01T00:00:00", "us") + day * np.timedelta64(1, "D") + hour * np.timedelta64(1, "h")
    return {
        "year": pa.array(np.full(rows, 2013)), "month": pa.array(np.full(rows, 2)), "day": pa.array(day + 1),
        "dep_time": drawn(1, 2_400, True), "sched_dep_time": pa.array(rest % 2_360),
        "dep_delay": drawn(-20, 200, True), "arr_time": drawn(1, 2_400, True), "sched_arr_time": drawn(0, 2_360),
        "arr_delay": drawn(-60, 200, True), "carrier": pa.array(np.array(CARRIERS)[carrier]),
        "flight": pa.array(flight + 1), "tailnum": pa.array(rng.choice(tails, rows), mask=cancelled),
        "origin": pa.array(np.array(ORIGINS)[origin]), "dest": pa.array(rng.choice(DESTINATIONS, rows)),
        "air_time": drawn(20, 600, True), "distance": drawn(80, 4_900), "hour": pa.array(hour),
        "minute": drawn(0, 60), "time_hour": pa.array(moment, pa.timestamp("us", "UTC")),
    }  # fmt: skip


def as_csv(path: Path, parts: Iterator[pa.Table]) -> None:
    with path.open("wb") as file:
        for number, part in enumerate(parts):
            options = pa.csv.WriteOptions(include_header=number == 0, quoting_style="none")
            pa.csv.write_csv(part, file, options)


def as_parquet(path: Path, parts: Iterator[pa.Table]) -> None:
    first = next(parts)
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)


def as_orc(path: Path, parts: Iterator[pa.Table]) -> None:
    with pa.orc.ORCWriter(path) as writer:
        for part in parts:
            writer.write(part)


def as_json_lines(path: Path, parts: Iterator[pa.Table]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for part in parts:
            file.writelines(
                json.dumps(row, default=lambda moment: moment.isoformat()) + "\n" for row in part.to_pylist()
            )


def as_avro(path: Path, parts: Iterator[pa.Table]) -> None:
    texts = {"carrier", "tailnum", "origin", "dest"}
    kinds: list[object] = [["null", "string" if name in texts else "long"] for name in columns_of()]
    kinds[-1] = {"type": "long", "logicalType": "timestamp-micros"}
    fields = [{"name": name, "type": kind} for name, kind in zip(columns_of(), kinds, strict=True)]
    with path.open("wb") as file:
        rows = (row for part in parts for row in part.to_pylist())
        fastavro.writer(file, {"type": "record", "name": "flights", "fields": fields}, rows)


def columns_of() -> list[str]:
    return list(columns(np.random.default_rng(0), np.arange(1)))


WRITERS = {"csv": as_csv, "parquet": as_parquet, "orc": as_orc, "jsonl": as_json_lines, "avro": as_avro}

if __name__ == "__main__":
    main(*sys.argv[1:])
