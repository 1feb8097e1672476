"""Which files a dataset is made of, and in which format they are."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

PARQUET, CSV, JSON_LINES = "parquet", "csv", "json"
FORMATS = {
    ".parquet": PARQUET, ".pq": PARQUET, ".pqt": PARQUET, ".parq": PARQUET,
    ".csv": CSV, ".tsv": CSV, ".txt": CSV,
    ".jsonl": JSON_LINES, ".ndjson": JSON_LINES, ".json": JSON_LINES,
}  # fmt: skip
READERS = {"read_parquet": PARQUET, "read_delimited": CSV, "read_json_lines": JSON_LINES}
HOUR = re.compile(r"(\d{4})/(\d{2})/(\d{2})/(\d{2})")  # folders of collected data
COLLECTED = ".jsonl"
IGNORED = (".", "_")  # files and folders with such a name are none of data, by custom of Spark
DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|", "space": " "}


class NoData(Exception):
    """A dataset can't be read; the message says why and what to do."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass(frozen=True)
class Window:
    """Hours from which collected data is taken.

    Args:
        start, end: with time zone; the end is not part of it.
    """

    start: dt.datetime
    end: dt.datetime

    @classmethod
    def read(cls, text: str) -> "Window":
        """From `START/END` as ISO 8601 writes them, UTC where no zone is said.

        Raises:
            ValueError: it is something else, or ends before it starts.
        """
        parts = [dt.datetime.fromisoformat(part.strip()) for part in text.split("/")]
        if len(parts) != 2:
            raise ValueError(
                f"'{text}' is no window; it is to be START/END, such as 2013-07-01T00:00Z/2013-07-02T00:00Z"
            )
        start, end = (part.astimezone(dt.UTC) if part.tzinfo else part.replace(tzinfo=dt.UTC) for part in parts)
        if start >= end:
            raise ValueError(f"'{text}' is no window: it ends before it starts")
        return cls(start, end)

    def touches(self, hour: dt.datetime) -> bool:
        """Whether Azure reads the folder of an hour: whole ones, that of the start, not that of a full end."""
        return self.start.replace(minute=0, second=0, microsecond=0) <= hour < self.end

    def __str__(self) -> str:
        return "/".join(f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (self.start, self.end))


@dataclass
class Source:
    """Files of one format.

    Attributes:
        root: the folder that they are in; nothing outside of it belongs to the dataset.
        columns: those to keep; None for all.
        dropped: those to leave out.
        delimiter: of CSV; None if it is to be found out.
        header: whether the first line of CSV names the columns.
        notes: (code, message) of what the reader of a report has to know.
    """

    root: Path
    files: Sequence[Path]
    format: str
    columns: Sequence[str] | None = None
    dropped: Sequence[str] = ()
    delimiter: str | None = None
    header: bool = True
    notes: list[tuple[str, str]] = field(default_factory=list)


def find(path: Path, window: Window | None) -> Source:
    """What a path holds: a file, a folder of files of one format, or one with an MLTable.

    Raises:
        NoData: there is nothing to read, or something that can't be.
    """
    if path.is_file():
        if path.name == "MLTable":
            return _of_mltable(path.parent, path, window)
        return _of_files(path.parent, [path], window)
    if not path.is_dir():
        raise NoData("no-data", f"{path.name} does not exist")
    if (path / "MLTable").is_file():
        return _of_mltable(path, path / "MLTable", window)
    return _of_files(path, _below(path), window)


def _below(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(
        path for path in found if not any(part.startswith(IGNORED) for part in path.relative_to(folder).parts)
    )


def _of_files(root: Path, files: Sequence[Path], window: Window | None, kind: str | None = None) -> Source:
    notes: list[tuple[str, str]] = []
    known = [path for path in files if kind or _format(path)]
    if not known:
        raise NoData("no-data", f"there is no file of Parquet, CSV or JSON lines in {root.name}")
    hours = {path: hour for path in known if (hour := _hour(path.relative_to(root)))}
    records = [path for path in hours if path.suffix == COLLECTED]
    if records:  # what else lies there is rows that a record only refers to
        known, hours = records, {path: hours[path] for path in records}
    if window:
        if hours:
            known = [path for path, hour in hours.items() if window.touches(hour)]
            if not known:
                raise NoData(
                    "no-data", f"nothing was collected in the window {window}; earlier or later hours are there"
                )
        else:
            notes.append(("window-not-applied", f"{root.name} has no folders of hours, so all of it is read"))
    formats = {kind or _format(path) for path in known}
    if len(formats) > 1:
        raise NoData(
            "mixed-formats", f"{root.name} has files of {' and '.join(sorted(map(str, formats)))}; one is needed"
        )
    return Source(root, known, str(formats.pop()), notes=notes)


def _format(path: Path) -> str | None:
    name = path.with_suffix("") if path.suffix == ".gz" else path
    return FORMATS.get(name.suffix.lower())


def _hour(path: Path) -> dt.datetime | None:
    found = HOUR.search(path.parent.as_posix())
    try:
        return dt.datetime.strptime(found[0], "%Y/%m/%d/%H").replace(tzinfo=dt.UTC) if found else None
    except ValueError:
        return None


def _of_mltable(root: Path, path: Path, window: Window | None) -> Source:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        paths, steps = document.get("paths") or [], document.get("transformations") or []
        files = [file for entry in paths for file in _of_entry(root, entry)]
        reader = next((READERS[name] for step in steps for name in _name_of(step) if name in READERS), None)
        source = _of_files(root, list(dict.fromkeys(files)), window, reader)
        for step in steps:
            for name in _name_of(step):
                _apply(source, name, step[name] if isinstance(step, dict) else None)
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError, KeyError) as error:
        raise NoData("bad-mltable", f"the MLTable of {root.name} can't be read: {error}") from error
    return source


def _name_of(step: Any) -> list[str]:
    return list(step) if isinstance(step, dict) else [str(step)]


def _of_entry(root: Path, entry: dict[str, str]) -> list[Path]:
    (kind, place), *_ = entry.items()
    if urlsplit(place).scheme or Path(place).is_absolute() or ".." in Path(place).parts:
        raise NoData("bad-mltable", f"the MLTable of {root.name} points to {place}, outside of its folder; "
                     "give the step the data with mode eval_mount")  # fmt: skip
    if kind == "pattern":
        return [path for path in sorted(root.glob(place)) if path.is_file()]
    target = root / place
    return _below(target) if kind == "folder" or target.is_dir() else [target]


def _apply(source: Source, step: str, value: Any) -> None:
    if step in READERS:
        options = value or {}
        delimiter = str(options.get("delimiter") or ",")
        source.delimiter = DELIMITERS.get(delimiter, delimiter)
        source.header = options.get("header") not in ("no_header", False)
    elif step == "keep_columns":
        source.columns = [value] if isinstance(value, str) else list(value)
    elif step == "drop_columns":
        source.dropped = [value] if isinstance(value, str) else list(value)
    else:
        text = f"the MLTable of {source.root.name} has the transformation {step}, which is left out here"
        source.notes.append(("mltable-step", text))
