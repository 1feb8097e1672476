"""A person schedules a pipeline with the real az: it runs by itself, is changed, triggered, disabled and deleted."""

import json
import time
from typing import Any

import pytest
from ml_workspace.streaming import TERMINAL

pytestmark = pytest.mark.slow

JOB = """
type: pipeline
inputs:
  when: never
  rows: {type: uri_folder, path: rows}
jobs:
  say:
    type: command
    command: echo ${{inputs.when}} $(ls ${{inputs.rows}}) > ${{outputs.said}}/text
    inputs: {when: "${{parent.inputs.when}}", rows: "${{parent.inputs.rows}}"}
    outputs: {said: "${{parent.outputs.said}}"}
    environment: {image: python, conda_file: {dependencies: [python=3.11]}}
outputs:
  said: {}
"""
SCHEDULE = """
$schema: https://azuremlschemas.azureedge.net/latest/schedule.schema.json
name: hourly
trigger: {type: recurrence, frequency: hour, interval: 1}
create_job:
  type: pipeline
  job: ./jobs/say.yml
  settings: {default_compute: azureml:cpu-cluster}
  inputs:
    when: ${{creation_context.trigger_time}}
"""
MONITOR = """
name: watch
trigger: {type: cron, expression: "0 3 * * *"}
create_monitor:
  compute: {instance_type: standard_e4s_v3, runtime_version: "3.4"}
  monitoring_signals:
    quality: SIGNAL
"""
REGRESSION = (
    "{type: model_performance, production_data: {input_data: {path: azureml:a:1, type: mltable}}, "
    "metric_thresholds: {regression: {mae: 1}}}"
)


@pytest.fixture(scope="module")
def hourly(az: Any) -> Any:
    """The document of a schedule that has just been made; a recurrence without a start is due at once."""
    az.write("jobs/say.yml", JOB)
    az.write("jobs/rows/a.csv", "x")
    az.write("hourly.yml", SCHEDULE)
    az.write("jobs/wrong.yml", "type: pipeline\njobs: {a: {type: command, component: count.yml, inputs: {size: 1}}}")
    az.write("jobs/count.yml", "type: command\ncommand: echo\nenvironment: azureml:plain:1\ninputs: {}")
    out = az("schedule create --file hourly.yml").stdout
    assert out.startswith(".{")  # Azure's client prints a dot while it waits, in the same stream
    return json.loads(out[1:])


def said(az: Any, job: str) -> str:
    """What the scheduled job has written."""
    end = time.monotonic() + 120
    while (doc := az.workspace.jobs.get(job))["status"] not in TERMINAL:
        assert time.monotonic() < end
        time.sleep(0.2)
    assert doc["status"] == "Completed", doc
    text: str = (az.workspace.resolve.job_output(job, "said") / "text").read_text()
    return text


def test_schedule_shows_what_azure_shows(hourly: Any) -> None:
    assert hourly["is_enabled"] is True
    assert hourly["provisioning_state"] == "Succeeded"
    assert hourly["trigger"]["frequency"] == "hour"
    assert hourly["create_job"]["inputs"]["when"] == "${{creation_context.trigger_time}}"
    assert hourly["create_job"]["experiment_name"] == "hourly"
    assert {"creation_context", "tags", "properties"} <= hourly.keys()


def test_it_runs_by_itself_at_once(az: Any, hourly: Any) -> None:
    end = time.monotonic() + 60
    while not (jobs := az.workspace.jobs.list()):
        assert time.monotonic() < end
        time.sleep(0.2)
    when = jobs[0]["inputs"]["when"]
    assert jobs[0]["display_name"] == f"hourly-{when.replace('-', '').replace(':', '')}"
    assert said(az, jobs[0]["name"]) == f"{when} a.csv\n"


def test_trigger_prints_the_job_that_it_has_started(az: Any, hourly: Any) -> None:
    triggered = az.json("schedule trigger --name hourly")
    assert triggered["schedule_action_type"] == "CreateJob"
    assert said(az, triggered["job_name"]).endswith("a.csv\n")


def test_update_disable_enable_and_delete(az: Any, hourly: Any) -> None:
    out = az('schedule update --name hourly --set tags.owner=me create_job.inputs.when=then '
             'trigger.interval=2 --query "[tags.owner, trigger.interval]" -o tsv').stdout  # fmt: skip
    assert out.split() == [".me", "2"]
    assert az("schedule disable --name hourly --query is_enabled -o tsv").stdout == ".false\n"
    assert az.json("schedule list") == []
    assert [row["name"] for row in az.json("schedule list --disabled-only")] == ["hourly"]
    assert "disabled: az ml schedule enable" in az("schedule trigger --name hourly", code=1).stderr
    assert az("schedule enable --name hourly --no-wait").stdout == ""
    assert said(az, az.json("schedule trigger --name hourly")["job_name"]) == "then a.csv\n"
    assert "only a disabled one" in az("schedule delete --name hourly", code=1).stderr
    az("schedule disable --name hourly -o none")
    az("schedule delete --name hourly")
    az("schedule show --name hourly", code=3)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (SCHEDULE.replace("job: ./jobs/say.yml", "job: ./jobs/absent.yml"), "absent.yml"),
        (SCHEDULE.replace("job: ./jobs/say.yml", "job: ./jobs/wrong.yml"), "wrong.yml: jobs.a.inputs.size"),
        (SCHEDULE.replace("interval: 1", "interval: 0"), "trigger.interval"),
        (SCHEDULE.replace("frequency: hour", "frequency: year"), "frequency"),
        (SCHEDULE.replace("job: ./jobs/say.yml", "job: azureml:absent"), "there is no job 'absent'"),
        (MONITOR.replace("SIGNAL", "{type: generation_token_statistics}"), "needs a language model"),
        (MONITOR.replace("SIGNAL", REGRESSION), "azure-ai-ml can't read it"),
    ],
    ids=["no-file", "no-input", "interval", "frequency", "no-job", "language-model", "regression"],
)  # fmt: skip
def test_wrong_spec_is_refused_with_its_field(az: Any, hourly: Any, spec: str, message: str) -> None:
    az.write("wrong.yml", spec)
    code = 3 if "there is no job" in message else 1
    assert message in az("schedule create --file wrong.yml", code=code).stderr
