"""The build folder: whole, or single specs with values of one render, or frozen by CI."""

import os
from pathlib import Path

import pytest

from scripts.render import main, parse_args
from scripts.specs.build import write_build
from scripts.specs.errors import SpecError
from scripts.specs.project import Project
from scripts.specs.values import parse_values
from tests.specs_repository import copied, replace

TRAIN = "components/train/component.yml.j2"
BASE = "environments/base/environment.yml.j2"
PIPELINE = "pipelines/train.yml.j2"
BLUE = "endpoints/online/score/deployment"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return copied(tmp_path)


def refused(root: Path, env: str = "local") -> SpecError:
    with pytest.raises(SpecError) as caught:
        Project(root, env)
    return caught.value


# ---- Values of one render, and single specs


def test_a_value_that_is_set_goes_over_the_config_and_keeps_its_type(root: Path) -> None:
    values = {"trials": "7", "policy.min_gain": "0.5", "training": "true", "compute": "12"}
    config = Project(root, "prod", values).config
    assert (config["trials"], config["policy"], config["training"]) == (7, {"min_gain": 0.5}, True)
    assert config["compute"] == "12"  # text stays text, as a version does


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("trails=7", "trails is no key of config/common.yml or config/local.yml; did you mean trials?"),
        ("env=prod", "env is no key"),
        ("policy.gain=1", "policy.gain is no key"),
        ("policy=1", "policy holds more than one value"),
        ("trials=many", "trials=many: it is a whole number, 4 now"),
        ("policy.min_gain=much", "it is a number, 0.01 now"),
        ("training=yes", "write true or false"),
        ("trials", "'trials' is no setting; write key=value"),
        ("=7", "'=7' is no setting"),
    ],
)
def test_a_value_that_can_not_be_set_is_refused(root: Path, setting: str, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        Project(root, "local", parse_values([setting]))
    assert says in caught.value.message


def write_spec(root: Path, key: str, **values: str) -> Path:
    """File of one spec, written as a verb does that sets values for it."""
    project = Project(root, "local", values)
    return write_build(project, [key]) / project.specs[key].path


def test_a_single_spec_is_written_with_its_files_and_refs_and_others_stay(root: Path) -> None:
    replace(root, "endpoints/online/score/_green.yml.j2", "flights:4", "flights:<< model_version >>")
    build = write_build(Project(root, "local"))

    path = write_spec(root, BLUE, model_version="9")

    assert path == build / "endpoints/online/score/deployment.yml"
    assert "model: azureml:flights:9" in path.read_text()
    assert "model: azureml:flights:3" in path.with_name("green.yml").read_text()


def test_a_single_spec_needs_no_earlier_build(root: Path) -> None:
    path = write_spec(root, BLUE)
    assert path.with_name("score.py").is_file()
    assert (root / "build/local/environments/serving/docker/Dockerfile").is_file()
    assert not (root / "build/local/pipelines").exists()


def test_a_single_spec_that_is_not_there_names_the_likely_one(root: Path) -> None:
    with pytest.raises(SpecError, match="did you mean endpoints/online/score/deployment"):
        write_spec(root, "endpoints/online/score/deploymnt")


def test_the_command_writes_single_specs_with_values(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    assert main(parse_args(["--env", "dev", "--set", "trials=9", "--only", "pipelines/tune"])) == 0
    assert capsys.readouterr().out == "rendered pipelines/tune into build/dev\n"
    assert "max_total_trials: 9" in (root / "build/dev/pipelines/tune.yml").read_text()
    assert main(parse_args(["--set", "trials=x"])) == 1
    assert "trials=x: it is a whole number" in capsys.readouterr().err


# ---- The build folder


def test_two_renders_are_the_same_and_rewrite_nothing(root: Path) -> None:
    build = write_build(Project(root, "local"))
    for path in build.rglob("*"):
        os.utime(path, (1, 1))
    before = {path: path.read_bytes() for path in build.rglob("*") if path.is_file()}

    write_build(Project(root, "local"))

    assert {path: path.read_bytes() for path in build.rglob("*") if path.is_file()} == before
    assert {path.stat().st_mtime for path in before} == {1.0}


def test_what_no_spec_renders_to_any_more_leaves_the_build(root: Path) -> None:
    build = write_build(Project(root, "local"))
    (root / "pipelines/tune.yml.j2").unlink()
    write_build(Project(root, "local"))
    assert not (build / "pipelines/tune.yml").exists()
    assert (build / "pipelines/train.yml").exists()


def test_a_template_error_leaves_the_last_build(root: Path) -> None:
    build = write_build(Project(root, "local"))
    before = (build / "pipelines/tune.yml").read_bytes()
    replace(root, "pipelines/tune.yml.j2", "<< trials >>", "<< trails >>")
    refused(root)
    assert (build / "pipelines/tune.yml").read_bytes() == before


# ---- FROZEN=1: what was published is what is submitted


@pytest.fixture
def published(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build that CI has published, in a job that must not render anew."""
    monkeypatch.setenv("BUILD_BUILDID", "20260101.7")
    build = write_build(Project(root, "local"))
    monkeypatch.setenv("FROZEN", "1")
    return build


def test_a_frozen_build_is_compared_and_not_written(published: Path, root: Path, monkeypatch, capsys) -> None:
    (published / "rollout.json").write_text("{}")  # a report of another verb
    before = {path: path.stat().st_mtime_ns for path in published.rglob("*")}
    monkeypatch.chdir(root)
    assert main(parse_args([])) == 0
    assert capsys.readouterr().out == "build/local is what this checkout renders (FROZEN=1)\n"
    assert {path: path.stat().st_mtime_ns for path in published.rglob("*")} == before


def test_a_frozen_build_that_is_another_is_refused_by_file(published: Path, root: Path, monkeypatch, capsys) -> None:
    (published / "components/train/src/train.py").write_text("print('tampered')\n")
    (published / "pipelines/tune.yml").unlink()
    (published / "components/train/src/more.py").write_text("print('more')\n")
    monkeypatch.chdir(root)
    assert main(parse_args([])) == 1
    said = capsys.readouterr().err
    for other in ("src/train.py differs", "pipelines/tune.yml is missing", "src/more.py is not rendered"):
        assert other in said
    assert "build of this commit" in said
    assert not (published / "pipelines/tune.yml").exists()


def test_a_build_of_another_run_is_refused(published: Path, root: Path, monkeypatch) -> None:
    monkeypatch.setenv("BUILD_BUILDID", "20260101.8")
    with pytest.raises(SpecError, match=r"components/train/component.yml differs"):
        write_build(Project(root, "local"))


def test_without_a_build_there_is_nothing_frozen(root: Path, monkeypatch) -> None:
    monkeypatch.setenv("FROZEN", "1")
    with pytest.raises(SpecError, match=r"is missing.* and \d+ more"):
        write_build(Project(root, "local"))


def test_what_a_rollout_sets_goes_beside_what_is_frozen(published: Path, root: Path) -> None:
    path = write_spec(root, BLUE, model_version="9")

    assert path == root / "build/values/local/endpoints/online/score/deployment.yml"
    assert "model: azureml:flights:9" in path.read_text()
    assert path.with_name("score.py").is_file(), "self-contained as well"
    write_build(Project(root, "local"))  # the frozen one is as it was


def test_what_a_rollout_sets_is_set_in_what_is_frozen(published: Path, root: Path) -> None:
    (published / "endpoints/online/score/score.py").write_text("print('tampered')\n")
    with pytest.raises(SpecError, match=r"endpoints/online/score/score.py differs"):
        write_spec(root, BLUE, model_version="9")
