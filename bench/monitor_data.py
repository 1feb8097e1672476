"""Writes reference.parquet and production.parquet to a folder: `python monitor_data.py FOLDER ROWS`.

20 columns: 12 of numbers, 4 of them with values missing, 4 of integers of few to many values, and 4 of text.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

GROUP = 1_000_000  # rows that are made, and written, in one go
MISSING = 0.01
SIDES = ("reference", "production")


def main(folder: str, rows: str) -> None:
    for seed, side in enumerate(SIDES):
        rng = np.random.default_rng(seed)
        left, writer = int(rows), None
        while left:
            table = pa.table(columns(rng, min(left, GROUP), drift=0.1 * seed))
            left -= len(table)
            writer = writer or pq.ParquetWriter(Path(folder) / f"{side}.parquet", table.schema)
            writer.write_table(table)
        if writer:
            writer.close()


def columns(rng: np.random.Generator, rows: int, drift: float) -> dict[str, pa.Array]:
    """Columns of so many rows."""
    found = {}
    for number in range(12):
        values = rng.normal(number + drift, 1 + number, rows)
        found[f"f{number}"] = pa.array(values, mask=rng.random(rows) < MISSING if number < 4 else None)
    for number in range(4):
        found[f"i{number}"] = pa.array(rng.integers(0, 3 * 10 ** (number + 1), rows))
    for number in range(4):
        names = np.array([f"name {place}" for place in range(10 * (number + 1) ** 3)])
        found[f"s{number}"] = pa.array(names[rng.integers(0, len(names), rows)])
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
