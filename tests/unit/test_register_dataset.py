"""What the outside world drops, and what register_dataset makes of it, in each format."""

import json

import mltable
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.component import load
from tests.weather import CONTRACT, MONTH, ROWS, WRITERS, Landing, contract_module, typed


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_format_gives_the_dataset_that_csv_gives(landing, february, suffix, tmp_path):
    landing.drop(MONTH, february)
    assert landing.register()[0] == 0
    from_csv = pq.read_table(landing.dataset / "2013-02-01" / "weather.parquet")

    WRITERS[suffix](typed(february), tmp_path / "exported")
    other = Landing(tmp_path / "other")
    other.drop(f"2013-02-01/any name.{suffix}", (tmp_path / "exported").read_bytes())
    code, report = other.register()

    assert (code, report["rows"]) == (0, ROWS)
    assert pq.read_table(other.dataset / "2013-02-01" / "weather.parquet").equals(from_csv)


@pytest.mark.parametrize("suffix", ["csv", *WRITERS])
def test_a_file_is_read_alike_in_however_many_pieces(landing, february, suffix, tmp_path, monkeypatch):
    whole = tmp_path / "exported"
    if suffix == "csv":
        whole.write_bytes(february)
    else:
        WRITERS[suffix](typed(february), whole)
    landing.drop(f"2013-02-01/weather.{suffix}", whole.read_bytes())
    assert landing.register()[0] == 0
    at_once = pq.read_table(landing.dataset / "2013-02-01" / "weather.parquet")

    monkeypatch.setattr(load("register_dataset", "lines"), "BLOCK", 10_000)
    for module in ("records", "formats"):
        monkeypatch.setattr(load("register_dataset", module), "ROWS", 100)
    monkeypatch.setattr(load("register_dataset", "repeated"), "PART", 100)
    monkeypatch.setattr(load("register_dataset", "repeated"), "READ", 800)
    assert landing.register()[0] == 0
    assert pq.read_table(landing.dataset / "2013-02-01" / "weather.parquet").equals(at_once)


def test_the_report_counts_over_the_pieces_of_a_file_and_names_rows_and_lines_of_the_file(
    landing, february, monkeypatch
):
    """The first row again at the end, and in between a line cut off, bad values, and gaps written as 5.0."""
    lines = february.decode().splitlines()
    lines[1500] = lines[1500].rpartition(",")[0]
    lines[1800] = lines[1800].replace("EWR", "ORD").replace("JFK", "ORD").replace("LGA", "ORD")
    lines[1900] = lines[1900].replace("2013,2,", "2013,2.0,")
    landing.drop(MONTH, ("\n".join([*lines, lines[1]]) + "\n").encode())
    monkeypatch.setattr(load("register_dataset", "lines"), "BLOCK", 10_000)
    monkeypatch.setattr(load("register_dataset", "repeated"), "PART", 100)
    monkeypatch.setattr(load("register_dataset", "repeated"), "READ", 800)

    _, report = landing.register()

    found = {rule["rule"]: (rule["rows"], rule["example"].partition(":")[0]) for rule in report["files"][0]["broken"]}
    assert found == {
        "lines have the wrong number of fields: cut off?": (1, "line 1501"),
        "isin(['EWR', 'JFK', 'LGA'])": (1, "row 1799"),  # counted without the line that was cut off
        "unique by origin, time_hour": (1, "row 2010 repeats row 1"),
    }


def test_a_line_without_an_end_is_refused_and_not_read_into_memory(landing, february, monkeypatch):
    landing.drop(MONTH, february + b"x" * 30_000)
    monkeypatch.setattr(load("register_dataset", "lines"), "BLOCK", 10_000)
    _, report = landing.register()
    assert "line 2,012 is longer than" in report["files"][0]["broken"][-1]["example"]


@pytest.mark.parametrize(
    "line", ['{"origin": "EWR"} {"origin": "JFK"}', '{"origin": "EWR", "surprise": 1}', '{"origin": "\xe9"}']
)
def test_json_lines_that_pyarrow_would_take_are_still_refused(landing, february, line, tmp_path):
    whole = tmp_path / "whole.jsonl"
    WRITERS["jsonl"](typed(february), whole)
    landing.drop("2013-02-01/weather.jsonl", whole.read_bytes() + line.encode("latin-1"))
    code, report = landing.register()
    assert code == 1
    assert report["files"][0]["broken"][0]["rule"] in {
        "truncated",
        "encoding",
        "columns are not in the contract: surprise",
    }


def test_mltable_reads_what_is_registered_with_the_date_of_landing(landing, february):
    landing.drop(MONTH, february)
    landing.drop(
        "2013-03-01/anything.csv", february.replace(b",2013,2,", b",2013,3,").replace(b"2013-02-", b"2013-03-")
    )
    code, report = landing.register()
    assert (code, report["status"], report["months"]) == (0, "accepted", ["2013-02", "2013-03"])

    frame = mltable.load(str(landing.dataset)).to_pandas_dataframe()
    assert frame["landed"].value_counts().to_dict() == {
        pd.Timestamp("2013-02-01"): ROWS,
        pd.Timestamp("2013-03-01"): ROWS,
    }
    assert list(frame.columns) == [*contract_module.load_contract(CONTRACT / "contract.yml").columns, "landed"]
    assert frame["temp"].dtype == "float64"
    assert json.loads((landing.dataset / "report.json").read_text()) == report
