"""Runs, metrics and artifacts of a workspace: its MLflow server's REST API."""

import contextlib
import http.client
import json
import sqlite3
import threading
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .catalog import user
from .errors import Conflict, NotFound, WorkspaceError
from .mlflow_server import Server

if TYPE_CHECKING:
    from .environments import Environments

Document = dict[str, Any]
Log = Callable[[str], None]
TIMEOUT = 60.0  # seconds for one call
BATCH = 100  # parameters and tags that one log-batch call takes
ERRORS: dict[str, type[WorkspaceError]] = {"RESOURCE_DOES_NOT_EXIST": NotFound, "RESOURCE_ALREADY_EXISTS": Conflict}


def _quiet(line: str) -> None:
    del line


class Tracking:
    """The tracking server of one workspace: started when it is needed, then spoken to over HTTP.

    Args:
        folder: the workspace's `mlflow` folder. Artifacts lie in the workspace's datastore workspaceartifactstore, so
            that they have an azureml:// URI too, as on Azure.
        environments: has the environment of the server.
    """

    def __init__(self, folder: Path, environments: "Environments") -> None:
        self.artifact_root = folder.parent / "datastores" / "workspaceartifactstore"
        self._environments = environments
        self._server = Server(folder, self.artifact_root)
        self._local = threading.local()
        self._experiments: dict[str, str] = {}

    def uri(self, log: Log = _quiet) -> str:
        """The server's address, http://127.0.0.1:PORT; the server is started if it is down.

        Args:
            log: gets a line if something has to be built or started.
        """
        return self._server.running() or self._server.start(lambda: self._environments.tracking(log), log)

    def running(self) -> str | None:
        """The server's address if it is up."""
        return self._server.running()

    def lost(self) -> bool:
        """Whether the server was up and has died, without anybody having stopped it."""
        return self._server.lost()

    def stop(self) -> bool:
        """End the server; whether it was up."""
        return self._server.stop()

    def call(self, method: str, path: str, body: Document | None = None) -> Document:
        """One call of MLflow's REST API 2.0.

        Args:
            path: what follows /api/2.0/mlflow/, like `runs/create`.
            body: the request; for GET it becomes the query.

        Raises:
            NotFound, Conflict: what is named does not exist, or exists already.
            WorkspaceError: any other refusal, with the server's message.
        """
        target = f"/api/2.0/mlflow/{path}"
        if method == "GET" and body:
            target += "?" + urllib.parse.urlencode(body)
        payload = None if method == "GET" else json.dumps(body or {}).encode()
        status, answer = self._exchange(method, target, payload)
        try:
            document: Document = json.loads(answer or b"{}")
        except ValueError:
            document = {"message": answer.decode(errors="replace")[:500]}
        if status != http.client.OK:
            kind = ERRORS.get(document.get("error_code", ""), WorkspaceError)
            raise kind(f"MLflow {path}: {document.get('message') or f'HTTP {status}'}")
        return document

    def _exchange(self, method: str, target: str, payload: bytes | None) -> tuple[int, bytes]:
        """(status, body), over this thread's open connection; once anew if that one broke, as after a restart."""
        for last in (False, True):
            connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
            if connection is None:
                connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.uri()).netloc, timeout=TIMEOUT)
                self._local.connection = connection
            try:
                connection.request(method, target, payload, {"Content-Type": "application/json"})
                response = connection.getresponse()
                return response.status, response.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self._local.connection = None
                if last or isinstance(error, TimeoutError):
                    raise WorkspaceError(f"The MLflow server did not answer {target}: {error!r}") from error
        raise AssertionError("the second attempt returns or raises")

    def start_run(self, experiment: str, name: str, tags: dict[str, str], parent: str | None = None) -> str:
        """Begin a run, in an experiment that is made if it is missing.

        Args:
            name: what the UI shows.
            tags: on top of who, and the name as the source.
            parent: id of the run below which this one is shown.

        Returns:
            The run's id.
        """
        standard = {"mlflow.user": user(), "mlflow.source.type": "JOB", "mlflow.source.name": name}
        if parent:
            standard["mlflow.parentRunId"] = parent
        body = {"experiment_id": self.experiment(experiment), "run_name": name, "start_time": _milliseconds(),
                "tags": _pairs({**standard, **tags})}  # fmt: skip
        run_id: str = self.call("POST", "runs/create", body)["run"]["info"]["run_id"]
        return run_id

    def experiment(self, name: str) -> str:
        """Id of an experiment, which is made if it is missing."""
        if name not in self._experiments:
            try:
                found = self.call("GET", "experiments/get-by-name", {"experiment_name": name})["experiment"]
            except NotFound:
                try:
                    found = self.call("POST", "experiments/create", {"name": name})
                except Conflict:  # another process was first
                    found = self.call("GET", "experiments/get-by-name", {"experiment_name": name})["experiment"]
            self._experiments[name] = found["experiment_id"]
        return self._experiments[name]

    def end_run(self, run_id: str, status: str) -> None:
        """End a run as FINISHED, FAILED or KILLED."""
        self.call("POST", "runs/update", {"run_id": run_id, "status": status, "end_time": _milliseconds()})

    def tag(self, run_id: str, **tags: str) -> None:
        """Set tags of a run."""
        self._log_batch(run_id, "tags", tags)

    def log_params(self, run_id: str, params: dict[str, Any]) -> None:
        """Set parameters of a run."""
        self._log_batch(run_id, "params", params)

    def _log_batch(self, run_id: str, what: str, values: dict[str, Any]) -> None:
        pairs = _pairs(values)
        for start in range(0, len(pairs), BATCH):
            self.call("POST", "runs/log-batch", {"run_id": run_id, what: pairs[start : start + BATCH]})

    def run(self, run_id: str) -> Document:
        """A run as MLflow gives it: `info`, `data` (metrics, params, tags), `inputs`."""
        found: Document = self.call("GET", "runs/get", {"run_id": run_id})["run"]
        return found

    def history(self, run_id: str, metric: str) -> list[tuple[int, float]]:
        """All (step, value) of a metric, by step and time; empty if it was never logged."""
        points: list[Document] = []
        query = {"run_id": run_id, "metric_key": metric, "max_results": 25000}
        while True:
            page = self.call("GET", "metrics/get-history", query)
            points += page.get("metrics", [])
            if not page.get("next_page_token"):
                break
            query["page_token"] = page["next_page_token"]
        points.sort(key=lambda p: (int(p.get("step", 0)), int(p["timestamp"])))
        return [(int(p.get("step", 0)), float(p["value"])) for p in points]

    def artifacts(self, run_id: str) -> Path:
        """The folder of a run's artifacts on this machine; made if nothing was logged yet."""
        uri = self.run(run_id)["info"]["artifact_uri"]
        place = self.place(uri)
        if place is None:
            raise WorkspaceError(f"Run {run_id} keeps its artifacts at {uri}, outside the workspace.")
        place.mkdir(parents=True, exist_ok=True)
        return place

    def place(self, uri: str) -> Path | None:
        """Where an artifact of the server lies on this machine: `mlflow-artifacts:/…` or `runs:/RUN/PATH`, else None.

        Raises:
            NotFound: no such run.
            WorkspaceError: the path leaves the artifacts.
        """
        parts = urllib.parse.urlsplit(uri)
        if parts.scheme == "runs":
            run_id, _, path = parts.path.lstrip("/").partition("/")
            return self._below(self.artifacts(run_id), path, uri)
        return self._below(self.artifact_root, parts.path, uri) if parts.scheme == "mlflow-artifacts" else None

    def skip_model_versions(self, name: str, number: int) -> None:
        """Make MLflow give `number` to the next version of a model, unless it is past that already.

        MLflow counts on from the highest version, deleted ones too; its API can neither name a number nor skip any. So
        this puts a deleted version just before `number` into the database of the server, whose MLflow is pinned.
        """
        with contextlib.closing(sqlite3.connect(self._server.database, timeout=TIMEOUT)) as database, database:
            database.execute(
                "INSERT INTO model_versions (name, version, current_stage, source, status) "
                "SELECT :name, :before, 'Deleted_Internal', 'skipped', 'READY' WHERE :before > "
                "(SELECT coalesce(max(version), 0) FROM model_versions WHERE name = :name)",
                {"name": name, "before": number - 1},
            )

    @staticmethod
    def _below(folder: Path, path: str, uri: str) -> Path:
        place = (folder / path.lstrip("/")).resolve()
        if not place.is_relative_to(folder.resolve()):
            raise WorkspaceError(f"{uri} leads out of the artifacts.")
        return place


def _milliseconds() -> int:
    return int(time.time() * 1000)


def _pairs(values: dict[str, Any]) -> list[dict[str, str]]:
    return [{"key": key, "value": str(value)} for key, value in values.items()]
