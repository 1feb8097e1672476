"""Batch endpoints with the real runner: model deployments with and without a script, and pipeline components."""

import shutil
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from job_documents import children, command, ended, log_of, node
from ml_workspace import Conflict, NotFound, Unsupported, WorkspaceError
from ml_workspace.conda import requirements

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
TRAINING = ROOT / "environments" / "training" / "conda.yml"  # has mlflow, and is built already

MLMODEL = """
flavors:
  python_function: {code: code, env: {conda: conda.yaml}, loader_module: doubling, python_version: 3.11.7}
mlflow_version: 2.16.2
model_uuid: 0123456789abcdef0123456789abcdef
signature:
  inputs: '[{"type": "double", "name": "x", "required": true}, {"type": "string", "name": "code", "required": true}]'
"""
DOUBLING = """
class Doubling:
    def predict(self, table, params=None):
        assert list(table["code"].str.len().unique()) == [3]  # 007 stays a text
        return table["x"] * 2
def _load_pyfunc(path):
    return Doubling()
"""
SCRIPT = """
import os, pathlib, time
def init():
    global weight
    (file,) = pathlib.Path(os.environ["AZUREML_MODEL_DIR"]).iterdir()
    weight = file.read_text()
def run(mini_batch):
    if os.environ.get("WAIT"):
        time.sleep(float(os.environ["WAIT"]))
    if any("corrupt" in path for path in mini_batch):
        raise ValueError("this file is corrupt")
    (pathlib.Path(os.environ["AZUREML_BI_OUTPUT_PATH"]) / f"own-{os.path.basename(mini_batch[0])}").touch()
    return [f"{os.path.basename(path)} {weight} {len(mini_batch)}" for path in mini_batch]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Files of the deployments: code/, weight.txt, model/ (MLflow), data/ with three CSV files, empty/."""
    folder = tmp_path_factory.mktemp("batch")
    for name in ("code", "model/code", "data", "empty"):
        (folder / name).mkdir(parents=True)
    (folder / "code" / "score.py").write_text(SCRIPT)
    (folder / "weight.txt").write_text("heavy")
    (folder / "model" / "MLmodel").write_text(MLMODEL)
    (folder / "model" / "code" / "doubling.py").write_text(DOUBLING)
    (folder / "model" / "conda.yaml").write_text(TRAINING.read_text())
    for number in range(3):
        rows = [f"{number}{row},00{row}" for row in range(2)]
        (folder / "data" / f"{number}.csv").write_text("\n".join(["x,code", *rows, ""]))
    return folder


@pytest.fixture(scope="module")
def batch(ws, made):
    """An endpoint `flights` with deployments of each kind; the one without code is the default."""
    ws.models.create({"name": "doubling", "path": str(made / "model"), "type": "mlflow_model"})
    ws.models.create({"name": "weight", "path": str(made / "weight.txt"), "type": "custom_model"})
    ws.batch.create({"name": "flights", "description": "scored by night"})
    doubling = {"name": "doubling", "model": "azureml:doubling@latest", "compute": "azureml:cpu-cluster"}
    ws.batch.create_deployment({**doubling, "endpoint_name": "flights", "type": "model"}, made, set_default=True)
    ws.batch.create_deployment(script(), made)
    step = command("echo ${{inputs.times}} $(ls ${{inputs.data}}) > ${{outputs.list}}/names",
                   {"times": {"type": "integer"}, "data": {"type": "uri_folder"}},
                   {"list": {"type": "uri_folder"}})  # fmt: skip
    component = {
        "name": "listing",
        "type": "pipeline",
        "inputs": {"times": {"type": "integer", "default": 1}, "data": {"type": "uri_folder"}},
        "outputs": {"list": {"type": "uri_folder"}},
        "jobs": {
            "list": node(
                step,
                inputs={"times": "${{parent.inputs.times}}", "data": "${{parent.inputs.data}}"},
                outputs={"list": "${{parent.outputs.list}}"},
            )
        },
    }
    ws.assets.create("component", component)
    listing = {"name": "listing", "endpoint_name": "flights", "type": "pipeline", "component": "azureml:listing@latest"}
    ws.batch.create_deployment({**listing, "settings": {"default_compute": "cpu-cluster"}}, made)
    return ws.batch


