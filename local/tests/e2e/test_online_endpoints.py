"""A person serves models with an online endpoint, with the real az, and does what one should not do, too."""

import json
import re
import shutil
import signal
import socket
import time
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[3]
ENDPOINT = """
$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineEndpoint.schema.json
name: flights
auth_mode: key
tags: {team: sky}
"""
SCRIPTED = """
$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json
name: blue
endpoint_name: flights
model: {path: weight.txt}
code_configuration: {code: code, scoring_script: score.py}
environment: azureml:serving@latest
environment_variables: {COLOUR: blue}
instance_type: Standard_DS3_v2
instance_count: 1
"""
SCRIPT = """
import json, os, pathlib, time
def init():
    global weight
    if os.environ.get("BROKEN"):
        raise RuntimeError("this model is broken")
    time.sleep(float(os.environ.get("SLOW", 0)))
    (file,) = pathlib.Path(os.environ["AZUREML_MODEL_DIR"]).iterdir()
    weight = int(file.read_text())
def run(raw):
    return {"scores": [weight * value for value in json.loads(raw)["data"]], "by": os.environ["COLOUR"]}
"""
WITHOUT_CODE = """
name: table
endpoint_name: flights
model: {path: model, type: mlflow_model}
instance_type: Standard_DS3_v2
instance_count: 1
"""
MLMODEL = """
flavors:
  python_function: {code: code, env: {conda: conda.yaml}, loader_module: doubling, python_version: 3.11.7}
mlflow_version: 2.16.2
model_uuid: 0123456789abcdef0123456789abcdef
signature:
  inputs: '[{"type": "double", "name": "delay", "required": true}, {"type": "string", "name": "carrier", "required": true}]'
  outputs: '[{"type": "double", "required": true}]'
"""  # noqa: E501
DOUBLING = """
class Doubling:
    def predict(self, table, params=None):
        return table["delay"] * 2
def _load_pyfunc(path):
    return Doubling()
"""
TABLE = {"columns": ["delay", "carrier"], "index": [0, 1], "data": [[1.5, "AA"], [2.0, "UA"]]}


