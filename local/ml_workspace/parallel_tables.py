"""Mini-batches of an MLTable: each is a pandas DataFrame, read by the worker that gets it, one file after another.

It runs in the job's own environment, which brings mltable along, and uses its public functions only: a part of a table
is the same MLTable over some of its files, written to a scratch folder and loaded from there.
"""

from __future__ import annotations

import atexit
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mltable
import pandas as pd
import yaml
from azureml.dataprep import rslex  # type: ignore[import-untyped]

if TYPE_CHECKING:  # Python 3.7 and 3.8, which jobs may ask for, can't evaluate it
    Part = dict[str, Any]
    """A mini-batch: its `files`; with partition keys, `keys` (column -> value) of its rows and whether to `filter` by
    them; for a part of a file, `slice` (number of the part, of how many)."""

PLACES = ("file", "folder", "pattern")
WHOLE_TABLE = ("take", "skip", "take_random_sample")
"""Steps that mean something else when they are applied to each file by itself."""


class TableError(Exception):
    """The table can't be cut; the message says why and what to do."""


class Table:
    """An MLTable in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        text = (folder / "MLTable").read_text(encoding="utf-8")
        self.document: dict[str, Any] = yaml.safe_load(text)
        self.steps: list[Any] = self.document.get("transformations") or []
        self.paths = [
            {kind: value if "://" in value else str(folder / value) for kind, value in path.items() if kind in PLACES}
            for path in self.document["paths"]
        ]

    def load(self, paths: list[dict[str, str]], steps: list[Any]) -> Any:
        """The MLTable with other paths and steps."""
        document = {**self.document, "paths": paths, "transformations": steps}
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "MLTable").write_text(yaml.safe_dump(document), encoding="utf-8")
            return mltable.load(folder)

    def file(self, path: str) -> Any:
        """The MLTable of one file."""
        return self.load([{"file": path}], self.steps)

    def files(self) -> pd.DataFrame:
        """A row for each file: `Path`, and the columns of extract_columns_from_partition_format.

        The steps up to the one that reads rows work on the list of files, so no row is read.
        """
        first = next((at for at, step in enumerate(self.steps) if _name(step).startswith("read_")), len(self.steps))
        files = self.load(self.paths, self.steps[:first]).to_pandas_dataframe()
        files["Path"] = files["Path"].astype(str)
        return files.sort_values("Path", ignore_index=True)


def _name(step: Any) -> str:
    return step if isinstance(step, str) else next(iter(step))


def leave() -> None:
    """Lets the process end at once: mltable's engine would report its use to Microsoft, and waits 3 s for that."""
    atexit.unregister(rslex.release_environment)


def cut(folder: Path, keys: list[str], size: int) -> list[tuple[str, Part]]:
    """Cuts a table into mini-batches.

    Args:
        folder: holds the file `MLTable`.
        keys: columns whose values the rows of a mini-batch share; a null is a value too. They come from the files'
            paths where the table says so. Else each file's rows are searched for them, and a mini-batch reads again
            each file that has some of its rows: slow if the table is large, but one file at a time.
        size: bytes of files that make up a mini-batch, where there are no keys. Whole files are put together up to it;
            a larger file is cut into runs of rows of equal number, so the size of these is only near.

    Returns:
        (name for the log, part) of each mini-batch, sorted by keys, or by path.
    """
    table = Table(folder)
    for step in table.steps:
        if _name(step) in WHOLE_TABLE:
            raise TableError(f"MLTable: {_name(step)} is about the table as a whole and can't be cut into mini-batches")
    files = table.files()
    return _by_key(table, files, keys) if keys else _by_size(list(files["Path"]), size)


def cut_files(folder: Path, keys: list[str], size: int) -> list[tuple[str, Part]]:
    """Cuts the list of a table's files into mini-batches of paths.

    Args:
        folder: holds the file `MLTable`.
        keys: columns that extract_columns_from_partition_format takes from the paths; a mini-batch for each of their
            values. No file is read.
        size: number of files of a mini-batch, where there are no keys.

    Returns:
        Like `cut`.
    """
    table = Table(folder)
    files = table.files()
    missing = [key for key in keys if key not in files.columns]
    if missing:
        known = ", ".join(column for column in files.columns if column != "Path") or "none"
        raise TableError(
            f"its paths give no column {', '.join(missing)} (partition_keys); they give: {known}. "
            "With mode: direct, columns of the rows count too"
        )
    if keys:
        return _by_key(table, files, keys)
    paths = list(files["Path"])
    groups = [paths[start : start + size] for start in range(0, len(paths), size)]
    return [(_files_name(group), {"files": group}) for group in groups]


def _by_key(table: Table, files: pd.DataFrame, keys: list[str]) -> list[tuple[str, Part]]:
    in_path = set(keys) <= set(files.columns)
    if not in_path:
        columns = list(table.file(files["Path"][0]).take(1).to_pandas_dataframe().columns)
        missing = [key for key in keys if key not in columns]
        if missing:
            raise TableError(f"it has no column {', '.join(missing)} (partition_keys); it has {', '.join(columns)}")
    found = files if in_path else pd.concat([_values(table, path, keys) for path in files["Path"]])
    parts = []
    for values, rows in found.groupby(keys, dropna=False, sort=True):
        values = values if isinstance(values, tuple) else (values,)  # before pandas 2, a single key's value is bare
        combination = dict(zip(keys, values))  # noqa: B905 - before Python 3.10 there is no strict
        name = ", ".join(f"{key}={str(value).replace(' 00:00:00', '')}" for key, value in combination.items())
        parts.append((f"({name})", {"files": list(rows["Path"]), "keys": combination, "filter": not in_path}))
    return parts


def _values(table: Table, path: str, keys: list[str]) -> pd.DataFrame:
    """The combinations of the keys' values in a file."""
    rows = table.file(path).keep_columns(keys).to_pandas_dataframe()
    return rows.drop_duplicates().assign(Path=path)


def _by_size(paths: list[str], size: int) -> list[tuple[str, Part]]:
    parts: list[tuple[str, Part]] = []
    group: list[str] = []
    filled = 0
    for path in paths:
        bytes_ = Path(path).stat().st_size
        if group and filled + bytes_ > size:
            parts.append((_files_name(group), {"files": group}))
            group, filled = [], 0
        if bytes_ > size:
            count = math.ceil(bytes_ / size)
            name = _files_name([path])
            parts += [(f"{name} part {at + 1}/{count}", {"files": [path], "slice": (at, count)}) for at in range(count)]
        else:
            group, filled = [*group, path], filled + bytes_
    return [*parts, (_files_name(group), {"files": group})] if group else parts


def _files_name(paths: list[str]) -> str:
    first = "/".join(Path(paths[0]).parts[-2:])
    return f"({first})" if len(paths) == 1 else f"({first} and {len(paths) - 1} more)"


def read(folder: Path, part: Part) -> pd.DataFrame:
    """The rows of a mini-batch."""
    table = Table(folder)
    frames = [_rows(table.file(path).to_pandas_dataframe(), part) for path in part["files"]]
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def _rows(frame: pd.DataFrame, part: Part) -> pd.DataFrame:
    if part.get("filter"):
        for key, value in part["keys"].items():
            frame = frame[frame[key].isna() if pd.isna(value) else frame[key] == value]
    if "slice" in part:
        at, count = part["slice"]
        frame = frame.iloc[len(frame) * at // count : len(frame) * (at + 1) // count]
    return frame.reset_index(drop=True)
