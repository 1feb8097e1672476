"""How much each feature matters to a model that is fitted to a dataset, and whether two datasets agree on it.

Source: azureml-assets, assets/model_monitoring/components/src/feature_importance_metrics, which fits LightGBM and takes
SHAP values of it by interpret_community. LightGBM gives the same values by itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from signals.columns import Column, NotComputed
from signals.kinds import CATEGORICAL, FEW, NUMERICAL, kind_of
from signals.result import Result, Row
from signals.rows import Rows
from signals.selection import SIDES
from signals.spec import GAIN, TARGETS, Signal
from signals.tables import Table

# Azure's: those of LGBMClassifier and LGBMRegressor that it gives, on top of LightGBM's own.
PARAMETERS = {
    "boosting": "gbdt",
    "learning_rate": 0.1,
    "max_depth": 5,
    "seed": 777,
    "deterministic": True,
    "verbosity": -1,
}
TREES = 200
EXPLAINED = 5_000  # rows, of more than 10,000; half of the rows of fewer
LARGE = 10_000
FITTED = 1_000_000  # rows that a model is fitted to; Azure takes all, which fills the memory
SEED = 0
TIMES = ("timestamp", "date")


def importances(table: Table, target: str, left_out: Sequence[str], task: str | None) -> dict[str, float]:
    """Mean absolute SHAP value of each feature.

    Args:
        target: the column with the label or prediction.
        left_out: columns that are no features.
        task: classification or regression; None for classification if the target is categorical.

    Raises:
        NotComputed: the target is missing, or the same in all rows.
    """
    import lightgbm  # here, since it takes longer to load than most of what else is computed

    if target not in table.types:
        raise NotComputed(f"there is no column '{target}' to fit a model to")
    label, kind = table.column(target), _kind(table, target)
    rows = _rows(label)
    classes = (task or ("classification" if kind == CATEGORICAL else "regression")) == "classification"
    labels = _codes(label, rows) if classes else label.numbers(rows)
    if len(np.unique(labels)) < 2:
        raise NotComputed(f"'{target}' has fewer than two different values, so that there is nothing to learn from it")
    names = [name for name in table.types if name not in (target, *left_out)]
    kinds = {name: found for name in names if (found := _kind(table, name))}
    matrix, used = _matrix(table, kinds, rows)
    if not used:
        raise NotComputed("there are no features to fit a model to")
    data = lightgbm.Dataset(
        matrix,
        labels,
        feature_name=[str(number) for number in range(len(used))],
        categorical_feature=[number for number, name in enumerate(used) if kinds[name] == CATEGORICAL],
    )
    model = lightgbm.train({**PARAMETERS, **_objective(classes, labels)}, data, num_boost_round=TREES)
    explained = EXPLAINED if len(labels) > LARGE else -(-len(labels) // 2)
    chosen = np.random.RandomState(SEED).permutation(len(labels))[:explained]
    shares = np.asarray(model.predict(matrix[chosen], pred_contrib=True)).reshape(len(chosen), -1, len(used) + 1)
    means = np.abs(shares[:, :, :-1]).mean(axis=(0, 1))
    return dict(zip(used, means.tolist(), strict=True))


def attribution_drift(reference: Table, production: Table, signal: Signal) -> Result:
    """Compute a feature attribution drift signal.

    Args:
        reference: with the label.
        production: inputs, joined with predictions.

    Raises:
        NotComputed: it is not defined for this data.
    """
    result = Result(signal, rows={"reference": reference.rows, "production": production.rows})
    columns = signal.target(0), signal.columns[1].get("prediction")
    found = []
    for side, (table, target, name) in enumerate(zip((reference, production), columns, SIDES, strict=True)):
        if target is None:
            key = "prediction" if side else TARGETS[0]
            raise NotComputed(f"data_column_names of the {name} data has no {key}, to which a model would be fitted")
        if table.rows < max(1, signal.minimum_rows):
            text = f"{name} has {table.rows:,} rows, and {max(1, signal.minimum_rows):,} are needed"
            result.note("error", "too-few-rows", text)
            return result
        if table.rows > FITTED:
            text = f"{FITTED:,} of the {table.rows:,} rows of {name} were taken, by chance; Azure takes all"
            result.note("warning", "sampled", text)
        others = [signal.correlation(side), *signal.columns[side].values()]
        found.append(importances(table, target, others, signal.task))
    for name in sorted(found[0].keys() ^ found[1].keys()):
        text = "is a feature of one side only and is left out; Azure's job fails"
        result.note("warning", "missing-column", text, name)
    result.attributions = {name: (found[0][name], found[1][name]) for name in sorted(found[0].keys() & found[1].keys())}
    sides = [{name: pair[side] for name, pair in result.attributions.items()} for side in (0, 1)]
    threshold = signal.thresholds["model"][GAIN]
    value = agreement(sides[0], sides[1])
    note = "Azure computes this, but hands its evaluation no threshold, so it is never breached there"
    result.metrics.append(Row("", "model", GAIN, value, threshold, value < threshold, note, evaluated=False))
    return result


def agreement(reference: Mapping[str, float], production: Mapping[str, float]) -> float:
    """Normalized discounted cumulative gain of production's order of features, by the reference's importances.

    In (0, 1], 1 for the same order; features that matter equally in production share their places.

    Raises:
        NotComputed: no feature matters in the reference.
    """
    names = sorted(reference)
    gains, scores = np.array([reference[name] for name in names]), np.array([production[name] for name in names])
    discounts = 1 / np.log2(np.arange(len(names)) + 2)
    ideal = float(np.sort(gains)[::-1] @ discounts)
    if ideal == 0:
        raise NotComputed("no feature matters in the reference")
    _, places, counts = np.unique(-scores, return_inverse=True, return_counts=True)
    mean_gains = np.bincount(places, gains) / counts
    ends = np.cumsum(counts)
    sums = np.add.reduceat(discounts, ends - counts)
    return float(mean_gains @ sums) / ideal


def _kind(table: Table, name: str) -> str | None:
    spark = table.types[name]
    if spark in TIMES:
        return NUMERICAL  # Azure takes times for numbers here
    return kind_of(name, spark, {}, lambda: table.column(name).few(FEW))


def _rows(label: Column) -> Rows:
    """Rows with a label, at most FITTED of them."""
    keep = np.ones(label.rows, bool) if label.missing is None else ~label.missing
    places = np.flatnonzero(keep)
    if len(places) > FITTED:
        keep[np.random.RandomState(SEED).permutation(places)[FITTED:]] = False
    return Rows(label.rows, keep)


def _objective(classes: bool, labels: np.ndarray) -> dict[str, Any]:
    if not classes:
        return {"objective": "regression"}
    count = int(labels.max()) + 1
    return {"objective": "binary"} if count == 2 else {"objective": "multiclass", "num_class": count}


def _matrix(table: Table, kinds: Mapping[str, str], rows: Rows) -> tuple[np.ndarray, list[str]]:
    """(rows, features) float64, categories by number, NaN where a value is missing; and the features."""
    columns, used = [], []
    for name, kind in kinds.items():
        column = table.column(name)
        try:
            # Of times, their order will do: trees cut between values, whatever these are.
            ordered = kind == CATEGORICAL or table.types[name] in TIMES
            columns.append(_codes(column, rows) if ordered else _with_gaps(column, rows))
        except NotComputed:
            continue  # too many categories to mean anything
        used.append(name)
    return np.column_stack(columns) if columns else np.empty((rows.count, 0)), used


def _codes(column: Column, rows: Rows) -> np.ndarray:
    return column.only(rows).codes()


def _with_gaps(column: Column, rows: Rows) -> np.ndarray:
    chosen = column.only(rows)
    if chosen.missing is None:
        return chosen.numbers(Rows(chosen.rows))
    values = np.full(chosen.rows, np.nan)
    values[~chosen.missing] = chosen.numbers(Rows(chosen.rows))
    return values
