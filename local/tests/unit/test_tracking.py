"""The workspace's MLflow server: started once, found again, replaced when it is dead, spoken to over HTTP."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from ml_workspace import processes
from ml_workspace.environments import Environments
from ml_workspace.errors import Conflict, NotFound, WorkspaceError
from ml_workspace.tracking import Tracking

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def environments(tmp_path_factory):
    return Environments(tmp_path_factory.getbasetemp() / "environments")


@pytest.fixture(scope="module")
def tracking(tmp_path_factory, environments):
    """A server that the tests share."""
    started = Tracking(tmp_path_factory.mktemp("shared") / "mlflow", environments)
    started.uri()
    yield started
    started.stop()


@pytest.fixture
def own(tmp_path, environments):
    """A server of one test, not started yet."""
    made = Tracking(tmp_path / "mlflow", environments)
    yield made
    made.stop()


def record(tracking):
    return json.loads((tracking.artifact_root.parents[1] / "mlflow" / "server.json").read_text())


def workers(group):
    listed = subprocess.run(["ps", "-A", "-o", "pgid=,pid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [int(pid) for pgid, pid, state in rows if int(pgid) == group and state[0] != "Z"]


def test_a_run_from_start_to_end(tracking):
    parent = tracking.start_run("flights", "pipeline", {"azureml.job": "job_1", "mlflow.source.name": "repository"})
    child = tracking.start_run("flights", "prep", {}, parent)
    tracking.log_params(child, {f"p{n}": n for n in range(150)})
    tracking.tag(child, **{"a.b": "c", "state": "new"})
    for step, value in ((2, 0.5), (1, 0.25), (3, "NaN")):
        metric = {"run_id": child, "key": "loss", "value": str(value), "timestamp": step, "step": step}
        tracking.call("POST", "runs/log-metric", metric)
    tracking.end_run(child, "FAILED")
    tracking.end_run(parent, "FINISHED")

    run = tracking.run(child)
    tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
    assert run["info"]["status"] == "FAILED"
    assert run["info"]["end_time"] >= run["info"]["start_time"]
    assert len(run["data"]["params"]) == 150
    assert tags["mlflow.runName"] == tags["mlflow.source.name"] == "prep"
    assert (tags["mlflow.parentRunId"], tags["a.b"], tags["state"]) == (parent, "c", "new")
    history = tracking.history(child, "loss")
    assert history[:2] == [(1, 0.25), (2, 0.5)]
    assert str(history[2][1]) == "nan"
    assert tracking.history(child, "never logged") == []
    above = tracking.run(parent)
    assert above["info"]["experiment_id"] == run["info"]["experiment_id"]
    assert {"key": "mlflow.source.name", "value": "repository"} in above["data"]["tags"]


def test_artifacts_lie_in_the_workspace(tracking):
    run_id = tracking.start_run("flights", "artifacts", {})
    folder = tracking.artifacts(run_id)
    assert folder.is_relative_to(tracking.artifact_root)
    (folder / "note.txt").write_text("hello")
    url = f"{tracking.uri()}/get-artifact?path=note.txt&run_id={run_id}"
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"hello"
    assert tracking.place(f"runs:/{run_id}/note.txt") == folder / "note.txt"
    assert tracking.place("s3://bucket/x") is None
    with pytest.raises(WorkspaceError, match="leads out"):
        tracking.place("mlflow-artifacts:/../../secret")


def test_errors_are_the_servers_words(tracking):
    with pytest.raises(NotFound, match="Run with id=nope not found"):
        tracking.run("nope")
    with pytest.raises(WorkspaceError, match="Invalid"):
        tracking.call("POST", "runs/search", {"filter": "no such ( syntax", "experiment_ids": ["0"]})
    tracking.call("POST", "experiments/create", {"name": "twice"})
    with pytest.raises(Conflict, match="twice"):
        tracking.call("POST", "experiments/create", {"name": "twice"})
    with pytest.raises(WorkspaceError, match="Not Found"):
        tracking.call("GET", "no/such/path")


def test_threads_and_a_missing_experiment(tracking):
    runs: list[str] = []

    def start(number):
        runs.append(tracking.start_run("made by many", f"run {number}", {}))

    threads = [threading.Thread(target=start, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({tracking.run(run_id)["info"]["experiment_id"] for run_id in runs}) == 1
    assert len(set(runs)) == 8


def test_the_ui_is_served(tracking):
    with urllib.request.urlopen(tracking.uri()) as answer:
        assert b"<title>MLflow</title>" in answer.read()


def test_stop_leaves_no_process_and_the_data_stays(own):
    log: list[str] = []
    assert own.running() is None
    address = own.uri(log.append)
    assert log[-2] == "Starting the MLflow server"
    assert address in log[-1]
    run_id = own.start_run("flights", "kept", {})
    group = record(own)["pid"]
    assert len(workers(group)) >= 2
    assert own.stop() is True
    assert (workers(group), own.running(), own.stop()) == ([], None, False)
    # The next call finds the server gone and starts it again, on the port that others remember.
    assert own.run(run_id)["info"]["run_name"] == "kept"
    assert own.uri() == address


def test_a_killed_server_is_replaced_with_its_data_intact(own):
    address = own.uri()
    run_id = own.start_run("flights", "kept", {})
    killed = record(own)["pid"]
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while workers(killed) and time.monotonic() < deadline:  # gunicorn's workers notice that their head is gone
        time.sleep(0.05)
    assert workers(killed) == []
    assert own.running() is None
    own.tag(run_id, after="restart")  # over a connection that broke
    assert record(own)["pid"] != killed
    assert own.uri() == address
    assert own.run(run_id)["info"]["run_name"] == "kept"


def test_a_number_that_passed_to_a_stranger_is_not_touched(own):
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    folder = own.artifact_root.parents[1] / "mlflow"
    folder.mkdir(parents=True)
    stale = {"pid": stranger.pid, "identity": "of a server before the machine restarted", "port": 9, "ready": True}
    (folder / "server.json").write_text(json.dumps(stale))
    assert own.running() is None
    assert own.stop() is False
    own.uri()
    assert record(own)["pid"] != stranger.pid
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_start_that_was_cut_off_is_made_again(own):
    address = own.uri()
    half = record(own)
    (own.artifact_root.parents[1] / "mlflow" / "server.json").write_text(json.dumps({**half, "ready": False}))
    assert own.running() is None
    assert own.uri() == address
    assert record(own)["pid"] != half["pid"]
    assert not processes.alive(half["pid"], half["identity"])


STARTER = """
import sys
from pathlib import Path
from ml_workspace.environments import Environments
from ml_workspace.tracking import Tracking
print(Tracking(Path(sys.argv[1]), Environments(Path(sys.argv[2]))).uri())
"""


def test_two_processes_at_once_start_one_server(own, environments, tmp_path):
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    root = environments.tracking(lambda line: None).parents[2]
    command = [sys.executable, "-c", STARTER, str(tmp_path / "mlflow"), str(root)]
    starters = [subprocess.Popen(command, env=path, text=True, stdout=subprocess.PIPE) for _ in range(3)]
    addresses = {starter.communicate(timeout=60)[0] for starter in starters}
    assert len(addresses) == 1
    assert (tmp_path / "mlflow" / "server.log").read_text().count("Starting gunicorn") == 1
    assert own.running() == addresses.pop().strip()


def test_a_server_that_cannot_start_shows_its_log(tmp_path, environments, monkeypatch):
    broken = Tracking(tmp_path / "mlflow", environments)
    (tmp_path / "false").write_text("#!/bin/sh\necho no such module >&2\nexit 3\n")
    (tmp_path / "false").chmod(0o755)
    monkeypatch.setattr(environments, "tracking", lambda log: tmp_path / "false")
    with pytest.raises(WorkspaceError, match="did not start") as caught:
        broken.uri()
    assert "no such module" in str(caught.value)
    assert broken.running() is None
