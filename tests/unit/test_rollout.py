"""Rollouts and rollbacks, from the first to the one that was killed, on an endpoint that stands for the service."""

from dataclasses import replace

import pytest

from scripts.az import AzError
from scripts.rolling import drive
from scripts.rolling.lines import update
from scripts.rolling.state import BEFORE, MODEL, OWNER, TARGET
from scripts.rolling.undo import reason
from tests.rolling import Checks, Killed, Service, asked, roll_back, roll_out, settled


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(drive, "PAUSE", 0.0)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def serving(service) -> Service:
    """An endpoint whose blue deployment serves m:1."""
    assert roll_out(service, asked("m:1"))[0] == 0
    service.lines.clear()
    service.shares.clear()
    return service


def test_the_first_rollout_makes_the_endpoint_and_gives_everything_to_blue(service):
    checks = Checks(service)
    code, last = roll_out(service, asked("m:1"), checks)
    assert (code, settled(service)) == (0, {"blue": 100})
    assert checks.done == ["smoke"], "there is nothing to mirror or to share yet"
    assert "m:1 is served by blue, with 100 %" in last
    assert service.shares[:-1] == [{}] * (len(service.shares) - 1), "no traffic before the smoke test"


def test_a_good_model_gets_copies_then_a_share_then_everything(serving):
    checks = Checks(serving)
    seen = []
    checks.during = lambda check: seen.append((check, serving.endpoint.traffic, serving.endpoint.mirror))
    code, last = roll_out(serving, asked("m:2"), checks)
    assert (code, settled(serving)) == (0, {"green": 100})
    assert seen == [
        ("smoke", {"blue": 100}, {}),
        ("mirror", {"blue": 100}, {"green": 20}),
        ("share", {"blue": 90, "green": 10}, {}),
    ]
    assert "`make rollback` restores blue=100" in last
    assert serving.endpoint.deployments["blue"] == "Succeeded", "the old one is kept for a rollback"


def test_rollouts_take_turns(serving):
    roll_out(serving, asked("m:2"))
    roll_out(serving, asked("m:3"))
    assert settled(serving) == {"blue": 100}
    assert serving.models == {"blue": "m:3", "green": "m:2"}


@pytest.mark.parametrize("check", ["smoke", "mirror", "share"])
def test_what_fails_a_check_is_refused_with_the_traffic_as_before(serving, check):
    code, last = roll_out(serving, asked("m:2"), Checks(serving, {check: {"m:2"}}))
    assert (code, settled(serving)) == (1, {"blue": 100})
    assert last == f"{check}: m:2 is bad\nrefused; traffic is blue=100, as before"
    assert serving.endpoint.tags["rollout_refused"] == f"m:2: {check}: m:2 is bad"


def test_a_deployment_that_can_not_start_is_refused_with_its_reason(serving):
    serving.broken.add("m:2")
    code, last = roll_out(serving, asked("m:2"))
    assert (code, settled(serving)) == (1, {"blue": 100})
    assert "init() raised ValueError" in last
    assert set(map(str, serving.shares)) == {str({"blue": 100})}


def test_the_tag_tells_why_and_not_which_line_failed():
    failure = "az ml online-deployment create --file green.yml\nexit code 3: ERROR: model: the files\nare gone"
    assert reason(failure) == "exit code 3: ERROR: model: the files are gone"
    assert reason("smoke: azimuth is wrong") == "smoke: azimuth is wrong"
    assert reason(None) == ""


def test_a_first_model_that_is_refused_leaves_an_endpoint_without_traffic(service):
    code, _ = roll_out(service, asked("m:1"), Checks(service, {"smoke": {"m:1"}}))
    assert (code, settled(service)) == (1, {})
    assert roll_out(service, asked("m:2"))[0] == 0
    assert settled(service) == {"blue": 100}


def test_after_a_refusal_the_next_model_goes_to_the_same_idle_deployment(serving):
    roll_out(serving, asked("m:2"), Checks(serving, {"share": {"m:2"}}))
    assert roll_out(serving, asked("m:3"))[0] == 0
    assert serving.models == {"blue": "m:1", "green": "m:3"}
    assert "rollout_refused" not in serving.endpoint.tags


def test_what_is_served_already_is_tested_and_left_alone(serving):
    checks = Checks(serving)
    code, last = roll_out(serving, asked("m:1"), checks)
    assert (code, checks.done, serving.lines) == (0, ["smoke"], [])
    assert "m:1 is what blue serves already" in last


def test_the_same_model_with_another_scoring_script_is_rolled_out(serving):
    assert roll_out(serving, replace(asked("m:1"), content="0ther"))[0] == 0
    assert settled(serving) == {"green": 100}