SETTINGS = {"mini_batch_size": 2, "retry_settings": {"max_retries": 0}}


def script(**changes):
    return {
        "name": "script", "endpoint_name": "flights", "type": "model", "model": "azureml:weight:1",
        "code_configuration": {"code": "code", "scoring_script": "score.py"}, "environment": "azureml:plain:1",
        "compute": "azureml:cpu-cluster", "settings": SETTINGS, **changes,
    }  # fmt: skip


def scored(ws, request, deployment=None):
    """The job of an invocation when it has ended, and the folder of its output."""
    name = ws.batch.invoke("flights", request, deployment)["name"]
    job = ended(ws, name)
    return job, ws.resolve.path(f"azureml://jobs/{name}/outputs/score") if job["status"] == "Completed" else None


def folder_input(path):
    return {"inputs": {"any": {"type": "uri_folder", "path": str(path)}}}


def test_a_model_without_code_scores_every_row_of_every_file(ws, batch, made, tmp_path):
    files = tmp_path / "files"
    shutil.copytree(made / "data", files)
    # The target is still in it: what the signature doesn't have is dropped.
    pd.DataFrame({"x": [1.5], "code": ["00a"], "target": [3]}).to_parquet(files / "3.parquet")
    answer = batch.invoke("flights", folder_input(files))
    assert answer["name"].startswith("batchjob-")
    assert answer["properties"]["properties"]["azureml.endpointname"] == "flights"
    job = ended(ws, answer["name"])
    assert job["status"] == "Completed", log_of(ws, job["name"])
    assert list(children(ws, job["name"])) == ["batchscoring"]
    ws.jobs.download(job["name"], tmp_path, output="score")
    rows = (tmp_path / "named-outputs" / "score" / "predictions.csv").read_text().splitlines()
    assert rows == ["0,0.0,0.csv", "1,2.0,0.csv", "0,20.0,1.csv", "1,22.0,1.csv", "0,40.0,2.csv", "1,42.0,2.csv",
                    "0,3.0,3.parquet"]  # fmt: skip
    assert job["experiment_name"] == "flights"
    assert [found["name"] for found in batch.jobs("flights", "doubling")] == [job["name"]]
    assert batch.jobs("flights", "listing") == []


def test_a_scoring_script_gets_its_model_and_its_mini_batches(ws, batch, made):
    (output := {"output_path": "azureml://datastores/workspaceblobstore/paths/scores/first"})
    request = {**folder_input(made / "data"), **output, "job_name": "by-script", "instance_count": 2}
    job, score = scored(ws, request, "script")
    assert job["name"] == "by-script"
    assert score == ws.path / "datastores" / "workspaceblobstore" / "scores" / "first"
    assert sorted(path.name for path in score.iterdir()) == ["own-0.csv", "own-2.csv", "predictions.csv"]
    assert (score / "predictions.csv").read_text().splitlines() == ["0.csv heavy 2", "1.csv heavy 2", "2.csv heavy 1"]
    with pytest.raises(WorkspaceError, match=r"there is a file predictions\.csv at .*scores/first already"):
        batch.invoke("flights", {**folder_input(made / "data"), **output}, "script")
    with pytest.raises(Conflict, match="by-script"):
        batch.invoke("flights", {**folder_input(made / "data"), "job_name": "by-script"}, "script")
    other = {"mini_batch_size": 3, "settings": {"output_file_name": "scores.txt"}}
    one = {"inputs": {"file": {"path": str(made / "data" / "1.csv")}}}
    _, score = scored(ws, {**one, **other}, "script")
    assert (score / "scores.txt").read_text() == "1.csv heavy 1\n"


def test_error_threshold_decides_about_a_corrupt_file(ws, batch, made, tmp_path):
    for number in range(8):
        (tmp_path / f"{number}.csv").write_text(f"x,code\n{number},abc\n")
    (tmp_path / "3.csv").write_bytes(b"\x00\xff\n1,2,3,4\n")
    failed, _ = scored(ws, {**folder_input(tmp_path), "settings": {"error_threshold": 0}})
    assert failed["status"] == "Failed"
    assert "1 items failed, more than error_threshold, 0" in failed["error"]["message"]
    borne, score = scored(ws, {**folder_input(tmp_path), "settings": {"error_threshold": 1}})
    assert borne["status"] == "Completed", log_of(ws, borne["name"])
    names = [line.rpartition(",")[2] for line in (score / "predictions.csv").read_text().splitlines()]
    assert names == [f"{number}.csv" for number in range(8) if number != 3]
    log = ws.path / "jobs" / children(ws, borne["name"])["batchscoring"]["name"] / "artifacts/user_logs/std_log.txt"
    assert "Error processing input file" in log.read_text() and "3.csv'" in log.read_text()


