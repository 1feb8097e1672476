"""What `serve` measures: an endpoint of a small model, the same inference server alone, and MLflow's own server."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml

from bench.by_hand import interpreter
from bench.scratch import Scratch
from bench.timing import BenchError, run

WORKERS = 2
ENDPOINT = "bench"
START = 120.0  # seconds for a server to answer
MODEL, LOAD = (Path(__file__).with_name(name) for name in ("serve_model.py", "serve_load.py"))
# What the command azmlinfsrv comes to, which itself listens on all interfaces.
DIRECT = "import sys; from azureml_inference_server_http import amlserver_linux as s; s.run('127.0.0.1', *sys.argv[1:])"
LOADED_BY = ["aiohttp==3.14.5", "uvloop==0.23.0"]
# Of all servers, as of the deployment's.
THREADS = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}


@dataclass(frozen=True)
class Load:
    """Sends requests to one server.

    Args:
        python: has aiohttp.
        key: of the endpoint; empty for others.
    """

    CLIENTS: ClassVar[int] = 4  # one waits for each worker, so that none is ever idle
    python: Path
    url: str
    body: Path
    key: str = ""

    def run(self, requests: int) -> dict[str, float]:
        """See serve_load.py for what is measured."""
        with self.start(requests) as process:
            said, errors = process.communicate()
        if process.returncode:
            raise BenchError(f"the requests to {self.url} could not be sent:\n{errors}")
        measured: dict[str, float] = json.loads(said)
        return measured

    def start(self, requests: int, going: Path | str = "") -> "subprocess.Popen[str]":
        """Send at least so many requests, in a process of its own, and more while the file `going` exists."""
        command = [*map(str, (self.python, LOAD, self.url, self.body, self.CLIENTS, requests, going))]
        environment = {**os.environ, "KEY": self.key}
        return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class Serving:
    """The servers of one model in one workspace."""

    def __init__(self, place: Scratch) -> None:
        self._place = place
        self._build = place.render()
        self._code = self._build / "endpoints" / "online" / "flight-delay"
        self._model = place.folder / "serve" / "model"

    def deploy(self) -> Load:
        """Make the model and serve it by two deployments, blue and green; blue gets all traffic."""
        place = self._place
        python, self._python = (interpreter(place, self._environment(name)) for name in ("training", "serving"))
        self._beside = interpreter(place, self._with_mlflow())
        run([python, MODEL, self._code / "sample_request.json", self._model.parent], place.environment,
            self._build / "components" / "train")  # fmt: skip
        place.az("ml", "model", "create", "--name", ENDPOINT, "--path", self._model, "--type", "mlflow_model")
        place.az("ml", "online-endpoint", "create", "--name", ENDPOINT)
        for name in ("blue", "green"):
            spec = place.folder / "serve" / f"{name}.yml"
            document = self._spec("endpoints/online/flight-delay/blue")
            # What it costs to record requests is not the router's to answer for, and the server alone has no collector.
            document.pop("data_collector")
            document |= {"name": name, "endpoint_name": ENDPOINT, "model": f"azureml:{ENDPOINT}:1"}
            document["code_configuration"]["code"] = str(self._code)
            document["environment_variables"] = {**THREADS, "WORKER_COUNT": str(WORKERS)}
            document["request_settings"]["max_concurrent_requests_per_instance"] = WORKERS
            spec.write_text(yaml.safe_dump(document), encoding="utf-8")
            place.az("ml", "online-deployment", "create", "--file", spec)
        place.az("ml", "online-endpoint", "update", "--name", ENDPOINT, "--traffic", "blue=100")
        named = ("--name", ENDPOINT, "-o", "tsv", "--query")
        uri = place.az("ml", "online-endpoint", "show", *named, "scoring_uri").strip()
        key = place.az("ml", "online-endpoint", "get-credentials", *named, "primaryKey").strip()
        return Load(self._beside, uri, self._body("azureml"), key)

    @contextlib.contextmanager
    def direct(self) -> Iterator[Load]:
        """The deployment's inference server alone, over TCP."""
        # Without that, its gunicorn would put a control socket into the person's home folder.
        variables = {"AML_APP_ROOT": str(self._code), "AZUREML_ENTRY_SCRIPT": "score.py",
                     "AZUREML_MODEL_DIR": str(self._model.parent),
                     "GUNICORN_CMD_ARGS": "--no-control-socket"}  # fmt: skip
        port = free_port()
        with self._running(
            self._python, ["-c", DIRECT, str(port), str(WORKERS)], variables, f"http://127.0.0.1:{port}/"
        ):
            yield Load(self._beside, f"http://127.0.0.1:{port}/score", self._body("azureml"))

    @contextlib.contextmanager
    def mlflow(self) -> Iterator[Load]:
        """`mlflow models serve` with the same model and rows."""
        port = free_port()
        command = ["-m", "mlflow", "models", "serve", "--model-uri", str(self._model), "--env-manager", "local",
                   "--host", "127.0.0.1", "--port", str(port), "--workers", str(WORKERS)]  # fmt: skip
        with self._running(self._beside, command, {}, f"http://127.0.0.1:{port}/ping"):
            yield Load(self._beside, f"http://127.0.0.1:{port}/invocations", self._body("mlflow"))

    @contextlib.contextmanager
    def _running(self, python: Path, command: Sequence[str], variables: dict[str, str], alive: str) -> Iterator[None]:
        """A server's process, from where it answers at the address `alive` with 200."""
        environment = {**self._place.environment, **THREADS, **variables}
        environment["PATH"] = f"{python.parent}{os.pathsep}{environment['PATH']}"
        log = self._place.folder / "serve" / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen([python, *command], env=environment, cwd=log.parent, stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=output, start_new_session=True)  # fmt: skip
        try:
            deadline = time.monotonic() + START
            while not answers(alive):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise BenchError(f"{alive} did not come up:\n{log.read_text(errors='replace')[-3000:]}")
                time.sleep(0.1)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()

    def _environment(self, name: str) -> str:
        """Id of an environment of the repository, which is created."""
        key = f"environments/{name}/environment"
        self._place.az("ml", "environment", "create", "--file", self._build / f"{key}.yml", "--output", "none")
        spec = self._spec(key)
        return f"azureml:{spec['name']}:{spec['version']}"

    def _with_mlflow(self) -> dict[str, Any]:
        """An environment with the versions of the deployment's, whole MLflow, and what sends the requests."""
        serving = self._spec("environments/serving/environment")
        folder = self._build / "environments" / "serving"
        conda = yaml.safe_load((folder / Path(serving["conda_file"]).name).read_text(encoding="utf-8"))
        pip = next(entry["pip"] for entry in conda["dependencies"] if isinstance(entry, dict))
        pip[:] = [
            line.replace("mlflow-skinny", "mlflow") for line in pip if not line.startswith("azureml-")
        ] + LOADED_BY
        return {"image": serving["image"], "conda_file": conda}

    def _spec(self, key: str) -> dict[str, Any]:
        document: dict[str, Any] = yaml.safe_load((self._build / f"{key}.yml").read_text(encoding="utf-8"))
        return document

    def _body(self, kind: str) -> Path:
        return self._model.with_name(f"{kind}.json")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def answers(address: str) -> bool:
    """Whether there is an answer, and it is 200."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
