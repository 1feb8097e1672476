"""Which trials an early termination policy stops, and at which interval."""

import math

import pytest
from ml_workspace import termination
from ml_workspace.errors import WorkspaceError


def stopped(policy, goal, interval, **histories):
    """The trials that the policy would stop at an interval."""
    termination.validate(policy)
    return {
        name
        for name, values in histories.items()
        if len(values) >= interval and termination.verdict(policy, goal, name, interval, histories)
    }


@pytest.mark.parametrize(
    ("policy", "reported", "interval"),
    [
        ({}, 0, None),
        ({}, 1, 1),
        ({"evaluation_interval": 0, "delay_evaluation": 0}, 3, 3),  # 0 is how azure-ai-ml writes "not given"
        ({"evaluation_interval": 2}, 1, None),
        ({"evaluation_interval": 2}, 5, 4),
        ({"evaluation_interval": 2, "delay_evaluation": 5}, 5, None),  # the first multiple of 2 from 5 on is 6
        ({"evaluation_interval": 2, "delay_evaluation": 5}, 7, 6),
        ({"evaluation_interval": 1, "delay_evaluation": 5}, 5, 5),
    ],
)
def test_interval_at_which_the_policy_applies(policy, reported, interval):
    assert termination.due(policy, reported) == interval


def test_bandit_by_factor_as_in_the_documentation():
    """0.8 is the best and 0.2 the slack: the bar is 0.8 / 1.2 = 0.667."""
    policy = {"type": "bandit", "slack_factor": 0.2}
    assert stopped(policy, "maximize", 1, best=[0.8], near=[0.67], far=[0.66]) == {"far"}


def test_bandit_by_factor_when_less_is_better():
    policy = {"type": "bandit", "slack_factor": 0.2}
    assert stopped(policy, "minimize", 1, best=[10.0], near=[11.9], far=[12.1]) == {"far"}


@pytest.mark.parametrize(("goal", "best", "near", "far"), [("maximize", -10, -11, -12), ("minimize", -10, -9, -7)])
def test_bandit_does_not_stop_the_best_of_negative_values(goal, best, near, far):
    policy = {"type": "bandit", "slack_factor": 0.2}
    assert stopped(policy, goal, 1, best=[best], near=[near], far=[far]) == {"far"}


def test_bandit_by_amount():
    policy = {"type": "bandit", "slack_amount": 0.2, "slack_factor": 0.0}
    assert stopped(policy, "maximize", 1, best=[0.8], near=[0.61], far=[0.59]) == {"far"}
    assert stopped(policy, "minimize", 1, best=[0.5], near=[0.7], far=[0.75]) == {"far"}


def test_a_trial_is_judged_by_its_best_value_up_to_the_interval():
    policy = {"type": "bandit", "slack_amount": 0.1}
    assert stopped(policy, "maximize", 2, a=[0.8, 0.8], dipped=[0.8, 0.1], late=[0.1, 0.2, 0.9]) == {"late"}


def test_a_young_trial_is_compared_with_the_early_values_of_older_ones():
    policy = {"type": "bandit", "slack_amount": 0.1}
    assert stopped(policy, "maximize", 1, old=[0.3, 0.9], young=[0.25]) == set()


def test_who_has_not_reached_the_interval_does_not_count():
    policy = {"type": "median_stopping"}
    assert stopped(policy, "maximize", 2, a=[0.5, 0.5], starting=[9.0]) == set()


def test_median_stopping_compares_the_best_value_with_the_median_of_running_averages():
    """Averages over 1:2 are 0.2, 0.5 and 0.8, so the median is 0.5; `rising` averages 0.3 but has reached 0.55."""
    policy = {"type": "median_stopping"}
    histories = {"low": [0.2, 0.2], "middle": [0.5, 0.5], "high": [0.8, 0.8]}
    assert stopped(policy, "maximize", 2, **histories) == {"low"}
    assert stopped(policy, "minimize", 2, **histories) == {"high"}
    assert stopped(policy, "maximize", 2, **histories, rising=[0.05, 0.55]) == {"low"}


def test_truncation_stops_the_given_share():
    policy = {"type": "truncation_selection", "truncation_percentage": 40}
    histories = {"a": [1.0], "b": [2.0], "c": [3.0], "d": [4.0], "e": [5.0]}
    assert stopped(policy, "maximize", 1, **histories) == {"a", "b"}
    assert stopped(policy, "minimize", 1, **histories) == {"d", "e"}


def test_truncation_leaves_a_trial_that_is_alone():
    policy = {"type": "truncation_selection", "truncation_percentage": 99}
    assert stopped(policy, "maximize", 1, a=[1.0]) == set()


@pytest.mark.parametrize(
    "policy",
    [
        {"type": "bandit", "slack_amount": 0.1},
        {"type": "median_stopping"},
        {"type": "truncation_selection", "truncation_percentage": 50},
    ],
    ids=lambda policy: policy["type"],
)
@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_nan_is_worse_than_any_value(policy, goal):
    assert stopped(policy, goal, 1, broken=[math.nan], fine=[0.5]) == {"broken"}


def test_reason_names_policy_interval_and_values():
    policy = {"type": "bandit", "slack_amount": 2}
    reason = termination.verdict(policy, "minimize", "far", 1, {"best": [10.0], "far": [13.0]})
    assert reason == "bandit at interval 1: 13 is worse than 12, the slack below the best trial's 10"


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"type": "halving"}, "'halving' is not one of bandit"),
        ({"type": "bandit"}, "exactly one of slack_factor and slack_amount"),
        ({"type": "bandit", "slack_factor": 0.1, "slack_amount": 1}, "exactly one"),
        ({"type": "bandit", "slack_factor": -0.1}, "above 0"),
        ({"type": "median_stopping", "evaluation_interval": -1}, "evaluation_interval must be"),
        ({"type": "median_stopping", "delay_evaluation": 1.5}, "delay_evaluation must be"),
        ({"type": "truncation_selection"}, "truncation_percentage must be"),
        ({"type": "truncation_selection", "truncation_percentage": 100}, "from 1 to 99"),
    ],
)
def test_wrong_settings_are_named(policy, message):
    with pytest.raises(WorkspaceError, match=message):
        termination.validate(policy)
