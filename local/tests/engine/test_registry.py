"""A registry: what workspaces put there, what may not go in, and jobs that use it."""

import pytest
from job_documents import children, command, ended, log_of, node
from ml_workspace import Conflict, NotFound, Unsupported, Workspace, WorkspaceError
from ml_workspace.registry import Registry

FULL = "azureml://registries/shared"
DATA = {"d": {"type": "uri_folder"}}


@pytest.fixture(scope="module")
def registry(ws):
    """Registry `shared`, beside the workspace, with its environment."""
    made = Registry.create(ws.root, "rg", {"name": "shared", "location": "here", "tags": {"team": "a"}})
    made.take(ws, "environment", ("plain", "1"), ("plain", "1"))
    return made


@pytest.fixture
def rows(tmp_path):
    """A folder of data with one file."""
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "word").write_text("kept\n")
    return tmp_path / "rows"


def component(name, tmp_path, **fields):
    """A component of a registry with code of its own."""
    (tmp_path / "code").mkdir(exist_ok=True)
    (tmp_path / "code" / "show.sh").write_text("cat $1/word > $2/word\n")
    text = "bash show.sh ${{inputs.d}} ${{outputs.o}}"
    doc = command(text, DATA, {"o": {"type": "uri_folder"}}, code=str(tmp_path / "code"))
    return {**doc, "name": name, "version": "1", "environment": f"{FULL}/environments/plain/versions/1", **fields}


def test_a_registry_is_made_listed_changed_and_deleted(tmp_path):
    document = {"name": "first", "location": "here", "tags": {"a": "b"}}
    made = Registry.create(tmp_path, "rg", document)
    assert made.shown().keys() == {"id", "location", "name", "tags"}
    assert made.shown()["id"].endswith(
        "/resourceGroups/rg/providers/Microsoft.MachineLearningServices/registries/first"
    )
    assert [row["name"] for row in Registry.list(tmp_path)] == ["first"]
    assert Registry.list(tmp_path, "other") == []
    Registry.create(tmp_path, "rg", {**document, "description": "again", "location": "moved"})
    again = Registry.open(tmp_path, "first").shown()
    assert (again["description"], again["location"]) == ("again", "here")
    with pytest.raises(Conflict, match="exists in resource group 'rg'"):
        Registry.create(tmp_path, "other", document)
    with pytest.raises(WorkspaceError, match="location: of a registry, only description"):
        made.update({"location": "moon"})
    with pytest.raises(NotFound, match="was not found in resource group 'other'"):
        Registry.open(tmp_path, "first", "other")
    made.delete()
    with pytest.raises(NotFound, match="az ml registry create"):
        Registry.open(tmp_path, "first")


@pytest.mark.parametrize("name", ["../up", "a", "a b", "azureml", "x" * 34, "dotted.name"])
def test_names_that_azure_would_refuse_are_refused(tmp_path, name):
    with pytest.raises(WorkspaceError, match="is not a registry name"):
        Registry.create(tmp_path, "rg", {"name": name, "location": "here"})


def test_no_resource_group_gets_the_folder_of_the_registries(tmp_path):
    with pytest.raises(WorkspaceError, match="'registries' is not a resource group name"):
        Workspace.create(tmp_path, "registries", "w")


def test_a_shared_version_keeps_its_content_and_is_immutable(ws, registry, rows, tmp_path):
    source = {"name": "rows", "version": "1", "type": "uri_folder", "path": str(rows), "tags": {"season": "summer"}}
    ws.assets.create("data", source)
    shared = registry.take(ws, "data", ("rows", "1"), ("all-rows", "7"))
    assert (shared["id"], shared["tags"]) == (f"{FULL}/data/all-rows/versions/7", {"season": "summer"})
    assert (ws.resolve.path(shared["path"]) / "word").read_text() == "kept\n"
    assert registry.take(ws, "data", ("rows", "1"), ("all-rows", "7")) == shared, "the same content again is fine"
    (rows / "word").write_text("other\n")
    ws.assets.create("data", {**source, "version": "2"})
    with pytest.raises(Conflict, match="all-rows:7 exists with other content"):
        registry.take(ws, "data", ("rows", "2"), ("all-rows", "7"))
    with pytest.raises(NotFound, match="Data 'rows:9' was not found in workspace 'ws'"):
        registry.take(ws, "data", ("rows", "9"), ("all-rows", "9"))
    with pytest.raises(NotFound, match="Data 'absent' was not found in registry 'shared'"):
        registry.assets.get("data", "absent")


def test_an_environment_is_shared_with_its_build_context(ws, registry, tmp_path):
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "Dockerfile").write_text("FROM python:3.11\n")
    doc = {
        "name": "built",
        "version": "1",
        "build": {"path": str(tmp_path / "context"), "dockerfile_path": "Dockerfile"},
    }
    ws.assets.create("environment", doc)
    shared = registry.take(ws, "environment", ("built", "1"), ("built", "1"))
    assert shared["build"]["path"].startswith(f"{FULL}/blobs/")
    assert (ws.resolve.path(shared["build"]["path"]) / "Dockerfile").exists()


@pytest.mark.slow
def test_a_model_is_shared_out_of_mlflow_and_downloaded(ws, registry, tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "weights").write_text("1 2 3\n")
    ws.models.create({"name": "net", "version": "4", "path": str(tmp_path / "net"), "tags": {"gate": "passed"}})
    shared = registry.take(ws, "model", ("net", "4"), ("net", "1"))
    assert shared.keys() == {"creation_context", "id", "name", "path", "properties", "tags", "type", "version"}
    assert (shared["id"], shared["type"]) == (f"{FULL}/models/net/versions/1", "custom_model")
    copy = registry.download_model("net", "1", tmp_path / "got")
    assert (copy / "weights").read_text() == "1 2 3\n"
    assert copy.relative_to(tmp_path).as_posix() == "got/net/net"


