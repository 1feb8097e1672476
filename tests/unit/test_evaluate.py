"""A candidate and a champion on the same rows."""

import json
from pathlib import Path
from typing import Any

import matplotlib.image
import mlflow
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from tests.component import load
from tests.science import CARRIERS, train, write_prepared

evaluate = load("evaluate")
NAME = "flight-delay"
pytestmark = pytest.mark.usefixtures("tracking")


class Constant(mlflow.pyfunc.PythonModel):
    """A model that anybody could beat, or that is no model at all."""

    def __init__(self, value: float | None) -> None:
        self.value = value

    def predict(self, context: Any, model_input: pd.DataFrame) -> np.ndarray:
        if self.value is None:
            raise RuntimeError("its weights are lost")
        return np.full(len(model_input), self.value)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """Prepared months and a model of the first three."""
    folder = tmp_path_factory.mktemp("trained")
    mlflow.set_tracking_uri((folder / "mlflow").as_uri())
    write_prepared(folder / "prepared", ["2013-01", "2013-02", "2013-03", "2013-04"])
    with mlflow.start_run():
        train(folder)
    return folder


@pytest.fixture
def judge(trained, tmp_path, tracking):
    """Runs the script on April and returns evaluation.json."""

    def run(*argv: str) -> dict[str, Any]:
        out = tmp_path / "evaluation"
        out.mkdir(exist_ok=True)
        paths = ["--model", str(trained / "model"), "--prepared", str(trained / "prepared"), "--evaluation", str(out)]
        asked = ["--test-month", "2013-04", "--model-name", NAME, "--seed", "7"]
        evaluate.main(evaluate.parse_args([*paths, *asked, *argv]))
        return json.loads((out / "evaluation.json").read_text())

    return run


def register(tracking: mlflow.MlflowClient, source: Path | str) -> None:
    if not tracking.search_registered_models(f"name='{NAME}'"):
        tracking.create_registered_model(NAME)
    tracking.create_model_version(NAME, str(source))


def constant(folder: Path, value: float | None, metadata: dict[str, Any] | None = None) -> Path:
    mlflow.pyfunc.save_model(folder, python_model=Constant(value), pip_requirements=[], metadata=metadata)
    return folder


def test_without_a_registered_model_there_is_no_champion(judge):
    evaluation = judge()
    assert evaluation["champion"] is None
    assert (evaluation["test_month"], evaluation["rows"]) == ("2013-04", 400)


def archive_with_az(tracking: mlflow.MlflowClient, version: str) -> None:
    tracking.set_model_version_tag(NAME, version, "azureml.archived", "true")


def archive_with_mlflow(tracking: mlflow.MlflowClient, version: str) -> None:
    tracking.transition_model_version_stage(NAME, version, "Archived")


@pytest.mark.filterwarnings("ignore:.*stage:FutureWarning")
@pytest.mark.parametrize("archive", [archive_with_az, archive_with_mlflow])
def test_an_archived_version_is_no_champion(judge, tracking, tmp_path, archive):
    for version in ("1", "2"):
        register(tracking, constant(tmp_path / version, 50))
    archive(tracking, "2")
    assert judge()["champion"]["version"] == "1"
    archive(tracking, "1")
    assert judge()["champion"] is None


def test_metrics_are_those_of_scikit_learn_overall_and_by_carrier(judge, trained):
    candidate = judge()["candidate"]
    test = pd.read_parquet(trained / "prepared" / "2013-04.parquet")
    predicted = mlflow.pyfunc.load_model(str(trained / "model")).predict(test.drop(columns="arr_delay"))
    assert candidate["metrics"]["rmse"] == pytest.approx(root_mean_squared_error(test["arr_delay"], predicted))
    assert candidate["metrics"]["mae"] == pytest.approx(mean_absolute_error(test["arr_delay"], predicted))
    assert candidate["metrics"]["r2"] == pytest.approx(r2_score(test["arr_delay"], predicted))
    of_aa = (test["carrier"] == "AA").to_numpy()
    expected = root_mean_squared_error(test["arr_delay"][of_aa], predicted[of_aa])
    assert candidate["slices"]["carrier"]["AA"]["rmse"] == pytest.approx(expected)
    assert {name: part["rows"] for name, part in candidate["slices"]["carrier"].items()} == {
        name: int((test["carrier"] == name).sum()) for name in CARRIERS
    }


