"""Months and contracts that are refused, each for its own reason.

The file that is bent is real: the weather of February 2013, against its real contract.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from scripts import land
from tests.weather import CONTRACT, MONTH, ROOT, TYPES, WRITERS, contract_module, lines_of, typed, with_cells

# ---- Bad months: each one is refused, for its own reason


JUNK = bytes(range(255, 9, -1)) * 20  # lines of bytes that are no text, with too many and too few commas

BAD: dict[str, tuple[Callable[[bytes], bytes], str, str | None, int | None]] = {
    # name: (how the file is bent, rule in the report, column, rows that break it)
    "empty": (lambda content: b"", "empty", None, None),
    "only a header": (lambda content: content[: content.index(b"\n") + 1], "at least 1,500 rows", None, None),
    "cut off in a line": (lambda content: content[:-60], "wrong number of fields", None, 1),
    "cut off in the last field": (lambda content: content[:-10], "type is not datetime64[us, UTC]", "time_hour", 1),
    "cut off between lines": (lines_of(lambda lines: lines[:1000]), "at least 1,500 rows", None, None),
    "latin-1": (lambda content: content.replace(b"EWR", b"\xe9WR", 1), "encoding", None, None),
    "UTF-16": (lambda content: content.decode().encode("utf-16"), "encoding", None, None),
    "junk below the header": (lambda content: content[: content.index(b"\n") + 1] + JUNK, "encoding", None, None),
    "junk without a line": (lambda content: b"x" * 200_000, "truncated", None, None),
    "columns are missing": (
        lines_of(lambda lines: [line[2:] for line in lines]),
        "columns are missing: origin (string), year (Int64)",
        None,
        None,
    ),
    "extra columns": (
        lines_of(lambda lines: [[*line, f"x{n}", f"y{n}"] for n, line in enumerate(lines)]),
        "columns are not in the contract: x0, y0",
        None,
        None,
    ),
    "another order": (
        lines_of(lambda lines: [[line[1], line[0], *line[2:]] for line in lines]),
        "columns are in another order",
        None,
        None,
    ),
    "a column twice": (lines_of(lambda lines: [[*line, line[0]] for line in lines]), "format", None, None),
    "rows twice": (lines_of(lambda lines: [*lines, *lines[1:4]]), "unique by origin, time_hour", None, 3),
    "rows of another month": (
        with_cells("month", "3", rows=5),
        "rows are of the month of their folder, 2013-02",
        None,
        5,
    ),
    "text for a number": (with_cells("day", "first", rows=2), "type is not Int64", "day", 2),
    "a fraction for an integer": (with_cells("hour", "1.5"), "type is not Int64", "hour", 1),
    "a time without its zone": (
        with_cells("time_hour", "2013-02-01T05:00:00"),
        "type is not datetime64[us, UTC]",
        "time_hour",
        1,
    ),
    "a missing value": (with_cells("origin", "", rows=4), "value is missing", "origin", 4),
    "out of range": (with_cells("humid", "101.5", rows=3), "in_range(0, 100)", "humid", 3),
    "not allowed": (with_cells("origin", "ORD"), "isin(['EWR', 'JFK', 'LGA'])", "origin", 1),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_by_its_rule_and_kept_in_quarantine(landing, february, name, capsys):
    bend, rule, column, rows = BAD[name]
    bad = bend(february)
    landing.drop(MONTH, bad)

    code, report = landing.register()

    assert (code, report["status"], report["rows"]) == (1, "refused", 0)
    found = [broken for broken in report["files"][0]["broken"] if rule in broken["rule"] and broken["column"] == column]
    assert found, report["files"][0]["broken"]
    assert found[0]["rows"] == rows
    assert found[0]["example"]
    printed = capsys.readouterr()
    assert f"REFUSED {MONTH}" in printed.out
    assert report["files"][0]["quarantine"] in printed.err
    assert printed.err.count("\n") == 1, "one line, no traceback"
    copy, its_report = (landing.folder / "quarantine" / path for path in reversed(landing.quarantined))
    assert (copy.read_bytes(), json.loads(its_report.read_text())) == (bad, report["files"][0])
    assert report["files"][0]["quarantine"] == f"quarantine/weather/{landing.quarantined[0]}"
    assert not list(landing.dataset.rglob("*")), "a refused file leaves nothing that could be registered"


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_truncated_file_of_any_format_is_refused(landing, february, suffix, tmp_path):
    whole = tmp_path / f"whole.{suffix}"
    WRITERS[suffix](typed(february), whole)
    landing.drop(f"2013-02-01/weather.{suffix}", whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    code, report = landing.register()
    assert code == 1
    assert report["files"][0]["broken"][0]["rule"] == "truncated"


def test_a_column_that_changes_its_type_within_json_lines_is_counted(landing, february, tmp_path):
    whole = tmp_path / "whole.jsonl"
    WRITERS["jsonl"](typed(february), whole)
    landing.drop("2013-02-01/weather.jsonl", whole.read_bytes().replace(b'"day": 1,', b'"day": "one",', 2))
    code, report = landing.register()
    broken = report["files"][0]["broken"][0]
    assert (code, broken["rule"], broken["rows"]) == (1, "type is not Int64", 2)


def test_a_real_month_of_flights_keeps_its_contract(landing):
    land.land(land.source("flights.csv.zip"), landing.folder / "landing", "flights", [2])
    landing.contract = ROOT / "data" / "flights" / "contract"
    code, report = landing.register()
    assert (code, report["dataset"], report["rows"]) == (0, "flights", 24_951)


def test_wrong_columns_are_two_broken_rules_that_show_the_header_once(landing, february):
    header, rows = february.split(b"\n", 1)
    strange = [f"column of another system {n}" for n in range(15)]
    landing.drop(MONTH, b"\n".join([",".join(strange).encode(), rows]))
    _, report = landing.register()
    missing, extra = report["files"][0]["broken"]
    assert (
        missing["rule"]
        == f"columns are missing: {', '.join(f'{name} ({TYPES[name]})' for name in header.decode().split(','))}"
    )
    assert missing["example"].startswith("the header is column of another system 0, column of another system 1, ")
    assert missing["example"].endswith("… (15 columns)") and len(missing["example"]) < 200
    assert extra["rule"].startswith("columns are not in the contract: column of another system 0, ")
    assert len(extra["rule"]) < 200
    assert extra["example"] == "take them out, or have the contract changed"


@pytest.mark.parametrize(("separator", "named"), [(b";", "';'"), (b"\t", "a tab")])
def test_a_file_with_another_separator_is_told_so(landing, february, separator, named):
    landing.drop(MONTH, february.replace(b",", separator))
    code, report = landing.register()
    [broken] = report["files"][0]["broken"]
    assert code == 1 and broken["rule"].startswith("columns are missing: origin (string), year (Int64), ")
    assert f"the file seems to be separated by {named} and must be separated by commas" in broken["example"]


def test_several_broken_rules_are_all_named(landing, february):
    landing.drop(MONTH, with_cells("hour", "25")(with_cells("temp", "cold", rows=2)(february)))
    _, report = landing.register()
    broken = {(rule["column"], rule["rule"]): rule["rows"] for rule in report["files"][0]["broken"]}
    assert broken == {("hour", "in_range(0, 23)"): 1, ("temp", "type is not float64"): 2}


@pytest.mark.parametrize(
    "name", ["weather.csv", "february/weather.csv", "2013-02-30/weather.csv", "20130201/weather.csv"]
)
def test_a_file_outside_a_folder_of_its_date_is_refused(landing, february, name):
    landing.drop(name, february)
    code, report = landing.register()
    assert (code, report["files"][0]["broken"][0]["rule"]) == (1, "place")


def test_an_unknown_format_is_refused_by_name(landing):
    landing.drop("2013-02-01/weather.xlsx", b"PK")
    _, report = landing.register()
    assert ".xlsx" in report["files"][0]["broken"][0]["example"]


# ---- The contract itself


BROKEN: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda d: d.pop("rows"), "rows is missing"),
    (lambda d: d.update(version="2"), "version is a number"),
    (lambda d: d["rows"]["columns"]["temp"].update(since=2), "temp: since is a version of the contract"),
    (lambda d: (d.update(version=2), d["rows"]["columns"]["hour"].update(since=2)), "hour: since: earlier files"),
    (
        lambda d: (d.update(version=2), d["rows"]["columns"]["origin"].update(since=2, nullable=True)),
        "origin: since: earlier files lack the column, so file.unique",
    ),
    (lambda d: d["file"].pop("unique"), "unique is missing"),
    (lambda d: d["file"].update(uniqe=["origin"]), "uniqe is not known"),
    (lambda d: d["file"].update(unique=["origine"]), "file.unique"),
    (lambda d: d["file"].update(minimum_rows="many"), "file.minimum_rows"),
    (lambda d: d["file"].update(partition=["year"]), "file.partition"),
    (lambda d: d["rows"].update(columns=None), "rows.columns"),
    (lambda d: d["rows"]["columns"]["origin"].update(dtype="str"), "column origin: dtype str"),
    (lambda d: d["rows"]["columns"]["origin"].update(nulable=True), "nulable is not known"),
    (lambda d: d["rows"]["columns"]["origin"].update(nullable="maybe"), "nullable"),
    (lambda d: d["rows"]["columns"]["origin"].update(checks={"is_in": ["EWR"]}), "is_in"),
    (lambda d: d["rows"]["columns"]["origin"].update(checks={"in_range": {"min": 1}}), "in_range"),
    (lambda d: d["rows"]["columns"]["origin"].update(checks={"unique_values_eq": ["EWR"]}), "unique_values_eq"),
    (
        lambda d: d["rows"]["columns"]["hour"].update(
            checks={"in_range": {"min_value": 0, "max_value": 23, "options": {"raise_warning": True}}}
        ),
        "options of a check",
    ),
]


@pytest.mark.parametrize(("break_it", "named"), BROKEN, ids=[named for _, named in BROKEN])
def test_a_broken_contract_is_an_error_that_names_the_place(tmp_path, break_it, named):
    document = yaml.safe_load((CONTRACT / "contract.yml").read_text())
    break_it(document)
    path = tmp_path / "contract.yml"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(contract_module.ContractError, match=named.replace(".", r"\.")):
        contract_module.load_contract(path)


@pytest.mark.parametrize("name", ["flights", "weather"])
def test_the_contracts_of_the_repository_load(name):
    contract = contract_module.load_contract(ROOT / "data" / name / "contract" / "contract.yml")
    assert contract.name == name
    assert yaml.safe_load((ROOT / "data" / name / "contract" / "MLTable").read_text())["paths"]
