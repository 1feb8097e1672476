"""Where things are on a chart."""

import pytest

from scripts.looking.charts import Dot, Row, dot_chart, line_chart, padded, ticks
from scripts.looking.table import duration, shown_parameter, table


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [(17.0, 26.4, [20, 25]), (0.0, 1.0, [0, 0.5, 1]), (0.81, 0.84, [0.81, 0.82, 0.83, 0.84]), (-30, 31, [-20, 0, 20])],
)
def test_ticks_are_round_and_inside(low, high, marks):
    assert ticks(low, high) == marks


@pytest.mark.parametrize("values", [[], [0.0], [5.0, 5.0], [-3.0], [1e-9, 2e-9]])
def test_a_scale_is_never_empty(values):
    low, high = padded(values)
    assert low < high
    assert all(low < value < high for value in values)
    assert len(ticks(low, high)) <= 5


def test_dots_lie_on_one_scale_for_all_rows():
    values = {"a": [10.0], "b": [20.0], "c": []}
    chart = dot_chart([Row(name, "", "", [Dot(value, "other", "") for value in of]) for name, of in values.items()])
    places = [dot.at for row in chart.rows for dot in row.dots]
    assert places == pytest.approx([100 * 0.06 / 1.12, 100 * 1.06 / 1.12], abs=0.01)
    assert [row.label for row in chart.rows] == ["a", "b", "c"], "a row without a value is not left out"


def test_lower_values_are_lower_and_only_what_may_be_compared_is_joined():
    chart = line_chart("rmse", [("v1", "june", 3.0), ("v2", "june", None), ("v3", "june", 2.0), ("v4", "july", 1.0)])
    assert [point.label for point in chart.points] == ["v1", "v3", "v4"]
    assert [point.champion for point in chart.points] == [False, False, True]
    assert chart.points[0].y < chart.points[1].y < chart.points[2].y, "y counts from the top"
    assert len(chart.segments) == 1
    assert chart.breaks == pytest.approx([(chart.points[1].x + chart.points[2].x) / 2], abs=0.01)


def test_versions_of_unknown_origin_are_not_joined():
    chart = line_chart("rmse", [("v1", "", 3.0), ("v2", "", 2.0)])
    assert (chart.segments, chart.breaks) == ([], [50.0])


def test_many_versions_have_few_numbers_written():
    chart = line_chart("rmse", [(f"v{n}", "june", float(n)) for n in range(1, 31)])
    assert [point.label for point in chart.points if point.text] == ["v1", "v30"], "the least and the greatest"


def test_a_table_puts_numbers_to_the_right():
    lines = table(["name", "rows"], [["flights", "166,158"], ["weather", "-"]])
    assert lines == ["  name        rows", "  flights  166,158", "  weather        -"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0.04, "0.0 s"), (59.96, "60.0 s"), (60, "1 min 00 s"), (828.5, "13 min 48 s"), (3725, "1 h 02 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "short"), [("0.033908080121445056", "0.03391"), ("100", "100"), ("a.b", "a.b"), (None, "-")]
)
def test_parameters_are_cut_where_they_are_long_fractions(text, short):
    assert shown_parameter(text) == short