def test_a_pipeline_component_takes_inputs_and_gives_outputs_by_name(ws, batch, made):
    ws.assets.create("data", {"name": "landed", "path": str(made / "data"), "type": "uri_folder"})
    request = {
        "inputs": {"times": {"type": "integer", "value": 7}, "data": {"path": "azureml:landed:1"}},
        "outputs": {"list": {"type": "uri_folder", "path": "azureml://datastores/workspaceblobstore/paths/listed"}},
        "experiment_name": "listing",
    }
    answer = batch.invoke("flights", request, "listing")
    assert answer["name"].startswith("pipelinejob-")
    job = ended(ws, answer["name"])
    assert job["status"] == "Completed", log_of(ws, job["name"])
    assert (job["experiment_name"], job["inputs"]["data"]["path"]) == ("listing", "azureml:landed:1")
    names = ws.path / "datastores" / "workspaceblobstore" / "listed" / "names"
    assert names.read_text().split() == ["7", "0.csv", "1.csv", "2.csv"]


def test_the_default_is_switched_and_the_deployment_replaced_while_a_job_runs(ws, batch, made):
    slow = {**SETTINGS, "environment_variables": {"WAIT": "3"}}
    batch.create_deployment(script(name="slow", settings=slow), made, set_default=True)
    running = batch.invoke("flights", folder_input(made / "data"))["name"]
    batch.update("flights", {**batch.get("flights"), "defaults": {"deployment_name": "script"}})
    document = batch.update_deployment({**batch.deployment("flights", "slow"), "mini_batch_size": 5}, made)
    assert (document["mini_batch_size"], document["environment_variables"]) == (5, {"WAIT": "3"})
    batch.delete_deployment("flights", "slow")
    assert ws.jobs.get(running)["status"] not in ("Completed", "Failed", "Canceled")
    started = time.monotonic()
    job, _ = scored(ws, folder_input(made / "data"))
    assert job["properties"]["azureml.deploymentname"] == "script"
    assert ended(ws, running)["status"] == "Completed", log_of(ws, running)
    assert time.monotonic() - started < 60
    batch.update("flights", {**batch.get("flights"), "defaults": {"deployment_name": "doubling"}})


def test_what_can_not_run_is_refused_before_anything_runs(ws, batch, made):
    before = len(ws.jobs.list(max_results=None))
    data = folder_input(made / "data")
    for request, deployment, error, message in [
        (data, "nope", WorkspaceError, "has no deployment 'nope'; it has: doubling, script, listing"),
        ({}, "script", WorkspaceError, r"inputs: .*none is given"),
        (folder_input(made / "empty"), "script", WorkspaceError, r"inputs\.any: nothing to score in .*empty"),
        (folder_input(made / "nowhere"), None, WorkspaceError, r"inputs\.any: .*nowhere does not exist"),
        (folder_input(made / "data" / "1.csv"), None, WorkspaceError, r"inputs\.any: .* is a file, not a uri_folder"),
        (folder_input("azureml:nope:1"), None, NotFound, "Data 'nope:1' was not found"),
        (folder_input("azureml://datastores/workspaceblobstore/paths/nope"), None, WorkspaceError, "there is nothing"),
        ({"inputs": {"x": {"type": "mltable", "path": "azureml:t:1"}}}, None, Unsupported, "no mltable"),
        ({"inputs": {"x": {"type": "string", "value": "a"}}}, None, WorkspaceError, "needs a path, not a value"),
        ({**data, "output_path": "azureml://datastores/nope/paths/x"}, None, NotFound, "output_path: Datastore 'nope'"),
        ({**data, "mini_batch_size": 0}, None, WorkspaceError, "mini_batch_size: 0 is not a whole number from 1"),
        ({**data, "settings": {"nodes": 1}}, None, Unsupported, "nodes: there is no such setting"),
        ({}, "listing", WorkspaceError, r"inputs\.data: a value is required"),
        ({**data}, "listing", WorkspaceError, r"inputs\.any: there is no such input; the component has: times, data"),
        ({"inputs": {"data": {"path": str(made / "data")}, "times": {"value": "x"}}}, "listing", WorkspaceError,
         r"inputs\.times: 'x' is not of type integer"),
        ({"mini_batch_size": 3}, "listing", WorkspaceError, "mini_batch_size: it is for model deployments"),
    ]:  # fmt: skip
        with pytest.raises(error, match=message):
            batch.invoke("flights", request, deployment)
    assert len(ws.jobs.list(max_results=None)) == before


