"""Which columns two datasets share and whether each is a number or a category, as Azure's monitors decide it."""

from collections.abc import Callable, Mapping

import pyarrow as pa

NUMERICAL, CATEGORICAL = "numerical", "categorical"
REALS = ("float", "double", "decimal")
INTEGERS = ("tinyint", "smallint", "int", "bigint")
CATEGORIES = ("string", "boolean", "timestamp", "date", "binary")
FEW = 0.05  # distinct values per row, below which an integer is a category

# Arrow type -> the name that Spark gives to a column of it.
NAMES = {
    pa.bool_(): "boolean",
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.string(): "string",
    pa.large_string(): "string",
    pa.date32(): "date",
}


def spark_type(kind: pa.DataType) -> str:
    """Spark's name of an Arrow type, such as `bigint`; of one that its monitors don't know, Arrow's own."""
    if pa.types.is_dictionary(kind):
        return spark_type(kind.value_type)
    if pa.types.is_timestamp(kind):
        return "timestamp"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "binary"
    if pa.types.is_float16(kind):
        return "float"
    # A column without any value has no type yet; Spark's readers make text of it.
    return "string" if pa.types.is_null(kind) else NAMES.get(kind, str(kind))


def common(reference: str, production: str) -> str | None:
    """The type in which two columns are compared, None if they can't be: Azure leaves such a column out silently.

    Args:
        reference, production: types as `spark_type` names them.
    """
    if reference == production:
        return reference
    if reference in REALS and production in REALS:
        return "double"
    return "long" if reference in INTEGERS and production in INTEGERS else None


def kind_of(name: str, spark: str, overrides: Mapping[str, str], few: Callable[[], bool]) -> str | None:
    """NUMERICAL or CATEGORICAL; None for a type that Azure's monitors leave out, such as a list.

    Args:
        spark: the column's type, as `spark_type` or `common` names it.
        overrides: column -> kind, from `feature_type_override`; nothing makes numbers of what has none.
        few: says of an integer column whether its distinct values, NULL among them, are fewer than `FEW` of its rows.
    """
    if spark in CATEGORIES:
        return CATEGORICAL  # whatever the override says: Azure's job fails where text is to be a number
    if name in overrides:
        return overrides[name]
    if spark in REALS:
        return NUMERICAL
    if spark in (*INTEGERS, "long"):
        return CATEGORICAL if few() else NUMERICAL
    return None
