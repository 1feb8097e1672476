"""Traffic of an endpoint: what adds up, what is refused, and why."""

import pytest
from ml_workspace import WorkspaceError
from ml_workspace.traffic import checked_mirror, checked_traffic

UP = ["blue", "green"]


def test_traffic_is_split_among_deployments_that_are_up_and_zeros_say_nothing():
    assert checked_traffic("e", {"blue": 90, "green": 10}, UP) == {"blue": 90, "green": 10}
    assert checked_traffic("e", {"blue": 0, "Green": "100", "gone": 0}, UP) == {"green": 100}
    assert checked_traffic("e", {"blue": 0}, UP) == checked_traffic("e", {}, UP) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"blue": 90, "green": 20}, "blue=90 green=20 of endpoint 'e' adds up to 110"),
        ({"blue": 90}, "adds up to 90"),
        ({"red": 100}, "no deployment 'red' that is up. Those that are: blue, green"),
        ({"blue": "x"}, "blue: 'x' is not a whole number from 0 to 100"),
        ({"blue": -1}, "blue: -1 is not a whole number"),
        ({"blue": 99.5}, "blue: 99.5 is not a whole number"),
        ({"blue": 101}, "blue: 101 is not a whole number"),
        ("blue", "is not DEPLOYMENT: PERCENT"),
    ],
)
def test_traffic_that_can_not_be_routed_is_refused_by_what_is_wrong_with_it(given, message):
    with pytest.raises(WorkspaceError, match=message):
        checked_traffic("e", given, UP)


def test_traffic_is_mirrored_to_one_deployment_without_live_traffic_and_at_most_half_of_it():
    assert checked_mirror("e", {"green": 50, "blue": 0}, {"blue": 100}, UP) == {"green": 50}
    for given, message in (
        ({"green": 51}, "green=51: at most 50 percent"),
        ({"green": 10, "blue": 10}, "to one deployment only"),
        ({"blue": 10}, "blue has 100 percent of the live traffic"),
        ({"red": 10}, "no deployment 'red'"),
    ):
        with pytest.raises(WorkspaceError, match=message):
            checked_mirror("e", given, {"blue": 100}, UP)
