"""A real workspace for the tests of jobs; its MLflow server and environments are shared, since both take seconds."""

import os
from pathlib import Path

import pytest
from job_documents import ended
from ml_workspace import Workspace

ROOT = Path(__file__).parents[3]
PLAIN = {"name": "plain", "version": "1", "conda_file": {"name": "plain", "dependencies": ["python=3.11"]}}


@pytest.fixture(scope="session")
def ws(tmp_path_factory):
    """One workspace for all tests of a run; environments are those of the repository's own workspace."""
    os.environ.setdefault("AZUREML_LOCAL_ENVIRONMENTS", str(ROOT / ".azureml" / "environments"))
    workspace = Workspace.create(tmp_path_factory.mktemp("root"), "rg", "ws")
    workspace.assets.create("environment", PLAIN)
    yield workspace
    workspace.tracking.stop()


@pytest.fixture
def submit(ws, tmp_path):
    """Submits a document; returns the job when it has ended, or at once with wait=False."""

    def run(doc, wait=True, name=None):
        job = ws.jobs.create({"experiment_name": "tests", **doc}, tmp_path, name)
        return ended(ws, job["name"]) if wait else job

    return run
