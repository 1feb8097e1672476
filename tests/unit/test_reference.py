"""Reference data: what the model was trained on, as a table that Azure's reader reads, with the model's predictions."""

import json

import mlflow
import mltable
import pandas as pd
import pytest

from tests.component import ROOT, load
from tests.science import train, write_prepared

reference = load("reference")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_the_table_has_the_months_of_the_model_and_its_predictions(tmp_path, tracking):
    prepared = write_prepared(tmp_path / "prepared", ["2013-01", "2013-02", "2013-03", "2013-04"])
    model = train(tmp_path)
    out = tmp_path / "reference"
    out.mkdir()

    argv = ["--model", str(model), "--prepared", str(prepared), "--reference", str(out)]
    assert reference.main(reference.parse_args(argv)) == 0

    assert {path.stem for path in out.iterdir()} == {"2013-01", "2013-02", "2013-03", "MLTable"}
    table = mltable.load(str(out)).to_pandas_dataframe()
    assert len(table) == 1200
    assert {"carrier", "dep_delay", "arr_delay"} < set(table)
    march = pd.read_parquet(prepared / "2013-03.parquet")
    expected = mlflow.pyfunc.load_model(str(model)).predict(march.drop(columns="arr_delay"))
    assert pd.read_parquet(out / "2013-03.parquet")["prediction"].tolist() == pytest.approx(expected.tolist())
    recorded = json.loads(march.to_json(orient="records"))  # as azureml-ai-monitoring does
    assert (
        table["wind_speed"].tolist()[-400:] == [row["wind_speed"] for row in recorded] != march["wind_speed"].tolist()
    )


def test_the_prediction_has_the_name_that_the_scoring_script_records():
    score = (ROOT / "endpoints" / "online" / "flight-delay" / "score.py").read_text()
    assert f'pd.DataFrame({{"{reference.PREDICTION}": predictions}})' in score
