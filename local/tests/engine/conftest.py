"""What the tests of the engine share: a real workspace, the router. Environments are those of the repository's own."""

import os
from pathlib import Path

import pytest
from job_documents import ended
from ml_workspace import Workspace
from ml_workspace.environments import Environments
from routing import Router, Server

ROOT = Path(__file__).parents[3]
PLAIN = {"name": "plain", "version": "1", "conda_file": {"name": "plain", "dependencies": ["python=3.11"]}}


@pytest.fixture(scope="session")
def environments():
    """The folder of the built environments."""
    return Path(os.environ.setdefault("AZUREML_LOCAL_ENVIRONMENTS", str(ROOT / ".azureml" / "environments")))


@pytest.fixture(scope="session")
def ws(tmp_path_factory, environments):
    """One workspace for all tests of a run: its MLflow server takes seconds."""
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


@pytest.fixture(scope="session")
def router_python(environments):
    return Environments(environments).router(print)


@pytest.fixture(scope="module")
def router(tmp_path_factory, router_python):
    """A router in a folder whose path is longer than that of a Unix socket may be."""
    running = Router(tmp_path_factory.mktemp("workspace" * 12), router_python)
    yield running
    running.close()


@pytest.fixture
def blue(router):
    with Server(router.folder / "s" / f"blue.{router.generation}.sock") as server:
        yield server
        server.shutdown()


@pytest.fixture
def green(router):
    with Server(router.folder / "s" / f"green.{router.generation}.sock") as server:
        yield server
        server.shutdown()
