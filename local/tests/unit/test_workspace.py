"""The folder of a workspace."""

import pytest
from ml_workspace import NotFound, Workspace, WorkspaceError


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
