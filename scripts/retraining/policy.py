"""Whether a breach is a reason to retrain now: rules from config/, each with what it found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Facts:
    """What the rules are about.

    Args:
        reason: why to retrain; "" if there is no reason.
        last: when the last retraining was submitted; None if there was none.
        new_rows: labelled rows of months later than the champion knows.
        approved_by: who has approved; "" if nobody has.
    """

    reason: str
    last: datetime | None
    new_rows: int
    approved_by: str


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
        Rule("reason", bool(facts.reason), facts.reason or "no breach, and no REASON was given"),
        _cool_down(facts.last, timedelta(hours=settings["cool_down_hours"]), now),
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


def _new_rows(found: int, least: int) -> Rule:
    text = f"{found:,} labelled rows that the champion has not seen, {least:,} are needed"
    return Rule("new rows", found >= least, text if found >= least else f"{text}; make land, make register-data")


def _approval(by: str, needed: bool) -> Rule:
    if not needed:
        return Rule("approval", True, "not needed")
    return Rule("approval", bool(by), f"by {by}" if by else "a person has to approve: make retrain APPROVED_BY=name")
