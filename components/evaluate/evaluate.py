"""Judges a trained model on a month that it has not seen, beside the champion on the same rows.

The champion is the newest registered version of the model that is not archived. It is judged here and now rather than
by the numbers of its own time: only the same rows make two models comparable. One that can't be loaded, can't predict
or has been trained on that month is written down as such, for the gate to refuse on; it is not mistaken for "no
champion".
"""

import argparse
import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import Model
from mlflow.pyfunc import PyFuncModel
from plots import plot_carriers, plot_importance, plot_residuals
from sklearn.inspection import permutation_importance

TARGET = "arr_delay"
SLICE = "carrier"
NEWEST = "newest"
# Importance: flights, and shuffles of each column. Enough for a stable order of what matters.
SAMPLE, REPEATS = 2_000, 3


class EvaluateError(Exception):
    """The model can't be judged on the month that was asked for; the message says why and what to do."""


def main(args: argparse.Namespace) -> int:
    try:
        args.test_month = newest_month(args.prepared) if args.test_month == NEWEST else args.test_month
        refuse_no_month(args.test_month)
        described = Model.load(args.model)
        refuse_seen_month(args.test_month, described.metadata["train_months"])
        test = read_month(args.prepared, args.test_month)
    except EvaluateError as error:
        print(f"ERROR {error}", file=sys.stderr)
        return 1
    evaluate(args, described, test)
    return 0


def evaluate(args: argparse.Namespace, described: Model, test: pd.DataFrame) -> None:
    model = mlflow.pyfunc.load_model(str(args.model))
    candidate = {"model_uuid": described.model_uuid, "data": described.metadata["data"], **judge(model, test)}
    champion = judge_champion(args.model_name, args.test_month, test)
    evaluation = {
        "model": args.model_name,
        "test_month": args.test_month,
        "rows": len(test),
        "candidate": candidate,
        "champion": champion,
        "importance": importance(model, test, args.seed),
    }
    write(args.evaluation, evaluation, test[TARGET].to_numpy())
    log(args, evaluation)
    for name, judged in (("candidate", candidate), ("champion", champion)):
        print(f"{name} on {args.test_month}: {summary(judged)}")


def newest_month(folder: Path) -> str:
    """The newest of the prepared months; NEWEST itself, which is no month, if there is none."""
    return max((path.stem for path in folder.glob("*.parquet")), default=NEWEST)


def refuse_no_month(test_month: str) -> None:
    if not re.fullmatch("[0-9]{4}-(0[1-9]|1[0-2])", test_month):
        raise EvaluateError(f"test_month {test_month!r} is not a month; write it as YYYY-MM, such as 2013-06")


def refuse_seen_month(test_month: str, train_months: list[str]) -> None:
    if test_month <= max(train_months, default=""):
        raise EvaluateError(f"test month {test_month} is not later than the train months, {', '.join(train_months)}")


def read_month(folder: Path, month: str) -> pd.DataFrame:
    path = folder / f"{month}.parquet"
    if not path.is_file():
        prepared = ", ".join(sorted(other.stem for other in folder.glob("*.parquet"))) or "none"
        raise EvaluateError(f"test month {month} is not among the prepared months ({prepared}); land it and register")
    return pd.read_parquet(path)


def judge(model: PyFuncModel, test: pd.DataFrame) -> dict[str, Any]:
    """Metrics of a model over all rows and by carrier, and what it predicted (minutes).

    Raises:
        ValueError: a prediction is missing or is not a number.
    """
    predicted = np.asarray(model.predict(test.drop(columns=TARGET)), dtype="float64")
    if predicted.shape != (len(test),):
        raise ValueError(f"predictions have shape {predicted.shape}, not ({len(test)},)")
    if bad := int(np.count_nonzero(~np.isfinite(predicted))):
        raise ValueError(f"{bad:,} of {len(test):,} predictions are not a number")
    actual = test[TARGET].to_numpy()
    slices = {
        str(name): {"rows": len(at), **metrics(actual[at], predicted[at])}
        for name, at in sorted(test.groupby(SLICE).indices.items())
    }
    return {"metrics": metrics(actual, predicted), "slices": {SLICE: slices}, "predicted": predicted}


def metrics(actual: np.ndarray, predicted: np.ndarray) -> dict[str, float | None]:
    """Errors in minutes; R², 1 - residual / total sum of squares, is None where all flights have the same delay."""
    error = actual - predicted
    total = float(np.sum((actual - actual.mean()) ** 2))
    return {
        "rmse": math.sqrt(np.mean(error**2)),
        "mae": float(np.mean(np.abs(error))),
        "median_ae": float(np.median(np.abs(error))),
        "bias": float(np.mean(error)),
        "r2": 1 - float(np.sum(error**2)) / total if total else None,
    }


