"""The model registry: what people register, what jobs register with the MLflow client, and that both look alike."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from ml_workspace.errors import Conflict, NotFound, WorkspaceError
from ml_workspace.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ws(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("AZUREML_LOCAL_ENVIRONMENTS", str(tmp_path_factory.getbasetemp() / "environments"))
    workspace = Workspace.create(tmp_path_factory.mktemp("root"), "local", "models")
    yield workspace
    workspace.tracking.stop()
    patch.undo()


@pytest.fixture
def name(request):
    """A model name of the test's own, as the tests share a registry."""
    return request.node.originalname.removeprefix("test_")


@pytest.fixture
def model(tmp_path):
    """Makes a file or, with a `/` in the name, a folder with a file."""

    def make(content="1", path="model.pkl"):
        place = tmp_path / content.replace("/", "_") / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
        return str(place if "/" not in path else tmp_path / content / path.partition("/")[0])

    return make


def python(ws, code, **env):
    """Run a job's code: the MLflow client over HTTP, from a process of its own."""
    env = {**os.environ, "MLFLOW_TRACKING_URI": ws.tracking.uri(), **env}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_files_go_to_the_datastore_that_is_asked_for(ws, name, model):
    ws.assets.create("datastore", {"name": "shelf", "type": "azure_blob"})
    made = ws.models.create({"name": name, "path": model("kept", "shelved/a.txt"), "datastore": "shelf"})
    assert made["path"].startswith("azureml://datastores/shelf/paths/LocalUpload/")
    assert (ws.resolve.path(made["path"]) / "a.txt").read_text() == "kept"
    assert made["tags"] == {}
    assert python(ws, f"import mlflow; print(mlflow.artifacts.load_text('models:/{name}/1/a.txt'))") == "kept"


def test_a_file_becomes_a_version(ws, name, model):
    doc = {"name": name, "path": model(), "tags": {"team": "delay"}, "properties": {"r2": 0.8}, "description": "first"}
    made = ws.models.create(doc)
    assert made == ws.models.get(name, "1") == ws.models.get(name) == ws.models.get(name, label="latest")
    assert (made["version"], made["type"], made["description"]) == ("1", "custom_model", "first")
    assert (made["tags"], made["properties"]) == ({"team": "delay"}, {"r2": "0.8"})
    assert made["id"] == f"azureml:{ws.id}/models/{name}/versions/1"
    assert made["creation_context"]["created_at"].startswith("20")
    assert "stage" not in made
    kept = ws.resolve.path(made["path"])
    assert kept.read_text() == "1"
    assert not kept.stat().st_mode & 0o222, "a version's files are read-only"


def test_versions(ws, name, model):
    def create(content, version=None):
        return ws.models.create({"name": name, "path": model(content), "version": version})["version"]

    assert create("a") == "1"
    assert create("b", "2") == "2"
    assert create("c", "7") == "7", "a gap is fine"
    assert create("d") == "8"
    assert create("e", "release-1.0") == "release-1.0", "text is fine"
    assert create("f", "5") == "5", "a number passed by is fine"
    assert create("g", "20240131") == "20240131"
    assert create("h") == "20240132"
    newest_first = ["20240132", "20240131", "5", "release-1.0", "8", "7", "2", "1"]
    assert [row["version"] for row in ws.models.list(name)] == newest_first
    contents = {v: ws.resolve.path(ws.models.get(name, v)["path"]).read_text() for v in newest_first}
    assert "".join(contents[v] for v in reversed(newest_first)) == "abcdefgh"
    with pytest.raises(NotFound, match=f"{name}:3' was not found.*Versions: 20240132, 20240131, 5"):
        ws.models.get(name, "3")


