"""Cron expressions as Azure's schedules take them: NCrontab's five fields, of which two count for nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from .errors import WorkspaceError

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


@dataclass(frozen=True)
class Cron:
    """When a cron expression is met.

    Attributes:
        minutes, hours: of the day.
        week_days: as `date.weekday()` counts them, from Monday, 0.
        ignored: the fields DAYS and MONTHS where they say something, which Azure passes over.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    week_days: frozenset[int]
    ignored: tuple[str, ...]


def parse(expression: str) -> Cron:
    """Read `MINUTES HOURS DAYS MONTHS DAYS-OF-WEEK`.

    Raises:
        WorkspaceError: it is no such expression.
    """
    fields = expression.split()
    if len(fields) != 5:
        raise WorkspaceError(
            f"trigger.expression: '{expression}' has {len(fields)} fields; five are needed: "
            "MINUTES HOURS DAYS MONTHS DAYS-OF-WEEK, such as '15 3 * * *' for 3:15 every day."
        )
    minutes, hours, days, months, week_days = fields
    return Cron(
        minutes=_field(minutes, "MINUTES", 0, 59),
        hours=_field(hours, "HOURS", 0, 23),
        week_days=frozenset((day - 1) % 7 for day in _field(week_days, "DAYS-OF-WEEK", 0, 6, _day)),
        ignored=tuple(
            f"{name} '{text}'" for name, text in (("DAYS", days), ("MONTHS", months)) if text not in ("*", "?")
        ),
    )


def _field(text: str, name: str, least: int, most: int, number: Callable[[str], int] = int) -> tuple[int, ...]:
    found: set[int] = set()
    try:
        for part in text.split(","):
            span, _, step = part.partition("/")
            first, dash, last = span.partition("-")
            start = least if first == "*" else number(first)
            # `5/15` is every fifteenth from the fifth on; `5` alone is one.
            end = number(last) if dash else most if first == "*" or step else start
            width = int(step) if step or "/" in part else 1
            if not least <= start <= end <= most or width < 1:
                raise ValueError(part)
            found.update(range(start, end + 1, width))
    except ValueError as error:
        raise WorkspaceError(
            f"trigger.expression: {name} '{text}' is none of *, {least}-{most}, lists (1,5), ranges (1-5), "
            "steps (*/15)."
        ) from error
    return tuple(sorted(found))


def _day(text: str) -> int:
    """0 to 6 from Sunday on: by number, or by a name of which at least three letters are given."""
    if text.isdigit():
        return int(text)
    named = [number for number, day in enumerate(DAYS) if len(text) > 2 and day.startswith(text.lower())]
    if len(named) != 1:
        raise ValueError(text)
    return named[0]
