"""`make invoke`, `make loadtest` and `make batch`: what they print, and what they refuse before anything runs."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts import loadtest, smoke
from scripts.az import AzError
from scripts.invoke import beside
from scripts.looking.workspace import Workspace
from scripts.rolling import models
from scripts.rolling.inputs import input_type, prepared_by_train
from scripts.rolling.models import resolve, served
from scripts.rolling.scoring import Rows

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "users": 2,
    "seconds": 1,
    "min_rps": 20,
    "max_error_rate": 0.01,
    "max_p50_ms": 100,
    "max_p95_ms": 200,
    "max_p99_ms": 300,
}
TIMES = {"p50_ms": 100, "p95_ms": 200, "p99_ms": 300}
MEASURED = {"requests": 100, "failed": 0, "error_rate": 0.0, "rps": 20.0, "problems": [], **TIMES}


def test_predictions_stand_beside_as_many_columns_as_fit():
    rows = Rows(["carrier", "delay", "a_long_name"], [["AA", 3, None], ["B6", None, 1.23456]])
    assert beside(rows, [12.34, -5.0], "ab12", width=80) == [
        "  predicted  carrier  delay  a_long_name",
        "       12.3  AA           3            -",
        "       -5.0  B6           -        1.235",
        "  by model ab12",
    ]
    narrow = beside(rows, [12.34, -5.0], None, width=30)
    assert narrow[0] == "  predicted  carrier  delay"
    assert narrow[-1] == "  1 more columns are sent: a_long_name"


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({}, []),
        ({"rps": 19.9}, ["rps"]),
        ({"error_rate": 0.011, "p99_ms": 301}, ["error_rate", "p99_ms"]),
        ({"requests": 0}, list(loadtest.LIMITS)),
    ],
)
def test_a_load_test_keeps_its_limits_up_to_their_very_value(change, broken):
    measured = {**MEASURED, **change}
    assert [name for name in loadtest.LIMITS if loadtest.over(name, measured, SETTINGS)] == broken
    assert sum(line.endswith("over") for line in loadtest.report(measured, SETTINGS)) == len(broken)


def test_locust_gets_the_key_by_a_variable_and_its_failure_is_told(tmp_path):
    locust = tmp_path / "locust"
    locust.write_text(
        '#!/bin/sh\ncase "$*" in *secret*) exit 9;; esac\necho "key $LOAD_KEY, no locustfile" >&2; exit 2\n'
    )
    locust.chmod(0o755)
    with pytest.raises(AzError, match="exit code 2: key secret"):
        loadtest.load(locust, "http://127.0.0.1:9", "secret", tmp_path, SETTINGS)


def versions(*numbers: str):
    return lambda line: [{"version": number} for number in numbers]


def test_the_newest_version_is_the_one_with_the_largest_number(monkeypatch):
    monkeypatch.setattr(models, "az_json", versions("10", "9", "2"))
    assert resolve("m", None, []) == "10"
    assert resolve("m", "9", []) == "9"


@pytest.mark.parametrize(
    ("asked", "there", "named"),
    [
        ("3", ("1", "2"), "model m has no version 3, or it is archived; there are: 1, 2"),
        (None, (), "model m has no version yet; `make train`"),
        ("latest", ("1",), "MODEL_VERSION=latest: .* a number"),
    ],
)
def test_a_version_that_is_not_there_is_named(monkeypatch, asked, there, named):
    monkeypatch.setattr(models, "az_json", versions(*there))
    with pytest.raises(AzError, match=named):
        resolve("m", asked, [])


@pytest.mark.parametrize(
    "model",
    ["azureml:/subscriptions/s/resourceGroups/g/providers/p/workspaces/w/models/m/versions/3", "azureml:m:3"],
)
def test_a_deployment_tells_its_model(model):
    assert served({"name": "blue", "model": model}) == "m:3"


def test_a_deployment_of_files_is_no_registered_model():
    with pytest.raises(AzError, match=r"deployment blue serves ./model"):
        served({"name": "blue", "model": "./model"})


def test_an_input_is_a_file_or_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("flights/june").mkdir(parents=True)
    with pytest.raises(AzError, match="INPUT=flights: nothing to score: there is no file in this folder"):
        input_type("flights")
    Path("flights/june/1.csv").touch()
    Path("june.csv").touch()
    found = {source: input_type(source) for source in ("flights", "june.csv", "azureml://a/b/", "azureml://a/b.csv")}
    assert list(found.values()) == ["uri_folder", "uri_file", "uri_folder", "uri_file"]
    with pytest.raises(AzError, match="INPUT=july: there is no such file or folder here"):
        input_type("july")


def test_by_default_a_batch_scores_what_the_last_training_prepared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("build/jobs").mkdir(parents=True)
    Path("build/jobs/local-train").write_text("fit\n")
    config = {"env": "local", "resource_group": "g", "workspace": "w", "datastore": "store", "training": True}
    workspace = Workspace(config)
    reused = {"display_name": "prep", "name": "new", "properties": {"azureml.reusedrunid": "old"}}
    monkeypatch.setattr(workspace, "children", lambda job: [reused] if job == "fit" else [])
    assert prepared_by_train(workspace, config) == "azureml://datastores/store/paths/azureml/old/prepared/"
    with pytest.raises(AzError, match="never trains, so nothing is prepared; say what to score"):
        prepared_by_train(workspace, {**config, "training": False})


def test_a_smoke_test_is_of_what_was_released(monkeypatch, capsys):
    """Where models come from a registry, what was rolled back, or never deployed, is not what is to be proven."""
    release = SimpleNamespace(model_id="azureml://registries/mlr-flights/models/flight-delay/versions/3")
    shown = {"name": "blue", "model": "azureml://registries/mlr-flights/models/flight-delay/versions/2"}
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(smoke, "current_release", lambda *_: release)
    monkeypatch.setattr(smoke, "live", lambda _: "blue")
    monkeypatch.setattr(smoke, "az_json", lambda _: shown)
    monkeypatch.setattr(smoke.Checks, "smoke", lambda *_: None)
    assert smoke.main(smoke.parse_args(["--env", "prod"])) == 1
    assert "prod serves azureml://registries/mlr-flights/models/flight-delay/versions/2, and" in capsys.readouterr().err
    assert smoke.main(smoke.parse_args(["--env", "prod", "--deployment", "blue"])) == 0
    shown["model"] = release.model_id
    assert smoke.main(smoke.parse_args(["--env", "prod"])) == 0
