"""`make monitor`: what is watched, against what, and what is printed; `make send`: what is sent."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import yaml

from scripts import alert, monitor, send
from scripts.alerting.decide import OK, Seen
from scripts.looking import workspace as looking
from scripts.rolling.scoring import Answer, Rows
from scripts.specs.project import Project
from tests.component import ROOT

SAMPLE = "endpoints/online/flight-delay/sample_request.json"
REFERENCE = "azureml://datastores/workspaceblobstore/paths/azureml/{}/reference/"


class Az:
    """Stands for `az`: an endpoint with two deployments, models, train jobs, a monitor that runs."""

    def __init__(self, folder: Path) -> None:
        self.traffic = {"blue": 10, "green": 90}
        self.lines: list[list[str]] = []
        self.status = "Completed"
        self.model = "azureml:/subscriptions/s/models/flight-delay/versions/7"
        self.results: dict[str, Any] = {}
        self.steps = [{"name": "step-r", "display_name": "reference", "properties": {}}]
        self.references = [
            {"version": "1", "path": REFERENCE.format("step-q")},
            {"version": "2", "path": REFERENCE.format("step-r")},
        ]

    def az(self, line: list[str], expected=(0,)) -> Any:
        self.lines.append(line)
        if line[1:3] == ["job", "download"]:
            folder = Path(line[line.index("--download-path") + 1], "named-outputs", "report")
            folder.mkdir(parents=True)
            if not self.results:
                return type("Done", (), {"returncode": 0, "stderr": ""})
            (folder / "results.json").write_text(json.dumps(self.results))
            (folder / "report.html").write_text("<!doctype html>")
        return type("Done", (), {"returncode": 0, "stderr": "WARNING: not all metrics reach Azure\n"})

    def az_json(self, line: list[str]) -> Any:
        self.lines.append(line)
        match line[1:3]:
            case ["online-endpoint", "show"]:
                return {"traffic": self.traffic}
            case ["online-deployment", "show"]:
                name = line[line.index("--name") + 1]
                return {"name": name, "model": self.model}
            case ["model", "show"]:
                return {"tags": {"root_job": "train-7"}}
            case ["job", "list"]:
                return self.steps if "--parent-job-name" in line else []
            case ["data", "list"]:
                return self.references
            case ["schedule", "trigger"]:
                return {"job_name": "run-1", "schedule_action_type": "CreateMonitor"}
            case ["job", "show"]:
                return {"name": "run-1", "status": self.status}
        raise AssertionError(line)

    def line(self, *verb: str) -> list[str]:
        return next(line for line in self.lines if line[1 : 1 + len(verb)] == [*verb])


@pytest.fixture
def az(tmp_path, monkeypatch) -> Az:
    stand_in = Az(tmp_path)
    for module in (monitor, looking):
        monkeypatch.setattr(module, "az", stand_in.az)
        monkeypatch.setattr(module, "az_json", stand_in.az_json)
    monkeypatch.setattr(monitor, "az_shown", lambda _: 0)
    monkeypatch.setattr(monitor, "alert", lambda *_: (Seen(OK, None), True))  # type: ignore[arg-type]
    monkeypatch.setenv("AZUREML_LOCAL_ROOT", str(tmp_path / "root"))
    for env in ("local", "prod"):
        (tmp_path / "build" / env).mkdir(parents=True)
    (tmp_path / SAMPLE).parent.mkdir(parents=True)
    shutil.copyfile(ROOT / SAMPLE, tmp_path / SAMPLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(monitor, "Project", specs_in(tmp_path))
    return stand_in


def specs_in(folder: Path) -> Any:
    """Project of this repository that writes its build into a folder."""

    def project(_: Path, env: str, values: dict[str, str] | None = None) -> Project:
        made = Project(ROOT, env, values)
        made.root = folder
        return made

    return project


ROWS = [
    {"feature": "temp", "metric": "jensen_shannon_distance", "value": 0.25, "threshold": 0.01, "breached": True},
    {"feature": "hour", "metric": "jensen_shannon_distance", "value": 0.002, "threshold": 0.01, "breached": False},
    {"feature": "gone", "metric": "jensen_shannon_distance", "value": None, "threshold": 0.01, "breached": False},
]
ERROR = {"level": "error", "feature": "gone", "code": "missing-column", "message": "is not in production"}


def results(verdict: str) -> dict:
    signal = {"signal": "data_drift", "features": ROWS, "findings": [ERROR], "alert_enabled": True}
    return {"monitor": "flight-delay", "verdict": verdict, "signals": [signal], "warnings": ["sent as one"]}


def run(*argv: str) -> int:
    return monitor.main(monitor.parse_args([*argv]))


def test_what_has_the_traffic_is_watched_against_what_its_model_was_trained_on(az):
    az.results = results("ok")
    assert run() == 0
    spec = yaml.safe_load(Path("build/local/monitors/flight_delay.yml").read_text())
    watched = spec["create_monitor"]
    assert watched["monitoring_target"]["endpoint_deployment_id"].endswith(":green")
    paths = {one["reference_data"]["input_data"]["path"] for one in watched["monitoring_signals"].values()}
    assert paths == {"azureml:flight-delay-reference:2"}
    assert az.line("schedule", "create")[4] == "build/local/monitors/flight_delay.yml"


def test_where_models_come_from_a_registry_the_release_names_the_reference(az, monkeypatch, capsys):
    az.results = results("ok")
    release = SimpleNamespace(model_id="azureml://registries/mlr-flights/models/flight-delay/versions/7", reference="5")
    monkeypatch.setattr(monitor, "current_release", lambda *_: release)
    assert run("--env", "prod") == 1
    assert "and its release says azureml://registries/mlr-flights" in capsys.readouterr().err
    az.model = release.model_id
    assert run("--env", "prod") == 0
    spec = Path("build/prod/monitors/flight_delay.yml").read_text()
    assert "path: azureml://registries/mlr-flights/data/flight-delay-reference/versions/5" in spec


def test_a_reference_step_that_was_reused_leads_to_the_one_that_did_the_work(az):
    az.steps[0]["properties"] = {"azureml.reusedrunid": "step-q"}
    az.results = results("ok")
    assert run() == 0
    assert "azureml:flight-delay-reference:1" in Path("build/local/monitors/flight_delay.yml").read_text()


@pytest.mark.parametrize(("verdict", "code"), [("ok", 0), ("breached", 3), ("failed", 1)])
def test_the_exit_code_is_the_verdict(az, verdict, code):
    az.results = results(verdict)
    assert run() == code


def test_figures_findings_and_the_report_are_shown(az, capsys):
    az.results = results("breached")
    run()
    printed = capsys.readouterr().out
    assert "  signal      feature  metric                   value  threshold  verdict\n" in printed
    assert "  data_drift  temp     jensen_shannon_distance   0.25       0.01  breached\n" in printed
    assert "  data_drift  hour     jensen_shannon_distance  0.002       0.01  ok\n" in printed
    assert "  data_drift  gone     jensen_shannon_distance      -       0.01  unknown\n" in printed
    assert "  error: data_drift, gone: is not in production\n  warning: sent as one\n" in printed
    assert "WARNING: not all metrics reach Azure\n" in printed, "what az warned of when the schedule was made"
    assert "\nreport: build/local/monitor.html\n" in printed
    assert json.loads(Path("build/local/monitor.json").read_text())["verdict"] == "breached"
    assert Path("build/local/monitor.html").is_file()


@pytest.mark.parametrize("status", ["Failed", "Canceled"])
def test_a_run_that_does_not_complete_is_an_error_and_an_alert_too(az, status, monkeypatch, capsys):
    alerted = []

    def alert(_: object, name: str, *__: object) -> tuple[None, bool]:
        alerted.append(name)
        return None, True

    monkeypatch.setattr(monitor, "alert", alert)
    az.status = status
    assert run() == 1
    assert capsys.readouterr().err == f"job run-1: {status}\n"
    assert alerted == ["flight-delay"]


def test_a_run_of_which_a_step_failed_shows_what_the_others_found(az, capsys):
    az.status, az.results = "Failed", results("breached")
    assert run() == 3
    shown = capsys.readouterr()
    assert shown.err == "job run-1: Failed\n"
    assert "report: build/local/monitor.html" in shown.out


def test_a_run_that_completes_without_a_report_is_an_error(az, capsys):
    assert run() == 1
    assert capsys.readouterr().err.startswith("job run-1 has no report: ")


def test_in_azure_it_is_created_and_the_service_runs_it(az, monkeypatch, capsys):
    monkeypatch.delenv("AZUREML_LOCAL_ROOT")
    assert run("--env", "dev") == 0
    assert az.line("schedule", "create")[4] == "build/dev/monitors/flight_delay.yml"
    assert not [line for line in az.lines if "trigger" in line]
    assert "az ml schedule trigger --name flight-delay" in capsys.readouterr().out


def test_without_traffic_there_is_nothing_to_watch(az, capsys):
    az.traffic = {"blue": 0}
    assert run() == 1
    assert "has traffic, so there is nothing to watch; make deploy" in capsys.readouterr().err


@pytest.mark.parametrize("gone", ["step", "asset"])
def test_a_model_from_elsewhere_needs_its_reference_data_by_hand(az, gone, capsys):
    if gone == "step":
        az.steps.clear()
    else:
        az.references.clear()
    assert run() == 1
    missing = "flight-delay:7 has no data asset flight-delay-reference from its train job train-7"
    assert missing in capsys.readouterr().err


def test_the_alerts_know_the_monitor():
    assert alert.monitors(Project(ROOT, "prod")) == ["flight-delay"]


# ---- make send


def test_a_month_of_flights_has_the_columns_of_the_model_and_null_for_what_is_not_known():
    columns = Rows.read(ROOT / SAMPLE).columns
    frame = send.flights([7], columns, ROOT)
    assert list(frame) == columns
    assert len(frame) == 28_293, "of 29,425 flights of July those that arrived"
    requests = send.split(frame)
    assert [len(one.data) for one in requests[:-1]] == [200] * 141
    sent = json.loads(requests[0].body())["input_data"]["data"][0]
    assert sent[:4] == ["B6", "JFK", "SFO", 212.0]
    assert sent[columns.index("wind_gust")] is None


def test_requests_that_fail_are_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"temp": [1.0] * 450})
    answers = [Answer(200, 0.1, "blue", [1.0] * 200, None), Answer(429, 0.1, "blue", None, "status 429: too many")]
    serving = type("Serving", (), {"name": "flights", "sample": Rows(["temp"], [])})
    monkeypatch.setattr(send, "Project", lambda *_: Project(ROOT, "local"))
    monkeypatch.setattr(send, "serving_of", lambda _: serving)
    monkeypatch.setattr(send.OnlineEndpoint, "address", lambda _: ("http://127.0.0.1:9", "key"))
    monkeypatch.setattr(send, "flights", lambda *_: frame)
    monkeypatch.setattr(send, "send", lambda requests, *_: answers[: len(requests)])
    assert send.main(send.parse_args(["--month", "2013-07"])) == 1
    told = capsys.readouterr()
    assert told.out.startswith("200 flights of 2013-07 scored by flights: 2 requests")
    assert told.err == "1 requests failed; the first: status 429: too many\n"
    assert json.loads(Path("build/local/sent.json").read_text())["rows"] == 200


def test_requests_are_sent_and_no_key_is_needed_to_see_that_nobody_answers():
    answers = send.send([Rows(["temp"], [[1.0]])] * 3, "http://127.0.0.1:9/score", "key")
    assert [str(answer.problem).partition(" (")[0] for answer in answers] == ["no answer: ConnectionError"] * 3


def test_a_month_that_is_none_is_an_error(capsys):
    assert send.main(send.parse_args(["--month", "2014-07"])) == 1
    assert "there is no month '2014-07'" in capsys.readouterr().err


def test_one_monitor_is_run():
    none = type("Project", (), {"specs": {}})
    with pytest.raises(Exception, match="one monitor is run; there are: none"):
        monitor.monitor_of(none)  # type: ignore[arg-type]