def test_a_served_model_that_fails_its_smoke_test_is_told(serving):
    code, last = roll_out(serving, asked("m:1"), Checks(serving, {"smoke": {"m:1"}}))
    assert (code, settled(serving), serving.lines) == (1, {"blue": 100}, [])
    assert "smoke: m:1 is bad" in last


LINES = 5  # of a good rollout: claim, deploy, mirror, share, everything


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, LINES + 1))
def test_a_rollout_that_was_killed_is_finished_by_the_next(serving, number, when):
    setattr(serving, when, kill(number))
    with pytest.raises(Killed):
        roll_out(serving, asked("m:2"))
    setattr(serving, when, lambda number: None)
    code, _ = roll_out(serving, asked("m:2", owner="ann@laptop again"), gone={"ann@laptop"})
    assert (code, len(settled(serving))) == (0, 1)
    live = next(iter(settled(serving)))
    assert serving.models[live] == "m:2"
    assert serving.endpoint.tags["rollback_to"] == "blue=100"


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_first_rollout_that_was_killed_is_finished_by_the_next(service, number):
    service.after = kill(number)
    with pytest.raises(Killed):
        roll_out(service, asked("m:1"))
    service.after = lambda number: None
    assert roll_out(service, asked("m:1", owner="again"), gone={"ann@laptop"})[0] == 0
    assert settled(service) == {"blue": 100}


@pytest.mark.parametrize("number", range(1, LINES))
def test_a_rollback_undoes_a_rollout_that_was_killed(serving, number):
    serving.after = kill(number)
    with pytest.raises(Killed):
        roll_out(serving, asked("m:2"))
    serving.after = lambda number: None
    assert roll_back(serving, gone=True)[0] == 0
    assert settled(serving) == {"blue": 100}


@pytest.mark.parametrize("number", range(2, LINES + 1))
def test_a_line_that_fails_is_undone(serving, number):
    """The first one too, of which only the answer was lost."""

    def fail(at: int) -> None:
        if at == number:
            raise AzError("the connection was reset")

    serving.after = fail
    code, last = roll_out(serving, asked("m:2"))
    if number == LINES:  # the last line gave everything to the new one and took the tags away: it is accepted
        assert settled(serving) == {"green": 100}
    else:
        assert settled(serving) == {"blue": 100}
    assert code == 1
    assert "the connection was reset" in last


def test_an_endpoint_out_of_reach_ends_with_another_code(serving):
    def fail(at: int) -> None:
        if at >= 3:
            raise AzError("no route to host")

    serving.before = fail
    code, last = roll_out(serving, asked("m:2"))
    assert code == 2
    assert "no route to host" in last
    assert "make rollback" in last
    serving.before = lambda number: None
    assert roll_back(serving, gone=True)[0] == 0
    assert settled(serving) == {"blue": 100}


@pytest.mark.parametrize("check", ["smoke", "mirror", "share"])
def test_ctrl_c_restores_the_traffic(serving, check):
    checks = Checks(serving)
    checks.during = interrupt(check)
    code, last = roll_out(serving, asked("m:2"), checks)
    assert (code, settled(serving)) == (1, {"blue": 100})
    assert last.startswith("interrupted\n")


def test_a_second_rollout_refuses_and_names_the_first(serving):
    checks, second = Checks(serving), list[tuple[int, str]]()
    checks.during = lambda check: second.append(roll_out(serving, asked("m:3", owner="bob@desk", minutes=5)))
    assert roll_out(serving, asked("m:2"), checks)[0] == 0
    assert len(second) == 3
    for code, last in second:
        assert code == 1
        assert "ann@laptop is rolling out m:2 since 2026-11-24T12:00:00+00:00" in last
        assert "After 60 minutes it may be taken over" in last
    assert settled(serving) == {"green": 100}, "the first one is not disturbed"


def test_a_rollback_during_a_rollout_refuses_too(serving):
    checks, second = Checks(serving), list[tuple[int, str]]()
    checks.during = lambda check: second.append(roll_back(serving, minutes=5))
    assert roll_out(serving, asked("m:2"), checks)[0] == 0
    assert {code for code, _ in second} == {1}


def test_a_stale_rollout_is_taken_over_and_then_stops(serving):
    checks = Checks(serving)

    def much_later(check: str) -> None:
        if check == "mirror":
            checks.during = lambda check: None
            assert roll_out(serving, asked("m:3", owner="bob@desk", minutes=61))[0] == 0

    checks.during = much_later
    code, last = roll_out(serving, asked("m:2"), checks)
    assert code == 1
    assert "taken over" in last
    assert serving.models[next(iter(settled(serving)))] == "m:3"


