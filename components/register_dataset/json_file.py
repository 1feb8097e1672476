"""JSON lines, block by block: by pyarrow where the values have the contract's types, else record by record."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json
from lines import Block, blocks
from records import tables
from source import ROWS, Source, Types, Unreadable


def read_json_lines(path: Path, types: Types) -> Source:
    """Opens a file of one JSON object a line.

    Raises:
        Unreadable: one of the first lines is no JSON object, or not UTF-8.
    """
    # A key may be left out where its value is null, so the first lines together tell the columns.
    names: dict[str, None] = {}
    for record in itertools.islice(_records(blocks(path)), ROWS):
        names.update(dict.fromkeys(record))
    return Source(list(names), _tables(blocks(path), list(names), types), ordered=False)


def _tables(found: Iterator[Block], names: list[str], types: Types) -> Iterator[pa.Table]:
    # Time is text here; `cast` knows which text is a time, and pyarrow takes one without a zone.
    known = {name: types[name] for name in names if name in types}
    schema = pa.schema({name: pa.string() if pa.types.is_timestamp(kind) else kind for name, kind in known.items()})
    for block in found:
        table = _parsed(block, schema)
        yield from [table] if table is not None else tables(_records(iter([block])), names)


def _parsed(block: Block, schema: pa.Schema) -> pa.Table | None:
    """The block, if pyarrow reads it as records of exactly these columns and types; None if it has to be looked at."""
    options = pa.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    size = pa.json.ReadOptions(block_size=len(block.data) + 1)
    try:
        table = pa.json.read_json(pa.BufferReader(block.data), size, options)
        table.validate(full=True)  # UTF-8, which it takes on trust
    except pa.ArrowInvalid:
        return None
    lines = block.data.count(b"\n") + (not block.data.endswith(b"\n"))
    return table.select(schema.names) if table.num_rows == lines else None  # it takes two objects in a line


def _records(found: Iterator[Block]) -> Iterator[dict[str, Any]]:
    for block in found:
        for number, line in enumerate(block.text().split("\n")):
            if line.strip():
                yield _json_object(block, number, line)


def _json_object(block: Block, number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        at = f"line {block.line() + number:,}"
        raise Unreadable("truncated", f"{at} is not JSON ({error.msg}): cut off or damaged?") from error
    if not isinstance(record, dict):
        raise Unreadable("format", f"line {block.line() + number:,} is not a JSON object")
    return record
