"""Whatever format a dataset comes in, monitors find the same rows and types in it."""

import datetime as dt
import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.component import load
from tests.monitored import codes, drift, monitor, quality, values

reading = load("monitor_signals", "signals.reading")
sources = load("monitor_signals", "signals.sources")
ROWS: list[dict[str, object]] = [
    {"x": 1.5, "n": 3, "s": "AA", "flag": True},
    {"x": None, "n": 4, "s": None, "flag": False},
    {"x": -2.0, "n": 5, "s": "B, C", "flag": True},
]
TYPES = {"x": "double", "n": "bigint", "s": "string", "flag": "boolean"}


def read(path, tmp_path, window=None):
    return reading.read(path, window, tmp_path / "converted")


def rows(dataset):
    """In any order, since DuckDB keeps none."""
    return [row for file in dataset.table.files for row in pq.read_table(file).to_pylist()]


def by_number(found):
    return sorted(({name: row[name] for name in TYPES} for row in found), key=lambda row: row["n"])


def test_parquet_is_read_where_it_lies(tmp_path):
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "data.parquet")
    dataset = read(tmp_path / "data.parquet", tmp_path)
    assert dataset.table.files == [tmp_path / "data.parquet"]
    assert dataset.table.types == TYPES and dataset.table.rows == 3


def test_csv_has_its_types_from_all_of_its_lines(tmp_path):
    many = "".join(f"{number}.5,{number},AA,true\n" for number in range(50, 50_000))
    (tmp_path / "data.csv").write_text('x,n,s,flag\n1.5,3,AA,true\nNA,4,,false\n-2,5,"B, C",true\n' + many)
    dataset = read(tmp_path / "data.csv", tmp_path)
    assert dataset.table.types == TYPES
    assert by_number(rows(dataset))[:3] == ROWS
    (tmp_path / "late.csv").write_text("a\n" + "1\n" * 50_000 + "text\n")
    assert read(tmp_path / "late.csv", tmp_path).table.types == {"a": "string"}


def test_json_lines_keep_times_as_text_and_skip_what_is_broken(tmp_path):
    lines = [json.dumps(row | {"at": "2013-07-01T00:00:00Z", "in": {"a": 1}}) for row in ROWS]
    with gzip.open(tmp_path / "data.jsonl.gz", "wt") as file:
        file.write("\n".join([lines[0], "{broken", *lines[1:]]))
    dataset = read(tmp_path / "data.jsonl.gz", tmp_path)
    assert dataset.table.types == {**TYPES, "at": "string", "in": "string"}
    assert by_number(rows(dataset)) == ROWS
    assert {row["in"] for row in rows(dataset)} == {'{"a":1}'}
    assert [code for code, _ in dataset.notes] == ["corrupt-line"]


def test_an_mltable_says_what_to_read(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "1.csv").write_text("a;b;c\n1;x;2\n")
    (tmp_path / "parts" / "2.csv").write_text("a;b;c\n2;y;3\n")
    (tmp_path / "parts" / "other.json").write_text("{}")
    (tmp_path / "MLTable").write_text(
        "paths:\n  - pattern: ./parts/*.csv\ntransformations:\n"
        "  - read_delimited: {delimiter: ';', header: all_files_same_headers}\n  - keep_columns: [a, b]\n  - take: 5\n"
    )
    dataset = read(tmp_path, tmp_path)
    assert dataset.table.types == {"a": "bigint", "b": "string"} and dataset.table.rows == 2
    assert [code for code, _ in dataset.notes] == ["mltable-step"]
    (tmp_path / "MLTable").write_text("paths:\n  - folder: ../elsewhere\n")
    with pytest.raises(sources.NoData, match="outside of its folder"):
        read(tmp_path, tmp_path)


