"""Trains a model of arrival delay: gradient-boosted trees in one pipeline with the preprocessing that they need.

The settings are judged on the last train month, not seen by the model that is judged; the metric that a sweep compares
is validation_rmse. The model that is saved is then trained on all train months. Later months are never read.
"""

import argparse
import json
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

NAMES = ["carrier", "origin", "dest"]
TARGET = "arr_delay"
NEWEST = "newest"
EXPECTED_ROWS = 30
PACKAGES = ["mlflow-skinny", "scikit-learn", "cloudpickle", "pandas", "numpy", "scipy"]


class TrainError(Exception):
    """The months that were asked for can't be trained on; the message says why and what to do."""


def main(args: argparse.Namespace) -> int:
    try:
        months = train_months(args.prepared, args.train_from, args.train_to)
    except TrainError as error:
        print(f"ERROR {error}", file=sys.stderr)
        return 1
    args.train_to = months[-1]  # the month itself, where the newest was asked for
    train(args, months)
    return 0


def train(args: argparse.Namespace, months: list[str]) -> None:
    data = {"flights": data_version(args.flights), "weather": data_version(args.weather)}
    mlflow.log_params({name: value for name, value in vars(args).items() if not isinstance(value, Path)})
    mlflow.set_tags({f"data.{name}": value for name, value in data.items()})

    *fit_months, validation_month = months
    validation = read(args.prepared, [validation_month])
    judged = build(args).fit(*split(read(args.prepared, fit_months)))
    actual, predicted = validation[TARGET], judged.predict(validation.drop(columns=TARGET))
    metrics = {
        "validation_rmse": float(root_mean_squared_error(actual, predicted)),
        "validation_mae": float(mean_absolute_error(actual, predicted)),
        "validation_r2": float(r2_score(actual, predicted)),
    }
    mlflow.log_metrics(metrics)
    print(f"fit on {', '.join(fit_months)}; on {validation_month}: {metrics}")

    features, target = split(read(args.prepared, months))
    model = build(args).fit(features, target)
    mlflow.sklearn.save_model(
        model,
        args.model,
        signature=signature(features),
        input_example=features.head(5),
        pip_requirements=[f"{package}=={version(package)}" for package in PACKAGES],
        metadata={"data": data, "train_months": months},
    )
    text = json.dumps(expected(model, features, target, args.seed), indent=1, allow_nan=False)
    (args.model / "expected.json").write_text(text + "\n", encoding="utf-8")


def build(args: argparse.Namespace) -> Pipeline:
    """The untrained model: takes prep's columns as they are, names of carriers and airports included."""
    # A name that training did not see becomes a missing value, which the trees know how to handle.
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=float("nan"))
    columns = make_column_transformer((encoder, NAMES), remainder="passthrough", verbose_feature_names_out=False)
    trees = HistGradientBoostingRegressor(
        learning_rate=args.learning_rate,
        max_iter=args.max_iter,
        max_leaf_nodes=args.max_leaf_nodes,
        min_samples_leaf=args.min_samples_leaf,
        categorical_features=NAMES,
        early_stopping=False,
        random_state=args.seed,
    )
    return Pipeline([("columns", columns.set_output(transform="pandas")), ("trees", trees)])


def expected(model: Pipeline, features: pd.DataFrame, target: pd.Series, seed: int) -> dict[str, Any]:
    """What the model says on a few rows, and the range of its target (minutes).

    It goes along with the model, so that whoever serves it can be compared with it without having to load it.
    """
    known = features.sample(min(EXPECTED_ROWS, len(features)), random_state=seed)
    numbers = [str(name) for name in features if name not in NAMES]
    unseen = known.head(2).assign(carrier="none such", **dict.fromkeys(numbers, float("nan")))
    rows = pd.concat([known, unseen]).astype(dict.fromkeys(numbers, "float64"))
    data = rows.astype(object).where(rows.notna(), None).to_numpy().tolist()
    return {
        "rows": {"columns": list(rows), "data": data},
        "predictions": model.predict(rows).tolist(),
        "target_range": [float(target.min()), float(target.max())],
    }


def signature(features: pd.DataFrame) -> ModelSignature:
    """Every column is required, though its value may be missing.

    MLflow's own infer_signature takes a column with missing values for optional, and a minute for a few months.
    """
    columns = [ColSpec("string" if name in NAMES else "double", name) for name in features]
    return ModelSignature(Schema(columns), Schema([ColSpec("double", TARGET)]))


def train_months(folder: Path, first: str, last: str) -> list[str]:
    """Prepared months from `first` to `last`, both included; NEWEST is the one before the newest, which judges.

    Raises:
        TrainError: `first` or `last` is no month, they are in the wrong order, there are fewer than two months, or the
            last one is missing.
    """
    prepared = sorted(path.stem for path in folder.glob("*.parquet"))
    if last == NEWEST:
        if len(prepared) < 3:
            raise TrainError(f"train_to {NEWEST} needs three months, the last to judge on; there are {len(prepared)}")
        last = prepared[-2]
    for name, month in (("train_from", first), ("train_to", last)):
        if not re.fullmatch("[0-9]{4}-(0[1-9]|1[0-2])", month):
            raise TrainError(f"{name} {month!r} is not a month; write it as YYYY-MM, such as 2013-01")
    if first > last:
        raise TrainError(f"train_from {first} is after train_to {last}; the first train month comes first")
    months = [month for month in prepared if first <= month <= last]
    if len(months) < 2 or months[-1] != last:
        found = ", ".join(months) or "none"
        raise TrainError(
            f"training needs at least two months up to {last}, but from {first} on there are {found}; "
            "land and register what is missing, or train on other months"
        )
    return months


def read(folder: Path, months: list[str]) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(folder / f"{month}.parquet") for month in months], ignore_index=True)


def split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    return frame.drop(columns=TARGET), frame[TARGET]


def data_version(dataset: Path) -> str:
    """What a registered dataset says of itself: its content and the job that made it."""
    report = json.loads((dataset / "report.json").read_text(encoding="utf-8"))
    return f"{report['version']} by {report['job']}" if report["job"] else str(report["version"])


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prepared", type=Path, required=True, help="folder of prepared months")
    parser.add_argument("--flights", type=Path, required=True, help="flights dataset, for its version")
    parser.add_argument("--weather", type=Path, required=True, help="weather dataset, for its version")
    parser.add_argument("--train-from", required=True, help="first train month, such as 2013-01")
    parser.add_argument("--train-to", required=True, help=f"last train month, or {NEWEST}; settings are judged on it")
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--max-iter", type=int, required=True, help="number of trees")
    parser.add_argument("--max-leaf-nodes", type=int, required=True, help="leaves of a tree")
    parser.add_argument("--min-samples-leaf", type=int, required=True, help="flights in a leaf")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--model", type=Path, required=True, help="output: MLflow model")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
