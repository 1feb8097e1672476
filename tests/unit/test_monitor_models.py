"""Signals about the model: attribution drift, performance once the truth is known, and those of a team's own."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn import metrics
from sklearn.model_selection import train_test_split

from tests.component import load
from tests.monitored import codes, drift, monitor, placed, values

attribution = load("monitor_signals", "signals.attribution")
macro_scores = load("monitor_signals", "signals.performance").macro_scores
Table = load("monitor_signals", "signals.tables").Table
GAIN = "normalized_discounted_cumulative_gain"
ROWS = 700


def features(seed):
    rng = np.random.default_rng(seed)
    found = {name: rng.normal(size=ROWS) for name in "abc"}
    found["c"][::9] = np.nan
    return found | {"s": rng.choice(np.array(["u", "v", "w", None]), ROWS), "k": rng.integers(0, 6, ROWS)}


def label(found, weights):
    known = {name: np.nan_to_num(found[name]) for name in "abc"}
    return sum(weight * known[name] for name, weight in weights.items()) + (found["s"] == "u") * 0.5 + found["k"] * 0.1


def expected(model, frame, labels):
    """As Azure computes it, with the classes of LightGBM that it uses."""
    frame = frame.astype({"s": "category", "k": "category"})
    model.set_params(
        boosting_type="gbdt", learning_rate=0.1, max_depth=5, n_estimators=200, n_jobs=1, random_state=777, verbosity=-1
    )
    _, explained = train_test_split(frame, test_size=0.5, random_state=0)
    shares = (
        model.fit(frame, labels).predict(explained, pred_contrib=True).reshape(len(explained), -1, frame.shape[1] + 1)
    )
    return dict(zip(frame.columns, np.abs(shares[:, :, :-1]).mean(axis=(0, 1)), strict=True))


@pytest.mark.parametrize("classes", [None, 2, 3])
def test_importances_are_those_of_the_model_that_azure_fits(tmp_path, classes):
    found = features(1)
    labels = label(found, {"a": 3, "b": 1, "c": 2})
    if classes:
        labels = np.array(["low", "middle", "high"])[pd.qcut(labels, classes, labels=False)]
    data = pa.table({**found, "label": labels})
    placed(tmp_path / "data.parquet", data)
    mine = attribution.importances(Table([tmp_path / "data.parquet"], data.schema), "label", [], None)
    theirs = expected(LGBMClassifier() if classes else LGBMRegressor(), pd.DataFrame(found), labels)
    assert mine == pytest.approx(theirs, rel=1e-9)


def test_agreement_is_the_discounted_gain_of_sklearn():
    rng = np.random.default_rng(3)
    for _ in range(20):
        gains, scores = rng.random(7), rng.integers(0, 3, 7) * 1.0  # with ties
        pair = ({str(name): value for name, value in enumerate(side)} for side in (gains, scores))
        assert attribution.agreement(*pair) == pytest.approx(metrics.ndcg_score([gains], [scores]), rel=1e-12)


def attribution_signal(**more):
    columns = {"reference_columns": {"target_column": "label"}, "production_columns": {"prediction": "prediction"}}
    return {"name": "fad", "type": "feature_attribution_drift", "metric_thresholds": {GAIN: 0.9}} | columns | more


def test_attribution_drifts_when_other_features_matter(tmp_path):
    before, after = features(1), features(2)
    reference = pa.table({**before, "label": label(before, {"a": 3, "b": 1, "c": 0})})
    ids = [f"r{number}_0" for number in range(ROWS)]
    inputs = pa.table({**after, "correlationid": ids})
    scored = label(after, {"a": 0, "b": 1, "c": 3})
    outputs = placed(tmp_path / "outputs.parquet", {"correlationid": ids[::-1], "prediction": scored[::-1]})
    found = monitor(tmp_path, reference, inputs, attribution_signal(), outputs=outputs)["fad"]
    (row,) = found["features"]
    assert row["breached"] and 0 < row["value"] < 0.9
    assert not row["azure"]["evaluated"]
    assert found["attributions"]["a"]["reference"] > found["attributions"]["a"]["production"]
    assert found["attributions"].keys() == {"a", "b", "c", "s", "k"}
    signal = attribution_signal(production_columns={"prediction": "label"})
    same = monitor(tmp_path, reference, reference, signal)["fad"]
    assert same["features"][0]["value"] == 1.0 and not same["features"][0]["breached"]


def test_attribution_says_what_it_misses(tmp_path):
    found = features(1)
    data = pa.table({**found, "label": label(found, {"a": 1}), "same": [1.0] * ROWS})
    signals = (
        attribution_signal(reference_columns={}),
        attribution_signal(production_columns={"prediction": "nowhere"}),
        attribution_signal(production_columns={"prediction": "same"}),
    )
    said = [monitor(tmp_path, data, data, signal)["fad"]["findings"][0]["message"] for signal in signals]
    assert "target_column" in said[0] and "nowhere" in said[1] and "fewer than two" in said[2]
    other = pa.table({**found, "correlationid": ["x"] * ROWS})
    outputs = placed(tmp_path / "outputs.parquet", {"correlationid": ["y"], "prediction": [1.0]})
    assert codes(monitor(tmp_path, data, other, attribution_signal(), outputs=outputs)["fad"]) == {
        ("error", "no-matches", None)
    }


def test_the_features_that_matter_most_are_looked_at(tmp_path):
    found = features(1)
    data = pa.table({**found, "label": label(found, {"a": 3, "b": 2, "c": 0})})
    top = drift(features={"top_n_feature_importance": 2}, reference_columns={"target_column": "label"})
    without = drift("without", features={"top_n_feature_importance": 2})
    documents = monitor(tmp_path, data, pa.table(found), top, without)
    assert values(documents["drift"]).keys() == {"a", "b"}
    assert codes(documents["without"]) == {("error", "not-computed", None)}


# ---- performance


def performance(kind, thresholds, **more):
    return {"name": "perf", "type": "model_performance", "metric_thresholds": {kind: thresholds},
            "production_columns": {"prediction": "p"},
            "reference_columns": {"target_column": "t", "correlation_id": "id"}} | more  # fmt: skip


def test_errors_of_a_regression_are_those_of_sklearn_where_the_truth_is_known(tmp_path):
    rng = np.random.default_rng(5)
    truth = rng.normal(size=200)
    prediction = truth + rng.normal(size=200)
    ids = np.array([f"r{number}_0" for number in range(200)])
    later = pa.table({"id": ids[:150][::-1], "t": truth[:150][::-1]})
    found = monitor(tmp_path, later, {"correlationid": ids, "p": prediction},
                    performance("regression", {"mae": 0.1, "mse": 9.0, "rmse": 9.0}))["perf"]  # fmt: skip
    by_metric = {row["metric"]: row for row in found["features"]}
    assert by_metric["mae"]["value"] == pytest.approx(metrics.mean_absolute_error(truth[:150], prediction[:150]))
    assert by_metric["mse"]["value"] == pytest.approx(metrics.mean_squared_error(truth[:150], prediction[:150]))
    assert by_metric["rmse"]["value"] == pytest.approx(by_metric["mse"]["value"] ** 0.5)
    assert [row["breached"] for row in found["features"]] == [True, False, False]
    assert found["rows"] == {"reference": 150, "production": 200, "joined": 150, "complete": 150}
    assert codes(found) == {("warning", "no-truth", None)}


def test_scores_of_a_classification_are_those_of_sklearn_and_breach_from_below(tmp_path):
    rng = np.random.default_rng(6)
    truth, prediction = rng.choice(["a", "b", "c"], 90), rng.choice(["a", "b", "d"], 90)
    ids = [str(number) for number in range(90)]
    limits = {"accuracy": 0.9, "precision": 0.0, "recall": 0.9}
    found = monitor(tmp_path, {"id": ids, "t": truth}, {"correlationid": ids, "p": prediction},
                    performance("classification", limits))["perf"]  # fmt: skip
    assert {row["metric"]: row["value"] for row in found["features"]} == {
        "accuracy": pytest.approx(metrics.accuracy_score(truth, prediction)),
        "precision": pytest.approx(metrics.precision_score(truth, prediction, average="macro", zero_division=0)),
        "recall": pytest.approx(metrics.recall_score(truth, prediction, average="macro", zero_division=0)),
    }
    assert {row["metric"]: row["breached"] for row in found["features"]} == {
        "accuracy": True,
        "precision": False,
        "recall": True,
    }
    assert "above" in found["features"][0]["azure"]["note"]


def test_performance_of_a_segment_and_of_numbers_as_classes(tmp_path):
    ids = ["1", "2", "3", "4"]
    production = {"correlationid": ids, "p": [1.0, 0.0, 1.0, None], "where": ["x", "x", "y", "x"]}
    signal = performance(
        "classification", {"accuracy": 0.9}, data_segment={"feature_name": "where", "feature_values": ["x"]}
    )
    found = monitor(tmp_path, {"id": ids, "t": [1, 0, 0, 1]}, production, signal)["perf"]
    assert found["features"][0]["value"] == 1.0
    assert found["rows"]["complete"] == 2
    assert codes(found) == {("warning", "missing-values", None)}


def test_performance_without_truth_is_a_finding(tmp_path):
    signal = performance("regression", {"mae": 1})
    production = {"correlationid": ["1"], "p": [1.0]}
    assert codes(monitor(tmp_path, {"id": ["2"], "t": [1.0]}, production, signal)["perf"]) == {
        ("warning", "no-truth", None), ("error", "too-few-rows", None)}  # fmt: skip
    text = monitor(tmp_path, {"id": ["1"], "t": ["late"]}, production, signal)["perf"]
    assert codes(text) == {("error", "no-number", None)}
    assert codes(monitor(tmp_path, {"id": ["1"], "other": [1]}, production, signal)["perf"]) == {
        ("error", "missing-column", None)
    }
    nameless = performance("regression", {"mae": 1}, reference_columns={})
    assert codes(monitor(tmp_path, {"id": ["1"], "t": [1]}, production, nameless)["perf"]) == {
        ("error", "no-column", None)
    }


# ---- custom signals


def test_a_custom_signal_is_held_against_its_thresholds(tmp_path):
    data = {"group": ["a", "b", "a", "a"], "metric_name": ["std", "std", "own", "other"],
            "metric_value": [0.5, 3.0, 2.0, 1.0], "threshold_value": [0.0, 0.0, 1.0, 0.0]}  # fmt: skip
    asked = [{"metric_name": "std", "threshold": 2}, {"metric_name": "own"}, {"metric_name": "never", "threshold": 1}]
    found = monitor(tmp_path, data, data, {"name": "c", "type": "custom", "metric_thresholds": asked})["c"]
    assert [(row["feature"], row["metric"], row["threshold"], row["breached"]) for row in found["features"]] == [
        ("a", "std", 2.0, False), ("b", "std", 2.0, True), ("a", "own", 1.0, True)]  # fmt: skip
    assert codes(found) == {("warning", "not-asked", "a"), ("error", "missing-metric", None)}


def test_macro_scores_of_one_class():
    assert macro_scores([("a", "a", 3)]) == {"accuracy": 1.0, "precision": 1.0, "recall": 1.0}
