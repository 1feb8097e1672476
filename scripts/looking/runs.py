"""Runs and model versions of a workspace, read with MLflow."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import mlflow.entities
    import mlflow.entities.model_registry

PAGE = 1000  # runs asked for at once
PLATFORM = ("mlflow.", "azureml.")  # tags that start so are the platform's, the others are the jobs' own


class TrackingError(Exception):
    """The tracking server can't be reached or refuses; the message says what to do."""


@dataclass(frozen=True)
class Run:
    """A run of MLflow: a pipeline, one of its steps, or a trial.

    Args:
        id: MLflow's.
        name: as the UI shows it.
        job: name of its job; in Azure the same as `id`.
        parent: id of the run around it.
        status: MLflow's: RUNNING, FINISHED, FAILED, KILLED ...
        seconds: from start to end; None while it runs.
        metrics: last value of each.
        tags: all of them, see `PLATFORM`.
    """

    id: str
    name: str
    job: str
    parent: str | None
    experiment: str
    status: str
    start: datetime
    seconds: float | None
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def reused_from(self) -> str | None:
        """The job that did the work of this one earlier."""
        return self.tags.get("azureml.reusedrunid")


@dataclass(frozen=True)
class ModelVersion:
    """A version of a registered model; `run` is the id of the run that registered it, if any."""

    number: int
    created: datetime
    run: str | None
    tags: dict[str, str]


class Tracking:
    """MLflow of a workspace.

    Args:
        uri: its address, http://... or azureml://...
    """

    def __init__(self, uri: str) -> None:
        # A server on this machine either answers or is not there; MLflow would ask it for minutes.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        with explained(uri):
            import mlflow  # here: it takes seconds, for which `--help` need not wait

            mlflow.set_tracking_uri(
                uri
            )  # artifacts that go through the server are looked for there, not at the client's
            self._client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
        self._uri = uri

    def runs(self, experiment: str | None = None) -> list[Run]:
        """Runs of an experiment, or of all, oldest first."""
        with explained(self._uri):
            names = {e.experiment_id: e.name for e in self._pages(self._client.search_experiments)}
            ids = [key for key, name in names.items() if experiment in (None, name)]
            found = list(self._pages(self._client.search_runs, ids)) if ids else []
        runs = [_run(run, names[run.info.experiment_id]) for run in found]
        return sorted(runs, key=lambda run: (run.start, run.id))

    def versions(self, model: str) -> list[ModelVersion]:
        """Versions of a registered model that are not archived, oldest first; none if there is no such model."""
        with explained(self._uri):
            found = list(self._pages(self._client.search_model_versions, f"name='{model}'"))
        kept = [_version(version) for version in found if not _archived(version)]
        return sorted(kept, key=lambda version: version.number)

    def models(self) -> list[str]:
        """Names of the registered models."""
        with explained(self._uri):
            return sorted(model.name for model in self._pages(self._client.search_registered_models))

    def json_artifact(self, run: str, path: str) -> dict[str, Any] | None:
        """A JSON file among a run's artifacts; None if the run has no such file."""
        folder, _, _ = path.rpartition("/")
        with explained(self._uri), tempfile.TemporaryDirectory() as target:
            if path not in {file.path for file in self._client.list_artifacts(run, folder or None)}:
                return None
            text = Path(self._client.download_artifacts(run, path, target)).read_text(encoding="utf-8")
        try:
            content: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise TrackingError(f"run {run}: artifact {path} is no JSON: {error}") from error
        return content

    @staticmethod
    def _pages(search: Any, *arguments: Any) -> Iterator[Any]:
        token = None
        while True:
            page = search(*arguments, max_results=PAGE, page_token=token)
            yield from page
            token = page.token
            if not token:
                return


@contextmanager
def explained(uri: str) -> Iterator[None]:
    """Turns what MLflow and Azure's client raise into a TrackingError with the way out."""
    from azure.core.exceptions import AzureError
    from mlflow.exceptions import MlflowException

    try:
        yield
    except AzureError as error:
        raise TrackingError(
            f"{uri}: {_first_line(error)}\nAzure did not let you in or is out of reach; log in with `az login`"
        ) from error
    except MlflowException as error:
        raise TrackingError(f"{uri}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:500]


def _run(run: "mlflow.entities.Run", experiment: str) -> Run:
    info, tags = run.info, dict(run.data.tags)
    return Run(
        id=info.run_id,
        name=info.run_name or tags.get("mlflow.runName", ""),
        job=tags.get("azureml.job", info.run_id),
        parent=tags.get("mlflow.parentRunId"),
        experiment=experiment,
        status=info.status,
        start=_time(info.start_time),
        seconds=(info.end_time - info.start_time) / 1000 if info.end_time else None,
        params=dict(run.data.params),
        metrics=dict(run.data.metrics),
        tags=tags,
    )


def _version(version: "mlflow.entities.model_registry.ModelVersion") -> ModelVersion:
    return ModelVersion(
        number=int(version.version),
        created=_time(version.creation_timestamp),
        run=version.run_id or None,
        tags=dict(version.tags),
    )


def _archived(version: "mlflow.entities.model_registry.ModelVersion") -> bool:
    """Whether `az ml model archive`, in a local workspace, or an MLflow tool has taken a version out of use."""
    return "azureml.archived" in version.tags or version.current_stage == "Archived"


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
