"""When a schedule is due: every kind of trigger, time zones, clocks that are changed."""

import datetime as dt
import random

import pytest
from ml_workspace import trigger
from ml_workspace.errors import WorkspaceError
from ml_workspace.timezones import zone

UTC = dt.UTC
BERLIN, PACIFIC = "W. Europe Standard Time", "Pacific Standard Time"


def at(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=UTC)


def parsed(since="2026-01-01T00:00:00", **document):
    return trigger.parse(document, at(since), lambda warning: None)


def recurrence(frequency, interval=1, **document):
    return parsed(type="recurrence", frequency=frequency, interval=interval, **document)


def cron(expression, **document):
    return parsed(type="cron", expression=expression, **document)


def due(found, after, count):
    """The next `count` due times, as text in UTC."""
    times, last = [], at(after)
    for _ in range(count):
        last = found.next(last)
        times.append(f"{last:%a %Y-%m-%d %H:%M}" if last else None)
    return times


def test_cron_is_due_at_its_minutes_hours_and_days_of_the_week():
    assert due(cron("15 16 * * 1"), "2026-01-01T00:00", 2) == ["Mon 2026-01-05 16:15", "Mon 2026-01-12 16:15"]
    assert due(cron("*/20 9-10 * * Mon-Fri"), "2026-01-02T10:10", 3) == [
        "Fri 2026-01-02 10:20", "Fri 2026-01-02 10:40", "Mon 2026-01-05 09:00",
    ]  # fmt: skip
    assert due(cron("0 6,18 * * sunday,3"), "2026-01-01T00:00", 3) == [
        "Sun 2026-01-04 06:00", "Sun 2026-01-04 18:00", "Wed 2026-01-07 06:00",
    ]  # fmt: skip


def test_day_and_month_of_a_cron_expression_count_for_nothing_and_that_is_said():
    told: list[str] = []
    found = trigger.parse({"type": "cron", "expression": "0 3 1 6 *"}, at("2026-01-01T00:00"), told.append)
    assert due(found, "2026-01-10T00:00", 2) == ["Sat 2026-01-10 03:00", "Sun 2026-01-11 03:00"]
    assert "DAYS '1'" in told[0]
    assert "MONTHS '6'" in told[1]


@pytest.mark.parametrize(
    "expression", ["", "* * * *", "60 * * * *", "* 24 * * *", "* * * * 7", "a * * * *", "5-1 * * * *", "*/0 * * * *",
                   "1,, * * * *", "* * * * mo", "@daily", "*/ * * * *"],
)  # fmt: skip
def test_broken_cron_expression_is_refused(expression):
    with pytest.raises(WorkspaceError, match=r"^trigger\.expression: "):
        cron(expression)


def test_recurrence_without_start_is_due_at_once_and_then_by_its_interval():
    found = recurrence("hour", 6)
    assert due(found, "2025-12-31T23:59:59", 3) == [
        "Thu 2026-01-01 00:00", "Thu 2026-01-01 06:00", "Thu 2026-01-01 12:00",
    ]  # fmt: skip


def test_recurrence_with_a_start_in_the_past_goes_on_from_it():
    assert due(recurrence("day", 3, start_time="2025-12-30T10:15:00"), "2026-01-01T00:00", 2) == [
        "Fri 2026-01-02 10:15", "Mon 2026-01-05 10:15",
    ]  # fmt: skip


def test_nothing_is_due_before_the_start_or_after_the_end():
    found = recurrence("day", 1, schedule={"hours": 3, "minutes": [0, 30]}, start_time="2026-03-01T03:10:00",
                       end_time="2026-03-02T03:00:00")  # fmt: skip
    assert due(found, "2026-01-01T00:00", 2) == ["Sun 2026-03-01 03:30", "Mon 2026-03-02 03:00"]
    assert found.next(at("2026-03-02T03:00")) is None
    assert found.latest(at("2026-01-01T00:00"), at("2027-01-01T00:00")) == at("2026-03-02T03:00")


