"""Retraining after a breach: who may, when, with what; and what is written down."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scripts import retrain
from scripts.alerting.decide import BREACHED, FAILED, OK, SILENT, Seen
from scripts.looking.workspace import Workspace
from scripts.retraining import facts as reading
from scripts.retraining.facts import new_rows, newest_data, reason_of, retrainings, rows_after, unused
from scripts.retraining.policy import Facts, rules
from scripts.specs.project import Project
from tests.component import ROOT

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SETTINGS = {"cool_down_hours": 72, "at_most_per_day": 2, "minimum_new_rows": 10_000, "approval": True}
ALLOWED = Facts("run-1: drift/temp/jensen_shannon_distance", [NOW - timedelta(hours=72)], 10_000, "Ada", "flights:5")
WHAT = {f"drift/{name}/jensen_shannon_distance": "0.2, threshold 0.01" for name in ("dest", "hour", "temp", "visib")}


def refused(facts: Facts, **settings: object) -> list[str]:
    return [rule.name for rule in rules(facts, {**SETTINGS, **settings}, NOW) if not rule.allows]


def changed(**values: object) -> Facts:
    return Facts(**{**vars(ALLOWED), **values})


def test_a_breach_with_new_rows_after_the_cool_down_and_with_approval_is_enough():
    assert refused(ALLOWED) == []
    assert refused(changed(before=[])) == []


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (changed(reason=""), "reason"),
        (changed(before=[NOW - timedelta(hours=71, minutes=59)]), "cool-down"),
        (changed(new_rows=9_999), "new rows"),
        (changed(approved_by=""), "approval"),
    ],
)
def test_each_rule_can_refuse_alone(facts, rule):
    assert refused(facts) == [rule]


def test_approval_may_be_waived_and_each_refusal_says_what_to_do():
    assert refused(changed(approved_by=""), approval=False) == []
    facts = Facts("", [NOW - timedelta(hours=1)], 0, "")
    text = "\n".join(retrain.lines(rules(facts, SETTINGS, NOW)))
    assert text.splitlines() == [
        "Retraining: not yet",
        "  no  reason     no new breach, no new data, and no REASON was given",
        "  no  cool-down  the last retraining was at 2026-11-25 11:00 UTC, the next may be from 2026-11-28 11:00 on",
        "  yes per day    1 in the last 24 hours, 2 at most",
        "  no  new rows   0 labelled rows that the champion has not seen, 10,000 are needed; "
        "make land, make register-data",
        "  no  approval   a person has to approve: make retrain APPROVED_BY=name",
    ]


def test_there_are_so_many_in_any_24_hours_however_short_the_cool_down():
    hours = [1, 23, 25]
    facts = changed(before=[NOW - timedelta(hours=hour) for hour in hours])
    assert refused(facts, cool_down_hours=0) == ["per day"]
    assert refused(facts, cool_down_hours=0, at_most_per_day=3) == []


def test_the_same_reason_trains_once_unless_that_training_failed():
    breach = Seen(BREACHED, NOW, "run-1", {"drift/temp/x": "0.2"})
    tags = {"retrain_reason": "run-1: drift/temp/x + new data version flights:5",
            "retrain_monitor_run": "run-1", "retrain_data": "flights:5"}  # fmt: skip
    done = [{"tags": tags, "status": "Completed"}]
    assert unused(breach, "", "flights:5", []) == tags["retrain_reason"]
    assert unused(breach, "", "flights:5", done) == ""
    assert unused(breach, "", "flights:6", done) == "new data version flights:6"
    assert unused(Seen(OK, NOW, "run-2"), "", "flights:6", done) == "new data version flights:6", "drift is no must"
    assert unused(Seen(BREACHED, NOW, "run-2", {"drift/temp/x": "0.2"}), "", "flights:5", done) == "run-2: drift/temp/x"
    assert unused(breach, "", "flights:5", [{"tags": tags, "status": "Failed"}]) == tags["retrain_reason"]


def test_a_reason_by_hand_counts_once_too():
    done = [{"tags": {"retrain_reason": "mail + new data version flights:5", "retrain_data": "flights:5"}}]
    assert unused(Seen(OK, NOW), "mail", "flights:5", done) == ""
    assert unused(Seen(OK, NOW), "another mail", "flights:5", done) == "another mail"


def test_only_a_breach_is_a_reason():
    assert [reason_of(Seen(kind, NOW, "run-1", WHAT)) for kind in (OK, FAILED, SILENT)] == ["", "", ""]
    assert reason_of(Seen(BREACHED, NOW, "run-1", WHAT)) == (
        "run-1: drift/dest/jensen_shannon_distance, drift/hour/jensen_shannon_distance, "
        "drift/temp/jensen_shannon_distance and 1 more"
    )


def test_the_cool_down_counts_from_the_last_retraining_and_not_from_other_jobs():
    def job(at: str, **tags: str) -> dict:
        return {"name": at, "tags": tags, "creation_context": {"created_at": f"{at}T12:00:00"}}

    jobs = [job("2026-11-24"), job("2026-11-20", retrain_reason="drift"), job("2026-11-21", retrain_reason="drift")]
    assert [job["name"] for job in retrainings(jobs)] == ["2026-11-20", "2026-11-21"]


FILES = [
    {"file": "2013-06-01/flights.csv", "rows": 27_075, "status": "accepted"},
    {"file": "2013-07-01/flights.csv", "rows": 28_485, "status": "accepted"},
    {"file": "2013-08-01/flights.csv", "rows": 29_327, "status": "refused"},
]


def test_new_rows_are_those_of_later_months_that_keep_the_contract():
    assert rows_after("2013-06", {"files": FILES}) == 28_485
    assert rows_after("2013-07", {"files": FILES}) == 0


class Az:
    """Stands for `az ml`: a model, data, jobs; keeps what is submitted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tags = {"test_month": "2013-06", "root_job": "train-1"}
        path = "azureml://datastores/workspaceblobstore/paths/azureml/{}/dataset/"
        self.answers: dict[str, Any] = {
            "model": [{"version": "9", "tags": {"test_month": "2013-05"}}, {"version": "10", "tags": tags}],
            "data": [
                {
                    "version": "4",
                    "path": path.format("job-1"),
                    "creation_context": {"created_at": "2026-11-24T12:00:00+00:00"},
                },
                {
                    "version": "5",
                    "path": path.format("job-2"),
                    "creation_context": {"created_at": "2026-11-25T12:00:00+00:00"},
                },
            ],
            "job": [],
        }
        self.submitted: list[list[str]] = []
        self.outputs = {"job-2": {"files": FILES}, "new": {"promote": False, "reason": "rmse is worse"}}
        for module in (reading, retrain):
            monkeypatch.setattr(module, "az_json", self.az_json)
        monkeypatch.setattr(retrain, "az_shown", lambda _: 0)
        monkeypatch.setattr(Workspace, "job", lambda _, name: {"name": name, "status": "Completed"})
        monkeypatch.setattr(Workspace, "output", lambda _, job, name, file: self.outputs[job])

    def az_json(self, line: list[str]) -> Any:
        if line[1:3] == ["job", "create"]:
            self.submitted.append(line)
            return {"name": "new"}
        return self.answers[line[1]]