def judge_champion(name: str, test_month: str, test: pd.DataFrame) -> dict[str, Any] | None:
    """The newest version that is not archived, judged; None if there is none; with `error` if it can't be judged.

    An unchanged evaluate step is reused, as every step is, although the registry may have moved on meanwhile. That is
    safe because `register` compares the champion named here with the newest version before it adds one.
    """
    found = mlflow.MlflowClient().search_model_versions(f"name='{name}'")
    versions = [version for version in found if not archived(version)]
    if not versions:
        return None
    champion: dict[str, Any] = {"name": name, "version": str(max(int(version.version) for version in versions))}
    try:
        model = mlflow.pyfunc.load_model(f"models:/{name}/{champion['version']}")
        refuse_seen_month(test_month, (model.metadata.metadata or {}).get("train_months", []))
        return {**champion, **judge(model, test)}
    except Exception as error:  # noqa: BLE001  whatever stops the champion is a finding, which the gate refuses on
        return {**champion, "error": f"{type(error).__name__}: {error}".splitlines()[0][:500]}


def archived(version: ModelVersion) -> bool:
    """Whether somebody has taken a version out of use: it is no champion any more.

    `az ml model archive` leaves a tag in a local workspace; Azure leaves the version out of listings. Tools that know
    only MLflow have the stage.
    """
    return "azureml.archived" in version.tags or version.current_stage == "Archived"


def importance(model: PyFuncModel, test: pd.DataFrame, seed: int) -> dict[str, dict[str, float]]:
    """How many minutes of RMSE it costs to shuffle a column: mean and standard deviation, largest first."""
    sample = test.sample(min(SAMPLE, len(test)), random_state=seed)
    found = permutation_importance(
        model.get_raw_model(),
        sample.drop(columns=TARGET),
        sample[TARGET],
        scoring="neg_root_mean_squared_error",
        n_repeats=REPEATS,
        random_state=seed,
    )
    names = sample.columns.drop(TARGET)
    return {
        names[at]: {"mean": float(found.importances_mean[at]), "std": float(found.importances_std[at])}
        for at in np.argsort(-found.importances_mean)
    }


def write(folder: Path, evaluation: dict[str, Any], actual: np.ndarray) -> None:
    """Writes the plots and evaluation.json; the predictions, which only the plots need, are taken out of it."""
    title = f"{evaluation['model']} on {evaluation['test_month']}, {evaluation['rows']:,} flights"
    judged = {"candidate": evaluation["candidate"]}
    if "metrics" in (evaluation["champion"] or {}):
        judged[f"champion, version {evaluation['champion']['version']}"] = evaluation["champion"]
    predicted = {name: model.pop("predicted") for name, model in judged.items()}
    text = json.dumps(evaluation, indent=2, allow_nan=False)
    (folder / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    plot_residuals(actual, predicted, title).savefig(folder / "residuals.png")
    carriers = {name: model["slices"][SLICE] for name, model in judged.items()}
    plot_carriers(carriers, title).savefig(folder / "carriers.png")
    plot_importance(evaluation["importance"], title).savefig(folder / "importance.png")


def log(args: argparse.Namespace, evaluation: dict[str, Any]) -> None:
    judged = {"": evaluation["candidate"], "champion_": evaluation["champion"] or {}}
    mlflow.log_params({name: value for name, value in vars(args).items() if not isinstance(value, Path)})
    mlflow.log_metrics({
        f"{prefix}{name}": value
        for prefix, model in judged.items()
        for name, value in model.get("metrics", {}).items()
        if value is not None
    })  # fmt: skip
    mlflow.set_tags({f"data.{name}": value for name, value in evaluation["candidate"]["data"].items()})
    mlflow.set_tag("champion", summary(evaluation["champion"]))
    mlflow.log_artifacts(str(args.evaluation), "evaluation")


def summary(judged: dict[str, Any] | None) -> str:
    if judged is None:
        return "none is registered"
    name = f"{judged['name']}:{judged['version']} " if "version" in judged else ""
    if "error" in judged:
        return f"{name}can't be judged, {judged['error']}"
    return name + ", ".join(f"{metric} {value:.4g}" for metric, value in judged["metrics"].items() if value is not None)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="MLflow model to judge")
    parser.add_argument("--prepared", type=Path, required=True, help="folder of prepared months")
    parser.add_argument("--test-month", required=True, help=f"month to judge on, such as 2013-06, or {NEWEST}")
    parser.add_argument("--model-name", required=True, help="registered model whose newest version is the champion")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--evaluation", type=Path, required=True, help="output: folder of evaluation.json and plots")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(parse_args()))
