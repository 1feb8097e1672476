"""Which values Spark can't cast to another type; it makes NULL of them (non-ANSI mode)."""

import datetime
import re

WIDTHS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
INTEGER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")  # '12.7' is cut to 12
REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?|nan|[+-]?(inf|infinity)", re.IGNORECASE)
TRUE_FALSE = {"t", "true", "y", "yes", "1", "f", "false", "n", "no", "0"}
DATE = re.compile(r"[+-]?\d{4,7}(-\d{1,2}(-\d{1,2}([ T].*)?)?)?")
TIME = re.compile(
    r"(.*?)(?:[ T](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d{1,9})?)?(?:Z|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?)?)?"
)


def fails(value: str, source: str, wanted: str) -> bool:
    """Whether `value`, not NULL, becomes NULL.

    Args:
        value: as text; it only matters where `source` is string.
        source, wanted: types as Spark names them.
    """
    if wanted in ("string", "binary") or source == wanted:
        return False
    if source in ("date", "timestamp"):
        # A date as a number is NULL, a time as a number is seconds; either as a boolean is NULL for dates alone.
        return source == "date" and wanted not in ("date", "timestamp")
    if source == "string":
        return not _reads(value.strip(), wanted)
    # Between numbers and booleans nothing fails; a number is no date.
    return wanted == "date"


def _reads(text: str, wanted: str) -> bool:
    if wanted in WIDTHS:
        return _is_integer(text, 2 ** (WIDTHS[wanted] - 1))
    if wanted in ("float", "double"):
        return bool(REAL.fullmatch(text))
    if wanted == "boolean":
        return text.lower() in TRUE_FALSE
    return _is_date(text) if wanted == "date" else _is_time(text)


def _is_integer(text: str, half: int) -> bool:
    if not INTEGER.fullmatch(text):
        return False
    whole = text.partition(".")[0]
    return -half <= int(whole if whole not in ("", "+", "-") else "0") < half


def _is_date(text: str) -> bool:
    if not DATE.fullmatch(text):
        return False
    parts = [int(part) for part in re.split("[ T]", text, maxsplit=1)[0].lstrip("+-").split("-")]
    year, month, day = (*parts, 1, 1)[:3]
    try:
        datetime.date(min(max(year, 1), 9999), month, day)
    except ValueError:
        return False
    return True


def _is_time(text: str) -> bool:
    found = TIME.fullmatch(text)
    if not found or not _is_date(found[1]):
        return False
    hour, minute, second = (int(part or 0) for part in found.groups()[1:])
    return hour < 24 and minute < 60 and second < 60
