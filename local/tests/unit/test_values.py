"""Equal identities mean equal content; expressions of commands."""

import os
from pathlib import Path

import pytest
from ml_workspace import Workspace, WorkspaceError, values
from ml_workspace.jobs_text import render


@pytest.fixture
def ws(tmp_path):
    return Workspace.create(tmp_path / "root", "rg", "ws")


def folder(place, **files):
    place.mkdir(parents=True)
    for name, text in files.items():
        (place / name).write_text(text)
    return place


def test_content_is_names_and_bytes_wherever_it_lies(ws, tmp_path):
    one = values.content(ws, folder(tmp_path / "1", a="x", b="y"))
    assert values.content(ws, folder(tmp_path / "2", a="x", b="y")) == one
    assert values.content(ws, folder(tmp_path / "3", a="x", c="y")) != one
    assert values.content(ws, folder(tmp_path / "4", a="x", b="z")) != one


def test_changed_file_is_read_again_even_if_it_has_the_same_length(ws, tmp_path):
    place = folder(tmp_path / "d", a="x")
    before = values.content(ws, place)
    (place / "a").write_text("y")
    os.utime(place / "a", ns=(1, 1))
    assert values.content(ws, place) != before


def test_nothing_at_the_place_of_an_input_is_an_error_that_names_it(ws):
    bound = {"uri": "azureml://datastores/workspaceblobstore/paths/nothing", "type": "uri_folder", "asset": None}
    with pytest.raises(WorkspaceError, match=r"jobs\.a\.inputs\.d: there is nothing at azureml://"):
        values.data(ws, bound, "jobs.a.inputs.d")


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("run ${{inputs.a}} ${{ outputs.o }}", "run 1 /w/o"),
        ("run $[[--b ${{inputs.b}}]] end", "run  end"),
        ("run $[[--a ${{inputs.a}}]]", "run --a 1"),
        ("x ${{search_space.a}}", "x 1"),
    ],
)
def test_expressions_of_a_command(command, shown):
    assert render(command, {"a": "1"}, {"o": Path("/w/o")}) == shown


def test_expression_without_value_is_refused():
    with pytest.raises(WorkspaceError, match=r"inputs\.b"):
        render("x ${{inputs.b}}", {"a": "1"}, {})
