"""Landing months, as the outside world would."""

import csv
from pathlib import Path

import pytest

from scripts import land
from scripts.specs.config import load_config
from tests.component import ROOT


def run(*argv: str) -> int:
    return land.main(land.parse_args(list(argv)))


@pytest.fixture
def datastore(tmp_path, monkeypatch) -> Path:
    """The datastore of the local workspace, empty."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("AZUREML_LOCAL_ROOT", str(tmp_path))
    config = load_config(ROOT, "local")
    folder = tmp_path / config["resource_group"] / config["workspace"] / "datastores" / config["datastore"]
    folder.mkdir(parents=True)
    return folder


def test_a_month_lands_as_one_csv_a_dataset(datastore, capsys):
    assert run("--env", "local", "--month", "2013-02") == 0
    landed = sorted(path.relative_to(datastore).as_posix() for path in datastore.rglob("*") if path.is_file())
    assert landed == ["landing/flights/2013-02-01/flights.csv", "landing/weather/2013-02-01/weather.csv"]
    with (datastore / landed[0]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 24_951
    assert {(row["year"], row["month"]) for row in rows} == {("2013", "2")}
    assert "NA" not in {value for row in rows for value in row.values()}, "a missing value is an empty field"
    assert "flights 2013-02: 24,951 rows" in capsys.readouterr().out


def test_landing_a_month_again_changes_nothing(datastore):
    path = datastore / "landing" / "weather" / "2013-02-01" / "weather.csv"
    run("--month", "2013-02")
    first = path.read_bytes()
    run("--month", "2013-02")
    assert path.read_bytes() == first
    assert [other.name for other in path.parent.iterdir()] == [path.name], "no draft is left behind"


@pytest.mark.parametrize(
    ("text", "months"),
    [("2013-07", [7]), ("2013-01..2013-03", [1, 2, 3]), ("2013-12, 2013-01..2013-02,2013-02", [1, 2, 12])],
)
def test_months_are_one_a_range_or_a_list(text, months):
    assert land.parse_months(text) == months


@pytest.mark.parametrize("text", ["", "2014-01", "2013-13", "2013-7", "2013-05..2013-02", "2013-01..2013-02..2013-03"])
def test_a_month_that_there_is_not_is_refused_and_nothing_lands(datastore, text, capsys):
    assert run("--month", text) == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert not list(datastore.iterdir())


@pytest.mark.parametrize("env", ["dev", "test", "prod"])
def test_an_azure_environment_is_refused_with_the_line_to_use_instead(datastore, monkeypatch, env, capsys):
    monkeypatch.delenv("AZUREML_LOCAL_ROOT")
    assert run("--env", env, "--month", "2013-02") == 1
    error = capsys.readouterr().err
    assert f"{env} is in Azure" in error
    assert "az storage blob upload-batch" in error
    assert load_config(ROOT, env)["workspace"] in error
    assert not list(datastore.iterdir())


def test_in_a_rehearsal_a_month_lands_in_the_stand_in_of_the_workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("AZUREML_LOCAL_ROOT", str(tmp_path))
    config = load_config(ROOT, "dev")
    workspace = tmp_path / config["resource_group"] / config["workspace"]
    folder = workspace / "datastores" / config["datastore"]
    folder.mkdir(parents=True)
    assert run("--env", "dev", "--month", "2013-02") == 0
    assert (folder / config["landing"] / "weather/2013-02-01/weather.csv").is_file()


def test_an_unknown_environment_is_refused_by_name(datastore, capsys):
    assert run("--env", "prodd", "--month", "2013-02") == 1
    assert "'prodd'" in capsys.readouterr().err


def test_without_a_workspace_the_error_says_how_to_make_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("AZUREML_LOCAL_ROOT", str(tmp_path))
    assert run("--month", "2013-02") == 1
    assert "make setup" in capsys.readouterr().err
    monkeypatch.delenv("AZUREML_LOCAL_ROOT")
    assert run("--month", "2013-02") == 1
    assert "AZUREML_LOCAL_ROOT" in capsys.readouterr().err