class Client:
    """Sends requests as any program would."""

    def __init__(self, az: Any) -> None:
        self.uri: str = az("online-endpoint show --name flights --query scoring_uri --output tsv").stdout.strip()
        self.key: str = az.json("online-endpoint get-credentials --name flights")["primaryKey"]

    def __call__(self, body: bytes, deployment: str | None = None, key: str | None = None) -> tuple[int, str, Message]:
        """Status, text and headers of the answer to a request."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key if key is None else key}"}
        if deployment:
            headers["azureml-model-deployment"] = deployment
        try:
            with urllib.request.urlopen(urllib.request.Request(self.uri, body, headers), timeout=60) as answer:
                return answer.status, answer.read().decode(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(), error.headers


@pytest.fixture(scope="module")
def served(az: Any) -> Any:
    """The endpoint `flights` with the deployments `blue`, a script with all traffic, and `table`, an MLflow model."""
    texts = {"endpoint.yml": ENDPOINT, "blue.yml": SCRIPTED, "code/score.py": SCRIPT, "weight.txt": "3",
             "table.yml": WITHOUT_CODE, "model/MLmodel": MLMODEL, "model/code/doubling.py": DOUBLING,
             "request.json": '{"data": [1, 2]}', "table.json": json.dumps({"input_data": TABLE}),
             "odd.json": '{"days": []}'}  # fmt: skip
    for name, text in texts.items():
        az.write(name, text)
    conda = REPOSITORY / "environments/serving/conda.yml"
    shutil.copyfile(conda, az.folder / "serving.yml")
    shutil.copyfile(conda, az.folder / "model/conda.yaml")
    az("environment create --name serving --image python --conda-file serving.yml --output none")
    az("online-endpoint create --file endpoint.yml --output none")
    az("online-deployment create --file blue.yml --all-traffic --output none")
    az("online-deployment create --file table.yml --output none")
    return az


@pytest.fixture(scope="module")
def client(served: Any) -> Client:
    """Requests with the primary key."""
    return Client(served)


def test_documents_have_what_azure_prints(served: Any) -> None:
    endpoint = served.json("online-endpoint show --name flights")
    keys = "auth_mode id identity location mirror_traffic name openapi_uri properties provisioning_state scoring_uri"
    assert set(endpoint) >= {*keys.split(), "resourceGroup", "tags", "traffic"}
    assert endpoint["id"].startswith("/subscriptions/"), "without azureml: in front"
    assert (endpoint["traffic"], endpoint["tags"]) == ({"blue": 100, "table": 0}, {"team": "sky"})
    blue, table = served.json("online-deployment list --endpoint-name flights")
    keys = "app_insights_enabled creation_context endpoint_name environment_variables id instance_count instance_type"
    assert set(blue) >= {*keys.split(), "model", "properties", "scale_settings", "tags"}
    assert (blue["type"], blue["provisioning_state"], table["name"]) == ("managed", "Succeeded", "table")
    assert blue["model"].startswith("azureml:/subscriptions/")
    assert [row["name"] for row in served.json("online-endpoint list")] == ["flights"]


def test_an_answer_is_printed_as_azure_does(served: Any, client: Client) -> None:
    line = "online-endpoint invoke --name flights --request-file request.json"
    printed = served(line).stdout
    assert json.loads(json.loads(printed)) == {"scores": [3, 6], "by": "blue"}, "JSON twice: a trap kept on purpose"
    assert json.loads(served(f"{line} --output tsv").stdout) == {"scores": [3, 6], "by": "blue"}
    line = "online-endpoint invoke -n flights -r table.json -d table -o tsv"
    assert json.loads(served(line).stdout) == [3.0, 4.0], "a model without code, by name, without traffic"
    status, text, headers = client(b'{"data": [5]}')
    assert (status, json.loads(text)["scores"], headers["azureml-model-deployment"]) == (200, [15], "blue")


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"[1, 2", 424, ""),
        (b"", 424, ""),
        (b'{"days": 1}', 424, "input_data"),
        (json.dumps({"input_data": {**TABLE, "columns": ["delay", "airline"]}}).encode(), 424, "carrier"),
        (json.dumps({"input_data": {"columns": ["delay"], "data": [[1]]}}).encode(), 424, "carrier"),
        (json.dumps({"input_data": {**TABLE, "data": [["late", "AA"], ["later", "UA"]]}}).encode(), 424, "delay"),
        (b'{"input_data": []}', 424, "input_data"),
        (b'{"input_data": "' + b"x" * 10_000_000 + b'"}', 424, ""),
        (b'{"input_data": "' + b"x" * 11_000_000 + b'"}', 413, ""),
    ],
    ids=["torn", "empty", "other", "wrong-column", "missing-column", "wrong-type", "empty-list", "10-MB", "11-MB"],
)
def test_bad_requests_are_the_callers_fault(client: Client, body: bytes, status: int, message: str) -> None:
    got, text, headers = client(body, "table")
    assert (got, "Traceback" in text) == (status, False), text
    assert message in text
    if status == 424:
        assert headers["ms-azureml-model-error-statuscode"] == "400"
    assert client(json.dumps({"input_data": TABLE}).encode(), "table")[0] == 200, "it still answers"


def test_who_may_ask_whom(served: Any, client: Client) -> None:
    body = b'{"data": [1]}'
    assert client(body, key="wrong")[0] == 401
    assert client(body, key="")[0] == 401
    status, text, _ = client(body, "gone")
    assert (status, "blue, table" in text) == (404, True)
    elsewhere = Client(served)
    elsewhere.uri = client.uri.replace("/flights/", "/gone/")
    assert elsewhere(body)[0] == 404
    served("online-endpoint regenerate-keys --name flights --key-type primary")
    renewed = Client(served)
    assert (client(body)[0], renewed(body)[0]) == (401, 200)
    client.key = renewed.key


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("online-endpoint create --file endpoint.yml", 1, "already exists"),
        ("online-deployment create --file blue.yml", 1, "already exists"),
        ("online-endpoint show --name gone", 3, "Online endpoint 'gone' was not found"),
        ("online-endpoint delete --name gone --yes", 1, "Online endpoint 'gone' was not found"),
        ("online-endpoint invoke --name gone -r request.json", 3, "Online endpoint 'gone' was not found"),
        ("online-deployment show -n gone -e flights", 3, "Its deployments: blue, table"),
        ("online-deployment create -f blue.yml -e gone", 3, "Online endpoint 'gone' was not found"),
        ("online-deployment create -f blue.yml -n green --set model=azureml:gone:1", 3, "blue.yml: Model 'gone'"),
        ("online-deployment delete -n blue -e flights --yes", 1, "100 % of the traffic"),
        ("online-endpoint update -n flights --traffic 'blue=90 table=20'", 1, "adds up to 110"),
        ("online-endpoint update -n flights --traffic 'blue=50 gone=50'", 1, "no deployment 'gone'"),
        ("online-endpoint invoke -n flights -r request.json -d gone", 1, "blue, table"),
        ("online-endpoint invoke -n flights -r odd.json", 1, "424"),
    ],
)
def test_bad_lines_change_nothing_and_say_what_to_do(served: Any, line: str, code: int, message: str) -> None:
    told = served(line, code=code)
    assert message in told.stderr
    assert told.stdout == ""


def test_a_traffic_split_and_a_mirror(served: Any, client: Client) -> None:
    line = "online-deployment create --file blue.yml --name green --set environment_variables.COLOUR=green"
    printed = served(f"{line} --query provisioning_state --output tsv").stdout
    assert re.fullmatch(r"\.+Succeeded\n", printed), "dots before the value: a trap kept on purpose"
    routed = served.json('online-endpoint update --name flights --traffic "blue=50 green=50"')
    assert routed["traffic"] == {"blue": 50, "green": 50, "table": 0}
    by = [json.loads(client(b'{"data": [1]}')[1])["by"] for _ in range(60)]
    assert {"blue", "green"} == set(by)
    back = served.json('online-endpoint update -n flights --traffic "blue=100" --mirror-traffic green=50')
    assert (back["traffic"], back["mirror_traffic"]) == ({"blue": 100, "table": 0}, {"green": 50})
    assert {json.loads(client(b'{"data": [1]}')[1])["by"] for _ in range(20)} == {"blue"}
    served("online-endpoint update --name flights --mirror-traffic green=0 --output none")
    assert served("online-deployment delete --name green --endpoint-name flights --yes").stdout == ""
    assert client(b"{}", "green")[0] == 404


def test_a_deployment_that_cannot_start_says_why_and_the_old_one_serves(served: Any, client: Client) -> None:
    told = served("online-deployment update -n blue -e flights --set environment_variables.BROKEN=1", code=1)
    assert "RuntimeError: this model is broken" in told.stderr
    assert "az ml online-deployment get-logs --name blue --endpoint-name flights" in told.stderr
    assert served.json("online-deployment show -n blue -e flights")["provisioning_state"] == "Failed"
    assert client(b'{"data": [1]}')[0] == 200, "the old revision"
    assert "this model is broken" in served("online-deployment get-logs -n blue -e flights --lines 200").stdout
    mended = served("online-deployment update -n blue -e flights --remove environment_variables.BROKEN --no-wait")
    assert mended.stdout == "", "neither dots nor JSON"
    assert "az ml online-deployment show --name blue --endpoint-name flights" in mended.stderr
    assert served.workspace.online.wait("flights", "blue", lambda: None)["provisioning_state"] == "Succeeded"


def test_a_model_whose_files_are_gone_is_told_of(served: Any) -> None:
    served.write("lost.txt", "5")
    model = served.json("model create --name lost --version 1 --path lost.txt")["id"]
    (place,) = served.workspace.path.rglob("lost.txt")
    place.unlink()
    told = served(f"online-deployment create -f blue.yml -n lost --set model={model}", code=3).stderr
    assert f"blue.yml: model: the files of lost:1 are missing: there is nothing at {place}" in told
    assert "lost" not in [row["name"] for row in served.workspace.online.deployments("flights")]


def test_az_is_killed_while_it_waits_and_the_work_goes_on(served: Any, client: Client) -> None:
    slow = "--set environment_variables.SLOW=3 environment_variables.COLOUR=late"
    process = served.start(f"online-deployment create --file blue.yml --name late --all-traffic {slow}")
    while "late" not in [row["name"] for row in served.workspace.online.deployments("flights")]:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    again = served("online-deployment create --file blue.yml --name late --all-traffic", code=1).stderr
    assert "already exists" in again
    served.workspace.online.wait("flights", "late", lambda: None)
    assert json.loads(client(b'{"data": [2]}', "late")[1]) == {"scores": [6], "by": "late"}
    assert served.json("online-endpoint show --name flights")["traffic"]["blue"] == 100, "nobody was left to give it"
    served("online-deployment delete -n late -e flights --yes --no-wait")


def test_a_port_that_somebody_else_has_taken(served: Any, client: Client) -> None:
    port = int(client.uri.split(":")[2].split("/")[0])
    served.workspace.online.serving.stop()
    with socket.create_server(("127.0.0.1", port)):
        line = "online-endpoint invoke --name flights --request-file request.json --output tsv"
        assert json.loads(served(line).stdout)["by"] == "blue"
        moved = Client(served)
    assert moved.uri != client.uri
    assert moved(b'{"data": [1]}')[0] == 200
    client.uri = moved.uri


def test_an_endpoint_is_deleted_with_its_servers(served: Any, client: Client) -> None:
    told = served("online-endpoint delete --name flights", code=1).stderr
    assert "--yes" in told
    assert served("online-endpoint delete --name flights --yes").stdout == ""
    assert client(b"{}")[0] == 404
    assert served.json("online-endpoint list") == []
    assert not (served.workspace.online.serving.folder.record().get("servers") or {})
