"""The gate refuses: whatever is not clearly better, or not known, is not promoted."""

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest
import yaml

from tests.component import load

gate = load("gate")
policy_module = load("gate", "policy")

POLICY: dict[str, Any] = {
    "metric": "rmse",
    "direction": "minimize",
    "minimum_gain": {"relative": 0.01},
    "limits": {"rmse": {"max": 30}, "r2": {"min": 0.7}},
    "slices": {"by": "carrier", "minimum_rows": 500, "worst_degradation": 0.05},
}


def model(rmse: Any = 20.0, r2: Any = 0.8, **carriers: Any) -> dict[str, Any]:
    """A judged model; its carriers have 1,000 flights each and its RMSE unless told."""
    by = {"AA": rmse, "UA": rmse} | carriers
    return {
        "metrics": {"rmse": rmse, "r2": r2},
        "slices": {"carrier": {name: {"rows": 1_000, "rmse": value} for name, value in by.items()}},
    }


def champion(*args: Any, **carriers: Any) -> dict[str, Any]:
    return {"name": "flight-delay", "version": "3", **model(*args, **carriers)}


def decide(candidate: dict[str, Any], rival: dict[str, Any] | None, **changes: Any) -> Any:
    policy = policy_module.load_policy({**POLICY, **changes})
    return gate.decide({"candidate": candidate, "champion": rival}, policy)


def broken(decision: Any) -> list[str]:
    return [check.rule for check in decision.checks if not check.passed]


# ---- Against a champion


def test_better_is_promoted_and_the_reason_says_by_how_much():
    decision = decide(model(19.0), champion(20.0))
    assert decision.promote
    assert "rmse 19 against 20 of champion version 3 is 5.00% better" in decision.reason
    assert len(decision.checks) == 5, "two limits, the gain, two carriers"


@pytest.mark.parametrize(
    ("rmse", "why"),
    [(21.0, "5.00% worse"), (20.0, "is equal"), (19.9, "0.50% better, at least 1.00% is needed")],
)
def test_worse_equal_and_hardly_better_are_refused(rmse, why):
    decision = decide(model(rmse), champion(20.0))
    assert not decision.promote
    assert why in decision.reason
    assert broken(decision) == ["rmse better than the champion by 1.00%"]


def test_equal_is_refused_even_where_no_gain_is_asked_for():
    assert not decide(model(20.0), champion(20.0), minimum_gain={"relative": 0}).promote
    assert decide(model(19.999), champion(20.0), minimum_gain={"relative": 0}).promote


def test_exactly_the_minimum_gain_is_enough():
    assert decide(model(15.0), champion(20.0), minimum_gain={"relative": 0.25}).promote
    assert decide(model(15.0), champion(20.0), minimum_gain={"absolute": 5}).promote
    assert not decide(model(15.01), champion(20.0), minimum_gain={"absolute": 5}).promote


def test_where_more_is_better_less_is_refused():
    changes = {"metric": "r2", "direction": "maximize", "minimum_gain": {"absolute": 0.01}}
    better, worse = model(r2=0.9), model(r2=0.8)
    for judged in (better, worse):
        for part in judged["slices"]["carrier"].values():
            part["r2"] = judged["metrics"]["r2"]
    rival = {"version": "3", **copy.deepcopy(worse)}
    assert decide(better, rival, **changes).promote
    assert not decide(worse, {"version": "3", **better}, **changes).promote


def test_a_champion_that_cannot_be_judged_is_not_a_champion_that_is_not_there():
    rival = {"name": "flight-delay", "version": "3", "error": "MlflowException: no such file"}
    decision = decide(model(1.0), rival)
    assert not decision.promote
    assert "version 3, can't be judged: MlflowException: no such file" in decision.reason


# ---- Without one


def test_without_a_champion_the_limits_are_enough():
    decision = decide(model(29.0), None)
    assert decision.promote
    assert "no champion yet" in decision.reason


@pytest.mark.parametrize(("candidate", "rule"), [(model(30.1), "rmse at most 30"), (model(r2=0.69), "r2 at least 0.7")])
def test_limits_hold_with_and_without_a_champion(candidate, rule):
    assert broken(decide(candidate, None)) == [rule]
    assert rule in broken(decide(candidate, champion(99.0)))


def test_a_metric_on_its_limit_is_within():
    assert decide(model(30.0, 0.7), None).promote


# ---- What is not a number is not promoted

NOT_NUMBERS = [math.nan, math.inf, -math.inf, None, "19", True]


@pytest.mark.parametrize("value", NOT_NUMBERS)
def test_a_metric_that_is_no_number_is_refused_on_either_side(value):
    for rival in (champion(20.0), None):
        assert not decide(model(value), rival).promote
        assert not decide(model(r2=value), rival).promote
    assert not decide(model(10.0), champion(value, AA=20.0, UA=20.0)).promote


def test_a_missing_metric_is_refused_by_name():
    candidate = model(10.0)
    del candidate["metrics"]["r2"]
    assert "r2 missing or not a number" in decide(candidate, None).reason
    assert not decide({"metrics": {}}, champion(20.0)).promote
    assert not decide(model(10.0), {"version": "3"}).promote


def test_a_champion_at_zero_leaves_no_share_to_compare():
    assert not decide(model(-1.0), champion(0.0)).promote


# ---- Slices


def test_much_worse_for_one_carrier_is_refused_although_better_on_the_whole():
    decision = decide(model(18.0, AA=21.5), champion(20.0))
    assert not decision.promote
    assert decision.reason == "carrier AA: rmse 21.5 against 20 of the champion is 7.5% worse, at most 5.0% is allowed"
    assert decide(model(18.0, AA=21.0), champion(20.0)).promote, "5 % is allowed"


