"""What holds for figures of monitors whatever the data: bounds, symmetry, and that order and chunks change nothing."""

import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import spatial, stats

from tests.component import load

coded, columns, numeric = (load("monitor_signals", f"signals.{name}") for name in ("coded", "columns", "numeric"))
compute = load("monitor_signals", "signals.compute").compute
counting = load("monitor_signals", "signals.counting")
drift = load("monitor_signals", "signals.drift")
quantiles = load("monitor_signals", "signals.quantiles")
spec = load("monitor_signals", "signals.spec")
Rows = load("monitor_signals", "signals.rows").Rows
Table = load("monitor_signals", "signals.tables").Table

finite = st.floats(-1e9, 1e9)
samples = st.lists(finite, min_size=1, max_size=80).map(np.array)
few_values = st.lists(st.sampled_from("abcd"), min_size=1, max_size=80)
ALL = [
    spec.Signal(kind, kind, {part: dict.fromkeys(metrics, 0.1) for part, metrics in spec.METRICS[kind].items()})
    for kind in ("data_drift", "data_quality")
]


def numbers(reference, production):
    sides = [numeric.Numeric(len(side), side, None) for side in (reference, production)]
    rows = tuple(Rows(len(side)) for side in (reference, production))
    return drift.Numbers(tuple(sides), rows, lambda: quantiles.Steps(len(reference), len(production)), in_order=True)


def categories(reference, production):
    sides = []
    for side in (reference, production):
        encoded = pa.array(side).dictionary_encode()
        sides.append(coded.Coded(encoded.indices.to_numpy(), encoded.dictionary, None))
    return drift.Categories(tuple(sides), tuple(Rows(column.rows) for column in sides), None)


def or_none(measure):
    """The figure, or None where it is not defined."""
    try:
        value = measure()
    except columns.NotComputed:
        return None
    return None if np.isnan(value) else value


@given(samples, samples)
def test_distance_of_numbers_is_bounded_symmetric_and_0_for_equal_data(reference, production):
    distance = or_none(numbers(reference, production).jensen_shannon_distance)
    assert distance == or_none(numbers(production, reference).jensen_shannon_distance)
    assert distance is None or 0 <= distance <= 1
    assert or_none(numbers(reference, reference).jensen_shannon_distance) in (0, None)
    assert numbers(reference, reference).normalized_wasserstein_distance() == 0
    assert (or_none(numbers(reference, reference).population_stability_index) or 0) == 0


@given(few_values, few_values)
def test_distance_of_categories_is_bounded_symmetric_and_0_for_equal_data(reference, production):
    distance = categories(reference, production).jensen_shannon_distance()
    assert distance == categories(production, reference).jensen_shannon_distance()
    assert 0 <= distance <= 1
    assert categories(reference, reference).jensen_shannon_distance() == 0
    assert categories(reference, production).population_stability_index() >= 0
    names = sorted({*reference, *production})
    shares = [[side.count(name) / len(side) for name in names] for side in (reference, production)]
    assert distance == pytest.approx(spatial.distance.jensenshannon(*shares, base=2), rel=1e-7, abs=1e-7)


@given(samples, samples)
def test_statistics_of_ordered_samples_are_those_of_scipy(reference, production):
    steps = quantiles.Steps(len(reference), len(production))
    ordered = np.sort(reference), np.sort(production)
    assert steps.distance(*ordered) == pytest.approx(stats.wasserstein_distance(reference, production), rel=1e-6)
    assert quantiles.largest_difference(*ordered) == pytest.approx(
        stats.ks_2samp(reference, production, method="asymp").statistic
    )


@given(samples)
def test_the_ordered_are_counted_like_the_unordered(values):
    low, high = values.min(), values.max()
    try:
        limits = counting.edges(float(low), float(high), len(values))
    except columns.NotComputed:
        return
    counts = counting.in_buckets(values, limits)
    assert counts.tolist() == counting.in_buckets(np.sort(values), limits, in_order=True).tolist()
    assert counts.sum() == np.count_nonzero(values <= limits[-1])


@pytest.mark.parametrize("rows", [(12_000, 11_000), (60_000, 9_000), (150_000, 130_000)])
def test_chance_of_a_difference_of_large_samples_is_that_of_scipy(rows):
    rng = np.random.default_rng(7)
    reference, production = (np.sort(rng.normal(0.005 * side, 1, count)) for side, count in enumerate(rows))
    expected = stats.ks_2samp(reference, production)
    difference = quantiles.largest_difference(reference, production)
    assert difference == pytest.approx(expected.statistic, rel=1e-12)
    assert quantiles.chance(difference, *rows) == pytest.approx(expected.pvalue, rel=1e-4)


rows_of_table = st.lists(
    st.tuples(
        st.one_of(st.none(), finite),
        st.one_of(st.none(), st.integers(-(2**62), 2**62)),
        st.integers(0, 2),
        st.one_of(st.none(), st.sampled_from(["a", "b", "c, d", "[e]", ""])),
        st.booleans(),
    ),
    min_size=1,
    max_size=40,
)


def table_of(rows):
    kinds = [pa.float64(), pa.int64(), pa.int32(), pa.string(), pa.bool_()]
    return pa.table({name: pa.array(column, kind) for name, column, kind in zip("xikst", zip(*rows), kinds)})  # noqa: B905


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows_of_table, rows_of_table, st.randoms(use_true_random=False), st.integers(1, 7))
def test_order_and_chunks_of_rows_change_no_figure(tmp_path, reference, production, random, size):
    whole = [written(tmp_path, name, table_of(rows), 1000) for name, rows in (("r", reference), ("p", production))]
    shuffled = []
    for name, rows in (("rs", reference), ("ps", production)):
        mixed = random.sample(rows, len(rows))
        parts = [mixed[start : start + 11] for start in range(0, len(mixed), 11)]
        files = [written(tmp_path, f"{name}{number}", table_of(part), size) for number, part in enumerate(parts)]
        shuffled.append(list(itertools.chain(*files)))
    expected, found = (
        compute(*(Table(files, pq.read_schema(files[0])) for files in sides), ALL) for sides in (whole, shuffled)
    )
    assert [result.document(None) for result in found] == [result.document(None) for result in expected]


def written(folder: Path, name: str, table: pa.Table, size: int) -> list[Path]:
    path = folder / f"{name}.parquet"
    pq.write_table(table, path, row_group_size=size)
    return [path]
