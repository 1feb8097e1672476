"""When a schedule is due: cron and recurrence triggers, as the logic apps behind Azure's schedules take them.

All times that come in and go out are aware, in UTC. Days and times of day are those of the trigger's time zone: a time
that the clocks leave out is an hour later, and one that they show twice is the first of the two. Minutes and hours are
counted in UTC, so every hour is every hour.
"""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from . import cron
from .errors import WorkspaceError
from .timezones import zone

FREQUENCIES = ("minute", "hour", "day", "week", "month")
WEEK_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HORIZON = 366 * 20  # days that are looked through for the next due time
Warn = Callable[[str], None]


@dataclass(frozen=True)
class Trigger:
    """A trigger of a schedule.

    Attributes:
        zone: where its days and times of day are.
        start: nothing is due before; intervals are counted from here, in local time.
        end: nothing is due after it; None: no end.
        step: of minutes and hours, the time from one due time to the next.
        unit, interval: of days, weeks and months, every how many of them.
        times: of day.
        week_days: from Monday, 0; None: any day.
        month_days: None: any day.
    """

    zone: dt.tzinfo
    start: dt.datetime
    end: dt.datetime | None = None
    step: dt.timedelta | None = None
    unit: str = "day"
    interval: int = 1
    times: tuple[dt.time, ...] = ()
    week_days: frozenset[int] | None = None
    month_days: frozenset[int] | None = None

    def latest(self, after: dt.datetime, until: dt.datetime) -> dt.datetime | None:
        """The last due time later than `after`, up to and with `until`."""
        until = min(until, self.end) if self.end else until
        if self.step:
            steps = (until - self._first()) // self.step
            found = self._first() + steps * self.step
            return found if steps >= 0 and found > after else None
        last, first = self._day(until) + dt.timedelta(1), self._day(after) - dt.timedelta(1)
        for back in range((last - first).days + 1):
            # A time that the clocks leave out may be later than the first of the next day.
            days = (last - dt.timedelta(back), last - dt.timedelta(back + 1))
            if due := [time for day in days for time in self._due_on(day) if after < time <= until]:
                return max(due)
        return None

    def next(self, after: dt.datetime) -> dt.datetime | None:
        """The first due time later than `after`; None if there is none any more."""
        found: dt.datetime | None
        if self.step:
            steps = max((after - self._first()) // self.step + 1, 0)
            found = self._first() + steps * self.step
        else:
            first = self._day(max(after, self._first())) - dt.timedelta(1)
            days = (first + dt.timedelta(number) for number in range(HORIZON))
            later = (time for day in days for time in self._due_on(day) if time > after)
            found = min(itertools.islice(later, len(self.times) + 1), default=None)
        return found if found and not (self.end and found > self.end) else None

    def _first(self) -> dt.datetime:
        return _utc(self.start, self.zone)

    def _day(self, time: dt.datetime) -> dt.date:
        return time.astimezone(self.zone).date()

    def _due_on(self, day: dt.date) -> Iterator[dt.datetime]:
        if self._is_on(day):
            for time in self.times:
                due = _utc(dt.datetime.combine(day, time), self.zone)
                if due >= self._first():
                    yield due

    def _is_on(self, day: dt.date) -> bool:
        if self.week_days is not None and day.weekday() not in self.week_days:
            return False
        if self.month_days is not None and day.day not in self.month_days:
            return False
        start = self.start.date()
        if self.unit == "day":
            return (day - start).days % self.interval == 0
        if self.unit == "week":
            return (_monday(day) - _monday(start)).days // 7 % self.interval == 0
        return ((day.year - start.year) * 12 + day.month - start.month) % self.interval == 0


def parse(document: dict[str, Any], since: dt.datetime, warn: Warn) -> Trigger:
    """Read the trigger of a schedule's document.

    Args:
        since: when the schedule got this trigger, UTC: the start of one that has none.
        warn: told what Azure passes over.

    Raises:
        WorkspaceError: a field; the message names it.
    """
    where = zone(str(document.get("time_zone") or "UTC"))
    begin, end = (_local(document, field, where, warn) for field in ("start_time", "end_time"))
    start = begin or since.astimezone(where).replace(tzinfo=None, microsecond=0)
    final = _utc(end, where) if end else None
    if final and final < _utc(start, where):
        raise WorkspaceError(f"trigger.end_time: {document['end_time']} lies before the start, {start.isoformat()}.")
    kind = str(document.get("type") or "").lower()
    if kind == "cron":
        fields = cron.parse(str(document.get("expression") or ""))
        for ignored in fields.ignored:
            warn(f"trigger.expression: Azure passes over {ignored} and takes it for *, and so it is here.")
        times = tuple(dt.time(hour, minute) for hour in fields.hours for minute in fields.minutes)
        return Trigger(where, start, final, times=times, week_days=fields.week_days)
    if kind != "recurrence":
        raise WorkspaceError(f"trigger.type: '{kind}' is not one of cron, recurrence.")
    return _recurrence(document, where, start, final)


def _recurrence(document: dict[str, Any], where: dt.tzinfo, start: dt.datetime, end: dt.datetime | None) -> Trigger:
    unit = str(document.get("frequency") or "").lower()
    if unit not in FREQUENCIES:
        raise WorkspaceError(f"trigger.frequency: '{unit}' is not one of {', '.join(FREQUENCIES)}.")
    interval = _whole(document.get("interval"), "trigger.interval", 1, 10_000)
    given = {key: value for key, value in (document.get("schedule") or {}).items() if value not in (None, [])}
    if unit in ("minute", "hour"):
        if given:
            raise WorkspaceError(f"trigger.schedule: a frequency of {unit} has none; only day, week and month have.")
        return Trigger(where, start, end, step=dt.timedelta(**{f"{unit}s": interval}))
    if ("hours" in given) != ("minutes" in given):
        raise WorkspaceError("trigger.schedule: hours and minutes belong together; give both.")
    if "week_days" in given and unit == "day":
        raise WorkspaceError("trigger.schedule.week_days: a frequency of day has none; use week.")
    if "month_days" in given and unit != "month":
        raise WorkspaceError(f"trigger.schedule.month_days: a frequency of {unit} has none; use month.")
    if "month_days" in given and "week_days" in given:
        raise WorkspaceError("trigger.schedule: week_days or month_days, not both: how Azure joins them is not told.")
    hours, minutes = (
        _numbers(given.get(field), f"trigger.schedule.{field}", 0, most)
        for field, most in (("hours", 23), ("minutes", 59))
    )
    times = tuple(dt.time(hour, minute) for hour in hours for minute in minutes) or (start.time(),)
    month_days = frozenset(_numbers(given.get("month_days"), "trigger.schedule.month_days", 1, 31))
    week_days = frozenset(_week_days(given.get("week_days")))
    if unit == "month" and not week_days:
        month_days = month_days or frozenset({start.day})
    if unit == "week":
        week_days = week_days or frozenset({start.weekday()})
    return Trigger(
        where, start, end, unit=unit, interval=interval, times=times,
        week_days=week_days or None, month_days=month_days or None,
    )  # fmt: skip


def _local(document: dict[str, Any], field: str, where: dt.tzinfo, warn: Warn) -> dt.datetime | None:
    """A time of the document in its time zone, without the offset that it may have: Azure's client drops it."""
    given = document.get(field)
    if given in (None, ""):
        return None
    try:
        time = dt.datetime.fromisoformat(str(given))
    except ValueError as error:
        raise WorkspaceError(f"trigger.{field}: '{given}' is not a time such as 2026-03-01T06:00:00.") from error
    plain = time.replace(tzinfo=None, microsecond=0)
    if time.tzinfo and time != plain.replace(tzinfo=where):
        warn(
            f"trigger.{field}: Azure's client drops the offset of {given}, so it is {plain.isoformat()} in time zone "
            f"{document.get('time_zone') or 'UTC'}, and so it is here. Write it without offset."
        )
    return plain


def _numbers(value: Any, field: str, least: int, most: int) -> tuple[int, ...]:
    given = value if isinstance(value, list) else [] if value is None else [value]
    return tuple(sorted({_whole(item, field, least, most) for item in given}))


def _whole(value: Any, field: str, least: int, most: int) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise WorkspaceError(f"{field}: {value!r} is not a whole number from {least} to {most}.")
    return number


def _week_days(value: Any) -> Iterator[int]:
    for day in value if isinstance(value, list) else [] if value is None else [value]:
        if str(day).lower() not in WEEK_DAYS:
            raise WorkspaceError(f"trigger.schedule.week_days: '{day}' is not one of {', '.join(WEEK_DAYS)}.")
        yield WEEK_DAYS.index(str(day).lower())


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(day.weekday())


def _utc(local: dt.datetime, where: dt.tzinfo) -> dt.datetime:
    # With fold 0, a time that is left out gets the offset of before the change, so it is an hour later on the clock.
    return local.replace(tzinfo=where, fold=0).astimezone(dt.UTC)
