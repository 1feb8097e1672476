"""Only what the gate let through gets a version, once, with where it comes from."""

import json
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow.models import Model

from tests.component import load
from tests.science import train, write_prepared

register = load("register")
NAME = "flight-delay"


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    mlflow.set_tracking_uri((folder / "mlflow").as_uri())
    write_prepared(folder / "prepared", ["2013-01", "2013-02", "2013-03"])
    with mlflow.start_run():
        return train(folder)


@pytest.fixture
def run(saved, tmp_path, tracking):
    """Runs the script on a decision; returns exit code and result.json (None if it was not written)."""

    def run(promote: bool = True, champion: str | None = None, **changes: Any) -> tuple[int, dict[str, Any] | None]:
        decision = {
            "promote": promote,
            "reason": "rmse 22 is better",
            "test_month": "2013-06",
            "candidate": {"model_uuid": Model.load(saved).model_uuid, "metrics": {"rmse": 22.25, "r2": None}},
            "champion": {"version": champion} if champion else None,
            **changes,
        }
        for name in ("decision", "registered"):
            (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / "decision" / "decision.json").write_text(json.dumps(decision))
        result = tmp_path / "registered" / "result.json"
        result.unlink(missing_ok=True)
        paths = ["--model", str(saved), "--decision", str(tmp_path / "decision"), "--registered", str(result.parent)]
        code = register.main(register.parse_args([*paths, "--model-name", NAME]))
        return code, json.loads(result.read_text()) if result.exists() else None

    return run


def versions(tracking: mlflow.MlflowClient) -> list[int]:
    return sorted(int(version.version) for version in tracking.search_model_versions(f"name='{NAME}'"))


def test_what_the_gate_let_through_becomes_a_version_that_predicts(run, tracking, saved):
    code, result = run()
    assert (code, result) == (0, {"model": NAME, "version": "1", "reason": "rmse 22 is better"})
    model = mlflow.pyfunc.load_model(f"models:/{NAME}/1")
    rows = pd.read_json(saved / "serving_input_example.json", typ="series")["dataframe_split"]
    assert len(model.predict(pd.DataFrame(rows["data"], columns=rows["columns"]))) == 5


def test_a_version_tells_its_data_commit_job_metrics_and_reason(run, tracking, monkeypatch):
    monkeypatch.setenv("AZUREML_RUN_ID", "job_7")
    monkeypatch.setenv("AZUREML_ROOT_RUN_ID", "job_1")
    parent = tracking.create_run("0", tags={"mlflow.source.git.commit": "c0ffee"})
    mlflow.set_tag("mlflow.parentRunId", parent.info.run_id)
    run()
    version = tracking.get_model_version(NAME, "1")
    assert version.run_id == mlflow.active_run().info.run_id
    tags = dict(version.tags)
    assert tags.pop("model_uuid")
    assert tags == {
        "data.flights": "flights-content by job-1",
        "data.weather": "weather-content by job-1",
        "commit": "c0ffee",
        "job": "job_7",
        "root_job": "job_1",
        "test_month": "2013-06",
        "rmse": "22.25",
        "gate": "rmse 22 is better",
    }


def test_a_commit_that_nobody_noted_is_left_out(run, tracking):
    run()
    assert "commit" not in tracking.get_model_version(NAME, "1").tags


def test_a_refused_model_is_not_registered_and_the_result_says_why(run, tracking, capsys):
    code, result = run(promote=False, reason="rmse is equal")
    assert (code, result) == (0, {"model": None, "version": None, "reason": "rmse is equal"})
    assert "registered model: none; rmse is equal" in capsys.readouterr().out
    assert not tracking.search_registered_models()
    assert not tracking.list_artifacts(mlflow.active_run().info.run_id)


def test_the_same_model_gets_one_version_however_often_and_by_whichever_run(run, tracking):
    assert run()[1] == run()[1]
    mlflow.end_run()
    mlflow.start_run()
    code, result = run()
    assert (code, result and result["version"], versions(tracking)) == (0, "1", [1])


def test_a_crash_between_model_and_version_is_finished_by_the_next_try(run, tracking, monkeypatch):
    def crash(*args: Any, **more: Any) -> None:
        raise ConnectionError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(mlflow.MlflowClient, "_create_model_version", crash)
        with pytest.raises(ConnectionError):
            run()
    assert tracking.get_registered_model(NAME)
    assert versions(tracking) == []
    assert run()[0] == 0
    assert versions(tracking) == [1]


def other_version(tracking: mlflow.MlflowClient) -> None:
    tracking.create_registered_model(NAME)
    tracking.create_model_version(NAME, "somewhere")


def test_a_model_that_beat_the_champion_becomes_the_next_version(run, tracking):
    other_version(tracking)
    code, result = run(champion="1")
    assert (code, result and result["version"], versions(tracking)) == (0, "2", [1, 2])


@pytest.mark.parametrize("judged_against", [None, "1"])
def test_a_champion_that_came_after_the_decision_was_not_beaten(run, tracking, judged_against, capsys):
    other_version(tracking)
    tracking.create_model_version(NAME, "somewhere newer")
    code, result = run(champion=judged_against)
    assert (code, result, versions(tracking)) == (1, None, [1, 2])
    error = capsys.readouterr().err
    assert "version 2 by now" in error
    assert "force_rerun" in error


def test_a_version_that_was_archived_is_no_champion(run, tracking, capsys):
    other_version(tracking)
    tracking.set_model_version_tag(NAME, "1", "azureml.archived", "true")
    assert run(champion="1")[0] == 1, "what was judged against it was judged against the wrong model"
    assert "without a champion by now" in capsys.readouterr().err
    code, result = run(champion=None)
    assert (code, result and result["version"]) == (0, "2")


@pytest.mark.filterwarnings("ignore:.*stage:FutureWarning")
def test_a_version_in_the_stage_archived_is_no_champion(run, tracking):
    other_version(tracking)
    tracking.create_model_version(NAME, "somewhere newer")
    tracking.transition_model_version_stage(NAME, "2", "Archived")
    assert run(champion="1")[0] == 0


def test_a_decision_about_another_model_registers_nothing(run, tracking, capsys):
    code, result = run(candidate={"model_uuid": "another", "metrics": {}})
    assert (code, result, versions(tracking)) == (1, None, [])
    assert "another" in capsys.readouterr().err
