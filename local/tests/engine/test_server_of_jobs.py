"""The MLflow server and the jobs that need it: it comes back if it dies, and is not taken away from under them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from job_documents import command, ended, log_of, node
from ml_workspace import Workspace
from ml_workspace.processes import alive

pytestmark = pytest.mark.slow

PACKAGE = Path(__file__).parents[2] / "ml_workspace"
# Repeats a call as MLflow's client does, until the server has been gone and is back.
CALLS = """
import os, sys, time, urllib.request
from pathlib import Path
address, gone = os.environ["MLFLOW_TRACKING_URI"] + "/health", False
Path(sys.argv[1]).touch()
for attempt in range(600):
    try:
        urllib.request.urlopen(address, timeout=5).read()
        if gone:
            sys.exit()
    except OSError:
        gone = True
    time.sleep(0.1)
sys.exit(f"gone: {gone}, and not back at {address}")
"""


@pytest.fixture
def own(ws, tmp_path):
    """A workspace of one test, with what it takes to run a job."""
    made = Workspace.create(tmp_path / "root", "rg", "own")
    made.assets.create("environment", ws.assets.get("environment", "plain", "1"))
    yield made
    made.tracking.stop()


def appears(path):
    end = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < end, f"no {path}"
        time.sleep(0.05)


def server(ws):
    return json.loads((ws.path / "mlflow" / "server.json").read_text())


def stop(ws, *options):
    line = [sys.executable, str(PACKAGE), "stop", *options, str(ws.root)]
    return subprocess.run(line, capture_output=True, text=True, timeout=180)


def submitted(ws, tmp_path, text, name):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "calls.py").write_text(CALLS)
    ws.jobs.create({"experiment_name": "tests", **node(command(text, code=str(tmp_path / "code")))}, tmp_path, name)
    appears(tmp_path / "started")


def test_a_killed_server_comes_back_at_its_address_while_a_step_runs(own, tmp_path):
    submitted(own, tmp_path, f"python calls.py {tmp_path}/started", "survives")
    before = server(own)
    os.kill(before["pid"], signal.SIGKILL)
    assert ended(own, "survives", 120)["status"] == "Completed", log_of(own, "survives")
    assert server(own)["port"] == before["port"]
    assert server(own)["pid"] != before["pid"]
    assert "Starting the MLflow server" in log_of(own, "survives")


def test_servers_are_stopped_only_when_no_job_needs_them(own, tmp_path):
    submitted(own, tmp_path, f"touch {tmp_path}/started; sleep 120", "long")
    refused = stop(own)
    assert refused.returncode == 1
    assert "Jobs are not over yet: long (rg/own)." in refused.stderr
    assert "FORCE=1 make down" in refused.stderr
    assert own.tracking.running()
    forced = stop(own, "--cancel")
    assert forced.returncode == 0, forced.stderr
    assert forced.stdout.splitlines() == [
        "canceling jobs: long (rg/own)", f"stopped the tracking server of {own.path}"]  # fmt: skip
    assert own.jobs.get("long")["status"] == "Canceled"
    assert not alive(server(own)["pid"], server(own)["identity"])
    assert stop(own).stdout == ""


def test_a_server_that_was_stopped_on_purpose_is_not_lost(own):
    own.tracking.uri()
    assert not own.tracking.lost()
    own.tracking.stop()
    assert not own.tracking.lost()
    own.tracking.uri()
    os.kill(server(own)["pid"], signal.SIGKILL)
    end = time.monotonic() + 20
    while not own.tracking.lost():
        assert time.monotonic() < end
        time.sleep(0.05)
