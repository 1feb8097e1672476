"""Fixtures that several unit tests share."""

import os
from collections.abc import Iterator

import mlflow
import pytest

from scripts import land
from tests.weather import MONTH, Landing

# One thread for scikit-learn: the tables are small, and threads that wait for each other crawl on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def tracking(tmp_path, monkeypatch) -> Iterator[mlflow.MlflowClient]:
    """An MLflow store and registry of the test's own, with a run as a job has one; no server."""
    uri = (tmp_path / "mlflow").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    mlflow.start_run()
    yield mlflow.MlflowClient()
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri("")
    mlflow.set_registry_uri("")


@pytest.fixture(scope="module")
def february(tmp_path_factory) -> bytes:
    """Weather of February 2013 as it lands."""
    folder = tmp_path_factory.mktemp("landing")
    land.land(land.source("weather.csv"), folder, "weather", [2])
    return (folder / MONTH).read_bytes()


@pytest.fixture
def landing(tmp_path) -> Landing:
    return Landing(tmp_path)
