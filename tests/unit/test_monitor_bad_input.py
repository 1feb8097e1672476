"""Data that monitors can't be computed on: a finding says so, and everything else is computed all the same."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.component import load
from tests.monitored import DISTANCE, NULLS, codes, command, drift, monitor, placed, quality, values

columns = load("monitor_signals", "signals.columns")
KS = "two_sample_kolmogorov_smirnov_test"
FINE = [float(number) for number in range(40)]
MOVED = [number + 20 for number in FINE]


def test_a_column_that_is_missing_leaves_the_others_alone(tmp_path):
    found = monitor(
        tmp_path, {"x": FINE, "gone": FINE}, {"x": MOVED, "new": FINE}, drift(), drift("named", features=["gone", "x"])
    )
    assert values(found["drift"]).keys() == values(found["named"]).keys() == {"x"}
    assert codes(found["drift"]) == {("warning", "missing-column", None)}
    assert {finding["message"].partition(";")[0] for finding in found["drift"]["findings"]} == {
        "reference data has no columns new",
        "production data has no columns gone",
    }
    assert codes(found["named"]) == {("error", "missing-column", "gone")}


def test_predictions_are_compared_without_a_word_about_inputs_that_outputs_never_have(tmp_path):
    outputs = drift("predictions", type="prediction_drift")
    found = monitor(tmp_path, {"x": FINE, "prediction": FINE}, {"prediction": MOVED}, outputs)
    assert values(found["predictions"]).keys() == {"prediction"}
    assert not codes(found["predictions"])


def test_a_column_of_another_type_is_named_not_left_out_silently(tmp_path):
    text = [str(number) for number in MOVED]
    metric = "data_type_error_rate"
    found = monitor(tmp_path, {"x": FINE, "y": FINE}, {"x": text, "y": MOVED}, drift(), quality(metric=metric))
    assert codes(found["drift"]) == {("error", "retyped-column", "x")}
    assert values(found["drift"]).keys() == {"y"}
    assert values(found["quality"]) == {"x": 0.0, "y": 0.0}  # '20.0' is a number to Spark
    worse = monitor(tmp_path, {"x": FINE}, {"x": [*text[:39], "twenty"]}, quality(metric=metric))
    assert values(worse["quality"]) == {"x": 0.025}


def test_a_column_without_values_does_not_take_all_rows_along(tmp_path):
    nothing = pa.nulls(40, pa.float64())
    found = monitor(tmp_path, {"x": FINE, "y": FINE}, {"x": FINE, "y": nothing}, drift(), quality())
    assert codes(found["drift"]) == {("error", "all-null", "y")}
    assert values(found["drift"]) == {"x": 0.0}
    assert values(found["quality"]) == {"x": 0.0, "y": 1.0}


def test_nan_that_no_statistics_tell_of_is_missing_all_the_same(tmp_path):
    gaps = [float("nan") if number % 4 == 0 else number for number in FINE]
    found = monitor(tmp_path, {"x": FINE, "y": FINE}, {"x": gaps, "y": MOVED}, drift(), quality())
    assert found["drift"]["rows"]["production_after_dropna"] == 30
    assert values(found["quality"]) == {"x": 0.25, "y": 0.0}
    without = [number for number, there in zip(MOVED, gaps, strict=True) if there == there]
    alone = monitor(tmp_path, {"y": FINE}, {"y": without}, drift())
    assert values(alone["drift"])["y"] == values(found["drift"])["y"]


def test_infinite_values_keep_what_is_still_defined(tmp_path):
    signal = drift(metric=DISTANCE)
    signal["metric_thresholds"]["numerical"][KS] = 0.05
    found = monitor(tmp_path, {"x": FINE, "y": FINE}, {"x": [*FINE[:39], float("inf")], "y": FINE}, signal)["drift"]
    assert {(row["feature"], row["metric"]) for row in found["features"]} == {
        ("x", KS), ("y", DISTANCE), ("y", KS)}  # fmt: skip
    assert codes(found) == {("error", "not-computed", "x")}
    assert "y" in found["histograms"] and "x" not in found["histograms"]


def test_a_constant_has_a_distance_but_no_chi_squared_test(tmp_path):
    constant = {"x": [3.0] * 40, "s": ["same"] * 40}
    found = monitor(tmp_path, constant, constant, drift(), drift("chi", metric="pearsons_chi_squared_test"))
    assert values(found["drift"]) == {"x": 0.0, "s": 0.0}
    assert values(found["chi"]) == {"s": None}
    assert not any(row["breached"] for row in found["chi"]["features"])
    assert codes(found["chi"]) == {("warning", "not-defined", "s")}


def test_categories_that_the_reference_has_not_are_drift_and_out_of_bounds(tmp_path):
    known, other = {"s": ["a"] * 30 + ["b"] * 10}, {"s": ["a"] * 20 + ["z"] * 20}
    found = monitor(
        tmp_path, known, other, drift(metric="pearsons_chi_squared_test"), quality(metric="out_of_bounds_rate")
    )
    assert values(found["drift"]) == {"s": 0.0}
    assert values(found["quality"]) == {"s": 0.5}
    assert found["drift"]["histograms"]["s"] == {
        "categories": ["a", "b", "z"],
        "reference": [30, 10, 0],
        "production": [20, 0, 20],
    }


def test_more_distinct_text_than_memory_bears_is_not_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "DISTINCT", 30)
    monkeypatch.setattr(load("monitor_signals", "signals.tables"), "DISTINCT", 30)
    names = [f"name {number}" for number in range(40)]
    found = monitor(tmp_path, {"x": FINE, "s": names}, {"x": FINE, "s": [None, *names[1:]]}, drift(), quality())
    assert codes(found["drift"]) == {("error", "not-computed", "s")}
    assert values(found["drift"]).keys() == {"x"}
    assert values(found["quality"]) == {"x": 0.0, "s": 0.025}


def test_too_few_rows_give_no_figures(tmp_path):
    found = monitor(tmp_path, {"x": FINE}, {"x": FINE[:5]}, drift(minimum_rows=6), quality(minimum_rows=5))
    assert not found["drift"]["features"] and codes(found["drift"]) == {("error", "too-few-rows", None)}
    assert values(found["quality"]) == {"x": 0.0}
    empty = monitor(tmp_path, {"x": FINE}, pa.table({"x": pa.array([], pa.float64())}), drift(), quality())
    assert codes(empty["drift"]) == codes(empty["quality"]) == {("error", "too-few-rows", None)}


def test_no_data_at_all_is_told_in_every_signal(tmp_path):
    (tmp_path / "nothing").mkdir()
    found = monitor(tmp_path, {"x": FINE}, tmp_path / "nothing", drift(), quality())
    assert codes(found["drift"]) == codes(found["quality"]) == {("error", "no-data", None)}
    assert "production" in found["drift"]["findings"][0]["message"]


def test_a_file_that_is_cut_off_is_told(tmp_path):
    whole = tmp_path / "whole.parquet"
    placed(whole, {"x": FINE})
    (tmp_path / "cut.parquet").write_bytes(whole.read_bytes()[:-20])
    assert codes(monitor(tmp_path, {"x": FINE}, tmp_path / "cut.parquet", drift())["drift"]) == {
        ("error", "unreadable", None)
    }


def test_what_azure_would_do_is_said_beside_the_figure(tmp_path):
    signal = drift(threshold=0.0)
    signal["metric_thresholds"]["numerical"]["population_stability_index"] = 0.2
    signal["metric_thresholds"]["numerical"][KS] = 0.05
    many = np.arange(10_000.0)
    found = monitor(tmp_path, {"x.y": many}, {"x.y": many + 1}, signal, quality(threshold=0.1))
    rows = {row["metric"]: row["azure"] for row in found["drift"]["features"]}
    assert "threshold of 0" in rows[DISTANCE]["note"] and not rows[DISTANCE]["evaluated"]
    assert rows["population_stability_index"] == {"evaluated": True, "note": ""}
    assert not rows[KS]["evaluated"]
    assert ("warning", "dot-in-name", "x.y") in codes(found["drift"])
    more = monitor(tmp_path, {"x": FINE[:20]}, {"x": FINE}, quality())
    assert codes(more["quality"]) == {("warning", "row-count", None)}


def test_types_that_monitors_know_not_are_named(tmp_path):
    lists = pa.array([[1, 2]] * 40)
    found = monitor(tmp_path, {"x": FINE, "l": lists}, {"x": FINE, "l": lists}, drift(), quality())
    for signal in ("drift", "quality"):
        assert codes(found[signal]) == {("warning", "type-left-out", "l")}
        assert values(found[signal]) == {"x": 0.0}


def test_text_that_is_to_be_a_number_stays_text(tmp_path):
    text = {"s": ["a", "b"] * 20}
    found = monitor(tmp_path, text, text, drift(feature_type_override={"s": "numerical"}))["drift"]
    assert values(found) == {"s": 0.0}
    assert codes(found) == {("warning", "no-number", "s")}


def test_a_segment_is_compared_alone(tmp_path):
    reference = {"x": [*FINE, *MOVED], "where": ["EWR"] * 40 + ["JFK"] * 40, "n": [1, 2] * 40}
    production = {"x": FINE, "where": ["EWR"] * 40, "n": [1, 2] * 20}
    segment = {"feature_name": "where", "feature_values": ["EWR"]}
    found = monitor(tmp_path, reference, production, drift(data_segment=segment), drift("all"),
                    drift("number", data_segment={"feature_name": "n", "feature_values": ["2"]}),
                    drift("unknown", data_segment={"feature_name": "y", "feature_values": ["2"]}))  # fmt: skip
    assert values(found["drift"])["x"] == 0 != values(found["all"])["x"]
    assert found["number"]["rows"]["production_after_dropna"] == 20
    assert codes(found["unknown"]) == {("error", "no-segment", None)}


@pytest.mark.parametrize(
    ("signals", "said"),
    [
        ("{", "no JSON"),
        ("[]", "at least one"),
        ([drift("a"), drift("a")], "two signals"),
        ([drift("../a")], "name of a file"),
        ([{"type": "data_drift"}], "with a name"),
        (["drift"], "with a name"),
    ],
)
def test_a_call_that_names_no_signals_is_refused(tmp_path, capsys, signals, said):
    text = signals if isinstance(signals, str) else json.dumps(signals)
    path = placed(tmp_path / "data.parquet", {"x": FINE})
    line = ["--reference", path, "--production", path, "--signals", text, "--result", str(tmp_path / "result")]
    assert command.main(command.parse_args(line)) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("signal", "said"),
    [
        ({"name": "a", "type": "data_drift"}, "metric_thresholds is empty"),
        (drift("a", threshold=-1), "0 or more"),
        (drift("a", threshold="high"), "0 or more"),
        (drift("a", threshold=True), "0 or more"),
        (drift("a", metric=DISTANCE, surprise=1), "surprise"),
        (drift("a", features="x"), "list of names"),
        ({"name": "a", "type": "generation_safety_quality"}, "is not one of"),
        ({"name": "a", "type": "data_drift", "metric_thresholds": {"numerical": {NULLS: 0.1}}}, NULLS),
        ({"name": "a", "type": "data_drift", "metric_thresholds": {"textual": {DISTANCE: 0.1}}}, "textual"),
    ],
)
def test_a_signal_that_makes_no_sense_is_told_and_hides_no_other(tmp_path, signal, said):
    found = monitor(tmp_path, {"x": FINE}, {"x": FINE}, signal, drift("fine"))
    assert not found["a"]["features"]
    assert codes(found["a"]) == {("error", "bad-signal", None)}
    assert said in found["a"]["findings"][0]["message"]
    assert values(found["fine"]) == {"x": 0.0}


def test_a_threshold_that_makes_no_sense_hides_no_other_of_its_signal(tmp_path):
    signal = drift()
    signal["metric_thresholds"]["numerical"] |= {KS: 1.5, "population_stability_index": -1}
    found = monitor(tmp_path, {"x": FINE}, {"x": FINE}, signal)["drift"]
    assert {row["metric"] for row in found["features"]} == {DISTANCE, KS}
    assert codes(found) == {("error", "bad-threshold", None), ("warning", "odd-threshold", None)}


def test_a_mistake_of_the_monitor_itself_costs_only_the_figures_that_it_is_in(tmp_path, monkeypatch, capsys):
    real = load("monitor_signals", "signals.drift_signal").DriftSignal
    measure = real._measure

    def broken(self, name, *rest):
        return 1 / 0 if name == "y" else measure(self, name, *rest)

    monkeypatch.setattr(real, "_measure", broken)
    monkeypatch.setattr(load("monitor_signals", "signals.performance"), "performance", lambda *_: 1 / 0)
    mae = {"name": "mae", "type": "model_performance", "metric_thresholds": {"regression": {"mae": 1}}}
    found = monitor(tmp_path, {"x": FINE, "y": FINE}, {"x": FINE, "y": FINE}, drift(), quality(), mae)
    assert codes(found["drift"]) == {("error", "crashed", "y")}
    assert codes(found["mae"]) >= {("error", "crashed", None)}
    assert values(found["drift"]) == {"x": 0.0}
    assert values(found["quality"]) == {"x": 0.0, "y": 0.0}
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_damaged_column_does_not_hide_the_others(tmp_path):
    path = tmp_path / "damaged.parquet"
    pq.write_table(pa.table({"x": FINE, "y": FINE}), path, use_dictionary=False, compression="none")
    start = pq.read_metadata(path).row_group(0).column(1).data_page_offset
    content = bytearray(path.read_bytes())
    content[start : start + 8] = b"\xff" * 8
    path.write_bytes(content)
    found = monitor(tmp_path, {"x": FINE, "y": FINE}, path, drift(), quality())
    for signal in ("drift", "quality"):
        assert values(found[signal]) == {"x": 0.0}
        assert codes(found[signal]) == {("error", "unreadable", "y")}


def test_types_that_differ_from_file_to_file_become_text(tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    pq.write_table(pa.table({"x": FINE, "d": pa.array([1] * 40, pa.int64())}), folder / "1.parquet")
    pq.write_table(pa.table({"x": FINE, "d": ["text"] * 40}), folder / "2.parquet")
    found = monitor(tmp_path, folder, {"x": FINE, "d": ["text"] * 40}, drift())["drift"]
    assert values(found).keys() == {"x", "d"}
    assert ("warning", "mixed-types", None) in codes(found)