def test_a_version_is_immutable(ws, name, model):
    doc = {"name": name, "version": "1", "path": model("a")}
    made = ws.models.create(doc)
    assert ws.models.create({**doc, "tags": {"ignored": "yes"}}) == made
    with pytest.raises(Conflict, match=f"{name}:1 exists with other content"):
        ws.models.create({**doc, "path": model("b")})
    with pytest.raises(Conflict, match="other content"):
        ws.models.create({**doc, "type": "triton_model"})
    with pytest.raises(Conflict, match="path of an existing version cannot change"):
        ws.models.update(name, "1", {**made, "path": "elsewhere"})
    assert len(ws.models.list(name)) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "not/a name"}, "not/a name"),
        ({"path": "nowhere"}, "nowhere does not exist"),
        ({"type": "mlflow_model"}, "it has no file MLmodel"),
        ({"type": "onnx"}, "type: 'onnx' is not one of custom_model, mlflow_model, triton_model"),
        ({"stage": "Live"}, "stage: 'Live' is not one of None, Staging"),
        ({"path": "s3://bucket/model"}, "s3://bucket/model"),
    ],
)
def test_what_is_refused(ws, name, model, change, message):
    with pytest.raises(WorkspaceError, match=message):
        ws.models.create({"name": name, "path": model(), **change})
    with pytest.raises(NotFound, match=f"Model '{name}' was not found"):
        ws.models.get(name)


def test_archived_versions_are_hidden(ws, name, model):
    for content in "abc":
        ws.models.create({"name": name, "path": model(content)})
    ws.models.archive(name, "3")
    assert ws.models.get(name)["version"] == "2", "latest is not an archived one"
    assert ws.models.get(name, "3")["version"] == "3"
    assert [row["version"] for row in ws.models.list(name)] == ["2", "1"]
    assert [row["version"] for row in ws.models.list(name, include_archived=True, max_results=2)] == ["3", "2"]
    assert [row["version"] for row in ws.models.list(name, archived_only=True)] == ["3"]
    containers = {row["name"]: row["latest_version"] for row in ws.models.list()}
    assert containers[name] == "2"
    ws.models.archive(name)
    assert name not in {row["name"] for row in ws.models.list()}
    with pytest.raises(NotFound, match="only archived versions"):
        ws.models.get(name)
    ws.models.archive(name, archived=False)
    assert ws.models.get(name)["version"] == "3"
    assert "azureml.archived" not in ws.models.get(name)["tags"]


def test_what_may_change(ws, name, model):
    ws.models.create({"name": name, "path": model(), "tags": {"a": "1", "b": "2"}, "stage": "staging"})
    assert [row["stage"] for row in ws.models.list(name, stage="Staging")] == ["Staging"]
    changed = ws.models.update(name, "1", {"tags": {"b": "3"}, "description": "new", "stage": "Production"})
    assert (changed["tags"], changed["description"], changed["stage"]) == ({"b": "3"}, "new", "Production")
    assert ws.models.list(name, stage="Staging") == []
    assert ws.models.update(name, None, changed) == changed


def test_download(ws, name, model, tmp_path):
    ws.models.create({"name": name, "path": model("file")})
    ws.models.create({"name": name, "path": model("folder", "saved/deep/model.pkl")})
    for _ in range(2):  # a second download overwrites
        assert ws.models.download(name, "1", tmp_path / "to").read_text() == "file"
        folder = ws.models.download(name, "2", tmp_path / "to")
        assert folder == tmp_path / "to" / name / "saved"
        (folder / "deep" / "model.pkl").write_text("edited")


def test_a_jobs_output_is_registered_with_its_job(ws, name, tmp_path, monkeypatch):
    store = ws.path / "datastores" / "workspaceblobstore" / "azureml" / "job_7" / "model"
    store.mkdir(parents=True)
    (store / "MLmodel").write_text("flavors: {}\n")
    uri = "azureml://datastores/workspaceblobstore/paths/azureml/job_7/model/"
    job = SimpleNamespace(get=lambda job: {"outputs": {"model": {"path": uri}}})
    monkeypatch.setitem(ws.__dict__, "jobs", job)
    doc = {"name": name, "path": "azureml://jobs/job_7/outputs/model", "type": "mlflow_model"}
    assert ws.models.create(doc)["job_name"] == "job_7"
    (store / "MLmodel").write_text("changed afterwards")
    kept = ws.resolve.path(ws.models.get(name)["path"])
    assert (kept / "MLmodel").read_text() == "flavors: {}\n"
    by_uri = ws.models.create({"name": name, "path": uri, "type": "mlflow_model"})
    assert (by_uri["version"], by_uri.get("job_name")) == ("2", None)


