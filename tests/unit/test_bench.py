"""The bench's own arithmetic: what its verdicts rest on. What it measures is seen by running it."""

import json
import math
import sys

import pytest

from bench import chain, report, templates, timing, trivial
from bench.__main__ import SECTIONS, parse_args
from bench.rows import Row, shown
from bench.timing import BenchError, interleave

LISTED = Row("az ml job list", [0.9, 0.6, 0.5], "2 x az version", 2.0, reference=[0.5, 0.3, 0.4])


def test_a_row_compares_medians_so_one_slow_run_decides_nothing():
    assert (LISTED.measured, LISTED.compared, LISTED.ratio) == (0.6, 0.4, pytest.approx(1.5))
    assert LISTED.limit == pytest.approx(0.8)
    assert not LISTED.over


def test_a_limit_is_a_factor_of_the_reference_or_so_much_more_or_plain():
    reference = [2.0, 1.0]
    assert Row("x", [1.6], "1 x + 0.15 s", 1.0, 0.15, reference).limit == pytest.approx(1.65)
    assert Row("x", [1.7], "1 x + 0.15 s", 1.0, 0.15, reference).over
    assert Row("x", [4.0], "4 s", plus=4.0).limit == 4.0
    assert not Row("x", [4.0], "4 s", plus=4.0).over
    assert Row("x", [4.01], "4 s", plus=4.0).over


def test_a_row_without_a_rule_is_only_shown():
    row = Row("render 100 components", [99.0])
    assert (row.limit, row.ratio, row.over) == (None, None, False)


def test_what_is_not_a_number_is_over():
    assert Row("x", [math.nan], "4 s", plus=4.0).over


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.04123, "0.0412 s"), (0.5, "0.500 s"), (7.844, "7.84 s"), (254.6, "255 s"), (0.0, "0 s"), (None, "-")],
)
def test_values_are_shown_to_three_digits(value, text):
    assert shown(value, "s") == text


def test_runs_alternate_and_the_warm_up_is_forgotten(capsys):
    order, values = [], iter(range(100))

    def run(name):
        order.append(name)
        return next(values)

    found = interleave({"a": lambda: run("a"), "b": lambda: run("b")}, rounds=2, warm_up=True)
    assert order == ["a", "b"] * 3
    assert found == {"a": [2, 4], "b": [3, 5]}
    assert "round 2 of 2" in capsys.readouterr().err


def test_a_command_that_fails_is_no_measurement(tmp_path):
    with pytest.raises(BenchError, match=r"exit code 3:\nbroken"):
        timing.seconds([sys.executable, "-c", "import sys; print('broken'); sys.exit(3)"], {}, tmp_path)
    with pytest.raises(BenchError, match=r"nowhere\ncan't be started: .*No such file"):
        timing.run(["nowhere"], {}, tmp_path)
    assert timing.run([sys.executable, "-c", "print('well')"], {}, tmp_path) == "well\n"


def test_the_table_marks_what_is_over_and_the_document_counts_it():
    slow = Row("unchanged re-run", [5.0, 4.5], "4 s", plus=4.0)
    results = {"read": [LISTED], "train": [slow, Row("of it, prep", [2.0], reference=[4.0])]}
    heading, *rows = report.lines(results)
    assert heading.split() == ["section", "what", "measured", "reference", "ratio", "limit", "rule"]
    assert rows[0].split()[-1] == "ok"
    assert rows[0].startswith("read") and "0.600 s" in rows[0] and "1.50" in rows[0]
    assert rows[1].split()[-1] == "over"
    assert rows[2].split()[-1] not in ("ok", "over") and "0.50" in rows[2]

    document = json.loads(json.dumps(report.document(results, {"cores": 2})))
    assert (document["over"], document["machine"]) == (1, {"cores": 2})
    assert [row["over"] for row in document["rows"]] == [False, True, False]
    first = document["rows"][0]
    assert (first["section"], first["measured"], first["reference"], first["limit"]) == ("read", 0.6, 0.4, 0.8)
    assert first["samples"] == {"measured": [0.9, 0.6, 0.5], "reference": [0.5, 0.3, 0.4]}


def test_growth_is_linear_if_a_further_template_costs_the_same_among_many():
    linear = templates.further("render", [1.0, 2.0, 5.5])  # 5 ms each, all the way
    assert (linear.measured, linear.compared, linear.over) == (pytest.approx(5.0), pytest.approx(5.0), False)
    assert templates.further("render", [0.01, 0.09, 1.0]).over  # with the square of the number


def test_sections_are_named_with_commas_and_run_in_one_order(capsys):
    assert parse_args(["train,read"]).only == ["read", "train"]
    assert parse_args([]).only == list(SECTIONS)
    with pytest.raises(SystemExit):
        parse_args(["reed"])
    assert "no section reed; there are read, submit" in capsys.readouterr().err


def test_the_script_does_what_the_steps_of_the_chain_do(tmp_path):
    script = trivial.write_script(tmp_path)
    chain.seconds(["bash", script, tmp_path / "out"], {"PATH": "/usr/bin:/bin"}, tmp_path)
    last = trivial.names()[-1]
    assert (tmp_path / "out" / last / "text").read_text().split() == trivial.names()

    jobs = json.loads(trivial.write_pipeline(tmp_path).read_text())["jobs"]
    assert list(jobs) == trivial.names()
    taken = [job["inputs"]["previous"]["path"] for job in list(jobs.values())[1:]]
    assert taken == [f"${{{{parent.jobs.{name}.outputs.out}}}}" for name in trivial.names()[:-1]]
