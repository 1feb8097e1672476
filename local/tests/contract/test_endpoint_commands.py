"""What `az ml` makes of lines about endpoints and deployments: which calls of the engine, what is printed, how it ends.

The lines run in the real azure-cli, in one process and against an engine that only writes calls down (drive.py).
"""

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ANSWERS = json.loads(Path(__file__).with_name("engine_answers.json").read_text(encoding="utf-8"))
WAIT = {"wait": True}
ENDPOINT = "name: flights\nauth_mode: key\ntags: {stage: new}\n"
DEPLOYMENT = """
name: Blue
endpoint_name: flights
model: {path: model}
code_configuration: {code: code, scoring_script: score.py}
environment: {image: python, conda_file: conda.yml}
instance_type: Standard_DS3_v2
instance_count: 2
request_settings: {request_timeout_ms: 3000, max_concurrent_requests_per_instance: 2}
liveness_probe: {initial_delay: 5}
data_collector: {collections: {model_inputs: {enabled: 'True'}}, sampling_rate: 0.5}
"""
MODEL = """
name: one
endpoint_name: flights
type: model
model: {path: model, type: mlflow_model}
compute: azureml:cpu
settings: {mini_batch_size: 5, error_threshold: 3, retry_settings: {max_retries: 2, timeout: 30}}
"""
PIPELINE = """
name: pipe
endpoint_name: flights
type: pipeline
component: components/pipeline.yml
settings: {default_compute: cpu}
"""
COMPONENT = """
type: pipeline
name: both
inputs: {rows: {type: uri_folder}}
jobs:
  count: {type: command, component: count.yml, inputs: {rows: "${{parent.inputs.rows}}"}}
"""
STEP = """
type: command
name: count
inputs: {rows: {type: uri_folder}}
code: ../code
environment: azureml:e:1
command: ls ${{inputs.rows}}
"""
INVOCATION = "inputs:\n  rows: {type: uri_folder, path: model}\n  rate: 0.5\n  mode: {type: string, default: fast}\n"
CONTAINER = DEPLOYMENT.replace("conda_file: conda.yml", "inference_config: {liveness_route: &a {port: 1, path: /}, "
                               "readiness_route: *a, scoring_route: *a}")  # fmt: skip
