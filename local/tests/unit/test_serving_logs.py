"""Logs of servers: what is kept of them, and how their ends are read."""

import pytest
from ml_workspace import serving_logs


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setattr(serving_logs, "LARGEST", 100)
    monkeypatch.setattr(serving_logs, "BLOCK", 7)
    return tmp_path / "server-0.log"


def test_the_end_is_read_across_blocks_and_from_the_old_log_where_the_new_one_is_short(log):
    serving_logs.rotate(log)
    assert serving_logs.last_lines(log, 5) == []
    log.write_text("".join(f"é{number}\n" for number in range(9)), encoding="utf-8")
    assert serving_logs.last_lines(log, 3) == ["é6", "é7", "é8"]
    assert serving_logs.last_lines(log, 100)[0] == "é0"
    assert serving_logs.last_lines(log, 0) == []
    serving_logs.rotate(log)
    log.write_text("new\nnewer")
    assert serving_logs.last_lines(log, 1) == ["newer"]
    assert serving_logs.last_lines(log, 4) == ["é7", "é8", "new", "newer"]


def test_each_start_keeps_one_old_log(log, tmp_path):
    for text in ("first", "second", "third"):
        serving_logs.rotate(log)
        log.write_text(text)
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {
        "server-0.log": "third",
        "server-0.log.1": "second",
    }


def test_a_log_that_is_too_large_is_emptied_under_the_process_that_writes_it(log):
    with log.open("a", buffering=1) as stream:
        stream.write("x" * 100)
        stream.flush()
        serving_logs.cut(log)
        assert log.stat().st_size == 100
        stream.write("y\n")
        serving_logs.cut(log)
        stream.write("z\n")
    assert log.read_text() == "z\n"
    assert serving_logs.last_lines(log, 2) == ["x" * 100 + "y", "z"]
