"""Whether rows of a file repeat each other by their key, however many rows there are, in memory that does not grow."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

SPOOLED = 32 << 20  # bytes of hashes in memory; more are in a temporary file
PART = 1 << 22  # hashes that are sorted at once, 32 MB
READ = 8 << 20  # bytes
HASH = np.dtype(np.uint64)


class Keys:
    """The keys of a file's rows, of each a hash of 64 bits: of 20 million, two share one with odds of 1 in 100,000.

    Args:
        names: columns that make the key.
    """

    def __init__(self, names: list[str]) -> None:
        self.names, self.rows = names, 0
        self._hashes = SpooledTemporaryFile(SPOOLED)  # noqa: SIM115 - it lives and goes with these keys

    def add(self, table: pa.Table) -> None:
        """Takes the next rows."""
        # Text by its few different values: pandas hashes these and not each row.
        frame = pd.DataFrame({name: _column(table[name]) for name in self.names})
        self._hashes.write(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
        self.rows += len(frame)

    def repeats(self) -> tuple[int, tuple[int, int]] | None:
        """How many rows repeat an earlier one, and two that are the same, counted from 1; None if all differ."""
        bits = max(0, (self.rows - 1) // PART).bit_length()
        repeated, example = 0, HASH.type(0)
        for part in range(1 << bits):
            # Equal hashes have equal first bits, so each part is looked at alone.
            hashes = np.concatenate([block[_first(block, bits) == part] for block in self._blocks()])
            hashes.sort()
            same = np.flatnonzero(hashes[1:] == hashes[:-1])
            if len(same) and not repeated:
                example = hashes[same[0]]
            repeated += len(same)
        return (repeated, self._places(example)) if repeated else None

    def _blocks(self) -> Iterator[np.ndarray]:
        self._hashes.seek(0)
        yield np.empty(0, HASH)
        while read := self._hashes.read(READ):
            yield np.frombuffer(read, HASH)

    def _places(self, wanted: np.uint64) -> tuple[int, int]:
        found: list[int] = []
        start = 1
        for block in self._blocks():
            found += (np.flatnonzero(block == wanted)[:2] + start).tolist()
            start += len(block)
        return found[0], found[1]


def _first(hashes: np.ndarray, bits: int) -> np.ndarray:
    return hashes >> HASH.type(64 - bits) if bits else np.zeros(len(hashes), HASH)


def _column(column: pa.ChunkedArray) -> pd.Series:
    encoded = pc.dictionary_encode(column) if pa.types.is_string(column.type) else column
    return encoded.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
