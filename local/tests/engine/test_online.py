"""Online endpoints with real servers behind the real router: what a person does, and what may happen meanwhile."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import ml_workspace
import pytest
from endpoint_documents import SERVING, Load, ask, online_deployment
from ml_workspace import NotFound, Workspace, WorkspaceError, machine_verbs, processes, serving_logs

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("shop")]
SCORE = """
import json, os, time
from pathlib import Path

def init():
    global files
    if os.environ.get("BREAK"):
        raise ValueError("cannot load " + os.environ["BREAK"])
    folder = Path(os.environ.get("AZUREML_MODEL_DIR", "nowhere"))
    files = {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}

def run(raw_data):
    request = json.loads(raw_data)
    time.sleep(request.get("seconds", 0))
    return {"who": os.environ.get("WHO"), "files": files, "worker": os.getpid(), "server": os.getppid()}
"""
COLLECT = """
import json
import pandas as pd
from azureml.ai.monitoring import Collector

def init():
    global inputs, outputs
    inputs, outputs = Collector(name="model_inputs"), Collector(name="model_outputs")

def run(raw_data):
    rows = pd.DataFrame(json.loads(raw_data)["rows"])
    outputs.collect(rows * 2, inputs.collect(rows))
    return rows["x"].tolist()
"""
MODEL = """
import sys
import mlflow, pandas
from mlflow.models import infer_signature

