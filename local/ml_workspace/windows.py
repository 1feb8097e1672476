"""Data windows of monitors: from look-back sizes and days to times."""

import datetime as dt
import re
from typing import Any

from .errors import WorkspaceError

DURATION = re.compile(
    r"^P(?=.)(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?$"
)


def duration(text: Any, where: str) -> dt.timedelta:
    """An ISO 8601 duration such as P7D or PT12H.

    Raises:
        WorkspaceError: it is none, or one of years and months, which differ in length.
    """
    found = DURATION.match(str(text))
    if not found:
        raise WorkspaceError(
            f"{where}: '{text}' is not a duration in weeks, days, hours, minutes, seconds: P7D, PT12H …"
        )
    return dt.timedelta(**{unit: int(number) for unit, number in found.groupdict().items() if number})


def day(text: Any, where: str) -> dt.datetime:
    """The begin of a day, in UTC, of a text such as 2026-03-01.

    Raises:
        WorkspaceError: it is none.
    """
    try:
        return dt.datetime.strptime(str(text), "%Y-%m-%d").replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise WorkspaceError(f"{where}: '{text}' is not a day such as 2026-03-01.") from error


def bounds(window: dict[str, Any], due: dt.datetime, where: str) -> tuple[dt.datetime, dt.datetime]:
    """(start, end) of a data window for a run that is due at `due`; the end is not part of it."""
    if window.get("lookback_window_size") is not None:
        end = due - duration(window.get("lookback_window_offset") or "P0D", f"{where}.lookback_window_offset")
        return end - duration(window["lookback_window_size"], f"{where}.lookback_window_size"), end
    return day(window["window_start"], f"{where}.window_start"), day(window["window_end"], f"{where}.window_end")