def test_two_that_claim_at_the_same_moment_are_one(serving):
    """The tags of the one who wrote last are the ones that count; the other sees it before it does anything."""

    def claimed(number: int) -> None:
        if number == 1:
            serving.after = lambda number: None
            serving.endpoint = replace(serving.endpoint, tags={**serving.endpoint.tags, OWNER: "bob@desk"})

    serving.after = claimed
    code, last = roll_out(serving, asked("m:2"))
    assert (code, len(serving.lines)) == (1, 1)
    assert "taken over by bob@desk" in last


def test_a_claim_that_fails_since_another_was_quicker_says_so(serving):
    """The line removes a tag that the other's has removed already, say."""

    def claimed(number: int) -> None:
        tags = {OWNER: "bob@desk", MODEL: "m:3", TARGET: "green", BEFORE: "blue=100"}
        serving.endpoint = replace(serving.endpoint, tags={**serving.endpoint.tags, **tags})
        raise AzError("Couldn't find 'rollout_refused' in 'tags'")

    serving.before = claimed
    code, last = roll_out(serving, asked("m:2"))
    assert (code, len(serving.lines), serving.endpoint.traffic) == (1, 1, {"blue": 100})
    assert "bob@desk rolls out m:3 by now" in last


@pytest.mark.parametrize("check", ["mirror", "share"])
def test_traffic_that_somebody_changes_meanwhile_is_left_to_them(serving, check):
    checks = Checks(serving)

    def by_hand(now: str) -> None:
        if now == check:
            serving.endpoint = replace(serving.endpoint, traffic={"blue": 50, "green": 50}, mirror={})

    checks.during = by_hand
    code, last = roll_out(serving, asked("m:2"), checks)
    assert (code, settled(serving)) == (1, {"blue": 50, "green": 50})
    assert "somebody changed the traffic" in last


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"traffic": {"blue": 50, "green": 50}}, "traffic is split, blue=50 green=50"),
        ({"mirror": {"green": 10}}, "mirrored to green=10"),
        ({"state": "Failed"}, "endpoint e is Failed"),
    ],
)
def test_an_endpoint_on_which_somebody_else_works_is_refused(serving, change, named):
    serving.endpoint = replace(serving.endpoint, **change)
    code, last = roll_out(serving, asked("m:2"))
    assert (code, serving.lines) == (1, [])
    assert named in last


def test_what_is_being_made_is_waited_for(serving, monkeypatch):
    before = serving.endpoint
    serving.endpoint = replace(before, state="Updating")

    def done(seconds: float) -> None:
        serving.endpoint = before

    monkeypatch.setattr(drive.time, "sleep", done)
    assert roll_out(serving, asked("m:2"))[0] == 0


def test_what_never_gets_ready_is_given_up(serving):
    serving.endpoint = replace(serving.endpoint, state="Updating")
    code, last = roll_out(serving, asked("m:2"))
    assert code == 2
    assert "endpoint e is Updating" in last


def test_a_rollback_restores_the_traffic_of_before_once(serving):
    roll_out(serving, asked("m:2"))
    assert roll_back(serving) == (0, "rolled back: traffic is blue=100")
    assert settled(serving) == {"blue": 100}
    code, last = roll_back(serving)
    assert code == 1
    assert "nothing to roll back to" in last


def test_after_a_rollback_the_bad_one_is_overwritten_next(serving):
    roll_out(serving, asked("m:2"))
    roll_back(serving)
    assert roll_out(serving, asked("m:3"))[0] == 0
    assert serving.models == {"blue": "m:1", "green": "m:3"}


def test_nothing_is_restored_that_a_refused_rollout_has_overwritten(serving):
    roll_out(serving, asked("m:2"))
    roll_out(serving, asked("m:3"), Checks(serving, {"smoke": {"m:3"}}))
    code, last = roll_back(serving)
    assert (code, settled(serving)) == (1, {"green": 100})
    assert "m:3: smoke: m:3 is bad" in last


def test_a_rollback_to_a_deployment_that_is_gone_says_so(serving):
    roll_out(serving, asked("m:2"))
    serving.endpoint = replace(serving.endpoint, deployments={"green": "Succeeded"})
    code, last = roll_back(serving)
    assert (code, settled(serving)) == (1, {"green": 100})
    assert "blue is not there" in last


def test_a_rollback_without_an_endpoint_says_so(service):
    assert roll_back(service) == (
        1,
        "there is no endpoint yet, so there is nothing to roll back; `make deploy` makes it",
    )


def test_a_reason_is_cut_to_what_a_tag_may_hold(serving):
    line = update(serving.endpoint, tags={"rollout_refused": 100 * "why "})
    assert f"tags.rollout_refused={64 * 'why '}" in line


def kill(number: int):
    def die(at: int) -> None:
        if at == number:
            raise Killed

    return die


def interrupt(check: str):
    def stop(now: str) -> None:
        if now == check:
            raise KeyboardInterrupt

    return stop
