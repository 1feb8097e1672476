"""Whether to retrain now, after a breach or on new data: rules from config/, each with what it found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Facts:
    """What the rules are about.

    Args:
        reason: why to retrain; "" if there is no reason.
        before: when earlier retrainings were submitted.
        new_rows: labelled rows of months later than the champion knows.
        approved_by: who has approved; "" if nobody has.
        data: newest version of the data, such as flights:5.
    """

    reason: str
    before: Sequence[datetime]
    new_rows: int
    approved_by: str
    data: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule, whether it allows to retrain, and why."""

    name: str
    allows: bool
    text: str


def rules(facts: Facts, settings: Mapping[str, Any], now: datetime) -> list[Rule]:
    """All rules in the order in which people can do something about them.

    Args:
        settings: `retrain` of config.
        now: aware.
    """
    return [
        Rule("reason", bool(facts.reason), facts.reason or "no new breach, no new data, and no REASON was given"),
        _cool_down(max(facts.before, default=None), timedelta(hours=settings["cool_down_hours"]), now),
        _per_day(facts.before, settings["at_most_per_day"], now),
        _new_rows(facts.new_rows, settings["minimum_new_rows"]),
        _approval(facts.approved_by, settings["approval"]),
    ]


def _cool_down(last: datetime | None, pause: timedelta, now: datetime) -> Rule:
    if last is None:
        return Rule("cool-down", True, "no retraining so far")
    over = last + pause
    text = f"the last retraining was at {last:%Y-%m-%d %H:%M} UTC"
    return Rule(
        "cool-down", now >= over, text if now >= over else f"{text}, the next may be from {over:%Y-%m-%d %H:%M} on"
    )


def _per_day(before: Sequence[datetime], most: int, now: datetime) -> Rule:
    found = sum(moment > now - timedelta(days=1) for moment in before)
    return Rule("per day", found < most, f"{found} in the last 24 hours, {most} at most")


def _new_rows(found: int, least: int) -> Rule:
    text = f"{found:,} labelled rows that the champion has not seen, {least:,} are needed"
    return Rule("new rows", found >= least, text if found >= least else f"{text}; make land, make register-data")


def _approval(by: str, needed: bool) -> Rule:
    if not needed:
        return Rule("approval", True, "not needed")
    return Rule("approval", bool(by), f"by {by}" if by else "a person has to approve: make retrain APPROVED_BY=name")