JOB = """
import os, mlflow, pandas
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression
name = os.environ["MODEL"]
rows = pandas.DataFrame({"x": [0.0, 1.0]})
with mlflow.start_run(run_id=os.environ["RUN"]):
    mlflow.log_metric("rmse", 0.5, step=3)
    mlflow.log_text("hello", "notes/a.txt")
    mlflow.log_table(rows, "rows.json")
    mlflow.log_input(mlflow.data.from_pandas(rows), "training")
    model = LinearRegression().fit(rows, [0.0, 2.0])
    mlflow.sklearn.log_model(model, "model", signature=infer_signature(rows, model.predict(rows)), input_example=rows,
                             registered_model_name=name, pip_requirements=["scikit-learn"])
    mlflow.MlflowClient().create_model_version(name, f"runs:/{os.environ['RUN']}/model", os.environ["RUN"])
"""
PREDICT = """
import os, mlflow, pandas
for uri in os.environ["MODELS"].split():
    print(round(float(mlflow.pyfunc.load_model(f"models:/{uri}").predict(pandas.DataFrame({"x": [3.0]}))[0]), 3))
"""


def test_what_a_job_registers_looks_the_same(ws, name):
    run_id = ws.tracking.start_run("flights", "train", {"azureml.job": "job_9"})
    python(ws, JOB, RUN=run_id, MODEL=name)
    ws.tracking.end_run(run_id, "FINISHED")
    assert ws.tracking.history(run_id, "rmse") == [(3, 0.5)]
    assert (ws.tracking.artifacts(run_id) / "notes" / "a.txt").read_text() == "hello"

    second, first = ws.models.list(name)
    for doc, version in ((first, "1"), (second, "2")):
        assert (doc["version"], doc["type"], doc["job_name"], doc["tags"]) == (version, "mlflow_model", "job_9", {})
        assert (ws.resolve.path(doc["path"]) / "MLmodel").is_file()
        assert doc == ws.models.get(name, version)
    # The same content under the version it has, and once more as a version of `az ml model create`.
    assert ws.models.create({"name": name, "version": "2", "type": "mlflow_model", "path": first["path"]}) == second
    third = ws.models.create({"name": name, "type": "mlflow_model", "path": f"runs:/{run_id}/model"})
    fourth = ws.models.create({"name": name, "type": "mlflow_model", "path": first["path"], "version": "9"})
    assert (third["version"], third["job_name"]) == ("3", "job_9")
    assert fourth["version"] == "9"
    ws.models.archive(name, "2")
    assert {row["name"]: row["latest_version"] for row in ws.models.list()}[name] == "9"
    # Jobs load all of them over HTTP.
    assert python(ws, PREDICT, MODELS=" ".join(f"{name}/{v}" for v in (1, 2, 3, 9))) == "6.0\n6.0\n6.0\n6.0"
    # And go on counting after a version that somebody named.
    code = f"import mlflow; print(mlflow.register_model('runs:/{run_id}/model', '{name}').version)"
    assert python(ws, code).splitlines()[-1] == "10"
    # The client only warns of some calls that fail, so the server's own log has the last word on what it lacks.
    assert "Exception on" not in (ws.path / "mlflow" / "server.log").read_text()


def test_listing_starts_the_server(ws, name, model):
    ws.models.create({"name": name, "path": model()})
    ws.tracking.stop()
    assert name in {row["name"] for row in ws.models.list(max_results=100)}
