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
FILE_KEYS = {"minimum_rows", "unique", "partition"}
ROW_KEYS = {"strict", "ordered", "columns"}
COLUMN_KEYS = {"dtype", "nullable", "checks", "description", "since"}


class ContractError(Exception):
    """contract.yml itself is not right; the message says where."""


@dataclass(frozen=True)
class Contract:
    """What every file of a dataset must hold; see data/*/contract/contract.yml.

    Args:
        since: columns that came with a later version than 1, which files of before do not have.
    """

    name: str
    version: int
    since: dict[str, int]
    minimum_rows: int
    unique: list[str]
    partition: list[str]
    schema: pandera.DataFrameSchema

    @property
    def columns(self) -> dict[str, pa.DataType]:
        return {name: TYPES[self.dtype(name)] for name in self.schema.columns}

    def dtype(self, name: str) -> str:
        """Type of a column as contract.yml has it."""
        return str(self.schema.columns[name].dtype).replace("[python]", "")


def load_contract(path: Path) -> Contract:
    """Reads contract.yml, strictly: pandera passes over keys that it does not know.

    Raises:
        ContractError: the file is no YAML, or a key, type or check in it is missing, unknown or of the wrong kind.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ContractError(f"{path.name}: can't be read as YAML: {error}") from error
    _keys("top level", document, {"name", "version", "file", "rows"})
    file, rows, version = document["file"], document["rows"], document["version"]
    if type(version) is not int or version < 1:
        raise ContractError(f"contract.yml: version is a number from 1 on, not {version!r}")
    _keys("file", file, FILE_KEYS)
    _keys("rows", rows, ROW_KEYS)
    _columns(rows["columns"])
    _names("unique", file["unique"], rows["columns"])
    _names("partition", file["partition"], rows["columns"])
    if len(file["partition"]) != 2:
        raise ContractError("contract.yml: file.partition names the columns of year and month, in this order")
    if type(file["minimum_rows"]) is not int or file["minimum_rows"] < 1:
        raise ContractError(f"contract.yml: file.minimum_rows is a number from 1 on, not {file['minimum_rows']!r}")
    since = _since(version, file, rows["columns"])
    try:
        schema = pandera.DataFrameSchema.from_yaml(yaml.safe_dump(rows, sort_keys=False))
    except (AttributeError, TypeError, ValueError) as error:
        raise ContractError(f"contract.yml: rows: {error}") from error
    return Contract(document["name"], version, since, schema=schema, **file)


def _columns(columns: Any) -> None:
    if not isinstance(columns, dict) or not columns:
        raise ContractError("contract.yml: rows.columns maps the name of each column to its rules")
    for name, column in columns.items():
        _keys(f"column {name}", column, {"dtype"}, COLUMN_KEYS)
        if column["dtype"] not in TYPES:
            raise ContractError(
                f"contract.yml: column {name}: dtype {column['dtype']} is not one of {', '.join(TYPES)}"
            )
        if not isinstance(column.get("nullable", False), bool):
            raise ContractError(f"contract.yml: column {name}: nullable is true or false, not {column['nullable']!r}")
        _checks(name, column.get("checks", {}))


def _since(version: int, file: dict[str, Any], columns: dict[str, Any]) -> dict[str, int]:
    """Takes `since`, which pandera does not know, out of the columns."""
    found = {name: column.pop("since") for name, column in columns.items() if "since" in column}
    for name, since in found.items():
        where = f"contract.yml: column {name}: since"
        if type(since) is not int or not 2 <= since <= version:
            raise ContractError(f"{where} is a version of the contract, 2 to {version}, not {since!r}")
        if not columns[name].get("nullable", False):
            raise ContractError(f"{where}: earlier files lack the column, so it has to be nullable: true")
        if name in [*file["unique"], *file["partition"]]:
            raise ContractError(f"{where}: earlier files lack the column, so file.unique and partition can't name it")
    return found


def _checks(name: str, checks: Any) -> None:
    if not isinstance(checks, dict):
        raise ContractError(f"contract.yml: column {name}: checks maps pandera's checks to their arguments")
    if "unique_values_eq" in checks:
        raise ContractError(f"contract.yml: column {name}: unique_values_eq is not supported: a check is about a value")
    if any(isinstance(arguments, dict) and "options" in arguments for arguments in checks.values()):
        raise ContractError(f"contract.yml: column {name}: options of a check are not supported")


def _keys(where: str, found: Any, needed: set[str], allowed: set[str] | None = None) -> None:
    if not isinstance(found, dict):
        raise ContractError(
            f"contract.yml: {where} is a mapping of {', '.join(sorted(allowed or needed))}, not {found!r}"
        )
    wrong = [f"{key} is missing" for key in sorted(needed - found.keys())]
    wrong += [f"{key} is not known" for key in sorted(found.keys() - (allowed or needed))]
    if wrong:
        raise ContractError(
            f"contract.yml: {where}: {', '.join(wrong)}; keys are {', '.join(sorted(allowed or needed))}"
        )


def _names(key: str, names: Any, columns: dict[str, Any]) -> None:
    if not isinstance(names, list) or not names or not set(names) <= columns.keys():
        raise ContractError(f"contract.yml: file.{key} is a list of columns, not {names!r}")
