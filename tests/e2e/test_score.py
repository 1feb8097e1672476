"""score.py in the environment that it is deployed with, under the real inference server, asked over HTTP."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml

from tests.component import ROOT
from tests.sample_request import REQUEST, june, sample, text
from tests.science import train, write_prepared

pytestmark = pytest.mark.slow

CODE = REQUEST.parent
# The server's own command listens on every interface; this is what it does, on loopback.
START = """
import os, sys
from azureml_inference_server_http import amlserver, amlserver_linux
amlserver.load_logging_config(amlserver.PACKAGE_ROOT)
amlserver.set_path_variable()
amlserver_linux.run("127.0.0.1", int(sys.argv[1]), 1)
"""


class Sink(BaseHTTPRequestHandler):
    """What the data collector sends to: keeps each record, slowly enough for a queue to form."""

    records: ClassVar[list[tuple[str, str, list[dict[str, Any]]]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(0.02)
        self.records.append((self.headers["ce-type"], self.headers["ce-x-request-id"], json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test's output is for what failed."""


class Server:
    """One running inference server."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process, self.port, self.log = process, port, log

    def score(self, body: bytes | str | dict[str, Any], **headers: str) -> tuple[int, Any]:
        """Status and answer."""
        data = json.dumps(body) if isinstance(body, dict) else body
        data = data.encode() if isinstance(data, str) else data
        given = {"Content-Type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/score", data, given)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of a virtual environment with what environments/serving pins."""
    folder = tmp_path_factory.mktemp("serving")
    conda = yaml.safe_load((ROOT / "environments/serving/conda.yml").read_text(encoding="utf-8"))
    packages = next(entry["pip"] for entry in conda["dependencies"] if isinstance(entry, dict))
    uv = [str(Path(sys.executable).with_name("uv"))]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    install = [*uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(folder / "bin/python")]
    subprocess.run([*install, *packages], check=True)
    return folder / "bin/python"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small model that the train component made, where the platform would put it."""
    folder = tmp_path_factory.mktemp("model")
    mlflow.set_tracking_uri((folder / "mlflow").as_uri())
    write_prepared(folder / "prepared", ["2013-01", "2013-02", "2013-03"])
    with mlflow.start_run():
        yield train(folder, "--model", str(folder / "deployed" / "model"))
    mlflow.set_tracking_uri("")


@pytest.fixture(scope="module")
def sink() -> Iterator[int]:
    """Port of the collector's receiving end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


@pytest.fixture(scope="module")
def collecting(tmp_path_factory: pytest.TempPathFactory, sink: int) -> dict[str, str]:
    """Variables that a deployment with a data_collector has."""
    path = tmp_path_factory.mktemp("mdc") / "mdc.json"
    both = {name: {"enabled": True, "sampleRatePercentage": 100} for name in ("model_inputs", "model_outputs")}
    path.write_text(json.dumps({"collections": both, "runMode": "cloud"}))
    return {"AZUREML_MDC_CONFIG_PATH": str(path), "AZUREML_MDC_PORT": str(sink)}