def test_the_champion_is_the_newest_version_judged_on_the_same_rows(judge, tracking, tmp_path):
    for version in range(1, 11):
        value = 50 if version == 10 else 1_000  # version 10 is newer than version 9, though not as text
        register(tracking, constant(tmp_path / str(version), value))
    evaluation = judge()
    assert evaluation["champion"]["version"] == "10"
    assert 15 < evaluation["champion"]["metrics"]["rmse"] < 30
    assert evaluation["candidate"]["metrics"]["rmse"] < evaluation["champion"]["metrics"]["rmse"]
    rows = [{name: part["rows"] for name, part in evaluation[model]["slices"]["carrier"].items()}
            for model in ("candidate", "champion")]  # fmt: skip
    assert rows[0] == rows[1]


def lost(folder: Path) -> Path:
    return folder / "is not there"


def silent(folder: Path) -> Path:
    return constant(folder / "silent", None)


def not_a_number(folder: Path) -> Path:
    return constant(folder / "nan", float("nan"))


def knowing(folder: Path) -> Path:
    return constant(folder / "knowing", 50, {"train_months": ["2013-03", "2013-04"]})


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lost, ""),
        (silent, "its weights are lost"),
        (not_a_number, "400 of 400 predictions"),
        (knowing, "test month 2013-04 is not later than the train months, 2013-03, 2013-04"),
    ],
)
def test_a_champion_that_cannot_be_judged_is_unreadable_and_not_absent(judge, tracking, tmp_path, make, error):
    register(tracking, make(tmp_path))
    champion = judge()["champion"]
    assert champion["version"] == "1"
    assert champion["error"] and error in champion["error"]
    assert "metrics" not in champion


def test_predictions_that_are_no_numbers_are_an_error(trained, tmp_path):
    model = mlflow.pyfunc.load_model(str(not_a_number(tmp_path)))
    with pytest.raises(ValueError, match="400 of 400 predictions are not a number"):
        evaluate.judge(model, pd.read_parquet(trained / "prepared" / "2013-04.parquet"))


def test_the_newest_month_is_judged_on_by_its_name(judge):
    assert judge("--test-month", "newest")["test_month"] == "2013-04"


@pytest.mark.parametrize(
    ("month", "named"),
    [
        ("2013-03", "test month 2013-03 is not later than the train months, 2013-01, 2013-02, 2013-03"),
        ("2013-12", "test month 2013-12 is not among the prepared months (2013-01, 2013-02, 2013-03, 2013-04)"),
        ("2013-4", "test_month '2013-4' is not a month"),
        ("2013-13", "test_month '2013-13' is not a month"),
        ("later", "test_month 'later' is not a month"),
    ],
)
def test_a_wrong_test_month_is_an_error_of_one_line(trained, tmp_path, month, named, capsys):
    argv = ["--model", str(trained / "model"), "--prepared", str(trained / "prepared"), "--evaluation", str(tmp_path)]
    argv += ["--model-name", NAME, "--seed", "7", "--test-month", month]
    assert evaluate.main(evaluate.parse_args(argv)) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("ERROR ") and named in printed and printed.count("\n") == 1
    assert not (tmp_path / "evaluation.json").exists()


def test_importance_finds_what_the_target_was_made_of(judge):
    importance = judge()["importance"]
    assert list(importance)[:2] == ["dep_delay", "carrier"]
    assert importance["dep_delay"]["mean"] > 10 * importance["temp"]["mean"]
    assert importance == judge()["importance"], "the shuffles have a seed"


def test_plots_and_metrics_go_to_the_run(judge, tracking, tmp_path):
    register(tracking, constant(tmp_path / "champion", 50))
    judge()
    run = mlflow.active_run().info.run_id
    logged = {file.path for file in tracking.list_artifacts(run, "evaluation")}
    assert logged == {f"evaluation/{name}" for name in
                      ("evaluation.json", "residuals.png", "carriers.png", "importance.png")}  # fmt: skip
    for name in ("residuals", "carriers", "importance"):
        image = matplotlib.image.imread(tmp_path / "evaluation" / f"{name}.png")
        assert image.shape[1] > 900 and image.std() > 0.05, "a picture of something"
    data = tracking.get_run(run).data
    assert data.metrics["rmse"] < data.metrics["champion_rmse"]
    assert data.tags["champion"].startswith(f"{NAME}:1 rmse ")
    assert data.tags["data.weather"] == "weather-content by job-1"