FILES = {
    "endpoint.yml": ENDPOINT,
    "deployment.yml": DEPLOYMENT,
    "container.yml": CONTAINER,
    "model.yml": MODEL,
    "pipeline.yml": PIPELINE,
    "components/pipeline.yml": COMPONENT,
    "components/count.yml": STEP,
    "code/score.py": "def init(): ...\n",
    "code/torn.py": "def init(:\n",
    "model/weights.txt": "1",
    "conda.yml": "dependencies: [python=3.11]",
    "request.json": '{"a": 1}',
    "request.txt": "a: 1",
    "job.yml": INVOCATION,
    "list.yml": "- 1",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the lines run, with the specs."""
    folder = tmp_path_factory.mktemp("specs")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(place: Path, drive: Any) -> Any:
    """Runs lines, all in one process."""
    return drive(place, "online", "batch")


def test_an_online_endpoint_is_made_shown_and_asked(run: Any) -> None:
    made, shown, listed, asked, keys, renewed, ended = run(
        "online-endpoint create -f endpoint.yml -n other --auth-mode key --set tags.team=b",
        "online-endpoint show -n flights",
        "online-endpoint list",
        "online-endpoint invoke -n flights --request-file request.json --deployment-name blue",
        "online-endpoint get-credentials -n flights",
        "online-endpoint regenerate-keys -n flights --key-type secondary",
        "online-endpoint delete -n flights --yes --no-wait",
    )
    doc = {"name": "other", "auth_mode": "key", "tags": {"stage": "new", "team": "b"}, "properties": {},
           "traffic": {}, "mirror_traffic": {}}  # fmt: skip
    assert made.calls == [["online", "create", doc, WAIT]]
    assert json.loads(shown.out)["traffic"] == {"blue": 100}
    assert [row["name"] for row in json.loads(listed.out)] == ["flights"]
    assert asked.last == ["online", "invoke", "flights", '{"a": 1}', "blue"]
    assert asked.out == '"[1, 2]"\n', "the text of the answer as a JSON string, as on Azure"
    assert json.loads(keys.out) == {"primaryKey": "p", "secondaryKey": "s"}
    assert (renewed.last, renewed.out) == (["online", "regenerate", "flights", "secondary", WAIT], "")
    assert (ended.last, ended.out) == (["online", "delete", "flights", {"wait": False}], "")


def test_an_update_of_an_endpoint_changes_what_it_says_and_nothing_else(run: Any) -> None:
    routed, set_, filed, mirrored = run(
        "online-endpoint update -n flights --traffic 'blue=90 Green=10'",
        "online-endpoint update -n flights --set tags.team=b description=new --no-wait",
        "online-endpoint update -n flights --file endpoint.yml --mirror-traffic green=10",
        "online-endpoint update -n flights --mirror-traffic green=0 --remove tags.team",
    )
    before = ANSWERS["online"]["get"]
    assert [line.code for line in (routed, set_, filed, mirrored)] == [0, 0, 0, 0]
    doc = {**before, "traffic": {"blue": 90, "green": 10}, "properties": {}}
    assert routed.last == ["online", "update", "flights", doc, WAIT]
    changed = {"tags": {"team": "b"}, "description": "new"}
    assert set_.last[4] == {"wait": False}, "that is --no-wait"
    assert (set_.last[3], set_.out) == ({**before, **changed, "properties": {}}, "")
    doc = filed.last[3]
    assert (doc["tags"], doc["traffic"]) == ({"stage": "new"}, {"blue": 100}), (
        "the file's tags, and the traffic of before"
    )
    assert "description" not in doc, "the file has none"
    assert doc["mirror_traffic"] == {"green": 10}
    assert (mirrored.last[3]["mirror_traffic"], mirrored.last[3]["tags"]) == ({"green": 0}, {})


def test_an_online_deployment_is_made_and_waited_for(run: Any, place: Path) -> None:
    made, all_, quick = run(
        "online-deployment create --file deployment.yml -e other --set environment_variables.A=1",
        "online-deployment create --file deployment.yml --all-traffic",
        "online-deployment create --file deployment.yml --no-wait",
    )
    (_, method, doc, source), waited = made.calls
    assert (method, source, waited) == ("create_deployment", str(place), ["online", "wait", "flights", "blue"])
    assert (doc["name"], doc["endpoint_name"]) == ("blue", "other"), "names of deployments are lower case"
    assert doc["code_configuration"] == {"code": str(place / "code"), "scoring_script": "score.py"}
    assert doc["model"]["path"] == str(place / "model")
    assert doc["environment"]["conda_file"] == {"dependencies": ["python=3.11"]}
    assert doc["environment_variables"] == {"A": "1"}
    assert doc["data_collector"] == {"collections": {"model_inputs": {"enabled": "true"}}, "sampling_rate": 0.5}
    assert made.out.startswith("..{"), "dots stand before the JSON in the same stream, as on Azure"
    assert json.loads(made.out.lstrip("."))["name"] == "blue"
    assert [call[1] for call in all_.calls] == ["create_deployment", "wait", "get", "update"]
    assert all_.last[3]["traffic"] == {"blue": 100}
    assert ([call[1] for call in quick.calls], quick.out) == (["create_deployment"], "")
    assert "az ml online-deployment show --name blue --endpoint-name flights" in quick.err


def test_an_update_of_an_online_deployment(run: Any, place: Path) -> None:
    set_, filed, wrong = run(
        "online-deployment update -n Blue -e flights --set instance_count=3 environment_variables.B=2",
        "online-deployment update --file deployment.yml --set instance_count=3",
        "online-deployment update -n blue -e flights --set instance_count=many",
    )
    assert set_.calls[0] == ["online", "deployment", "flights", "blue"]
    before = ANSWERS["online"]["deployment"]
    doc = set_.calls[1][2]
    assert doc["instance_count"] == 3
    assert doc["environment_variables"] == {"A": "1", "B": "2"}
    same = ("model", "environment", "code_configuration", "tags", "instance_type")
    assert [doc[key] for key in same] == [before[key] for key in same]
    assert set_.calls[2] == ["online", "wait", "flights", "blue"]
    doc = filed.calls[1][2]
    assert (doc["model"]["path"], doc["instance_count"]) == (str(place / "model"), 3)
    assert (doc["environment_variables"], doc["tags"]) == ({}, {}), "the file is the whole truth"
    assert (wrong.code, len(wrong.calls)) == (1, 1)
    assert "instance_count: Not a valid integer." in wrong.err


def test_deployments_are_shown_read_and_ended(run: Any) -> None:
    shown, listed, logs, ended = run(
        "online-deployment show -n blue -e flights",
        "online-deployment list -e flights",
        "online-deployment get-logs -n blue -e flights -l 3 -c storage-initializer",
        "online-deployment delete -n blue -e flights -y",
    )
    assert json.loads(shown.out)["endpoint_name"] == "flights"
    assert [row["name"] for row in json.loads(listed.out)] == ["blue"]
    assert (logs.last, logs.out) == (["online", "logs", "flights", "blue", 3, "storage-initializer"], "one\ntwo\n")
    assert (ended.last, ended.out) == (["online", "delete_deployment", "flights", "blue", WAIT], "")


def test_batch_endpoints_and_deployments(run: Any, place: Path) -> None:
    made, default, filed, model, pipeline, set_, jobs, own = run(
        "batch-endpoint create --name flights --set description=x",
        "batch-endpoint update -n flights --defaults deployment_name=two",
        "batch-endpoint update --file endpoint.yml --set defaults.deployment_name=three",
        "batch-deployment create --file model.yml --set-default --set settings.error_threshold=7",
        "batch-deployment create --file pipeline.yml -e other",
        "batch-deployment update -n one -e flights --set retry_settings.timeout=3",
        "batch-endpoint list-jobs -n flights",
        "batch-deployment list-jobs -n one -e flights",
    )
    assert (made.last[1], made.last[2]["auth_mode"]) == ("create", "aad_token")
    assert default.last[3]["defaults"] == {"deployment_name": "two"}
    assert (filed.last[3]["defaults"], filed.last[3]["tags"]) == ({"deployment_name": "three"}, {"stage": "new"})
    doc = model.last[2]
    flat = {"mini_batch_size": 5, "error_threshold": 7, "retry_settings": {"max_retries": 2, "timeout": 30}}
    assert {key: doc[key] for key in flat} == flat, "as the service prints settings: at the top"
    assert "settings" not in doc
    assert model.last[3:] == [str(place), {"set_default": True}]
    doc = pipeline.last[2]
    assert (doc["endpoint_name"], doc["settings"]) == ("other", {"default_compute": "cpu"})
    assert doc["component"]["jobs"]["count"]["component"]["code"] == str(place / "code")
    assert set_.last[2]["retry_settings"] == {"max_retries": 3, "timeout": 3}
    assert (jobs.last, json.loads(jobs.out)) == (["batch", "jobs", "flights"], [{"name": "job"}])
    assert own.last == ["batch", "jobs", "flights", "one"]


def test_what_a_batch_endpoint_is_invoked_with(run: Any, place: Path) -> None:
    folder, file, url, named, filed, all_ = run(
        "batch-endpoint invoke -n flights --input model",
        "batch-endpoint invoke -n flights --input model/weights.txt --input-type uri_file",
        "batch-endpoint invoke -n flights --input azureml://datastores/d/paths/x",
        "batch-endpoint invoke -n flights --inputs '{rows: {type: uri_file, path: azureml:rows:1}, n: 3}'",
        "batch-endpoint invoke -n flights --file job.yml --set inputs.rows.path=code inputs.more=x",
        "batch-endpoint invoke -n flights --input model -d two --job-name j --experiment-name e -m 5 -c 2 "
        "--output-path azureml://datastores/d/paths/out "
        "--set output_file_name=x.csv retry_settings.timeout=5 error_threshold=1",
    )
    assert json.loads(folder.out) == {"name": "job"}
    data = {"UriFolder": {"type": "uri_folder", "path": str(place / "model")}}
    assert folder.last == ["batch", "invoke", "flights", {"inputs": data}, None], "the default deployment"
    assert file.last[3] == {
        "inputs": {"UriFile": {"type": "uri_file", "path": str(place / "model/weights.txt")}},
    }
    assert url.last[3]["inputs"] == {"UriFolder": {"type": "uri_folder", "path": "azureml://datastores/d/paths/x"}}
    assert named.last[3]["inputs"] == {"rows": {"type": "uri_file", "path": "azureml:rows:1"},
                                       "n": {"type": "integer", "value": 3}}  # fmt: skip
    assert filed.last[3]["inputs"] == {
        "rows": {"type": "uri_folder", "path": str(place / "code")},
        "rate": {"type": "number", "value": 0.5},
        "mode": {"type": "string", "value": "fast"},
        "more": {"type": "string", "value": "x"},
    }
    assert all_.last[3] == {
        "inputs": data, "job_name": "j", "experiment_name": "e", "mini_batch_size": 5, "instance_count": 2,
        "output_path": "azureml://datastores/d/paths/out",
        "settings": {"output_file_name": "x.csv", "retry_settings": {"timeout": 5}, "error_threshold": 1},
    }  # fmt: skip
    assert all_.last[4] == "two"


BAD = {
    # what does not exist
    "online-endpoint show -n absent": (3, "Endpoint 'absent' was not found."),
    "online-endpoint delete -n absent --yes": (1, "Endpoint 'absent' was not found."),
    "online-deployment show -n blue -e absent": (3, "Endpoint 'absent' was not found."),
    "online-deployment get-logs -n blue -e absent": (3, "Endpoint 'absent' was not found."),
    # lines
    "online-endpoint delete -n flights": (1, "Use --yes"),
    "online-endpoint update --set tags.a=b": (1, "The endpoint has no name: give --name"),
    "online-deployment update -n blue --set tags.a=b": (1, "give --endpoint-name"),
    "online-endpoint update -n flights --traffic blue=most": (1, "--traffic: 'blue=most' is not DEPLOYMENT=PERCENT"),
    "online-endpoint update -n flights --traffic ''": (1, "--traffic is empty: give DEPLOYMENT=PERCENT pairs"),
    "online-endpoint update -n flights --mirror-traffic green": (1, "--mirror-traffic: 'green' is not"),
    "online-endpoint update -n flights --set auth_mode=aml_token": (1, "auth_mode: aml_token is not supported"),
    "online-endpoint create -n flights --auth-mode aad_token": (1, "auth_mode: aad_token is not supported"),
    "online-endpoint create -n f": (1, "at least 3 and at most 32 characters"),
    "online-endpoint create -n a_b": (1, "name: String does not match expected pattern."),
    "online-endpoint create": (1, "name: Missing data for required field."),
    "online-endpoint create -n flights --set traffic.blue=110": (1, "traffic: Traffic rule percentages must sum to"),
    "online-endpoint create -n flights --set compute=azureml:k8s": (1, "compute: Kubernetes endpoints are not"),
    "online-endpoint create -n flights --local": (1, "--local of 'az ml online-endpoint create': not supported"),
    "online-endpoint show -n flights -e": (1, "endpoints have no page"),
    "online-endpoint invoke -n flights": (1, "give a file with JSON as --request-file"),
    "online-endpoint invoke -n flights -r gone.json": (1, "--request-file gone.json can't be read: No such file"),
    "online-endpoint invoke -n flights -r request.txt": (1, "--request-file request.txt is not JSON: Expecting value"),
    "online-endpoint invoke -n broken -r request.json": (1, "The model's init() raised."),
    "online-deployment create": (2, "--file/-f"),
    "online-deployment create -f gone.yml": (1, "gone.yml"),
    "online-deployment create -f deployment.yml --all-traffic --no-wait": (1, "does not work with --no-wait"),
    "online-deployment create -f deployment.yml --local": (1, "--local of 'az ml online-deployment create': not"),
    "online-deployment create -f deployment.yml --package-model": (1, "it builds a Docker image"),
    "batch-deployment create -f model.yml --set-default --no-wait": (1, "does not work with --no-wait"),
    "batch-endpoint update -n flights --defaults two": (1, "--defaults: 'two' is not deployment_name=NAME"),
    # specs, by file and field
    "online-deployment create -f deployment.yml --set type=kubernetes": (1, "deployment.yml: type: kubernetes"),
    "online-deployment create -f deployment.yml --set model_mount_path=/x": (1, "deployment.yml: model_mount_path:"),
    "online-deployment create -f container.yml": (1, "environment.inference_config: custom containers"),
    "online-deployment create -f deployment.yml --set instance_count=two": (1, "instance_count: Not a valid integer."),
    "online-deployment create -f deployment.yml --set scale_settings.type=target_utilization": (
        1,
        "DefaultScaleSettings",
    ),
    "online-deployment create -f deployment.yml --set typo=1": (1, "deployment.yml: typo: Unknown field."),
    "online-deployment create -f deployment.yml --set name=b": (1, "at least 3 and at most 32 characters"),
    "online-deployment create -f deployment.yml --set model.path=gone": (1, "deployment.yml: model: FileNotFoundError"),
    "online-deployment create -f deployment.yml --set code_configuration.scoring_script=gone.py": (1, "code/gone.py"),
    "online-deployment create -f deployment.yml --set code_configuration.scoring_script=torn.py": (1, "torn.py"),
    "batch-deployment create -f model.yml --set settings.mini_batch_size=few": (
        1,
        "settings.mini_batch_size: Not a valid",
    ),
    "batch-deployment create -f pipeline.yml --set job_definition=azureml:j": (1, "job_definition: not supported"),
    "batch-deployment create -f pipeline.yml --set component=gone.yml": (1, "pipeline.yml: component"),
    # invocations
    "batch-endpoint invoke -n flights --input-type uri_file": (1, "--input-type is the type of --input"),
    "batch-endpoint invoke -n flights --input model --input-type mltable": (
        1,
        "give data of type uri_file or uri_folder",
    ),
    "batch-endpoint invoke -n flights --input model --inputs '{a: 1}'": (1, "leave out one of it and a"),
    "batch-endpoint invoke -n flights --inputs '[1]'": (1, "--inputs: it is not a map"),
    "batch-endpoint invoke -n flights --file list.yml": (1, "--file list.yml: it is not a map"),
    "batch-endpoint invoke -n flights --file gone.yml": (1, "--file gone.yml can't be read"),
    "batch-endpoint invoke -n flights --inputs '{a: {type: number_}}'": (1, "inputs.a.type: 'number_' is not one of"),
    "batch-endpoint invoke -n flights --inputs '{a: {type: uri_file}}'": (1, "inputs.a.path: it is missing"),
    "batch-endpoint invoke -n flights --outputs '{a: here}'": (1, "outputs.a: it needs a type"),
    "batch-endpoint invoke -n flights --set typo=1": (1, "--set typo: invoke can't set it"),
    "batch-endpoint invoke -n flights --set mini_batch_size=few": (
        1,
        "--set mini_batch_size: 'few' is not a whole number",
    ),
    "batch-endpoint invoke -n flights --input azureml:gone:1": (3, "gone"),
}


def test_bad_lines_end_with_a_message_and_reach_no_engine(run: Any) -> None:
    wrong = {}
    for text, line in zip(BAD, run(*BAD), strict=True):
        code, message = BAD[text]
        changing = [
            call for call in line.calls if call[1].startswith(("create", "update")) or call[:2] == ["batch", "invoke"]
        ]
        if line.code != code or message not in line.err or line.out or "Traceback" in line.err or changing:
            wrong[text] = line
    assert not wrong


def test_a_torn_scoring_script_can_be_deployed_all_the_same(run: Any) -> None:
    torn = (
        "online-deployment create -f deployment.yml --skip-script-validation --set code_configuration.scoring_script="
    )
    line = run(f"{torn}torn.py")[0]
    assert (line.code, line.calls[0][1]) == (0, "create_deployment")