@contextmanager
def serving(python: Path, models: Path, folder: Path, **variables: str) -> Iterator[Server]:
    """A server with score.py, once it answers its probe or has ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {"AZUREML_MODEL_DIR": str(models), "AML_APP_ROOT": str(CODE)}
    entry = {"AZUREML_ENTRY_SCRIPT": "score.py", "GUNICORN_CMD_ARGS": "--no-control-socket"}
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, "-c", START, str(port)], cwd=folder, env={**os.environ, **places, **entry, **variables},
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        while process.poll() is None and not alive(port):
            time.sleep(0.1)
        yield Server(process, port, log)
    finally:
        process.kill()
        process.wait()


def alive(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def server(
    python: Path, model: Path, collecting: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    with serving(python, model.parent, tmp_path_factory.mktemp("server"), **collecting) as running:
        yield running


def records(identity: str, count: int = 2) -> dict[str, list[dict[str, Any]]]:
    """Collection -> rows of what was recorded for one request, once `count` records are there."""
    found: dict[str, list[dict[str, Any]]] = {}
    end = time.monotonic() + 20  # one takes 20 ms
    while len(found) < count and time.monotonic() < end:
        time.sleep(0.05)
        found = {kind: rows for kind, of, rows in list(Sink.records) if of == identity}
    assert len(found) == count, found
    return found


def test_the_sample_request_is_of_june(tmp_path: Path) -> None:
    assert REQUEST.read_text(encoding="utf-8") == text(sample(june())), "python -m tests.sample_request, then review"


def test_the_sample_is_answered_with_the_models_own_predictions(server: Server, model: Path) -> None:
    given = json.loads(REQUEST.read_text(encoding="utf-8"))["input_data"]
    loaded = mlflow.pyfunc.load_model(str(model))

    status, answer = server.score(REQUEST.read_bytes())

    assert status == 200
    frame = pd.DataFrame(given["data"], columns=given["columns"]).astype(
        {column.name: "float64" for column in loaded.metadata.signature.inputs if column.type.name == "double"}
    )
    assert answer == {"predictions": loaded.predict(frame).tolist(), "model": loaded.metadata.model_uuid}


def record(**changes: Any) -> dict[str, Any]:
    given = json.loads(REQUEST.read_text(encoding="utf-8"))["input_data"]
    return dict(zip(given["columns"], given["data"][0], strict=True)) | changes


@pytest.mark.parametrize("changes", [{"carrier": "ZZ", "dest": "XXX"}, {"carrier": None}, dict.fromkeys(record())])
def test_unseen_names_and_nulls_are_answered(server: Server, changes: dict[str, Any]) -> None:
    status, answer = server.score({"input_data": [record(**changes), record()]})
    assert status == 200
    assert np.isfinite(answer["predictions"]).all() and len(answer["predictions"]) == 2


def test_bad_requests_are_answered_with_400_and_the_column(server: Server) -> None:
    missing = record()
    del missing["dep_delay"]
    expected: list[tuple[bytes | str | dict[str, Any], str]] = [
        ("late", "the body is not JSON"),
        (b"\xff", "UTF-8"),
        ("[]", "the body must be an object"),
        ({"input_data": []}, "input_data is empty"),
        ({"input_data": [missing]}, "input_data[0] lacks dep_delay"),
        ({"input_data": [record(tail="N1")]}, '"tail", which is no column'),
        ({"input_data": [record(distance="far")]}, "column distance"),
        ("[" * 100_000, "the body is not JSON"),
        ({"input_data": [record(carrier="\ud800")]}, "column carrier"),
    ]
    for body, says in expected:
        status, answer = server.score(body)
        assert status == 400
        assert says in json.dumps(answer) or says in answer["error"]["message"], answer
    assert server.score(REQUEST.read_bytes())[0] == 200


def test_what_was_asked_and_answered_is_recorded_under_the_requests_id(server: Server) -> None:
    body = {"input_data": [record(), record(carrier=None, temp=None)]}
    _, answer = server.score(body, x_request_id="of-this-test")
    found = records("of-this-test")
    assert found["azureml.inference.model_inputs"] == body["input_data"]
    recorded = [row["prediction"] for row in found["azureml.inference.model_outputs"]]
    assert recorded == pytest.approx(answer["predictions"])


def test_records_that_wait_are_sent_before_a_worker_ends(
    python: Path, model: Path, collecting: dict[str, str], tmp_path: Path
) -> None:
    with serving(python, model.parent, tmp_path, **collecting) as ending:
        sent = [f"ending-{number}" for number in range(40)]
        for identity in sent:
            assert ending.score({"input_data": [record()]}, x_request_id=identity)[0] == 200
        ending.process.send_signal(signal.SIGTERM)
        ending.process.wait(30)
    assert sorted(identity for _, identity, _ in Sink.records if identity in sent) == sorted(sent * 2)


def test_without_a_collector_requests_are_answered_and_that_is_logged_once(
    python: Path, model: Path, tmp_path: Path
) -> None:
    with serving(python, model.parent, tmp_path) as plain:
        assert [plain.score({"input_data": [record()]})[0] for _ in range(3)] == [200] * 3
    log = plain.log.read_text()
    assert [log.count(f"{name} is not recorded") for name in ("model_inputs", "model_outputs")] == [1, 1]


def test_a_collector_that_nobody_listens_for_fails_no_request(
    python: Path, model: Path, collecting: dict[str, str], tmp_path: Path
) -> None:
    with serving(python, model.parent, tmp_path, **collecting | {"AZUREML_MDC_PORT": "9"}) as lonely:
        assert lonely.score({"input_data": [record()]})[0] == 200


def test_a_folder_without_a_model_stops_the_start_and_says_so(python: Path, tmp_path: Path) -> None:
    with serving(python, tmp_path, tmp_path) as failed:
        assert failed.process.poll() not in (None, 0)
    assert "holds 0 MLflow models, not one" in failed.log.read_text()