class Doubler(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input["x"] * 2

rows = pandas.DataFrame({"x": [1.0], "name": ["a"]})
mlflow.pyfunc.save_model(sys.argv[1], python_model=Doubler(), signature=infer_signature(rows, rows["x"]),
                         pip_requirements=["mlflow-skinny"])
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The folder of the specs."""
    folder = tmp_path_factory.mktemp("specs")
    (folder / "code").mkdir()
    (folder / "code" / "score.py").write_text(SCORE)
    (folder / "code" / "collect.py").write_text(COLLECT)
    return folder


@pytest.fixture(scope="module")
def shop(ws, source):
    """An endpoint with two deployments, blue and green; all traffic goes to blue."""
    ws.assets.create("environment", SERVING)
    ws.online.create({"name": "shop"})
    for name in ("blue", "green"):
        ws.online.create_deployment(online_deployment("shop", name, variables={"WHO": name}), source)
    for name in ("blue", "green"):
        ws.online.wait("shop", name, lambda: None)
    ws.online.update("shop", {**ws.online.get("shop"), "traffic": {"blue": 100}})
    yield "shop"
    ws.online.serving.stop()


@pytest.fixture
def call(ws, shop):
    """Asks the endpoint: (status, answer)."""

    def run(body=None, key="primaryKey", **headers):
        keys = ws.online.keys(shop)
        return ask(ws.online.get(shop)["scoring_uri"], keys[key], json.dumps(body or {}).encode(), **headers)

    return run


@pytest.fixture
def load(ws, shop):
    """Requests one after the other, for as long as the block lasts."""
    return Load(ws.online.get(shop)["scoring_uri"], ws.online.keys(shop)["primaryKey"])


def record(ws):
    return ws.online.serving.folder.record()


def servers(ws, name):
    return [each for each in record(ws)["servers"].values() if each["deployment"] == name]


def until(condition, what):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def kill_supervisor(ws):
    """Kill the supervisor; returns what the record was, once another one is up."""
    known = record(ws)
    os.kill(known["supervisor"]["pid"], signal.SIGKILL)
    until(lambda: ws.online.serving.ensure() or record(ws)["supervisor"] != known["supervisor"], "another supervisor")
    return known


def deploy(ws, source, name, update=False, **fields):
    doc = online_deployment("shop", name, **fields)
    (ws.online.update_deployment if update else ws.online.create_deployment)(doc, source)
    return ws.online.wait("shop", name, lambda: None)


def test_requests_go_where_the_traffic_or_their_header_says(ws, shop, call):
    assert {call()[1]["who"] for _ in range(10)} == {"blue"}
    assert call(azureml_model_deployment="green")[1]["who"] == "green"
    assert json.loads(ws.online.invoke(shop, b"{}", "green"))["who"] == "green"
    ws.online.update(shop, {**ws.online.get(shop), "traffic": {"blue": 0, "green": 100}})
    assert {call()[1]["who"] for _ in range(10)} == {"green"}
    ws.online.update(shop, {**ws.online.get(shop), "traffic": {"blue": 100}})
    with pytest.raises(WorkspaceError, match="has no deployment 'red'; its deployments are: blue, green"):
        ws.online.invoke(shop, b"{}", "red")


def test_a_replaced_key_is_refused_as_soon_as_regenerate_returns(ws, shop, call):
    uri, old = ws.online.get(shop)["scoring_uri"], ws.online.keys(shop)["primaryKey"]
    assert ask(uri, old)[0] == 200
    ws.online.regenerate(shop, "primary")
    assert ask(uri, old)[0] == 401
    assert call()[0] == call(key="secondaryKey")[0] == 200


def test_an_update_takes_over_without_a_lost_request_and_with_as_many_servers_as_asked_for(ws, source, load):
    with load:
        deploy(ws, source, "blue", update=True, variables={"WHO": "second"}, instance_count=2)
        count = len(load.answers)
        until(lambda: len({each["server"] for each in load.answers[count:]}) == 2, "both servers answer")
        assert {each["who"] for each in load.answers[count:]} == {"second"}
        deploy(ws, source, "blue", update=True, variables={"WHO": "blue"})
    assert load.failures == []
    assert load.answers[0]["who"] == load.answers[-1]["who"] == "blue"
    until(lambda: len(servers(ws, "blue")) == 1, "the old servers are ended")
    left = ws.online.serving.folder.deployment("shop", "blue")
    until(lambda: len([each for each in left.iterdir() if each.is_dir()]) == 1, "their folders are removed")


def test_an_update_that_can_not_start_says_why_and_leaves_the_old_revision_serving(ws, source, load):
    with load, pytest.raises(WorkspaceError, match=r"(?s)failed: Traceback.*score.py.*ValueError: cannot load it"):
        deploy(ws, source, "blue", update=True, variables={"BREAK": "it"})
    assert load.failures == []
    assert {each["who"] for each in load.answers} == {"blue"}
    assert ws.online.deployment("shop", "blue")["provisioning_state"] == "Failed"
    assert "cannot load it" in ws.online.logs("shop", "blue", 200)
    assert len(ws.online.logs("shop", "blue", 3).splitlines()) == 3
    deploy(ws, source, "blue", update=True, variables={"WHO": "blue"})
    assert "error" not in ws.online.deployment("shop", "blue")


def test_a_first_deployment_that_can_not_start_has_failed_and_can_be_mended_or_deleted(ws, source):
    with pytest.raises(WorkspaceError, match="lacks the package azureml-inference-server-http"):
        deploy(ws, source, "plain", environment="azureml:plain:1")
    until(lambda: not servers(ws, "plain"), "nothing runs of it")
    with pytest.raises(WorkspaceError, match="no deployment 'plain' that is up"):
        ws.online.update("shop", {**ws.online.get("shop"), "traffic": {"plain": 100}})
    conda = {"dependencies": [{"pip": ["no-such-package-anywhere==9"]}]}
    with pytest.raises(WorkspaceError, match=r"(?s)could not be built.*no-such-package-anywhere"):
        deploy(ws, source, "plain", update=True, environment={"name": "bad", "version": "1", "conda_file": conda})
    ws.online.delete_deployment("shop", "plain")
    with pytest.raises(NotFound):
        ws.online.deployment("shop", "plain")


@pytest.mark.parametrize("victim", ["server", "worker", "router"])
def test_what_is_killed_comes_back_and_what_waits_is_answered(ws, call, victim):
    _, before = call()
    os.kill(before[victim] if victim in before else record(ws)[victim]["pid"], signal.SIGKILL)
    until(lambda: call()[1] != before or victim == "router", "another process")
    status, after = call()
    assert (status, after["who"]) == (200, "blue")
    assert (after["worker"] != before["worker"]) is (victim != "router")


def test_endpoints_do_without_the_supervisor_and_the_next_one_watches_over_what_is_there(ws, call, load):
    _, before = call()
    known = kill_supervisor(ws)
    assert call()[1] == before
    assert (record(ws)["router"], record(ws)["servers"]) == (known["router"], known["servers"])
    with load:
        os.kill(known["router"]["pid"], signal.SIGKILL)
        until(lambda: record(ws)["router"] not in (None, known["router"]), "another router")
    assert record(ws)["ports"] == known["ports"]
    assert not [failure for failure in load.failures if isinstance(failure, ConnectionRefusedError)]
    [blue] = servers(ws, "blue")
    os.kill(blue["pid"], signal.SIGKILL)
    until(lambda: {each["pid"] for each in servers(ws, "blue") if each["ready"]} - {blue["pid"]}, "another server")
    assert call()[0] == 200


def test_the_logs_of_router_and_supervisor_do_not_grow_without_end(ws, call):
    folder = ws.online.serving.folder
    for log in (folder.router_log, folder.supervisor_log):
        with log.open("ab") as stream:
            stream.truncate(serving_logs.LARGEST + 1)
        until(lambda log=log: log.stat().st_size < serving_logs.LARGEST, f"{log} is cut")
        assert serving_logs.older(log).stat().st_size > serving_logs.LARGEST
        serving_logs.older(log).unlink()
    assert call()[0] == 200


def test_a_server_that_hangs_is_restarted_and_what_waits_is_answered(ws, source, call):
    probe = {"initial_delay": 60, "period": 1, "timeout": 1, "failure_threshold": 2}
    deploy(ws, source, "green", update=True, variables={"WHO": "green"}, liveness_probe=probe,
           request_settings={"request_timeout_ms": 60_000})  # fmt: skip
    _, before = call(azureml_model_deployment="green")
    os.kill(before["worker"], signal.SIGSTOP)
    # The first request is the one that it hangs in.
    until(lambda: call(azureml_model_deployment="green")[0] == 200, "the server answers again")
    assert call(azureml_model_deployment="green")[1]["worker"] != before["worker"]


def test_endpoints_come_back_after_the_machine_was_restarted(ws, shop, call, capsys):
    known = record(ws)
    for each in (known["supervisor"], known["router"], *known["servers"].values()):
        os.killpg(each["pid"], signal.SIGKILL)
    assert machine_verbs.main("start", [str(ws.root)]) == 0
    assert f"/{shop}/score is up" in capsys.readouterr().out
    assert record(ws)["ports"] == known["ports"]
    assert call()[0] == 200


def test_stop_ends_all_processes_and_the_next_request_brings_them_back(ws, shop):
    stop = [
        sys.executable,
        str(Path(ml_workspace.__file__).parent),
        "stop",
        "--cancel",
        str(ws.root),
    ]  # jobs of other tests may run
    said = subprocess.run(stop, capture_output=True, text=True, check=True).stdout
    assert f"stopped the online endpoints of {ws.path}" in said
    marked = subprocess.run(["pgrep", "-f", str(ws.path)], capture_output=True, text=True, check=False).stdout
    assert marked == ""
    assert json.loads(ws.online.invoke(shop, b"{}"))["who"] == "blue"


def test_the_model_lies_where_azure_lays_it(ws, source, call, tmp_path):
    (tmp_path / "weights" / "deep").mkdir(parents=True)
    (tmp_path / "weights" / "deep" / "w.txt").write_text("7")
    # By its files, which registers it; by its name after that.
    doc = deploy(ws, source, "model", model={"name": "weights", "path": str(tmp_path / "weights")})
    assert doc["model"] == ws.models.get("weights", "1")["id"]
    _, answer = call(azureml_model_deployment="model")
    assert answer["files"] == {"weights/deep/w.txt": "7"}
    for fields, message in (({"model": "azureml:nope:1"}, "nope"), ({"model": "azureml:weights:2"}, "Versions: 1")):
        with pytest.raises(NotFound, match=message):
            deploy(ws, source, "model", update=True, **fields)
    shutil.rmtree(ws.resolve.path(ws.models.get("weights", "1")["path"]))
    with pytest.raises(NotFound, match="the files of weights:1 are missing"):
        deploy(ws, source, "model", update=True, model="azureml:weights:1")
    ws.online.delete_deployment("shop", "model")


def test_an_mlflow_model_needs_no_scoring_script(ws, source, tmp_path):
    python = ws.environments.python(SERVING, print)
    subprocess.run([python, "-c", MODEL, str(tmp_path / "model")], check=True, cwd=tmp_path)
    ws.models.create({"name": "doubler", "path": str(tmp_path / "model"), "type": "mlflow_model"})
    deploy(ws, source, "mlflow", model="azureml:doubler:1", code_configuration=None)
    tables: tuple = (
        {"columns": ["x", "name"], "index": [7, 8], "data": [[1, "a"], [2.5, "b"]]},
        [[1, "a"], [2.5, "b"]],
        [{"x": 1, "name": "a"}, {"x": 2.5, "name": "b"}],
    )
    for table in tables:
        answer = ws.online.invoke("shop", json.dumps({"input_data": table}).encode(), "mlflow")
        assert json.loads(answer) == [2, 5]
    for body, message in (
        ("no", "Expecting value"),
        ("[]", "input_data"),
        ('{"input_data": []}', "neither a table nor a list of rows"),
        ('{"input_data": {"columns": ["name"], "data": [["a"]]}}', r"missing inputs \['x'\]"),
        ('{"input_data": [["b", "a"]]}', "column x to type 'float64'"),
    ):
        with pytest.raises(WorkspaceError, match=f"424.*own status.*: 400.*BadRequest.*{message}"):
            ws.online.invoke("shop", body.encode(), "mlflow")
    ws.online.delete_deployment("shop", "mlflow")


def test_what_a_deployment_collects_is_recorded_below_its_data_assets(ws, source, call):
    collections = {"model_inputs": {"enabled": "true"}, "model_outputs": {"enabled": "true"}}
    deploy(ws, source, "collects", script="collect.py", data_collector={"collections": collections})
    sent: list = [[{"x": number}, {"x": number + 0.5}] for number in range(5)]
    for rows in sent:
        assert call({"rows": rows}, azureml_model_deployment="collects")[0] == 200

    def records(collection):
        place = ws.resolve.path(ws.assets.get("data", f"shop-collects-{collection}")["path"])
        return [json.loads(line) for file in sorted(place.rglob("*.jsonl")) for line in file.read_text().splitlines()]

    until(lambda: len(records("model_outputs")) == len(sent), "all records")
    inputs, outputs = records("model_inputs"), records("model_outputs")
    assert [each["data"] for each in inputs] == sent
    assert [each["data"] for each in outputs] == [[{"x": 2 * row["x"]} for row in rows] for rows in sent]
    assert [each["correlationid"] for each in inputs] == [each["correlationid"] for each in outputs]
    assert {each["source"] for each in inputs} == {ws.online.id_of("shop", "collects")}
    ws.online.delete_deployment("shop", "collects")


def test_what_is_deleted_without_waiting_leaves_nothing_either_also_when_the_supervisor_was_killed(ws, source):
    ws.online.create({"name": "brief"})
    for name in ("blue", "green"):
        ws.online.create_deployment(online_deployment("brief", name), source)
    for name in ("blue", "green"):
        ws.online.wait("brief", name, lambda: None)
    folder = ws.online.serving.folder
    ws.online.delete_deployment("brief", "blue", wait=False)
    until(lambda: not folder.deployment("brief", "blue").exists(), "the folder of the deployment is removed")
    assert ws.online.keys("brief")
    supervisor = record(ws)["supervisor"]
    os.kill(supervisor["pid"], signal.SIGKILL)
    until(lambda: not processes.alive(supervisor["pid"], supervisor["identity"]), "the supervisor is gone")
    ws.online.delete("brief", wait=False)
    until(lambda: not (folder.path / "brief").exists(), "the folder of the endpoint is removed")
    assert not any(each["endpoint"] == "brief" for each in record(ws)["servers"].values())


def test_deleting_an_endpoint_ends_its_servers_and_the_last_one_all_the_rest(ws, tmp_path, source):
    own = Workspace.create(tmp_path / "root", ws.group, "own")
    own.assets.create("environment", SERVING)
    own.online.create({"name": "once"})
    own.online.create_deployment(online_deployment("once", "blue"), source)
    own.online.wait("once", "blue", lambda: None)
    known = own.online.serving.folder.record()
    own.online.delete("once")
    assert own.online.serving.folder.record()["servers"] == {}
    assert not (own.path / "serving" / "once").exists()
    until(lambda: not own.online.serving.stop(), "nothing left to stop")
    assert known["servers"]
    own.delete()
    assert not own.path.exists()
