"""All runs as one CSV, for a spreadsheet or a notebook."""

import csv
import io
from collections.abc import Iterator

import mlflow
import pytest

from scripts import export
from scripts.looking.runs import Tracking
from tests import history


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    """Some weeks of work, see tests/history.py."""
    return history.weeks(tmp_path_factory.mktemp("weeks"))


@pytest.fixture
def text(store) -> Iterator[str]:
    yield export.to_csv(Tracking(store).runs())
    mlflow.set_tracking_uri("")


def rows(text: str) -> dict[str, dict[str, str]]:
    return {row["job"]: row for row in csv.DictReader(io.StringIO(text, newline=""), strict=True)}


def test_one_row_a_run_with_what_it_was_given_and_what_it_logged(text):
    trial = rows(text)["able-1"]
    assert (trial["name"], trial["status"], trial["duration"]) == ("able_1", "FINISHED", "120.0")
    assert trial["start"] == "2026-11-02T09:04:00.000Z"
    assert trial["parent"] == rows(text)["able-tune"]["run_id"]
    assert trial["param.learning_rate"] == "0.05"
    assert float(trial["metric.validation_rmse"]) == pytest.approx(19.6)


def test_a_value_that_a_run_has_not_is_an_empty_cell(text):
    assert rows(text)["able-prep"]["metric.rmse"] == ""
    assert rows(text)["able"]["parent"] == ""


def test_a_reused_step_names_the_job_that_did_the_work(text):
    assert rows(text)["delta-tune"]["reused_from"] == "charlie-tune"


def test_columns_have_one_order_and_tags_of_the_platform_are_left_out(text):
    header = text.split("\r\n", 1)[0].split(",")
    assert header[: len(export.FIXED)] == export.FIXED
    variable = header[len(export.FIXED) :]
    groups = [name.split(".")[0] for name in variable]
    assert groups == sorted(groups, key=["param", "metric", "tag"].index)
    assert variable == sorted(variable, key=lambda name: (["param", "metric", "tag"].index(name.split(".")[0]), name))
    assert "tag.data.flights" in variable
    assert not [name for name in variable if name.startswith(("tag.mlflow.", "tag.azureml."))]


def test_rows_are_in_order_of_start(text):
    starts = [row["start"] for row in rows(text).values()]
    assert starts == sorted(starts)


def test_a_value_with_commas_quotes_and_line_ends_comes_back_as_it_was(tracking, tmp_path):
    nasty = 'a "quoted", long\r\nvalue'
    history.History(tracking, tmp_path).run("odd", "odd", tags={"note": nasty})
    text = export.to_csv(Tracking((tmp_path / "mlflow").as_uri()).runs())
    assert rows(text)["odd"]["tag.note"] == nasty
    assert text.endswith("\r\n")


def test_the_file_lies_in_the_build_folder(tmp_path, monkeypatch, capsys, store, text):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "common.yml").write_text("resource_group: g\nworkspace: w\n")
    (tmp_path / "config" / "local.yml").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("scripts.looking.workspace.Workspace.tracking_uri", lambda self: store)
    assert export.main(export.parse_args([])) == 0
    assert (tmp_path / "build" / "local" / "runs.csv").read_bytes().decode() == text
    assert "build/local/runs.csv" in capsys.readouterr().out