@pytest.fixture
def az(monkeypatch) -> Az:
    return Az(monkeypatch)


def test_new_rows_are_counted_from_the_newest_version_of_model_and_data(az):
    workspace = Workspace({"resource_group": "rg", "workspace": "ws", "env": "local"})
    data, report = newest_data(workspace)
    assert (data, new_rows(workspace, "flight-delay", report)) == ("flights:5", 28_485)


def test_what_led_to_it_is_in_the_tags_and_the_gate_has_the_last_word(az, tmp_path, monkeypatch, capsys):
    project = Project(ROOT, "local")
    project.root = tmp_path
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(retrain, "Project", lambda *_: project)
    monkeypatch.setattr(retrain, "look", lambda *_: Seen(BREACHED, NOW, "run-1", WHAT))
    monkeypatch.setenv("AZUREML_LOCAL_ROOT", str(tmp_path / "root"))

    assert retrain.main(retrain.parse_args([])) == 3
    assert az.submitted == [], "nobody has approved"
    assert retrain.main(retrain.parse_args(["--approved-by", "Ada"])) == 0

    [line] = az.submitted
    assert line[line.index("--file") + 1] == "build/local/pipelines/train.yml"
    values = line[line.index("--set") + 1 : line.index("--resource-group")]
    assert values[:2] == ["inputs.train_to=newest", "inputs.test_month=newest"]
    assert values[2].startswith("tags.retrain_reason=run-1: drift/dest/")
    assert values[3:] == [
        "tags.retrain_monitor_run=run-1",
        "tags.retrain_data=flights:5",
        "tags.retrain_new_rows=28485",
        "tags.retrain_approved_by=Ada",
    ]
    assert Path("build/jobs/local-train").read_text() == "new\n"
    assert "Gate: refused: rmse is worse" in capsys.readouterr().out


def test_a_reason_by_hand_needs_no_monitor(az, tmp_path, monkeypatch):
    project = Project(ROOT, "dev")
    project.root = tmp_path
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(retrain, "Project", lambda *_: project)
    monkeypatch.delenv("AZUREML_LOCAL_ROOT", raising=False)
    argv = ["--env", "dev", "--approved-by", "Ada"]
    known = {"retrain_reason": "new data version flights:5", "retrain_data": "flights:5"}
    az.answers["job"] = [{"tags": known, "creation_context": {"created_at": "2026-11-01T12:00:00"}}]
    assert retrain.main(retrain.parse_args(argv)) == 3
    assert retrain.main(retrain.parse_args([*argv, "--reason", "mail of the monitor"])) == 0
    assert "tags.retrain_reason=mail of the monitor" in az.submitted[0]
    az.answers["job"] = []
    assert retrain.main(retrain.parse_args(argv)) == 0
    assert "tags.retrain_reason=new data version flights:5" in az.submitted[1]
