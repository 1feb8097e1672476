"""The model: what it learns from, what it copes with, what it says of itself."""

import json

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.models import Model

from tests.component import load
from tests.science import train, write_dataset, write_prepared

MONTHS = ["2013-01", "2013-02", "2013-03"]
pytestmark = pytest.mark.usefixtures("tracking")


@pytest.fixture
def folder(tmp_path):
    write_prepared(tmp_path / "prepared", MONTHS)
    return tmp_path


def test_the_model_predicts_a_month_that_it_has_not_seen(folder):
    model = mlflow.pyfunc.load_model(str(train(folder)))
    write_prepared(folder / "later", ["2013-04"])
    later = pd.read_parquet(folder / "later" / "2013-04.parquet")
    error = later["arr_delay"] - model.predict(later.drop(columns="arr_delay"))
    assert np.sqrt(np.mean(error**2)) < 10 < later["arr_delay"].std()


def test_names_and_weather_that_training_did_not_see_are_no_error(folder):
    model = mlflow.pyfunc.load_model(str(train(folder)))
    flights = pd.read_parquet(folder / "prepared" / "2013-03.parquet").drop(columns="arr_delay").head(3)
    unseen = flights.assign(carrier="ZZ", dest="XXX", temp=np.nan, visib=np.nan)
    assert np.isfinite(model.predict(unseen)).all()


def test_a_run_logs_settings_validation_metrics_and_data_versions(folder, tracking):
    train(folder)
    data = tracking.get_run(mlflow.active_run().info.run_id).data
    assert data.params["learning_rate"] == "0.2"
    assert data.params["train_to"] == "2013-03"
    assert data.metrics.keys() == {"validation_rmse", "validation_mae", "validation_r2"}
    assert 0 < data.metrics["validation_mae"] < data.metrics["validation_rmse"] < 10
    assert data.tags["data.flights"] == "flights-content by job-1"


def test_the_saved_model_names_its_data_months_and_packages(folder):
    saved = train(folder)
    model = Model.load(saved)
    assert model.metadata["train_months"] == MONTHS
    assert model.metadata["data"] == {"flights": "flights-content by job-1", "weather": "weather-content by job-1"}
    assert "scikit-learn==1.5.2" in (saved / "requirements.txt").read_text()
    assert [column.name for column in model.signature.inputs][:4] == ["carrier", "origin", "dest", "dep_delay"]
    assert not model.signature.inputs.optional_input_names(), "wind_gust has gaps, yet the model needs its column"
    # What score.py checks requests against: both types have a value for what is missing, whole numbers have none.
    assert {column.type.name for column in model.signature.inputs} == {"string", "double"}


def test_the_saved_model_tells_what_it_says_on_a_few_rows(folder):
    """Read back as whoever serves the model gets them: as JSON."""
    saved = train(folder)
    expected = json.loads((saved / "expected.json").read_text())
    rows = pd.DataFrame(expected["rows"]["data"], columns=expected["rows"]["columns"])
    own = mlflow.pyfunc.load_model(str(saved)).predict(rows.astype({"wind_gust": "float64"}))
    assert own.tolist() == expected["predictions"]
    assert rows["carrier"].eq("none such").any(), "a carrier that the model does not know"
    assert rows["temp"].isna().any(), "a value that is missing"
    low, high = expected["target_range"]
    assert all(low <= one <= high for one in expected["predictions"])


def test_settings_are_judged_on_the_last_train_month_by_a_model_that_has_not_seen_it(folder, tracking):
    path = folder / "prepared" / "2013-03.parquet"
    shifted = pd.read_parquet(path)
    shifted["arr_delay"] += 500  # a model that had seen it would not be off by so much
    shifted.to_parquet(path)
    train(folder)
    metrics = tracking.get_run(mlflow.active_run().info.run_id).data.metrics
    assert metrics["validation_mae"] > 450


def test_later_months_are_not_even_read(folder):
    (folder / "prepared" / "2013-04.parquet").write_bytes(b"not read")
    assert Model.load(train(folder)).metadata["train_months"] == MONTHS


def test_the_newest_month_is_left_to_judge_on(folder, tracking):
    assert Model.load(train(folder, "--train-to", "newest")).metadata["train_months"] == MONTHS[:2]
    assert tracking.get_run(mlflow.active_run().info.run_id).data.params["train_to"] == "2013-02"


def test_the_same_seed_gives_the_same_model(folder):
    flights = pd.read_parquet(folder / "prepared" / "2013-03.parquet").drop(columns="arr_delay")
    paths = [train(folder, "--model", str(folder / name)) for name in ("one", "two")]
    one, two = (mlflow.pyfunc.load_model(str(path)).predict(flights) for path in paths)
    assert np.array_equal(one, two)


@pytest.mark.parametrize(
    ("months", "named"),
    [
        (
            ["--train-to", "2013-04"],
            "two months up to 2013-04, but from 2013-01 on there are 2013-01, 2013-02, 2013-03",
        ),
        (["--train-from", "2013-03"], "two months up to 2013-03, but from 2013-03 on there are 2013-03"),
        (
            ["--train-from", "2014-01", "--train-to", "2014-02"],
            "two months up to 2014-02, but from 2014-01 on there are none",
        ),
        (["--train-from", "2013-03", "--train-to", "newest"], "train_from 2013-03 is after train_to 2013-02"),
        (["--train-from", "2013-1"], "train_from '2013-1' is not a month"),
        (["--train-to", "2013-13"], "train_to '2013-13' is not a month"),
        (["--train-to", "2013-03-01"], "train_to '2013-03-01' is not a month"),
        (["--train-from", "2013-03", "--train-to", "2013-01"], "train_from 2013-03 is after train_to 2013-01"),
    ],
)
def test_wrong_months_are_an_error_of_one_line(folder, months, named, capsys):
    script = load("train")
    paths = {name: str(write_dataset(folder / name, "content")) for name in ("flights", "weather")}
    paths |= {name: str(folder / name) for name in ("prepared", "model")}
    settings = {"learning-rate": "0.2", "max-iter": "1", "max-leaf-nodes": "2", "min-samples-leaf": "1", "seed": "7"}
    asked = {"train-from": "2013-01", "train-to": "2013-03", **settings, **paths}
    argv = [text for name, value in asked.items() for text in (f"--{name}", value)]

    assert script.main(script.parse_args([*argv, *months])) == 1

    printed = capsys.readouterr().err
    assert printed.startswith("ERROR ") and named in printed and printed.count("\n") == 1
    assert not (folder / "model").exists()


def test_a_dataset_made_outside_a_job_has_a_version_without_one(tmp_path):
    assert load("train").data_version(write_dataset(tmp_path, "abc")) == "abc"
