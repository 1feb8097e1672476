"""Job schedules: what is submitted, when, and once; with a clock that the tests set."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from job_documents import command, ended, node
from ml_workspace import Conflict, NotFound, Workspace, WorkspaceError, machine_verbs
from ml_workspace.errors import Unsupported
from ml_workspace.scheduler import Scheduler
from ml_workspace.scheduler_control import OFF
from ml_workspace.schedules import Schedules

pytestmark = pytest.mark.slow

TRIGGER_TIME = "${{creation_context.trigger_time}}"
DAILY = {"type": "cron", "expression": "0 3 * * *", "time_zone": "UTC"}


class Clock:
    """A clock that shows what it is set to."""

    def __init__(self, text):
        self.set(text)

    def set(self, text):
        self.time = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock("2026-01-01T12:00:00")


@pytest.fixture
def schedules(ws, clock, monkeypatch):
    """Schedules of which nothing runs by itself; each test begins without any."""
    monkeypatch.setenv(OFF, "off")
    ws.catalog.rows("DELETE FROM schedules")
    ws.catalog.rows("DELETE FROM schedule_runs")
    return Schedules(ws, clock)


def pipeline(text="echo ${{inputs.when}}", **fields):
    """A pipeline job whose step says when it was triggered."""
    step = node(command(text, {"when": {"type": "string"}}), inputs={"when": {"path": "${{parent.inputs.when}}"}})
    return {"type": "pipeline", "inputs": {"when": {"path": TRIGGER_TIME}}, "jobs": {"say": step}, **fields}


def jobs_of(ws, schedule):
    """Display names of the jobs of a schedule, oldest first."""
    return [job["display_name"] for job in reversed(ws.jobs.list(max_results=None))
            if job["properties"].get("azureml.scheduleName") == schedule]  # fmt: skip


def made(schedules, tmp_path, name="nightly", trigger=DAILY, job=None):
    return schedules.create({"name": name, "trigger": trigger, "create_job": job or pipeline()}, tmp_path)


def test_schedule_submits_its_job_when_it_is_due_and_once(ws, schedules, clock, tmp_path):
    made(schedules, tmp_path, "once")
    scheduler = Scheduler(schedules.runs)
    scheduler.tick()
    assert jobs_of(ws, "once") == []
    clock.set("2026-01-02T03:00:00.2")
    scheduler.tick()
    scheduler.tick()
    Scheduler(Schedules(ws, clock).runs).tick()
    assert jobs_of(ws, "once") == ["once-20260102T030000Z"]
    job = ended(ws, "once-20260102T030000Z")
    assert job["status"] == "Completed"
    assert job["experiment_name"] == "once"
    assert job["inputs"] == {"when": "2026-01-02T03:00:00Z"}
    (step,) = ws.jobs.list(parent=job["name"])
    assert "2026-01-02T03:00:00Z" in ws.jobs.log_path(step["name"]).read_text()
    assert schedules.get("once")["create_job"]["inputs"] == {"when": TRIGGER_TIME}


def test_job_is_told_its_own_name(ws, schedules, clock, tmp_path):
    made(schedules, tmp_path, "told", job=pipeline() | {"inputs": {"when": {"path": "${{name}}"}}})
    clock.set("2026-01-02T03:00:00")
    Scheduler(schedules.runs).tick()
    job = ended(ws, "told-20260102T030000Z")
    assert job["inputs"] == {"when": job["name"]}
    (step,) = ws.jobs.list(parent=job["name"])
    assert job["name"] in ws.jobs.log_path(step["name"]).read_text()
    assert schedules.get("told")["create_job"]["inputs"] == {"when": "${{name}}"}


def test_of_what_a_scheduler_that_was_down_has_missed_only_the_last_is_made_up_for(ws, schedules, clock, tmp_path):
    made(schedules, tmp_path, "missed")
    clock.set("2026-01-09T12:00:00")
    Scheduler(schedules.runs).tick()
    assert jobs_of(ws, "missed") == ["missed-20260109T030000Z"]
    clock.set("2026-01-10T03:00:01")
    Scheduler(schedules.runs).tick()
    assert jobs_of(ws, "missed") == ["missed-20260109T030000Z", "missed-20260110T030000Z"]


def test_disabled_schedule_runs_nothing_and_makes_up_for_nothing(ws, schedules, clock, tmp_path):
    made(schedules, tmp_path, "off")
    assert schedules.enable("off", enabled=False)["is_enabled"] is False
    clock.set("2026-01-05T12:00:00")
    Scheduler(schedules.runs).tick()
    with pytest.raises(WorkspaceError, match=r"disabled: az ml schedule enable"):
        schedules.trigger("off")
    schedules.enable("off")
    Scheduler(schedules.runs).tick()
    assert jobs_of(ws, "off") == []
    clock.set("2026-01-06T03:00:00")
    Scheduler(schedules.runs).tick()
    assert jobs_of(ws, "off") == ["off-20260106T030000Z"]


def test_run_that_was_claimed_by_a_scheduler_that_died_is_submitted_by_the_next(ws, schedules, clock, tmp_path):
    made(schedules, tmp_path, "died")
    clock.set("2026-01-02T03:00:00")
    schedules.runs.claim("died", clock())  # and then it is killed
    Scheduler(schedules.runs).tick()
    Scheduler(schedules.runs).tick()
    assert jobs_of(ws, "died") == ["died-20260102T030000Z"]


def test_run_that_was_submitted_by_a_scheduler_that_died_is_not_submitted_again(ws, schedules, clock, tmp_path):
    made(schedules, tmp_path, "told")
    clock.set("2026-01-02T03:00:00")
    Scheduler(schedules.runs).tick()
    ws.catalog.rows("UPDATE schedule_runs SET submitted = 0")  # it was killed before it could say so
    Scheduler(schedules.runs).tick()
    assert schedules.runs.unsubmitted() == []
    assert jobs_of(ws, "told") == ["told-20260102T030000Z"]


def test_two_schedulers_at_once_submit_once(ws, schedules, clock, tmp_path):
    made(schedules, tmp_path, "two")
    clock.set("2026-01-02T03:00:00")
    assert schedules.runs.claim("two", clock()) == "two-20260102T030000Z"
    assert Schedules(ws, clock).runs.claim("two", clock()) is None


def test_run_that_cant_be_submitted_is_a_failed_job_that_says_why(ws, schedules, clock, tmp_path, monkeypatch):
    made(schedules, tmp_path, "lost")
    clock.set("2026-01-02T03:00:00")

    def full(*arguments):
        raise OSError("No space left on device")

    monkeypatch.setattr(schedules.runs, "_job", full)
    Scheduler(schedules.runs).tick()
    job = ws.jobs.get("lost-20260102T030000Z")
    assert (job["status"], job["error"]["message"]) == ("Failed", "No space left on device")
    assert schedules.runs.unsubmitted() == []


def test_trigger_runs_it_now_beside_what_is_due(ws, schedules, clock, tmp_path):
    made(schedules, tmp_path, "now")
    clock.set("2026-01-02T03:00:00")
    assert schedules.trigger("now") == {"job_name": "now-20260102T030000Z", "schedule_action_type": "CreateJob"}
    clock.time += dt.timedelta(microseconds=2)
    assert schedules.trigger("now")["job_name"] == "now-20260102T030000Z-2"
    Scheduler(schedules.runs).tick()
    assert jobs_of(ws, "now") == ["now-20260102T030000Z"] * 3


def test_recurrence_without_start_runs_at_once_when_it_is_made(ws, schedules, tmp_path):
    made(schedules, tmp_path, "at-once", {"type": "recurrence", "frequency": "day", "interval": 1})
    Scheduler(schedules.runs).tick()
    assert jobs_of(ws, "at-once") == ["at-once-20260101T120000Z"]


def test_job_is_fixed_when_the_schedule_is_made(ws, schedules, clock, tmp_path):
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "a.txt").write_text("first")
    step = node(command("cat ${{inputs.rows}}/a.txt", {"rows": {"type": "uri_folder"}}),
                inputs={"rows": {"path": "${{parent.inputs.rows}}"}})  # fmt: skip
    job = {"type": "pipeline", "inputs": {"rows": {"type": "uri_folder", "path": "rows"}}, "jobs": {"cat": step}}
    made(schedules, tmp_path, "fixed", job=job)
    (tmp_path / "rows" / "a.txt").write_text("second")
    clock.set("2026-01-02T03:00:00")
    Scheduler(schedules.runs).tick()
    done = ended(ws, "fixed-20260102T030000Z")
    (child,) = ws.jobs.list(parent=done["name"])
    assert "first" in ws.jobs.log_path(child["name"]).read_text()


def test_job_that_is_there_is_scheduled_with_other_inputs(ws, schedules, clock, submit, tmp_path):
    ran = submit(pipeline() | {"inputs": {"when": "never"}}, name="template")
    made(schedules, tmp_path, "same", job="azureml:template")
    made(schedules, tmp_path, "other",
         job={"id": "azureml:template", "type": "pipeline", "inputs": {"when": {"path": TRIGGER_TIME}},
              "experiment_name": "elsewhere"})  # fmt: skip
    clock.set("2026-01-02T03:00:00")
    Scheduler(schedules.runs).tick()
    same, other = (ended(ws, f"{name}-20260102T030000Z") for name in ("same", "other"))
    assert (same["inputs"], same["experiment_name"]) == ({"when": "never"}, "same")
    assert (other["inputs"], other["experiment_name"]) == ({"when": "2026-01-02T03:00:00Z"}, "elsewhere")
    assert other["properties"]["mlflow.run_id"] != ran["properties"]["mlflow.run_id"]
    assert schedules.get("same")["create_job"]["id"].endswith("/jobs/template")


@pytest.mark.parametrize(
    ("job", "error", "message"),
    [
        ("azureml:absent", NotFound, "there is no job 'absent'"),
        (command("true"), Unsupported, "pipeline jobs, as on Azure"),
        ({"type": "pipeline", "jobs": {}}, WorkspaceError, "at least one job"),
        (pipeline() | {"inputs": {"when": {"type": "uri_folder", "path": TRIGGER_TIME}, "x": 1}, "jobs": {
            "a": node(command("true", {"x": {"type": "uri_file"}}), inputs={"x": {"path": "nowhere.txt"}})}},
         WorkspaceError, "does not exist"),
    ],
)  # fmt: skip
def test_job_that_cant_run_is_refused_when_the_schedule_is_made(schedules, tmp_path, job, error, message):
    with pytest.raises(error, match=message):
        made(schedules, tmp_path, "wrong", job=job)
    with pytest.raises(NotFound, match="'wrong' was not found"):
        schedules.get("wrong")


def test_input_or_setting_that_a_job_has_not_is_refused(ws, schedules, submit, tmp_path):
    if not ws.catalog.row("SELECT name FROM jobs WHERE name = 'template'"):
        submit(pipeline() | {"inputs": {"when": "never"}}, name="template")
    for over, message in (
        ({"inputs": {"size": 1}}, r"create_job\.inputs\.size: there is no such input; the job has: when"),
        ({"outputs": {"size": {}}}, r"create_job\.outputs\.size: there is no such output"),
        ({"settings": {"default_compute": "azureml:absent"}}, r"create_job\.settings\.default_compute.*absent"),
        ({"compute": "azureml:cpu-cluster"}, r"create_job\.compute: of a job that is there"),
    ):
        with pytest.raises(WorkspaceError, match=message):
            made(schedules, tmp_path, "wrong", job={"id": "azureml:template", "type": "pipeline", **over})


def test_update_changes_texts_trigger_and_inputs(ws, schedules, clock, tmp_path):
    made(schedules, tmp_path, "changing")
    doc = schedules.get("changing")
    doc["tags"]["owner"] = "me"
    doc["trigger"] = {"type": "cron", "expression": "30 4 * * *"}
    doc["create_job"]["inputs"]["when"] = "then"
    after = schedules.update("changing", doc, tmp_path)
    assert (after["tags"], after["create_job"]["inputs"]) == ({"owner": "me"}, {"when": "then"})
    clock.set("2026-01-02T04:30:00")
    Scheduler(schedules.runs).tick()
    assert jobs_of(ws, "changing") == ["changing-20260102T043000Z"]
    with pytest.raises(WorkspaceError, match="is_enabled of a schedule can't be changed so; az ml schedule enable"):
        schedules.update("changing", {**after, "is_enabled": False}, tmp_path)
    with pytest.raises(WorkspaceError, match=r"trigger\.expression"):
        schedules.update("changing", {**after, "trigger": {"type": "cron", "expression": "x"}}, tmp_path)


def test_list_shows_the_enabled_all_or_the_disabled(schedules, tmp_path):
    for name in ("b", "a", "c"):
        made(schedules, tmp_path, name)
    schedules.enable("c", enabled=False)
    names = [[row["name"] for row in rows] for rows in (
        schedules.list(), schedules.list(include_disabled=True), schedules.list(disabled_only=True),
        schedules.list(include_disabled=True, max_results=2))]  # fmt: skip
    assert names == [["a", "b"], ["a", "b", "c"], ["c"], ["a", "b"]]


def test_only_a_disabled_schedule_is_deleted_and_its_jobs_stay(ws, schedules, clock, tmp_path):
    made(schedules, tmp_path, "leaving")
    job = schedules.trigger("leaving")["job_name"]
    with pytest.raises(WorkspaceError, match="az ml schedule disable --name leaving"):
        schedules.delete("leaving")
    schedules.enable("leaving", enabled=False)
    schedules.delete("leaving")
    with pytest.raises(NotFound):
        schedules.get("leaving")
    assert ws.jobs.get(job)["name"] == job
    ended(ws, job)


def test_replaced_schedule_keeps_when_it_was_created_and_is_enabled_again(schedules, tmp_path):
    first = made(schedules, tmp_path)
    schedules.enable("nightly", enabled=False)
    second = made(schedules, tmp_path, trigger={"type": "cron", "expression": "0 5 * * *"})
    assert second["creation_context"] == first["creation_context"]
    assert second["is_enabled"] is True
    assert second["trigger"]["expression"] == "0 5 * * *"


def test_scheduler_process_survives_being_killed_and_stops_when_it_is_asked(ws, schedules, monkeypatch, tmp_path):
    monkeypatch.delenv(OFF)
    real = Schedules(ws)
    every = {"type": "recurrence", "frequency": "minute", "interval": 1}
    real.create({"name": "real", "trigger": every, "create_job": pipeline("true ${{inputs.when}}")}, tmp_path)
    try:
        _until(lambda: jobs_of(ws, "real"))
        pid = _pid(real)
        os.kill(pid, signal.SIGKILL)
        _until(lambda: not real.scheduler.is_up())
        assert real.scheduler.ensure()
        assert real.scheduler.is_up()
        assert _pid(real) != pid
        real.scheduler.ensure()  # does nothing
    finally:
        assert real.scheduler.stop() is True
    assert real.scheduler.stop() is False
    names = [row["job"] for row in ws.catalog.rows("SELECT job FROM schedule_runs WHERE schedule = 'real'")]
    assert len(names) == len(set(names)) == len(jobs_of(ws, "real"))
    for name in names:
        ended(ws, name)


def test_verb_says_what_is_due_next_and_make_down_ends_the_scheduler(ws, schedules, monkeypatch, tmp_path):
    made(schedules, tmp_path, "listed")
    environment = {**os.environ, OFF: "off"}
    line = [sys.executable, "local/ml_workspace", "scheduler", str(ws.root)]
    shown = subprocess.run(line, capture_output=True, text=True, env=environment, check=True).stdout
    assert "off" in shown
    assert "schedule listed of rg/ws is due next at 2026-01-02 03:00:00 UTC" in shown


def test_make_down_ends_the_scheduler_unless_it_refuses_because_jobs_run(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv(OFF, raising=False)
    ws = Workspace.create(tmp_path / "root", "rg", "ws")
    ws.assets.create("environment", {"name": "plain", "version": "1", "conda_file": {"dependencies": ["python=3.11"]}})
    ws.schedules.create({"name": "nightly", "trigger": DAILY, "create_job": pipeline()}, tmp_path)
    ws.catalog.insert("jobs", name="busy", root="busy", status="Running", created_at="", plan={},
                      doc={"name": "busy", "properties": {}, "type": "pipeline"})  # fmt: skip
    try:
        with pytest.raises(WorkspaceError, match="busy"):
            machine_verbs.stop([ws], cancel=False)
        _until(ws.schedules.scheduler.is_up)
        ws.catalog.rows("DELETE FROM jobs")
        machine_verbs.stop([ws], cancel=False)
        assert not ws.schedules.scheduler.is_up()
        assert "stopped the scheduler" in capsys.readouterr().out
        machine_verbs.schedule([ws])  # make up
        assert ws.schedules.scheduler.is_up()
        ws.delete()
        assert not ws.schedules.scheduler.is_up()
    finally:
        ws.schedules.scheduler.stop()


def _pid(schedules):
    return json.loads((schedules.scheduler.folder / "process.json").read_text())["pid"]


def _until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_name_of_somebody_elses_job_is_not_taken_for_the_run(ws, schedules, clock, submit, tmp_path):
    submit(pipeline() | {"inputs": {"when": "x"}}, name="mine-20260102T030000Z")
    made(schedules, tmp_path, "mine")
    clock.set("2026-01-02T03:00:00")
    schedules.runs.claim("mine", clock())
    with pytest.raises(Conflict):
        schedules.runs.submit("mine", clock().isoformat())
