"""Snapshots of code: ignore files, additional_includes, code that is a single file."""

import zipfile

import pytest
from ml_workspace import snapshots
from ml_workspace.errors import Unsupported, WorkspaceError


@pytest.fixture
def code(tmp_path):
    for name in ("code/main.py", "shared/helper.py", "shared/notes.tmp", "one.txt", "packed/a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "shared" / ".amlignore").write_text("*.tmp\n")
    return tmp_path


def stored(code, *arguments):
    kept = code / "snapshots"
    folder = kept / snapshots.store(arguments[0], kept, *arguments[1:])
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_includes_lie_beside_the_code_without_what_they_ignore(code):
    includes = [str(code / "shared"), str(code / "one.txt"), str(code / "packed.zip")]
    assert stored(code, code / "code", includes) == {"main.py", "shared/helper.py", "one.txt", "packed.zip"}
    assert stored(code, None, [str(code / "shared")]) == {"shared/helper.py"}
    folder = code / "snapshots" / snapshots.store(code / "code", code / "snapshots", includes)
    with zipfile.ZipFile(folder / "packed.zip") as archive:
        assert archive.namelist() == ["a.txt"]


def test_a_single_file_is_code_too(code):
    assert stored(code, code / "one.txt") == {"one.txt"}


@pytest.mark.parametrize(
    ("include", "error", "message"),
    [
        ("absent", WorkspaceError, "absent does not exist"),
        ("code/main.py", WorkspaceError, "the code has a main.py already"),
        ({"type": "artifact", "feed": "f"}, Unsupported, "artifacts of Azure DevOps"),
    ],
)
def test_what_can_not_be_included(code, include, error, message):
    include = str(code / include) if isinstance(include, str) else include
    with pytest.raises(error, match=message):
        stored(code, code / "code", [include])