def test_files_of_a_folder_may_differ_in_columns_and_types(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    pq.write_table(pa.table({"a": [1, 2], "b": [1, 2]}), folder / "1.parquet")
    pq.write_table(pa.table({"b": [1.5], "a": pa.array([3], pa.int32())}), folder / "2.parquet")
    pq.write_table(pa.table({"a": [4]}), folder / "3.parquet")
    (folder / "_SUCCESS").write_text("")
    dataset = read(folder, tmp_path)
    assert dataset.table.types == {"a": "bigint", "b": "double"}
    assert [code for code, _ in dataset.notes] == ["missing-in-files"]
    column = dataset.table.column("b")
    assert column.nulls == 1 and column.span == (1.0, 2.0)
    (folder / "4.csv").write_text("a\n1\n")
    with pytest.raises(sources.NoData, match="csv and parquet"):
        read(folder, tmp_path)


def test_the_same_moments_in_other_zones_and_units_are_no_drift(tmp_path):
    moments = [
        dt.datetime(2013, 11, 3, hour, 30, tzinfo=dt.UTC) for hour in range(4, 8)
    ]  # the clocks go back meanwhile
    there = pa.table(
        {"at": pa.array(moments, pa.timestamp("ns", "America/New_York")), "b": pa.array([b"a"] * 4, pa.binary())}
    )
    here = pa.table({"at": pa.array(moments, pa.timestamp("ms", "UTC")), "b": pa.array([b"a"] * 4, pa.large_binary())})
    found = monitor(tmp_path, there, here, drift(), quality())
    assert values(found["drift"]) == {"at": 0.0, "b": 0.0}


# ---- collected data


def record(identity, data, **more):
    return json.dumps({"specversion": "1.0", "id": identity, "correlationid": identity, "data": data} | more)


def collected(folder, hours):
    """hour -> lines, as the collector lays them out."""
    for hour, lines in hours.items():
        path = folder / hour.strftime("%Y/%m/%d/%H") / "instance.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(lines) + "\n")
    return folder


def hour(number, day=1):
    return dt.datetime(2013, 7, day, number, tzinfo=dt.UTC)


def test_rows_of_collected_records_get_the_correlation_ids_of_azure(tmp_path):
    lines = [
        record("a", [{"x": 1, "s": "u"}, {"x": 2.5, "s": None}]),
        record("b", [{"s": "v", "x": None, "t": "2013-07-01"}]),
    ]
    folder = collected(tmp_path / "data", {hour(3): lines})
    dataset = read(folder, tmp_path)
    assert dataset.table.types == {"correlationid": "string", "x": "double", "s": "string", "t": "string"}
    found = {row["correlationid"]: (row["x"], row["s"]) for row in rows(dataset)}
    assert found == {"a_0": (1, "u"), "a_1": (2.5, None), "b_0": (None, "v")}


def test_many_small_files_of_an_hour_each_take_little_memory(tmp_path):
    hours = [dt.datetime(2013, 7, 1, tzinfo=dt.UTC) + dt.timedelta(hours=number) for number in range(200)]
    folder = collected(tmp_path / "data", {at: [record(str(at), [{"x": 1.0}] * 20)] for at in hours})
    assert read(folder, tmp_path).table.rows == 4000


def test_corrupt_records_are_counted_and_left_out(tmp_path):
    lines = [
        record("a", [{"x": 1}]), '{"cut off', record("p", "payload"), "[1]",
        json.dumps({"specversion": "1.0", "correlationid": "r", "dataref": "https://host/c/2013/07/01/03/big.json"}),
        json.dumps({"specversion": "1.0", "correlationid": "h", "dataref": "file:///etc/passwd"}),
    ]  # fmt: skip
    folder = collected(tmp_path / "data", {hour(3): lines})
    (folder / "2013/07/01/03/big.json").write_text('[{"x": 7},\n {"x": 8}]')
    dataset = read(folder, tmp_path)
    assert sorted((row["correlationid"], row["x"]) for row in rows(dataset)) == [("a_0", 1), ("r_0", 7), ("r_1", 8)]
    said = " ".join(message for _, message in dataset.notes)
    assert "2 collected records can't be read" in said and "1 collected record without rows" in said
    assert "passwd" in said and "root:" not in said


@pytest.mark.parametrize(
    ("window", "taken"),
    [
        ("2013-07-01T03:40Z/2013-07-01T05:00Z", {3, 4}),  # the hour of a full end is not read
        ("2013-07-01T03:40Z/2013-07-01T05:01Z", {3, 4, 5}),
        ("2013-07-01T05:40+02:00/2013-07-01T07:00+02:00", {3, 4}),
        ("2013-07-01T04:00/2013-07-01T05:00", {4}),
        ("2013-06-01/2013-08-01", {2, 3, 4, 5}),
    ],
)
def test_a_window_takes_the_hours_that_azure_takes(tmp_path, window, taken):
    folder = collected(
        tmp_path / "data", {hour(number): [record(str(number), [{"x": number}])] for number in range(2, 6)}
    )
    dataset = read(folder, tmp_path, sources.Window.read(window))
    assert {row["x"] for row in rows(dataset)} == taken


def test_a_window_without_data_is_a_finding(tmp_path):
    folder = collected(tmp_path / "data", {hour(3): [record("a", [{"x": 1.0}])]})
    found = monitor(tmp_path, folder, folder, drift(), production_window="2014-01-01/2014-01-02")["drift"]
    assert codes(found) == {("error", "no-data", None)}
    assert "2014-01-01" in found["findings"][0]["message"]
    assert found["window"] == {"start": "2014-01-01T00:00:00+00:00", "end": "2014-01-02T00:00:00+00:00"}
    pq.write_table(pa.table({"x": [1.0]}), tmp_path / "whole.parquet")
    whole = monitor(tmp_path, folder, tmp_path / "whole.parquet", drift(), production_window="2014-01-01/2014-01-02")[
        "drift"
    ]
    assert codes(whole) == {("warning", "window-not-applied", None)}


@pytest.mark.parametrize("window", ["2013-07-01", "2013-07-02/2013-07-01", "a/b"])
def test_a_window_that_is_none_is_refused(window):
    with pytest.raises(ValueError, match=r"window|isoformat"):
        sources.Window.read(window)


def test_collected_data_is_compared_without_its_correlation_ids(tmp_path):
    lines = [record(str(number), [{"x": number * 1.0}]) for number in range(20)]
    folder = collected(tmp_path / "data", {hour(3): lines})
    found = monitor(tmp_path, folder, folder, drift(), quality())
    assert values(found["drift"]) == values(found["quality"]) == {"x": 0.0}
    assert codes(found["drift"]) == {("warning", "same-data", None)}
