"""Environment documents become virtual environments: what is asked for, built once, and what happens when it can't be.

The packages are made here, so nothing is downloaded.
"""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile

import pytest
from ml_workspace import environments, installing
from ml_workspace.conda import requirements
from ml_workspace.environments import Environments
from ml_workspace.errors import Unsupported, WorkspaceError


def document(*dependencies, name="tiny", **fields):
    return {"name": name, "version": "1", "conda_file": {"name": name, "dependencies": list(dependencies)}, **fields}


@pytest.fixture
def index(tmp_path):
    """A folder of wheels, as the pip options of a conda file; it has `greeting` 1.0 and 2.0."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for version in ("1.0", "2.0"):
        info = f"greeting-{version}.dist-info"
        with zipfile.ZipFile(folder / f"greeting-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("greeting.py", f"VERSION = '{version}'\n")
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: greeting\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    return ["--no-index", f"--find-links {folder}"]


def greeting(python):
    code = "import greeting; print(greeting.VERSION, greeting.__cached__)"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("numpy", "numpy"),
        ("numpy=1.26", "numpy==1.26.*"),
        ("numpy=1.26.*", "numpy==1.26.*"),
        ("numpy==1.26.4", "numpy==1.26.4"),
        ("numpy 1.26.4", "numpy==1.26.4"),
        ("numpy=1.26.4=py311h64a7726_0", "numpy==1.26.4"),
        ("numpy>=1.20, <2", "numpy>=1.20,<2"),
        ("conda-forge::numpy=1.26", "numpy==1.26.*"),
    ],
)
def test_conda_packages_are_taken_from_pypi(package, line):
    wanted = requirements(document("python=3.11", package))
    assert (wanted.lines, wanted.from_conda) == ((line,), (line,))


@pytest.mark.parametrize(
    ("python", "version"), [("python=3.11", "3.11"), ("python==3.11.7", "3.11.7"), ("python>=3.9,<3.12", ">=3.9,<3.12")]
)
def test_the_python_version(python, version):
    assert requirements(document(python)).python == version


def test_pip_comes_with_what_conda_brings_along():
    wanted = requirements(document("python=3.11", "pip", {"pip": ["pandas==2.3.3"]}))
    assert wanted.lines == ("pip", "setuptools", "wheel", "pandas==2.3.3")
    assert wanted.from_conda == ()


@pytest.mark.parametrize(
    ("definition", "named"),
    [
        ({"name": "curated", "version": "3", "image": "mcr.example/sklearn:1"}, "mcr.example/sklearn:1"),
        ({"name": "own", "version": "3", "build": {"path": "."}}, "Docker build context"),
        (document({"pip": ["-r requirements.txt"]}), "-r requirements.txt"),
        (document({"pip": ["--constraint=c.txt"]}), "--constraint=c.txt"),
        (document({"pip": ["./local.whl"]}), "./local.whl"),
        (document("numpy=1.26|1.25"), "numpy=1.26|1.25"),
        ({**document(), "conda_file": {"dependencies": [], "variables": {"A": "1"}}}, "variables"),
    ],
)
def test_what_cannot_be_built_here_is_refused_by_name(definition, named):
    with pytest.raises(Unsupported, match="Environment '") as caught:
        requirements(definition)
    assert named in str(caught.value)


@pytest.mark.parametrize("entry", ["numpy[version='>1']", 3, {"conda": []}, ""])
def test_what_is_no_package_is_an_error(entry):
    with pytest.raises(WorkspaceError, match="is not a package"):
        requirements(document(entry))


def test_the_digest_knows_what_matters(tmp_path):
    known = Environments(tmp_path)
    one = known.digest(document("python=3.11", {"pip": ["a==1"]}))
    assert one == known.digest(document("python=3.11", {"pip": ["a==1"]}, name="other", tags={"commit": "x"}))
    assert one != known.digest(document("python=3.11", {"pip": ["a==2"]}))
    assert one != known.digest(document("python=3.10", {"pip": ["a==1"]}))


def test_built_once_and_shared(tmp_path, index):
    log: list[str] = []
    known = Environments(tmp_path / "environments")
    first = known.python(document("greeting=1.0", {"pip": index}), log.append)
    version, cached = greeting(first)
    assert version == "1.0"
    assert os.path.exists(cached), "the byte code is there before the first import"  # noqa: PTH110
    assert log[0].startswith("Building environment tiny:1 (Python 3.")
    assert "instead of conda: greeting==1.0.*" in log[1]
    assert log[-1].startswith("Environment tiny:1 ready in ")
    assert (first.parent.parent / "environment.json").is_file()
    log.clear()
    again = Environments(tmp_path / "environments")
    began = time.perf_counter()
    assert again.python(document("greeting=1.0", {"pip": index}, name="other"), log.append) == first
    assert time.perf_counter() - began < 0.005
    assert log == []
    other = known.python(document({"pip": [*index, "greeting==2.0"]}), log.append)
    assert greeting(other)[0] == "2.0"


def test_packages_are_taken_from_where_pip_on_this_machine_takes_them(tmp_path, index, monkeypatch):
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[global]\nno-index = true\nfind-links = {tmp_path}/wheels\n")
    for name in installing.PASSED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(installing, "SYSTEM_OF_UV", [])
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    python = Environments(tmp_path / "environments").python(document("greeting"), lambda line: None)
    assert greeting(python)[0] == "2.0"


def test_the_resolvers_message_is_in_the_error_and_nothing_is_kept(tmp_path, index):
    known = Environments(tmp_path / "environments")
    wrong = document("greeting=7.0", {"pip": index})
    for _ in range(2):  # the second attempt does not take what the first left
        with pytest.raises(WorkspaceError, match="'tiny:1' could not be built") as caught:
            known.python(wrong, lambda line: None)
        assert "greeting" in str(caught.value)
        assert "7.0" in str(caught.value)
        assert "PyPI" in str(caught.value)


def test_a_python_that_is_not_there(tmp_path):
    with pytest.raises(WorkspaceError, match=r"needs Python 3\.77, .* It has: .*3\.11") as caught:
        Environments(tmp_path).python(document("python=3.77"), lambda line: None)
    assert "Install that version" in str(caught.value)


def test_another_patch_release_does_and_is_told(tmp_path):
    log: list[str] = []
    python = Environments(tmp_path).python(document("python=3.11.99"), log.append)
    assert subprocess.check_output([python, "--version"], text=True).startswith("Python 3.11.")
    assert "Environment tiny:1: this machine has another 3.11 than 3.11.99" in log


def test_the_pythons_of_pyenv_are_looked_at_though_they_are_not_active(tmp_path, monkeypatch):
    asked = tmp_path / "asked"
    place = tmp_path / "pyenv/versions/3.77.1/bin"
    place.mkdir(parents=True)
    (place / "python3.77").write_text(f"#!/bin/sh\ntouch {asked}; exit 1\n")
    (place / "python3.77").chmod(0o755)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    with pytest.raises(WorkspaceError, match=r"needs Python 3\.77"):
        Environments(tmp_path).python(document("python=3.77"), lambda line: None)
    assert asked.exists()


def test_no_uv(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(environments, "__file__", str(tmp_path / "a" / "b" / "c.py"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WorkspaceError, match="pip install uv"):
        environments.find_uv()


BUILDER = """
import json, sys
from pathlib import Path
from ml_workspace import environments
environments.BYTECODE = Path(sys.argv[3])
log = lambda line: print(line, flush=True)
print(environments.Environments(Path(sys.argv[1])).python(json.loads(sys.argv[2]), log), flush=True)
"""
SLOW = "import sys, time, pathlib; pathlib.Path(sys.argv[1], 'compiling').touch(); time.sleep(2)"


@pytest.fixture
def builder(tmp_path, index):
    """Starts a process that builds one environment; the compilation of its byte code takes two seconds."""
    (tmp_path / "slow.py").write_text(SLOW)
    definition = json.dumps(document("greeting=1.0", {"pip": index}))
    arguments = [str(tmp_path / "environments"), definition, str(tmp_path / "slow.py")]
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    def start():
        return subprocess.Popen(
            [sys.executable, "-c", BUILDER, *arguments], env=path, text=True, stdout=subprocess.PIPE
        )

    return start


@pytest.mark.slow
def test_two_processes_build_once(builder):
    outputs = [process.communicate(timeout=60)[0].splitlines() for process in [builder(), builder()]]
    assert outputs[0][-1] == outputs[1][-1]
    lines = [line for output in outputs for line in output]
    assert len([line for line in lines if line.startswith("Building")]) == 1
    assert "Environment tiny:1 is being built by another process: waiting for it" in lines


@pytest.mark.slow
def test_a_build_that_is_killed_leaves_nothing_half_made(builder, tmp_path):
    killed = builder()
    made = tmp_path / "environments"
    while not list(made.glob("*/lib/compiling")):
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    (half,) = made.glob("*/lib/python3.*/site-packages/greeting.py")
    half.unlink()
    output = builder().communicate(timeout=60)[0].splitlines()
    # What the killed process had started is waited for, as it still writes into the folder; then all is made anew.
    assert output[0].endswith("waiting for it")
    assert output[1].startswith("Building")
    assert greeting(output[-1])[0] == "1.0"
