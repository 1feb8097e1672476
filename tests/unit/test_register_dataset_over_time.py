"""What register_dataset does when contracts and files change from run to run."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
import yaml

from tests.weather import CONTRACT, JANUARY, MONTH, ROWS, WRITERS, Landing, edited, of_january, typed, with_cells

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