def test_every_other_week_has_its_days():
    found = recurrence("week", 2, schedule={"hours": [8], "minutes": [0], "week_days": ["monday", "friday"]},
                       start_time="2026-01-05T00:00:00")  # fmt: skip
    assert due(found, "2026-01-01T00:00", 3) == ["Mon 2026-01-05 08:00", "Fri 2026-01-09 08:00", "Mon 2026-01-19 08:00"]


def test_weeks_are_counted_from_the_monday_of_the_start():
    found = recurrence("week", 2, schedule={"hours": 8, "minutes": 0, "week_days": ["monday"]},
                       start_time="2026-01-07T00:00:00")  # fmt: skip
    assert due(found, "2026-01-01T00:00", 2) == ["Mon 2026-01-19 08:00", "Mon 2026-02-02 08:00"]


def test_month_without_the_day_is_left_out():
    assert due(recurrence("month", 1, start_time="2026-01-31T06:00:00"), "2026-02-01T00:00", 2) == [
        "Tue 2026-03-31 06:00", "Sun 2026-05-31 06:00",
    ]  # fmt: skip
    found = recurrence("month", 2, schedule={"hours": 0, "minutes": 5, "month_days": [1, 29]},
                       start_time="2026-01-01T00:00:00")  # fmt: skip
    assert due(found, "2026-01-02T00:00", 3) == ["Thu 2026-01-29 00:05", "Sun 2026-03-01 00:05", "Sun 2026-03-29 00:05"]
    never = recurrence(
        "month", 12, schedule={"hours": 0, "minutes": 0, "month_days": 30}, start_time="2026-02-01T00:00"
    )
    assert never.next(at("2026-01-01T00:00")) is None


def test_weekdays_of_a_month_are_all_of_them():
    found = recurrence("month", 1, schedule={"hours": 6, "minutes": 0, "week_days": "sunday"})
    assert due(found, "2026-01-26T00:00", 2) == ["Sun 2026-02-01 06:00", "Sun 2026-02-08 06:00"]


def test_time_that_the_clocks_leave_out_is_an_hour_later():
    daily = {"schedule": {"hours": [2], "minutes": [30]}}
    # 2026-03-08 02:30 does not exist on the west coast: 03:30 there is 10:30 UTC.
    assert due(recurrence("day", 1, time_zone=PACIFIC, **daily), "2026-03-07T11:00", 2) == [
        "Sun 2026-03-08 10:30", "Mon 2026-03-09 09:30",
    ]  # fmt: skip
    # 2026-03-29 in Berlin; 02:30 falls on 03:30, which is due by itself: once, not twice.
    found = cron("30 2,3 * * *", time_zone=BERLIN)
    assert due(found, "2026-03-29T00:00", 2) == ["Sun 2026-03-29 01:30", "Mon 2026-03-30 00:30"]


def test_time_that_the_clocks_show_twice_is_the_first_of_the_two():
    assert due(cron("30 2 * * *", time_zone=BERLIN), "2026-10-24T12:00", 2) == [
        "Sun 2026-10-25 00:30", "Mon 2026-10-26 01:30",
    ]  # fmt: skip


def test_every_hour_is_every_hour_whatever_the_clocks_do():
    times = due(recurrence("hour", 1, time_zone=BERLIN), "2026-10-24T23:00", 4)
    assert [time[-5:] for time in times] == ["00:00", "01:00", "02:00", "03:00"]


