"""Kinds of data, of parallel and sweep settings, and what is run again: through the real az."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PIPELINE = """
$schema: https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json
type: pipeline
inputs:
  table: {type: mltable, path: azureml:table:1}
  rows: {type: uri_file, path: azureml:rows@latest, mode: download}
  stored: {type: uri_file, path: azureml://datastores/workspaceblobstore/paths/STORED}
  weights: {type: custom_model, path: azureml:weights:1}
  greeter: {type: mlflow_model, path: azureml://jobs/kinds/outputs/model}
settings: {default_compute: azureml:cpu-cluster, continue_on_step_failure: true}
jobs:
  reads:
    type: command
    environment: azureml:plain:1
    inputs:
      table: ${{parent.inputs.table}}
      rows: ${{parent.inputs.rows}}
      stored: ${{parent.inputs.stored}}
      weights: ${{parent.inputs.weights}}
      greeter: ${{parent.inputs.greeter}}
    outputs: {o: {type: uri_folder, mode: rw_mount}}
    command: >-
      ls ${{inputs.table}} ${{inputs.greeter}} &&
      cat ${{inputs.rows}} ${{inputs.stored}} ${{inputs.weights}} > ${{outputs.o}}/all && cat ${{outputs.o}}/all
  counted:
    type: parallel
    inputs:
      days: {type: uri_folder, path: data/days, mode: download}
    outputs: {counts: {type: uri_file}}
    input_data: ${{inputs.days}}
    mini_batch_size: "2"
    max_concurrency_per_instance: 2
    mini_batch_error_threshold: 1
    retry_settings: {max_retries: 1, timeout: 60}
    task:
      type: run_function
      code: src
      entry_script: count.py
      environment: azureml:plain:1
      append_row_to: ${{outputs.counts}}
  search:
    type: sweep
    trial: components/score.yml
    sampling_algorithm: {type: random, rule: sobol, seed: 1}
    search_space:
      rate: {type: loguniform, min_value: -3, max_value: -1}
    objective: {goal: maximize, primary_metric: score}
    early_termination: {type: bandit, slack_amount: 0.5, evaluation_interval: 1}
    limits: {max_total_trials: 3, max_concurrent_trials: 2}
  late:
    type: command
    command: sleep 60
    environment: azureml:plain:1
    limits: {timeout: 1}
"""
AGAIN = """
type: pipeline
settings: {default_compute: azureml:cpu-cluster}
jobs:
  same: {type: command, command: echo same, environment: "azureml:plain:1"}
  fresh:
    type: command
    component: {command: date, environment: "azureml:plain:1", is_deterministic: false}
"""


@pytest.fixture(scope="module")
def kinds_of_data(project: Any, kinds: str) -> Any:
    """The steps of the pipeline, by name, when it has ended; one of them fails."""
    project.write("rows.csv", "a\n")
    project.write("table/1.csv", "1\n")
    project.write("table/2.csv", "1\n2\n")
    project.write("table/MLTable", "paths:\n  - pattern: ./*.csv\n")
    stored = project.json("data create --name rows --type uri_file --path rows.csv --query path")
    project("data create --name table --type mltable --path table --output none")
    project("model create --name weights --path rows.csv --output none")
    project.write("data_kinds.yml", PIPELINE.replace("STORED", stored.partition("/paths/")[2]))
    project("job create --file data_kinds.yml --name data_kinds --stream", code=1)
    return {row["display_name"]: row for row in project.json("job list --parent-job-name data_kinds")}


def text(project: Any, step: Any) -> str:
    log = project.workspace.path / "jobs" / step["name"] / "artifacts/user_logs/std_log.txt"
    return str(log.read_text(encoding="utf-8"))


def test_data_of_every_type_is_found_where_it_is_named(project: Any, kinds_of_data: Any) -> None:
    said = text(project, kinds_of_data["reads"])
    assert kinds_of_data["reads"]["status"] == "Completed", said
    assert {"1.csv", "2.csv", "MLTable", "MLmodel", "word.txt"} <= set(said.split())
    assert said.splitlines()[-3:] == ["a", "a", "a"]


def test_a_parallel_step_with_retries_and_thresholds_gets_mini_batches(project: Any, kinds_of_data: Any) -> None:
    assert kinds_of_data["counted"]["status"] == "Completed", text(project, kinds_of_data["counted"])
    project(
        f"job download --name {kinds_of_data['counted']['name']} --output-name counts --download-path counted_again"
    )
    (rows,) = (
        path.read_text()
        for path in (project.folder / "counted_again/named-outputs/counts").rglob("*")
        if path.is_file()
    )
    assert sorted(rows.splitlines()) == ["1.csv 1", "2.csv 2", "3.csv 3"]


def test_a_sobol_sweep_with_a_policy_takes_the_best_trial(project: Any, kinds_of_data: Any) -> None:
    search = kinds_of_data["search"]
    trials = {row["name"]: row for row in project.json(f"job list --parent-job-name {search['name']}")}
    assert len(trials) == 3
    best = trials[search["properties"]["best_child_run_id"]]
    assert all(0.04 < float(trial["inputs"]["rate"]) < 0.37 for trial in trials.values())
    assert float(search["properties"]["score"]) == pytest.approx(-abs(float(best["inputs"]["rate"]) - 0.2))


def test_a_step_that_takes_too_long_is_ended(project: Any, kinds_of_data: Any) -> None:
    late = project.json(f"job show --name {kinds_of_data['late']['name']}")
    assert late["status"] == "Failed"
    assert "took longer than its time limit of 1 s" in late["error"]["message"]


def test_what_is_run_again(project: Any, kinds: str) -> None:
    project.write("again.yml", AGAIN)
    project("job create --file again.yml --stream --output none")
    second = project("job create --file again.yml --stream --output none").stdout
    assert "same: reused" in second
    assert "fresh: completed" in second
    assert "reused" not in project("job create --file again.yml --set settings.force_rerun=true --stream").stdout


def test_a_file_of_the_web_is_fetched(project: Any, kinds: str) -> None:
    project.write("site/rows.csv", "from afar\n")
    handler = partial(SimpleHTTPRequestHandler, directory=str(project.folder / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{site.server_port}/rows.csv"
        project.write(
            "web.yml",
            f"""
type: command
command: cat ${{{{inputs.rows}}}}
environment: azureml:plain:1
compute: azureml:cpu-cluster
inputs:
  rows: {{type: uri_file, path: "{address}"}}
""",
        )
        assert "from afar" in project("job create --file web.yml --stream").stdout
        site.shutdown()
