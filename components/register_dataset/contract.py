"""A data contract: contract.yml, its rules about rows enforced by pandera."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandera.pandas as pandera
import pyarrow as pa
import yaml

TYPES = {
    "Int64": pa.int64(),
    "float64": pa.float64(),
    "string": pa.string(),
    "datetime64[us, UTC]": pa.timestamp("us", "UTC"),
}
KEYS = {"": {"name", "file", "rows"}, "file": {"minimum_rows", "unique", "partition"}, "rows": {"strict", "ordered", "columns"}}
COLUMN_KEYS = {"dtype", "nullable", "checks", "description"}


class ContractError(Exception):
    """contract.yml itself is not right; the message says where."""


@dataclass(frozen=True)
class Contract:
    """What every file of a dataset must hold; see data/*/contract/contract.yml."""

    name: str
    minimum_rows: int
    unique: list[str]
    partition: list[str]
    schema: pandera.DataFrameSchema

    @property
    def columns(self) -> dict[str, pa.DataType]:
        return {name: TYPES[str(column.dtype).replace("[python]", "")] for name, column in self.schema.columns.items()}


def load_contract(path: Path) -> Contract:
    """Reads contract.yml.

    Raises:
        ContractError: an unknown key (pandera would pass over it in silence), type or check.
    """
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    for section, allowed in KEYS.items():
        _refuse_unknown(path, section, (document[section] if section else document).keys() - allowed, allowed)
    for name, column in document["rows"]["columns"].items():
        _refuse_unknown(path, f"column {name}", column.keys() - COLUMN_KEYS, COLUMN_KEYS)
        _refuse_unknown(path, f"dtype of column {name}", {column.get("dtype")} - TYPES.keys(), set(TYPES))
    try:
        schema = pandera.DataFrameSchema.from_yaml(yaml.safe_dump(document["rows"], sort_keys=False))
    except (AttributeError, TypeError, ValueError) as error:
        raise ContractError(f"{path.name}: rows: {error}") from error
    return Contract(document["name"], schema=schema, **document["file"])


def _refuse_unknown(path: Path, where: str, unknown: set[Any], allowed: set[str]) -> None:
    if unknown:
        raise ContractError(f"{path.name}: {where or 'top level'}: {unknown} is not known; there are {sorted(allowed)}")
