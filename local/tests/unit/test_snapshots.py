"""Snapshots of code: what is in them, and what is refused."""

import os
import re

import pytest
from ml_workspace import WorkspaceError, snapshots


@pytest.fixture
def code(tmp_path):
    folder = tmp_path / "code"
    (folder / "lib").mkdir(parents=True)
    (folder / "lib" / "a.py").write_text("1")
    (folder / "run.sh").write_text("true")
    return folder


def kept(code, tmp_path):
    return tmp_path / "snapshots" / snapshots.store(code, tmp_path / "snapshots")


def test_script_that_was_made_executable_is_another_snapshot(code, tmp_path):
    before = kept(code, tmp_path)
    (code / "run.sh").chmod(0o755)
    after = kept(code, tmp_path)
    assert after != before
    assert os.access(after / "run.sh", os.X_OK)


def test_link_to_a_folder_inside_is_followed(code, tmp_path):
    (code / "src").symlink_to("lib")
    assert (kept(code, tmp_path) / "src" / "a.py").read_text() == "1"


@pytest.mark.parametrize("target", ["../elsewhere", "..", "."])
def test_link_to_a_folder_outside_or_around_it_is_refused(code, tmp_path, target):
    (tmp_path / "elsewhere").mkdir()
    (code / "link").symlink_to(target)
    with pytest.raises(WorkspaceError, match=re.escape(str(code / "link"))):
        kept(code, tmp_path)


def test_what_is_no_file_is_refused(code, tmp_path):
    (code / "dangling").symlink_to("nowhere")
    with pytest.raises(WorkspaceError, match="dangling"):
        kept(code, tmp_path)
    (code / "dangling").unlink()
    os.mkfifo(code / "pipe")
    with pytest.raises(WorkspaceError, match="pipe"):
        kept(code, tmp_path)