def test_a_carrier_with_few_flights_is_not_compared():
    candidate = model(18.0, HA=99.0)
    candidate["slices"]["carrier"]["HA"]["rows"] = 499
    assert decide(candidate, champion(20.0, HA=20.0)).promote
    candidate["slices"]["carrier"]["HA"]["rows"] = 500
    assert not decide(candidate, champion(20.0, HA=20.0)).promote


@pytest.mark.parametrize("value", [math.nan, None])
def test_a_carrier_without_a_number_is_refused_on_either_side(value):
    assert not decide(model(18.0, AA=value), champion(20.0)).promote
    assert not decide(model(18.0), champion(20.0, AA=value)).promote


def test_a_policy_that_compares_no_carrier_does_not_pass_by_saying_nothing():
    slices = {**POLICY["slices"], "by": "airline"}
    assert not decide(model(10.0), champion(20.0), slices=slices).promote
    slices = {**POLICY["slices"], "minimum_rows": 1_000_000}
    assert not decide(model(10.0), champion(20.0), slices=slices).promote


# ---- The policy

WRONG: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda d: d.pop("limits"), "limits is missing"),
    (lambda d: d.update(slice=1), "slice is not known"),
    (lambda d: d.update(direction="lower"), "direction"),
    (lambda d: d.update(metric=None), "metric"),
    (lambda d: d.update(minimum_gain=0.1), "minimum_gain"),
    (lambda d: d.update(minimum_gain={"relative": 0.1, "absolute": 1}), "minimum_gain"),
    (lambda d: d.update(minimum_gain={"relative": -0.1}), "minimum_gain"),
    (lambda d: d.update(minimum_gain={"relative": "much"}), "minimum_gain"),
    (lambda d: d.update(limits={}), "limits"),
    (lambda d: d.update(limits={"rmse": {"maximum": 30}}), "limits.rmse"),
    (lambda d: d.update(limits={"rmse": {"max": math.nan}}), "limits.rmse.max"),
    (lambda d: d["slices"].update(minimum_row=5), "minimum_row is not known"),
    (lambda d: d["slices"].update(worst_degradation=None), "worst_degradation"),
]


@pytest.mark.parametrize(("break_it", "named"), WRONG, ids=[named for _, named in WRONG])
def test_a_wrong_policy_is_an_error_that_names_the_key(break_it, named):
    document = copy.deepcopy(POLICY)
    break_it(document)
    with pytest.raises(policy_module.GateError, match=named):
        policy_module.load_policy(document)


# ---- The script


@pytest.fixture
def run(tmp_path, tracking) -> Callable[..., tuple[int, Path]]:
    def run(evaluation: Any, policy: Any = POLICY) -> tuple[int, Path]:
        for name in ("evaluation", "decision"):
            (tmp_path / name).mkdir(exist_ok=True)
        text = evaluation if isinstance(evaluation, str) else json.dumps(evaluation)
        (tmp_path / "evaluation" / "evaluation.json").write_text(text)
        (tmp_path / "policy.yml").write_text(policy if isinstance(policy, str) else yaml.safe_dump(policy))
        argv = ["--evaluation", str(tmp_path / "evaluation"), "--policy", str(tmp_path / "policy.yml")]
        code = gate.main(gate.parse_args([*argv, "--decision", str(tmp_path / "decision")]))
        return code, tmp_path / "decision" / "decision.json"

    return run


def test_a_refusal_is_a_result_that_the_pipeline_goes_on_with(run, tracking, capsys):
    code, decision = run({"model": "m", "candidate": model(20.0), "champion": champion(20.0)})
    assert code == 0
    written = json.loads(decision.read_text())
    assert (written["promote"], written["model"], written["champion"]["version"]) == (False, "m", "3")
    assert {"rule", "value", "limit", "passed", "finding"} == written["checks"][0].keys()
    out = capsys.readouterr().out
    assert "REFUSED rmse better than the champion by 1.00%" in out
    assert f"NOT PROMOTED: {written['reason']}" in out
    data = tracking.get_run(mlflow.active_run().info.run_id).data
    assert (data.metrics["promote"], data.metrics["rules_broken"]) == (0, 1)
    assert (data.tags["gate"], data.tags["gate.reason"]) == ("refused", written["reason"])


def test_a_promotion_is_written_with_what_it_is_about(run, tracking):
    candidate = {"model_uuid": "abc", **model(19.0)}
    code, decision = run({"candidate": candidate, "champion": None, "test_month": "2013-06", "rows": 9})
    written = json.loads(decision.read_text())
    assert (code, written["promote"], written["candidate"], written["rows"]) == (0, True, candidate, 9)
    assert tracking.get_run(mlflow.active_run().info.run_id).data.tags["gate"] == "promoted"


GOOD = {"candidate": model(10.0), "champion": None}


@pytest.mark.parametrize(
    ("evaluation", "policy"),
    [
        ("{ not json", POLICY),
        ("[]", POLICY),
        ("null", POLICY),
        ({"champion": None}, POLICY),
        ({"candidate": model(10.0)}, POLICY),
        ({"candidate": model(10.0), "champion": "none"}, POLICY),
        (GOOD, "metric: [rmse"),
        (GOOD, "just text"),
        (GOOD, ""),
        (GOOD, {**POLICY, "direction": "up"}),
    ],
)
def test_what_cannot_be_read_is_an_error_and_decides_nothing(run, evaluation, policy, capsys):
    code, decision = run(evaluation, policy)
    assert code == 1
    assert not decision.exists()
    assert capsys.readouterr().err.startswith("ERROR the gate can't decide")


def test_the_same_evaluation_is_let_through_by_the_policy_of_the_tests(run):
    assert run(GOOD)[0] == 0
