"""Triggers of schedules: cron expressions, recurrences, time zones."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from scripts.specs.lint.findings import Problem
from scripts.specs.lint.ports import mapping
from scripts.specs.lint.repository import Subject

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 6))
FREQUENCIES = ("minute", "hour", "day", "week", "month")
RANGES = {"hours": (0, 23), "minutes": (0, 59), "month_days": (1, 31)}


def triggers(subject: Subject) -> Iterator[Problem]:
    """The trigger of a schedule."""
    if subject.spec.kind.name != "schedule":
        return
    trigger = mapping(subject.document, "trigger")
    if trigger.get("type") == "cron":
        for message in _cron(str(trigger.get("expression", ""))):
            yield Problem("AML501", ("trigger", "expression"), message)
    if trigger.get("type") == "recurrence":
        yield from _recurrence(trigger)
    yield from _times(trigger)


def _cron(expression: str) -> Iterator[str]:
    """What is wrong with "minute hour day month weekday" in the NCrontab form that Azure ML reads."""
    parts = expression.split()
    if len(parts) != len(FIELDS):
        yield f"{expression!r} has {len(parts)} fields; write five: minute hour day month weekday, such as 0 6 * * mon"
        return
    for part, (name, low, high) in zip(parts, FIELDS, strict=True):
        if name in {"day", "month"} and part != "*":
            yield f"Azure ML ignores the {name} and would run as if it were *; use a recurrence with frequency: month"
        elif not all(_in_range(item, low, high, name == "weekday") for item in part.split(",")):
            yield f"{name} {part!r}: write *, numbers from {low} to {high}, ranges (1-5), steps (*/15) or lists of them"


def _in_range(item: str, low: int, high: int, named: bool) -> bool:
    match = re.fullmatch(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d+))?", item)
    if match is None or match[3] == "0":
        return False
    ends = [_number(end.lower(), named) for end in match.group(1, 2) if end]
    return all(low <= end <= high for end in ends) and ends == sorted(ends)


def _number(text: str, named: bool) -> int:
    """Value of a number or the name of a day; -1, which is in no range, for anything else."""
    names = {name: number for number, day in enumerate(DAYS) for name in (day, day[:3])}
    if named and text in names:
        return names[text]
    return int(text) if text.isdecimal() else -1


def _recurrence(trigger: dict[str, Any]) -> Iterator[Problem]:
    frequency, interval = trigger.get("frequency"), trigger.get("interval", "")
    if str(frequency).lower() not in FREQUENCIES:
        yield Problem("AML502", ("trigger", "frequency"), f"frequency is {frequency!r}; write {', '.join(FREQUENCIES)}")
    if not str(interval).isdecimal() or int(interval) < 1:
        yield Problem("AML502", ("trigger", "interval"), f"interval is {interval!r}; write a whole number from 1")
    pattern = mapping(trigger, "schedule")
    for key, (low, high) in RANGES.items():
        given = pattern.get(key)
        for value in given if isinstance(given, list) else [given]:
            if isinstance(value, int) and not low <= value <= high:
                yield Problem(
                    "AML502", ("trigger", "schedule", key), f"{key} has {value}; from {low} to {high} are possible"
                )


def _times(trigger: dict[str, Any]) -> Iterator[Problem]:
    from azure.ai.ml.constants import TimeZone  # here, since it takes a second to import

    zones = {zone.value for zone in TimeZone}
    zone = trigger.get("time_zone")
    if isinstance(zone, str) and zone not in zones:
        message = f"Azure ML has no time zone {zone!r}; it takes names of Windows, such as W. Europe Standard Time"
        yield Problem("AML503", ("trigger", "time_zone"), message)
    start, end = _time(trigger.get("start_time")), _time(trigger.get("end_time"))
    if start and end and end <= start:
        yield Problem("AML503", ("trigger", "end_time"), f"end_time {end} is not after start_time {start}")


def _time(value: Any) -> datetime | None:
    """A point in time as azure-ai-ml reads it, without its zone; None for what it rejects by itself."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except (TypeError, ValueError):
        return None
