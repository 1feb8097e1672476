"""The months that a model was trained on, with its predictions: what its monitor compares production data with.

The prediction is in a column of the name that the scoring script records: a monitor compares columns of one name.
Numbers are cut as the data collector cuts them: otherwise a frequent value on the edge of two buckets changes
sides, and the monitor sees drift where there is none.
"""

import argparse
import shutil
import sys
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.models import Model

PREDICTION = "prediction"
DECIMALS = 10  # that azureml-ai-monitoring records


def main(args: argparse.Namespace) -> int:
    months = Model.load(args.model).metadata["train_months"]
    model = mlflow.pyfunc.load_model(str(args.model))
    features = [column.name for column in model.metadata.signature.inputs]
    rows = 0
    for month in months:  # one at a time: there may be many
        frame = pd.read_parquet(args.prepared / f"{month}.parquet")
        frame[PREDICTION] = model.predict(frame[features])
        frame.round(DECIMALS).to_parquet(args.reference / f"{month}.parquet", index=False)
        rows += len(frame)
    shutil.copyfile(Path(__file__).with_name("MLTable"), args.reference / "MLTable")
    mlflow.log_metrics({"rows": rows, "months": len(months)})
    print(f"{rows:,} rows of {', '.join(months)}")
    return 0


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="MLflow model that train has made")
    parser.add_argument("--prepared", type=Path, required=True, help="folder of prepared months")
    parser.add_argument("--reference", type=Path, required=True, help="output: MLTable with a Parquet file a month")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