def test_models_of_a_registry_are_checked_as_those_of_a_workspace(registry, rows):
    doc = {"name": "m", "version": "1", "path": str(rows)}
    with pytest.raises(WorkspaceError, match="is not an MLflow model: it has no file MLmodel"):
        registry.assets.create("model", {**doc, "type": "mlflow_model"})
    with pytest.raises(WorkspaceError, match="absent does not exist"):
        registry.assets.create("model", {**doc, "path": str(rows / "absent")})
    with pytest.raises(Unsupported, match="az ml model share --registry-name shared"):
        registry.assets.create("model", {**doc, "path": "azureml://jobs/j/outputs/model"})
    made = registry.assets.create("model", {**doc, "stage": "Staging"})
    assert registry.assets.update("model", "m", "1", {"stage": "Production"})["stage"] == "Production"
    assert registry.assets.list("model", "m", stage="production") == [{**made, "stage": "Production"}]
    assert registry.assets.list("model", "m", stage="staging") == []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"environment": "azureml:plain:1"}, "^environment: azureml:plain:1 names an asset of a workspace"),
        (
            {"environment": f"{FULL}/environments/plain/versions/9"},
            "^environment: Environment 'plain:9' was not found in registry 'shared'.*az ml environment share",
        ),
        ({"environment": f"{FULL}/components/plain/versions/1"}, "^environment: .*an id of environments is needed"),
        ({"environment": "azureml://registries/absent/environments/e/versions/1"}, "Registry 'absent' was not found"),
        (
            {"type": "pipeline", "jobs": {"a": {"component": "azureml:c:1"}}},
            "^jobs.a.component: .*az ml component create",
        ),
        ({"type": "parallel", "task": {"environment": "azureml:plain:1"}}, "^task.environment: azureml:plain:1"),
    ],
)
def test_what_a_component_needs_has_to_be_in_a_registry_too(registry, tmp_path, fields, told):
    with pytest.raises(WorkspaceError, match=told):
        registry.assets.create("component", component("needy", tmp_path, **fields))
    with pytest.raises(NotFound):
        registry.assets.get("component", "needy")


@pytest.mark.slow
def test_a_job_takes_component_environment_data_and_model_from_a_registry(ws, registry, submit, rows, tmp_path):
    registry.assets.create("component", component("copy", tmp_path))
    registry.assets.create("data", {"name": "words", "version": "1", "type": "uri_folder", "path": str(rows)})
    registry.assets.create("model", {"name": "model", "version": "1", "path": str(rows)})
    inline = command("cat ${{inputs.m}}/word", {"m": {"type": "custom_model"}})
    inline["environment"] = f"{FULL}/environments/plain/labels/latest"
    job = submit({
        "type": "pipeline",
        "jobs": {
            "copied": {"type": "command", "component": f"{FULL}/components/copy/versions/1",
                       "inputs": {"d": {"type": "uri_folder", "path": f"{FULL}/data/words/versions/1"}}},
            "latest": {"type": "command", "component": f"{FULL}/components/copy/labels/latest",
                       "inputs": {"d": {"type": "uri_folder", "path": f"{FULL}/data/words/labels/latest"}}},
            "inline": node(inline, inputs={"m": {"type": "custom_model",
                                                 "path": f"{FULL}/models/model/labels/latest"}}),
        },
    })  # fmt: skip
    assert job["status"] == "Completed", log_of(ws, job["name"])
    steps = children(ws, job["name"])
    assert steps["copied"]["component"] == f"{FULL}/components/copy/versions/1"
    assert steps["inline"]["environment"] == f"{FULL}/environments/plain/versions/1"
    for name in ("copied", "latest"):
        assert (ws.resolve.path(steps[name]["outputs"]["o"]["path"]) / "word").read_text() == "kept\n"


@pytest.mark.slow
def test_a_component_runs_again_when_its_registry_is_gone(ws, submit, rows, tmp_path):
    """A job's code is in the workspace's own snapshots from the moment in which it is submitted."""
    brief = Registry.create(ws.root, "rg", {"name": "brief", "location": "here"})
    brief.take(ws, "environment", ("plain", "1"), ("plain", "1"))
    doc = component("gone", tmp_path, environment="azureml://registries/brief/environments/plain/versions/1")
    brief.assets.create("component", doc)
    reference = "azureml://registries/brief/components/gone/versions/1"
    use = {"type": "command", "component": reference, "inputs": {"d": {"type": "uri_folder", "path": str(rows)}}}
    job = submit(use, wait=False)
    brief.delete()
    assert ended(ws, job["name"])["status"] == "Completed", log_of(ws, job["name"])
    with pytest.raises(NotFound, match="component: Registry 'brief' was not found"):
        submit(use, wait=False)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"{FULL}/data/absent/versions/1", "^inputs.d: Data 'absent:1' was not found in registry 'shared'"),
        (f"{FULL}/models/all/versions/1", "^inputs.d: .*an id of data is needed here, not of models"),
        ("azureml://registries/none/data/x/versions/1", "^inputs.d: Registry 'none' was not found"),
    ],
)
def test_a_missing_asset_of_a_registry_is_told_at_submit(ws, registry, tmp_path, path, told):
    doc = node(command("ls ${{inputs.d}}", DATA), inputs={"d": {"type": "uri_folder", "path": path}})
    with pytest.raises(WorkspaceError, match=told):
        ws.jobs.validate(doc, tmp_path)


def test_nobody_reads_out_of_the_blobs_of_a_registry(ws, registry):
    with pytest.raises(WorkspaceError, match="leads out of the blobs"):
        ws.resolve.path(f"{FULL}/blobs/../registry.json")
