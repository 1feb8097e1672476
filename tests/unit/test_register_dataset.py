"""What the outside world drops, good and bad, and what register_dataset makes of it.

The file that is bent is real: the weather of February 2013, against its real contract.
"""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import mltable
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
import yaml

from scripts import land
from tests.component import ROOT, load

register_dataset = load("register_dataset")
contract_module = load("register_dataset", "contract")
CONTRACT = ROOT / "data" / "weather" / "contract"
MONTH = "2013-02-01/weather.csv"
TYPES = {
    name: column["dtype"]
    for name, column in yaml.safe_load((CONTRACT / "contract.yml").read_text())["rows"]["columns"].items()
}
ROWS = 2_010
Rows = list[list[str]]


@pytest.fixture(scope="module")
def february(tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("landing")
    land.land(land.source("weather.csv"), folder, "weather", [2])
    return (folder / MONTH).read_bytes()


class Landing:
    """A landing folder and the runs of register_dataset over it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs, self.contract = folder, 0, CONTRACT

    def drop(self, name: str, content: bytes) -> None:
        path = self.folder / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def register(self) -> tuple[int, dict[str, Any]]:
        """Exit code and report of one more run; the quarantine is the same for all, as in the pipeline."""
        self.runs += 1
        out = self.folder / f"run{self.runs}"
        outputs = {"dataset": out / "dataset", "quarantine": self.folder / "quarantine", "report": out / "report"}
        for path in outputs.values():
            path.mkdir(parents=True, exist_ok=True)
        argv = ["--landing", str(self.folder / "landing"), "--contract", str(self.contract)]
        argv += ["--datastore", "workspaceblobstore", "--dataset-path", "landing/weather"]
        argv += [text for name, path in outputs.items() for text in (f"--{name}", str(path))]
        code = register_dataset.main(register_dataset.parse_args(argv))
        report = json.loads((outputs["report"] / "report.json").read_text())
        return code, report

    @property
    def dataset(self) -> Path:
        return self.folder / f"run{self.runs}" / "dataset"

    @property
    def quarantined(self) -> list[str]:
        return sorted(path.relative_to(self.folder / "quarantine").as_posix() for path in self._quarantined())

    def _quarantined(self) -> list[Path]:
        return [path for path in (self.folder / "quarantine").rglob("*") if path.is_file()]


@pytest.fixture
def landing(tmp_path) -> Landing:
    return Landing(tmp_path)


# ---- A good month, in each format


def as_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path)


def as_orc(table: pa.Table, path: Path) -> None:
    pa.orc.write_table(table, path)


def as_json_lines(table: pa.Table, path: Path) -> None:
    lines = [json.dumps(row, default=lambda moment: moment.isoformat()) + "\n" for row in table.to_pylist()]
    path.write_text("".join(lines), encoding="utf-8")


def as_avro(table: pa.Table, path: Path) -> None:
    kinds = {pa.int64(): "long", pa.float64(): "double", pa.string(): "string"}
    moment = {"type": "long", "logicalType": "timestamp-micros"}
    fields = [{"name": field.name, "type": ["null", kinds.get(field.type, moment)]} for field in table.schema]
    with path.open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": "weather", "fields": fields}, table.to_pylist())


WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {
    "parquet": as_parquet,
    "orc": as_orc,
    "jsonl": as_json_lines,
    "avro": as_avro,
}


def typed(content: bytes) -> pa.Table:
    """The month as an exporter with types would hold it."""
    table = pyarrow.csv.read_csv(io.BytesIO(content))
    numbers = {"wind_dir": pa.float64(), "wind_speed": pa.float64(), "precip": pa.float64(), "visib": pa.float64()}
    fields = [pa.field(field.name, numbers.get(field.name, field.type)) for field in table.schema]
    moment = table.schema.get_field_index("time_hour")
    fields[moment] = pa.field("time_hour", pa.timestamp("us", "UTC"))
    return table.cast(pa.schema(fields))


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


# ---- Bad months: each one is refused, for its own reason


def edited(content: bytes, edit: Callable[[Rows], Rows]) -> bytes:
    lines = edit(list(csv.reader(io.StringIO(content.decode()))))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue().encode()


def with_cells(column: str, value: str, rows: int = 1) -> Callable[[bytes], bytes]:
    def edit(lines: Rows) -> Rows:
        at = lines[0].index(column)
        return [line if not 1 <= n <= rows else [*line[:at], value, *line[at + 1 :]] for n, line in enumerate(lines)]

    return lambda content: edited(content, edit)


def lines_of(edit: Callable[[Rows], Rows]) -> Callable[[bytes], bytes]:
    return lambda content: edited(content, edit)


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


# ---- A contract that changes


def evolve(landing: Landing, *added: str) -> None:
    """Gives the landing folder version 2 of the contract, with these columns (temp a new one, if it is named)."""
    document = yaml.safe_load((CONTRACT / "contract.yml").read_text())
    document["version"] = 2
    for name in added:
        column = document["rows"]["columns"].setdefault(name, {"dtype": "Int64"})
        column.update(nullable=True, since=2)
    landing.contract = landing.folder / "contract"
    landing.contract.mkdir()
    (landing.contract / "contract.yml").write_text(yaml.safe_dump(document, sort_keys=False))
    (landing.contract / "MLTable").write_bytes((CONTRACT / "MLTable").read_bytes())


def write(table: pa.Table, suffix: str, path: Path) -> bytes:
    if suffix == "csv":
        times = pa.array([moment.isoformat() for moment in table["time_hour"].to_pylist()])
        pyarrow.csv.write_csv(table.set_column(table.column_names.index("time_hour"), "time_hour", times), path)
    else:
        WRITERS[suffix](table, path)
    return path.read_bytes()


@pytest.mark.parametrize("suffix", ["csv", *WRITERS])
def test_files_of_before_a_new_column_are_taken_as_nulls_and_later_ones_with_it(landing, february, suffix, tmp_path):
    evolve(landing, "uv_index")
    before = typed(february)
    moved = pyarrow.csv.read_csv(io.BytesIO(of_january(february)))
    after = before.set_column(2, "month", moved["month"]).set_column(14, "time_hour", moved["time_hour"])
    after = after.cast(before.schema).append_column("uv_index", pa.array([7] * ROWS))
    landing.drop(f"2013-02-01/weather.{suffix}", write(before, suffix, tmp_path / "before"))
    landing.drop(f"2013-01-01/weather.{suffix}", write(after, suffix, tmp_path / "after"))

    code, report = landing.register()

    assert (code, report["rows"], report["contract_version"]) == (0, 2 * ROWS, 2)
    partitions = {
        name: pq.read_table(landing.dataset / name / "weather.parquet") for name in ("2013-01-01", "2013-02-01")
    }
    assert partitions["2013-02-01"]["uv_index"].null_count == ROWS
    assert partitions["2013-01-01"]["uv_index"].unique().to_pylist() == [7]
    assert partitions["2013-01-01"].schema == partitions["2013-02-01"].schema


@pytest.mark.parametrize("suffix", ["csv", *WRITERS])
def test_a_dropped_column_is_refused_although_another_may_be_missing(landing, february, suffix, tmp_path):
    evolve(landing, "uv_index")
    dropped = typed(february).drop_columns(["visib"])
    landing.drop(f"2013-02-01/weather.{suffix}", write(dropped, suffix, tmp_path / "dropped"))
    code, report = landing.register()
    assert (code, report["files"][0]["broken"][0]["rule"]) == (1, "columns are missing: visib (float64)")


@pytest.mark.parametrize("suffix", ["csv", *WRITERS])
def test_a_retyped_column_is_refused_by_its_name_and_both_types(landing, february, suffix, tmp_path):
    table = typed(february)
    words = pa.array(["five"] * ROWS)
    retyped = table.set_column(table.column_names.index("hour"), "hour", words)
    landing.drop(f"2013-02-01/weather.{suffix}", write(retyped, suffix, tmp_path / "retyped"))
    code, report = landing.register()
    [broken] = report["files"][0]["broken"]
    assert (code, broken["column"], broken["rule"], broken["rows"]) == (1, "hour", "type is not Int64", ROWS)
    said = "row 1: 'five'" if suffix == "csv" else "row 1: 'five', the file says string"
    assert broken["example"] == said, "text has no type but that of what it says"


# ---- Over several runs


def test_a_month_that_comes_twice_is_refused_and_the_first_one_stays(landing, february):
    landing.drop(MONTH, february)
    landing.drop("2013-02-15/again.csv", february)
    code, report = landing.register()
    assert code == 1
    first, second = report["files"]
    assert (first["status"], second["status"]) == ("accepted", "refused")
    assert second["broken"][0]["rule"] == "one file a month"
    assert MONTH in second["broken"][0]["example"]


JANUARY = "2013-01-01/weather.csv"


def of_january(february: bytes) -> bytes:
    return february.replace(b",2013,2,", b",2013,1,").replace(b"2013-02-", b"2013-01-")


def test_a_refused_file_stops_every_run_until_a_corrected_one_lands(landing, february, capsys):
    landing.drop(JANUARY, b"nonsense\n")
    landing.drop(MONTH, february)
    assert landing.register()[0] == 1, "one bad file stops the registration of all"
    kept = {path: (landing.folder / "quarantine" / path).stat().st_mtime_ns for path in landing.quarantined}
    capsys.readouterr()

    code, report = landing.register()
    place = f"quarantine/weather/{JANUARY}/{report['files'][0]['sha256'][:12]}/report.json"
    assert (code, report["status"]) == (1, "refused"), "else the next version would lack a month that is registered"
    assert (report["files"][0]["status"], report["files"][0]["quarantine"]) == ("still in quarantine", place)
    printed = capsys.readouterr()
    assert f"REFUSED {JANUARY}: columns are missing" in printed.out
    assert f"still in quarantine since an earlier run: {JANUARY} ({place}); send a corrected file" in printed.err
    assert "Nothing is registered" in printed.err and not (landing.dataset / "MLTable").exists()
    assert kept == {path: (landing.folder / "quarantine" / path).stat().st_mtime_ns for path in landing.quarantined}

    landing.drop(JANUARY, of_january(february))
    code, report = landing.register()
    assert (code, report["months"]) == (0, ["2013-01", "2013-02"])
    assert len(landing.quarantined) == 2, "what was refused is still there, with its report"


def test_a_refused_file_that_is_taken_out_of_the_landing_folder_holds_nothing_up(landing, february):
    landing.drop(JANUARY, b"nonsense\n")
    landing.drop(MONTH, february)
    assert landing.register()[0] == 1
    (landing.folder / "landing" / JANUARY).unlink()
    code, report = landing.register()
    assert (code, report["months"]) == (0, ["2013-02"])


@pytest.mark.parametrize("name", ["2013-01-01/corrected.csv", "2013-01-15/weather.csv"])
def test_a_refused_file_is_passed_over_where_a_corrected_one_lies_beside_it(landing, february, name, capsys):
    landing.drop(JANUARY, b"nonsense\n")
    assert landing.register()[0] == 1
    landing.drop(name, of_january(february))
    code, report = landing.register()
    assert (code, report["months"]) == (0, ["2013-01"])
    assert {file["file"]: file["status"] for file in report["files"]} == {JANUARY: "passed over", name: "accepted"}
    assert f"WARNING {JANUARY}: passed over" in capsys.readouterr().out


def test_the_second_file_of_a_month_is_checked_anew_once_the_first_is_taken_out(landing, february):
    landing.drop(MONTH, february)
    landing.drop("2013-02-15/again.csv", february)
    assert landing.register()[0] == 1
    assert landing.register()[0] == 0, "the first one holds the month"
    (landing.folder / "landing" / MONTH).unlink()
    code, report = landing.register()
    assert (code, report["files"][0]["status"]) == (0, "accepted"), "the file itself was good"


def test_a_changed_contract_has_the_quarantined_file_checked_anew(landing, february, tmp_path):
    landing.drop(MONTH, edited(february, lambda lines: lines[:1000]))
    assert landing.register()[0] == 1
    landing.contract = tmp_path / "contract"
    landing.contract.mkdir()
    text = (CONTRACT / "contract.yml").read_text()
    (landing.contract / "contract.yml").write_text(text.replace("minimum_rows: 1500", "minimum_rows: 500"))
    (landing.contract / "MLTable").write_bytes((CONTRACT / "MLTable").read_bytes())
    code, report = landing.register()
    assert (code, report["rows"]) == (0, 999)


def test_the_version_names_the_content_and_not_the_run(landing, february):
    landing.drop(MONTH, february)
    versions = [landing.register()[1]["version"] for _ in range(2)]
    landing.drop(MONTH, with_cells("temp", "40")(february))
    assert versions[0] == versions[1] != landing.register()[1]["version"]


def test_nothing_landed_is_an_error_and_half_written_files_do_not_count(landing, capsys):
    landing.drop("2013-02-01/.weather.csv.123", b"half")
    landing.drop("2013-02-01/_SUCCESS", b"")
    code, report = landing.register()
    assert (code, report["files"]) == (1, [])
    assert "there is no landing file" in capsys.readouterr().err


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
