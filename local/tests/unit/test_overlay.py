"""A job's own virtual environment: has what the shared one has, and keeps to itself what the job does to it."""

import os
import subprocess
import venv

import pytest
from ml_workspace import overlay


@pytest.fixture
def shared(tmp_path):
    """An environment with a package `base`, a path that it adds and a script that prints its interpreter's prefix."""
    folder = tmp_path / "shared"
    venv.create(folder, symlinks=True)
    packages = next((folder / "lib").glob("python3.*/site-packages"))
    (packages / "base.py").write_text("WORD = 'base'\n")
    (tmp_path / "added").mkdir()
    (tmp_path / "added" / "further.py").write_text("WORD = 'further'\n")
    (packages / "added.pth").write_text(f"{tmp_path / 'added'}\n")
    script = folder / "bin" / "where"
    script.write_text(f"#!{folder}/bin/python\nimport sys; print(sys.prefix)\n")
    script.chmod(0o755)
    return folder / "bin" / "python"


def run(python, *command):
    env = {"PATH": f"{python.parent}:{os.defpath}"}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_it_has_the_packages_below_and_hides_its_own(shared, tmp_path):
    own = overlay.make(shared, tmp_path / "own")
    shown = run(own, "python", "-c", "import base, further, sys; print(base.WORD, further.WORD, sys.prefix)")
    assert shown.stdout.split() == ["base", "further", str(tmp_path / "own")], shown.stderr
    packages = run(own, "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip()
    assert packages.startswith(str(tmp_path / "own"))
    (tmp_path / "own").joinpath(packages, "base.py").write_text("WORD = 'newer'\n")
    assert run(own, "python", "-c", "import base; print(base.WORD)").stdout == "newer\n"
    assert run(shared, "python", "-c", "import base; print(base.WORD)").stdout == "base\n"


def test_scripts_run_on_its_interpreter(shared, tmp_path):
    own = overlay.make(shared, tmp_path / "own")
    assert run(own, "where").stdout.strip() == str(tmp_path / "own")
    assert run(shared, "where").stdout.strip() == str(tmp_path / "shared")


@pytest.mark.parametrize("head", ["#!{}", "#!/bin/sh\n'''exec' '{}' \"$0\" \"$@\"\n' '''"])
@pytest.mark.parametrize(("built", "reached"), [("shared", "link"), ("link", "shared"), ("shared", "shared")])
def test_scripts_run_on_its_interpreter_by_whatever_name_the_shared_one_goes(shared, tmp_path, head, built, reached):
    """uv gives scripts of a long path the second head."""
    (tmp_path / "link").symlink_to(tmp_path / "shared")
    script = tmp_path / "shared/bin/where"
    _, code = script.read_text().split("\n", 1)
    script.write_text(head.format(tmp_path / built / "bin/python") + "\n" + code)
    own = overlay.make(tmp_path / reached / "bin/python", tmp_path / "own")
    assert run(own, "where").stdout.strip() == str(tmp_path / "own")


def test_without_pip_the_one_of_the_machine_is_not_reached(shared, tmp_path):
    own = overlay.make(shared, tmp_path / "own")
    done = run(own, "pip", "install", "six")
    assert done.returncode == 1
    assert "add it to the dependencies of its conda_file" in done.stderr
