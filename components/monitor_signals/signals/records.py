"""Records of the model data collector, one a line, each with the rows of a request in `data`, as a table."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from signals import duck
from signals.sources import NoData, Source

CORRELATION = "correlationid"


def is_record(files: Iterable[Path]) -> bool:
    """Whether files are those of the collector, by the first line that is JSON."""
    for path in files:
        with path.open("rb") as file:
            for line in file:
                try:
                    found = json.loads(line)
                except ValueError:
                    continue
                return isinstance(found, dict) and "specversion" in found and ("data" in found or "dataref" in found)
    return False


def convert_records(connection: Any, source: Source, target: Path) -> None:
    """Write the rows of all records, with the correlation id that Azure gives each: that of its record, _, its number.

    Raises:
        NoData: no record has rows.
    """
    files = _clean(connection, source, target.parent)
    rows = duck.read_json(files, depth=4)
    if duck.described(connection, f"SELECT * FROM {rows}").get("data", "").startswith("STRUCT"):
        types = duck.plain(duck.described(connection, f"SELECT unnest(data, max_depth := 2) FROM {rows}"))
    else:
        raise NoData("no-data", f"no record in {source.root.name} has rows")
    types.pop(CORRELATION, None)
    struct = ", ".join(f"{duck.name(column)} {kind}" for column, kind in types.items())
    read = duck.read_json(files, {CORRELATION: "VARCHAR", "data": f"STRUCT({struct})[]"})
    numbered = f"{CORRELATION} || '_' || (generate_subscripts(data, 1) - 1) AS {CORRELATION}"
    inner = f"SELECT {numbered}, unnest(data, max_depth := 2) FROM {read} WHERE data IS NOT NULL"
    picked = ", ".join([CORRELATION, *(duck.as_text(column, kind) for column, kind in types.items())])
    duck.write(connection, f"SELECT {picked} FROM ({inner})", target)


def _clean(connection: Any, source: Source, folder: Path) -> Sequence[Path]:
    """Files in which every line is a record with rows: those of the source, or a copy if it has others."""
    read = duck.read_json(source.files, {CORRELATION: "VARCHAR", "data": "JSON", "dataref": "VARCHAR"})
    rows = "data IS NOT NULL AND json_type(data) = 'ARRAY'"
    broken = duck.count(connection, f"SELECT count(*) FROM {read} WHERE data IS NULL AND dataref IS NULL")
    other = duck.count(connection, f"SELECT count(*) FROM {read} WHERE data IS NOT NULL AND json_type(data) <> 'ARRAY'")
    referred = connection.execute(
        f"SELECT {CORRELATION}, dataref FROM {read} WHERE data IS NULL AND dataref IS NOT NULL"
    ).fetchall()
    if broken:
        text = f"{_records(broken)} can't be read and left out; on Azure such a line is a row of NULLs"
        source.notes.append(("corrupt-record", text))
    if other:
        text = f"{_records(other)} without rows, like those of payload logging, left out"
        source.notes.append(("no-rows", text))
    if not (broken or other or referred):
        return source.files
    copy = folder / "records.jsonl"
    connection.execute(
        f"COPY (SELECT {CORRELATION}, data FROM {read} WHERE {rows}) TO {duck.literal(copy)} (FORMAT json)"
    )
    with copy.open("a", encoding="utf-8") as file:
        for correlation, place in referred:
            _append(file, correlation, place, source)
    return [copy]


def _records(count: int) -> str:
    return f"{count:,} collected record{'' if count == 1 else 's'}"


def _append(file: Any, correlation: str, place: str, source: Source) -> None:
    """Add the rows that a record only refers to, since they are more than 4 MB."""
    path = _beside(source.root, place)
    try:
        data = json.loads(path.read_bytes()) if path else None
    except (OSError, ValueError):
        data = None
    if isinstance(data, list):
        file.write(json.dumps({CORRELATION: correlation, "data": data}) + "\n")
    else:
        text = f"the rows of record {correlation} are to be in {Path(urlsplit(place).path).name}, where there are none"
        source.notes.append(("corrupt-record", text))


def _beside(root: Path, place: str) -> Path | None:
    """The file of the dataset that an address of it means. Nothing outside of the dataset is read, whatever it says."""
    parts = Path(unquote(urlsplit(place).path)).parts
    for start in range(len(parts)):
        path = root.joinpath(*(part for part in parts[start:] if part != "/"))
        if path.is_file() and path.resolve().is_relative_to(root.resolve()):
            return path
    return None