def test_offset_of_a_start_is_dropped_as_azures_client_does_and_that_is_said():
    told: list[str] = []
    document = {"type": "recurrence", "frequency": "day", "interval": 1, "start_time": "2026-05-10T10:15:00-04:00"}
    found = trigger.parse(document, at("2026-01-01T00:00"), told.append)
    assert due(found, "2026-05-01T00:00", 1) == ["Sun 2026-05-10 10:15"]
    assert "drops the offset" in told[0]
    told.clear()
    trigger.parse({**document, "start_time": "2026-05-10T10:15:00Z"}, at("2026-01-01T00:00"), told.append)
    assert not told


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"type": "hourly"}, "type"),
        ({"type": "recurrence", "frequency": "year", "interval": 1}, "frequency"),
        ({"type": "recurrence", "frequency": "day", "interval": 0}, "interval"),
        ({"type": "recurrence", "frequency": "day"}, "interval"),
        ({"type": "recurrence", "frequency": "hour", "interval": 1, "schedule": {"hours": 1, "minutes": 1}}, "sched"),
        ({"type": "recurrence", "frequency": "day", "interval": 1, "schedule": {"hours": 24, "minutes": 1}}, "hours"),
        ({"type": "recurrence", "frequency": "day", "interval": 1, "schedule": {"hours": 1}}, "minutes"),
        ({"type": "recurrence", "frequency": "day", "interval": 1, "schedule": {"week_days": "monday"}}, "week_days"),
        ({"type": "recurrence", "frequency": "week", "interval": 1, "schedule": {"month_days": 3}}, "month_days"),
        ({"type": "recurrence", "frequency": "week", "interval": 1, "schedule": {"week_days": "noday"}}, "week_days"),
        ({"type": "cron", "expression": "0 0 * * *", "start_time": "tomorrow"}, "start_time"),
        ({"type": "cron", "expression": "0 0 * * *", "start_time": "2026-02-01", "end_time": "2026-01-01"}, "end_time"),
        ({"type": "cron", "expression": "0 0 * * *", "time_zone": "Mars"}, "time_zone"),
        ({"type": "cron", "expression": "0 0 * * *", "time_zone": "../etc/passwd"}, "time_zone"),
    ],
)  # fmt: skip
def test_wrong_field_is_named(document, field):
    with pytest.raises(WorkspaceError, match=rf"^trigger\.[\w.]*.*{field}"):
        parsed(**document)


def test_windows_and_iana_names_are_the_same_zones():
    assert zone(PACIFIC).utcoffset(dt.datetime(2026, 7, 1)) == zone("America/Los_Angeles").utcoffset(
        dt.datetime(2026, 7, 1)
    )
    assert zone("utc").utcoffset(dt.datetime(2026, 7, 1)) == dt.timedelta(0)


def test_every_time_zone_of_azures_list_is_known():
    from azure.ai.ml.constants import TimeZone

    assert len([zone(name.value) for name in TimeZone]) > 130


def _random_trigger(dice):
    where = dice.choice(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
    start = dt.datetime(2025, 1, 1) + dt.timedelta(minutes=dice.randrange(500_000))
    common = {"time_zone": where, "start_time": start.isoformat()}
    if dice.random() < 0.3:
        minutes = ",".join(map(str, dice.sample(range(60), dice.randint(1, 3))))
        return cron(f"{minutes} {dice.randrange(24)} * * {dice.choice(['*', '0,3', 'mon-fri'])}", **common)
    unit = dice.choice(trigger.FREQUENCIES)
    if unit in ("minute", "hour") or dice.random() < 0.3:
        return recurrence(unit, dice.randint(1, 40), **common)
    pattern = {"hours": dice.sample(range(24), 2), "minutes": dice.sample(range(60), 2)}
    days = {"day": {}, "week": {"week_days": dice.sample(trigger.WEEK_DAYS, 2)},
            "month": {"month_days": dice.sample(range(1, 32), 3)}}  # fmt: skip
    return recurrence(unit, dice.randint(1, 3), schedule=pattern | days[unit], **common)


@pytest.mark.parametrize("seed", range(60))
def test_next_and_latest_agree_and_no_time_is_left_out(seed):
    """Going on by `next` passes each due time once, in order; `latest` finds the last of any stretch."""
    dice = random.Random(seed)
    found = _random_trigger(dice)
    begin = at("2026-01-01T00:00")
    times: list[dt.datetime] = []
    last = begin
    while (last := found.next(last)) and last < begin + dt.timedelta(days=300) and len(times) < 400:
        times.append(last)
    assert times == sorted(set(times))
    for _ in range(10):
        after, until = sorted(begin + dt.timedelta(minutes=dice.randrange(300 * 1440)) for _ in range(2))
        if times and until <= times[-1]:
            assert found.latest(after, until) == max((time for time in times if after < time <= until), default=None)
    local = [time.astimezone(found.zone) for time in times]
    if found.week_days:
        assert {time.weekday() for time in local} <= found.week_days
    if found.month_days:
        assert {time.day for time in local} <= found.month_days
