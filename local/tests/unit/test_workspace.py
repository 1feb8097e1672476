"""The folder of a workspace."""

import os

import pytest
from ml_workspace import NotFound, Unsupported, Workspace, WorkspaceError, machine
from ml_workspace.diagnose import diagnose
from ml_workspace.resolve import asset_reference


def test_created_once_and_opened_again(tmp_path):
    first = Workspace.create(tmp_path, "rg", "ws", description="mine")
    again = Workspace.create(tmp_path, "rg", "ws", description="other")
    assert again.document == first.document
    assert Workspace.open(tmp_path, "rg", "ws").id == first.id
    assert [document["name"] for document in Workspace.list(tmp_path)] == ["ws"]


def test_missing_workspace_says_how_to_make_it(tmp_path):
    with pytest.raises(NotFound, match="az ml workspace create --name ws --resource-group rg"):
        Workspace.open(tmp_path, "rg", "ws")


@pytest.mark.parametrize("name", ["../up", "a/b", "", "a b", "environments"])
def test_names_stay_inside_the_root(tmp_path, name):
    with pytest.raises(WorkspaceError, match="is not a workspace name"):
        Workspace.create(tmp_path, "rg", name)


def test_folder_that_a_shell_would_take_apart_is_refused(tmp_path):
    with pytest.raises(WorkspaceError, match="AZUREML_LOCAL_ROOT"):
        Workspace.create(tmp_path / "my projects", "rg", "ws")
    assert not (tmp_path / "my projects").exists()


def test_its_document_changes_where_it_may(tmp_path):
    ws = Workspace.create(tmp_path, "rg", "ws", description="mine", location="eastus")
    ws.update({"description": None, "tags": {"a": "b"}})
    document = Workspace.open(tmp_path, "rg", "ws").document
    assert (document["tags"], document["location"], document["name"]) == ({"a": "b"}, "eastus", "ws")
    assert "description" not in document
    with pytest.raises(WorkspaceError, match=r"location: of a workspace, only description, display_name and tags can"):
        ws.update({"location": "moon", "description": "lost"})
    assert Workspace.open(tmp_path, "rg", "ws").document == document


def test_it_is_deleted_with_its_folder_unless_jobs_run(tmp_path):
    ws = Workspace.create(tmp_path, "rg", "ws")
    doc = {"name": "busy", "type": "command", "properties": {}}
    row = {"doc": doc, "plan": {}, "created_at": "now", "status": "Running", "archived": 1}
    ws.catalog.insert("jobs", name="busy", root="busy", **row)
    with pytest.raises(WorkspaceError, match="has running jobs: busy"):
        ws.delete()
    ws.catalog.update_job("busy", status="Completed")
    ws.delete()
    assert not ws.path.exists()


def test_diagnose_is_silent_until_something_is_wrong(tmp_path):
    ws = Workspace.create(tmp_path, "rg", "ws")
    assert [*diagnose(ws).values()] == [[]] * 9
    (ws.path / "datastores" / "workspaceblobstore").rmdir()
    (found,) = diagnose(ws)["storage_account_results"]
    assert found["level"] == "Error"
    assert "datastores/workspaceblobstore is missing" in found["message"]


def test_a_data_asset_goes_to_the_datastore_that_it_names(tmp_path):
    ws = Workspace.create(tmp_path / "root", "rg", "ws")
    (tmp_path / "rows.csv").write_text("1\n")
    ws.assets.create("datastore", {"name": "landing", "type": "azure_blob"})
    doc = {"name": "rows", "type": "uri_file", "path": str(tmp_path / "rows.csv")}
    made = ws.assets.create("data", {**doc, "datastore": "landing"})
    assert made["path"].startswith("azureml://datastores/landing/paths/LocalUpload/")
    assert "datastore" not in made
    assert ws.resolve.path(made["path"]).read_text() == "1\n"
    with pytest.raises(NotFound, match="Datastore 'absent'"):
        ws.assets.create("data", {**doc, "datastore": "absent"})


def test_the_node_of_a_cluster_is_this_machine(tmp_path):
    ws = Workspace.create(tmp_path, "rg", "ws")
    assert machine.size(ws)["v_cp_us"] == os.cpu_count()
    (idle,) = machine.nodes(ws, "cpu-cluster")
    assert (idle["node_state"], idle["private_ip_address"]) == ("idle", "127.0.0.1")
    row = {"plan": {}, "created_at": "now", "status": "Running"}
    doc = {"type": "command", "properties": {}, "compute": "azureml:cpu-cluster"}
    for name in ("first", "second"):
        ws.catalog.insert("jobs", name=name, root=name, doc=doc, **row)
    ws.catalog.insert("jobs", name="else", root="else", doc={**doc, "compute": "serverless"}, **row)
    busy = machine.nodes(ws, "cpu-cluster")
    assert [(node["node_state"], node["current_job_name"]) for node in busy] == [
        ("running", "first"),
        ("running", "second"),
    ]
    ws.assets.create("compute", {"name": "laptop", "type": "computeinstance"})
    with pytest.raises(Unsupported, match="only an amlcompute has a list of nodes"):
        machine.nodes(ws, "laptop")


def test_an_asset_is_found_by_the_id_that_its_document_has(tmp_path):
    ws = Workspace.create(tmp_path, "rg", "ws")
    document = {"name": "plain", "version": "3", "conda_file": {"dependencies": ["python=3.11"]}}
    made = ws.assets.create("environment", document)
    assert made["id"].startswith("azureml:/subscriptions/") and made["id"].endswith("/environments/plain/versions/3")
    assert asset_reference(made["id"]) == ("plain", "3", None)
    assert ws.assets.at("environment", made["id"]) == made