def test_a_deployment_that_can_not_work_is_refused(ws, batch, made):
    cases: list[tuple[dict[str, Any], type[WorkspaceError], str]] = [
        ({"model": "azureml:nope:1"}, NotFound, "Model 'nope' was not found"),
        ({"environment": None}, WorkspaceError, "environment: is missing"),
        ({"environment": "azureml:nope:1"}, NotFound, "Environment 'nope:1' was not found"),
        ({"code_configuration": None}, WorkspaceError, "code_configuration: is missing"),
        ({"code_configuration": {"code": "code", "scoring_script": "no.py"}}, WorkspaceError, "there is no file no.py"),
        ({"compute": "azureml:nope"}, WorkspaceError, "^compute: there is no compute 'nope'"),
        ({"endpoint_name": "nope"}, NotFound, "endpoint 'nope' was not found"),
        ({"type": "pipeline"}, WorkspaceError, "component: is missing"),
        ({"settings": {"output_file_name": "../x"}}, WorkspaceError, "output_file_name: '../x' is not the name"),
    ]
    for changes, error, message in cases:
        with pytest.raises(error, match=message):
            batch.create_deployment(script(**changes), made)
    with pytest.raises(NotFound, match="Deployment 'other' of batch endpoint 'flights' was not found"):
        batch.update_deployment(script(name="other"), made)


def test_a_model_whose_files_are_gone_is_missed_before_anything_runs(ws, batch, made, tmp_path):
    (tmp_path / "lost.txt").write_text("lost")
    ws.models.create({"name": "lost", "path": str(tmp_path / "lost.txt"), "type": "custom_model"})
    batch.create_deployment(script(name="lost", model="azureml:lost:1"), made)
    ws.resolve.path(ws.models.get("lost", "1")["path"]).unlink()
    with pytest.raises(NotFound, match="The files of model lost:1 are no longer there"):
        batch.invoke("flights", folder_input(made / "data"), "lost")
    batch.delete_deployment("flights", "lost")


def test_a_model_that_brings_nothing_to_read_parquet_with_is_given_it(ws, batch, made, tmp_path):
    shutil.copytree(made / "model", tmp_path / "lean")
    packages = [line for line in TRAINING.read_text().splitlines() if "pyarrow" not in line]
    (tmp_path / "lean" / "conda.yaml").write_text("\n".join(packages))
    ws.models.create({"name": "lean", "path": str(tmp_path / "lean"), "type": "mlflow_model"})
    batch.create_deployment({"name": "lean", "endpoint_name": "flights", "model": "azureml:lean:1"}, made)
    lines = {
        name: [
            line for line in requirements(batch.row("flights", name)["plan"]["environment"]).lines if "arrow" in line
        ]
        for name in ("doubling", "lean")
    }
    assert lines == {"doubling": ["pyarrow==17.0.0"], "lean": ["pyarrow"]}
    batch.delete_deployment("flights", "lean")


def test_a_deployment_may_become_one_of_another_kind(ws, batch, made):
    listing = {**batch.deployment("flights", "listing"), "name": "both"}
    for document, wanted in [
        (listing, "data: a value is required"),
        (script(name="both"), "none is given"),
        (listing, "data: a"),
    ]:
        batch.create_deployment(document, made)
        with pytest.raises(WorkspaceError, match=wanted):
            batch.invoke("flights", {}, "both")
    batch.delete_deployment("flights", "both")
