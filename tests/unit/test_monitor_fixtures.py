"""The figures of monitors equal those that Azure's own components gave for the same files (tests/data/monitoring)."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.component import load

compute = load("monitor_signals", "signals.compute").compute
spec = load("monitor_signals", "signals.spec")
kinds = load("monitor_signals", "signals.kinds")
counting = load("monitor_signals", "signals.counting")
Table = load("monitor_signals", "signals.tables").Table

FIXTURES = Path(__file__).parents[1] / "data" / "monitoring"
NAMES = sorted(path.name.removesuffix(".expected.json") for path in FIXTURES.glob("*.expected.json"))
SINGLE = 1e-6  # relative, for what Azure keeps in single precision
METRICS = {
    "JensenShannonDistance": "jensen_shannon_distance",
    "NormalizedWassersteinDistance": "normalized_wasserstein_distance",
    "PopulationStabilityIndex": "population_stability_index",
    "TwoSampleKolmogorovSmirnovTest": "two_sample_kolmogorov_smirnov_test",
    "PearsonsChiSquaredTest": "pearsons_chi_squared_test",
    "NullValueRate": "null_value_rate",
    "DataTypeErrorRate": "data_type_error_rate",
    "OutOfBoundsRate": "out_of_bounds_rate",
}


class Case:
    """One pair of files, what Azure found and what is found here."""

    def __init__(self, name):
        self.expected = json.loads((FIXTURES / f"{name}.expected.json").read_text())
        self.tables = [table(FIXTURES / self.expected[side]) for side in ("reference", "production")]
        thresholds = {name: float(text) for name, text in self.expected["thresholds"].items()}
        signals = [
            spec.Signal(kind, kind, {
                part: dict.fromkeys(names, thresholds[prefix + part]) for part, names in spec.METRICS[kind].items()})
            for kind, prefix in (("data_drift", ""), ("data_quality", "dq_"))
        ]  # fmt: skip
        self.drift, self.quality = compute(*self.tables, signals)


def table(path):
    return Table([path], pq.read_schema(path))


@pytest.fixture(scope="module", params=NAMES)
def case(request):
    return Case(request.param)


def test_types_and_kinds_are_those_of_azure(case):
    expected = case.expected["classification"]
    for side, loaded in zip(("reference", "production"), case.tables, strict=True):
        assert loaded.types == expected[f"{side}_dtypes"]
    reference, production = (loaded.types for loaded in case.tables)
    common = {name: kinds.common(reference[name], production[name]) for name in reference}
    assert {name: kind for name, kind in common.items() if kind} == expected["common"]
    found: dict[str, set[str]] = {}
    for row in case.drift.metrics:
        found.setdefault(row.kind, set()).add(row.feature)
    assert found == {kind: set(names) for kind, names in expected["drift"].items() if names}


def test_rows_that_miss_no_value_are_counted_alike(case):
    rows = case.expected["data_drift"]["row_count"]
    assert case.drift.rows["reference_after_dropna"] == rows["BaselineRowCount"]
    assert case.drift.rows["production_after_dropna"] == rows["TargetRowCount"]


def test_every_drift_metric_has_the_same_value_and_breaches_alike(case):
    found: dict[tuple[str, str], dict[str, float]] = {(row.kind, row.metric): {} for row in case.drift.metrics}
    breached: dict[tuple[str, str], set[str]] = {key: set() for key in found}
    for row in case.drift.metrics:
        found[row.kind, row.metric][row.feature] = row.value
        if row.breached:
            breached[row.kind, row.metric].add(row.feature)
    for key, values in case.expected["data_drift"]["metrics"].items():
        kind, metric = key.split(".")
        mine = found.get((kind, METRICS[metric]), {})
        assert mine == {name: pytest.approx(value, rel=SINGLE, abs=1e-9) for name, value in values.items()}, key
        expected = {name.partition(":")[0] for name in case.expected["data_drift"]["breaches"].get(key, [])}
        assert breached.get((kind, METRICS[metric]), set()) == expected, key


def test_every_quality_metric_has_the_same_value_threshold_and_verdict(case):
    found = {(row.feature, row.metric): row for row in case.quality.metrics}
    expected = {
        (feature, METRICS[metric]): figures
        for feature, metrics in case.expected["data_quality"]["metrics"].items()
        for metric, figures in metrics.items()
        if metric != "RowCount"
    }
    assert found.keys() == expected.keys()
    for key, figures in expected.items():
        row = found[key]
        assert row.kind == figures["data_type"].lower(), key
        assert row.reference == pytest.approx(figures["reference"], rel=1e-12), key
        assert row.value == (
            None if figures["production"] is None else pytest.approx(figures["production"], rel=1e-12)
        ), key
        assert row.threshold == pytest.approx(figures["threshold"], rel=1e-12), key
    breaches = {
        f"{name.partition(':')[0]}:{METRICS[name.partition(':')[2]]}"
        for name in case.expected["data_quality"]["breaches"]
    }
    assert set(case.quality.breached) == breaches


def test_histograms_are_those_of_azure(case):
    expected = case.expected["histograms"]
    if "error" in expected:  # where Azure's own histograms fail, ours are there
        assert case.drift.histograms
        return
    for side in ("reference", "production"):
        for feature, buckets in expected[side].items():
            assert shown(case.drift.histograms[feature], side) == shown_there(buckets), (side, feature)


def shown(histogram, side):
    counts = getattr(histogram, side)
    if histogram.categories is not None:
        return {name: count for name, count in zip(histogram.categories, counts, strict=True) if count}
    keys = [float(np.float32(round(limit, 2))) for limit in histogram.limits]
    return collapsed(zip(keys, keys[1:], counts, strict=False))


def shown_there(buckets):
    return (
        {key[0]: count for *key, count in buckets if key[0] != "Other"} if len(buckets[0]) == 2 else collapsed(buckets)
    )


def collapsed(buckets):
    """Buckets whose limits are the same once rounded are one bucket in Azure's file: the last."""
    return {(low, high): count for low, high, count in buckets}
