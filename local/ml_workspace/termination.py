"""Early termination of a sweep's trials: which of them are so far behind that finishing them is a waste.

The policies and their settings are those of the CLI v2 sweep schema. Each value of the primary metric that a trial logs
is one interval; a policy is applied to a trial on every multiple of `evaluation_interval` from `delay_evaluation` on. A
trial is only compared with others at the same interval, so that none is stopped for being young.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import WorkspaceError

Histories = Mapping[str, Sequence[float]]
"""Trial -> values of its primary metric in the order they were logged."""

POLICIES = ("bandit", "median_stopping", "truncation_selection")


def validate(policy: dict[str, Any]) -> None:
    """Refuses a policy with wrong settings, before anything runs.

    Args:
        policy: `early_termination` of a sweep. azure-ai-ml writes 0 for what is not given.

    Raises:
        WorkspaceError: it names the setting and what it may be.
    """
    where = "early_termination"
    if policy.get("type") not in POLICIES:
        raise WorkspaceError(f"{where}.type {policy.get('type')!r} is not one of {', '.join(POLICIES)}")
    for key in ("evaluation_interval", "delay_evaluation"):
        value = policy.get(key) or 0
        if not isinstance(value, int) or value < 0:
            raise WorkspaceError(f"{where}.{key} must be an integer from 0 on, not {value!r}")
    if policy["type"] == "bandit":
        slack = [policy.get(key) or 0 for key in ("slack_factor", "slack_amount")]
        if sum(value != 0 for value in slack) != 1 or min(slack) < 0:
            raise WorkspaceError(f"{where}: bandit needs exactly one of slack_factor and slack_amount, above 0")
    if policy["type"] == "truncation_selection":
        percentage = policy.get("truncation_percentage")
        if not isinstance(percentage, int) or not 1 <= percentage <= 99:
            raise WorkspaceError(f"{where}.truncation_percentage must be an integer from 1 to 99, not {percentage!r}")


def due(policy: dict[str, Any], reported: int) -> int | None:
    """The latest interval, of those that a trial has `reported`, at which the policy applies; None if there is none."""
    every = policy.get("evaluation_interval") or 1
    interval = reported // every * every
    return interval if interval >= max(policy.get("delay_evaluation") or 0, 1) else None


def verdict(policy: dict[str, Any], goal: str, trial: str, interval: int, histories: Histories) -> str | None:
    """Whether a trial is to be stopped at an interval.

    Args:
        policy: one that `validate` has accepted.
        goal: `maximize` or `minimize`.
        trial: the one to judge; it has at least `interval` values.
        interval: number of values, from 1 on. Later values, of any trial, are not looked at.
        histories: all trials of the sweep, finished ones too.

    Returns:
        Why it is to be stopped, or None to let it go on.
    """
    sign = 1.0 if goal == "maximize" else -1.0  # from here on, more is better
    reached = {
        name: [sign * value if not math.isnan(value) else -math.inf for value in values[:interval]]
        for name, values in histories.items()
        if len(values) >= interval
    }
    best = {name: max(values) for name, values in reached.items()}
    if policy["type"] == "truncation_selection":
        ranked = sorted(best, key=lambda name: best[name])
        cut = math.floor(len(ranked) * policy["truncation_percentage"] / 100)
        if trial not in ranked[:cut]:
            return None
        return (
            f"truncation_selection at interval {interval}: {sign * best[trial]:g} is among the lowest "
            f"{policy['truncation_percentage']} % ({cut} of {len(ranked)} trials)"
        )
    if policy["type"] == "median_stopping":
        numbers = [[value for value in values if value != -math.inf] for values in reached.values()]
        averages = [statistics.fmean(values) for values in numbers if values]
        bar = statistics.median(averages) if averages else -math.inf
        what = "the median of the running averages"
    else:
        top = max(best.values())
        bar = top - _slack(policy, top, goal)
        what = f"the slack below the best trial's {sign * top:g}"
    if best[trial] >= bar:
        return None
    return f"{policy['type']} at interval {interval}: {sign * best[trial]:g} is worse than {sign * bar:g}, {what}"


def _slack(policy: dict[str, Any], top: float, goal: str) -> float:
    """The distance from the best that bandit allows.

    With `slack_factor` the bar is best / (1 + factor) to maximize and best * (1 + factor) to minimize. For a metric
    below zero these would lie beyond the best itself, so it is the distance, always positive, that counts.
    """
    if amount := policy.get("slack_amount"):
        return float(amount)
    factor = float(policy["slack_factor"])
    return abs(top) * (factor / (1 + factor) if goal == "maximize" else factor)
