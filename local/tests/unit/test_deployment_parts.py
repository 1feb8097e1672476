"""What a deployment is made of: the files and the environment of its model, and where all of it lies."""

import fcntl
import os

import pytest
from ml_workspace import NotFound, WorkspaceError
from ml_workspace import deployment_parts as parts
from ml_workspace.conda import requirements
from ml_workspace.serving_folder import ServingFolder, write_secret

CONDA = """
name: mlflow-env
channels: [conda-forge]
dependencies:
- python=3.11.7
- pip<=26
- pip:
  - scikit-learn==1.5.2
"""


def model(place):
    return parts.Model("azureml:x", "m", "3", "mlflow_model", str(place))


def test_a_model_is_laid_below_its_name_and_version_without_copying_it(tmp_path):
    (tmp_path / "weights" / "deep").mkdir(parents=True)
    (tmp_path / "weights" / "deep" / "w").write_text("7")
    target = parts.lay_model(model(tmp_path / "weights"), tmp_path / "plan")
    assert target == tmp_path / "plan" / "azureml-models" / "m" / "3"
    walked = [(os.path.relpath(base, target), names) for base, _, names in os.walk(target) if names]
    assert walked == [("weights/deep", ["w"])]
    assert (target / "weights" / "deep" / "w").samefile(tmp_path / "weights" / "deep" / "w")
    # A file, and another time.
    target = parts.lay_model(model(tmp_path / "weights" / "deep" / "w"), tmp_path / "plan")
    assert [each.name for each in target.iterdir()] == ["w"]


def test_a_model_whose_files_are_gone_is_named(tmp_path):
    with pytest.raises(NotFound, match="the files of m:3 are missing"):
        parts.lay_model(model(tmp_path / "gone"), tmp_path / "plan")


def test_an_mlflow_model_brings_its_environment_and_gets_the_server_too(tmp_path):
    (tmp_path / "conda.yaml").write_text(CONDA)
    wanted = requirements(parts.environment_of_model(model(tmp_path), ("azureml-inference-server-http~=1.5",)))
    assert (wanted.name, wanted.python) == ("m-mlflow:3", "3.11.7")
    assert wanted.lines[-2:] == ("scikit-learn==1.5.2", "azureml-inference-server-http~=1.5")


@pytest.mark.parametrize("text", [None, "- a: [", "dependencies: none", "text"])
def test_an_mlflow_model_without_a_list_of_packages_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "conda.yaml").write_text(text)
    with pytest.raises(WorkspaceError, match=r"m:3.*conda\.yaml"):
        parts.environment_of_model(model(tmp_path), ())


def test_folders_of_what_there_is_no_more_are_removed_and_nothing_else(tmp_path):
    folder = ServingFolder(tmp_path)
    folder.make()
    for endpoint in ("e11", "gone", "ending", "new"):
        write_secret(folder.keys(endpoint), "{}")
    for endpoint, deployment in (("e11", "blue"), ("e11", "green"), ("gone", "blue"), ("ending", "blue")):
        write_secret(folder.token(endpoint, deployment), "secret")
        folder.revision(endpoint, deployment, "old").mkdir()
    folder.revision("e11", "blue", "kept").mkdir()
    folder.revision("ending", "blue", "runs").mkdir()

    def endpoints():
        with folder.keys_lock.open() as stream, pytest.raises(BlockingIOError):
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)  # nobody makes one meanwhile
        return ["e11", "new"]

    folder.tidy({"kept", "runs"}, {("e11", "blue")}, endpoints)
    assert sorted(str(each.relative_to(folder.path)) for each in folder.path.rglob("*")) == [
        "e11", "e11/blue", "e11/blue/kept", "e11/blue/token", "e11/keys.json",
        "ending", "ending/blue", "ending/blue/runs", "ending/blue/token", "ending/keys.json",
        "keys.lock", "new", "new/keys.json", "s",
    ]  # fmt: skip
