"""Environments without a conda file: which Python an image means, and what stands for Microsoft's curated ones."""

from pathlib import Path

import pytest
from ml_workspace import curated
from ml_workspace.conda import requirements
from ml_workspace.errors import Unsupported, WorkspaceError
from ml_workspace.images import with_conda_file


@pytest.mark.parametrize(
    ("image", "python"),
    [
        ("python", "3.11"),
        ("library/python:latest", "3.11"),
        ("python:3.9-slim", "3.9"),
        ("docker.io/library/python:3.11.6", "3.11.6"),
        ("mcr.example/azureml/minimal-ubuntu20.04-py38-cpu", "3.8"),
        ("mcr.example/azureml/openmpi4.1.0-ubuntu20.04:latest", "3.11"),
        ("pytorch/pytorch:2.1.0", "3.11"),
        ("mycompany/happy3:1", "3.11"),
    ],
)
def test_an_image_means_a_plain_python(image, python):
    built = with_conda_file({"name": "own", "version": "1", "image": image}, Path)
    wanted = requirements(built)
    assert wanted.python == python
    assert wanted.lines == ("pip", "setuptools", "wheel")
    assert built["notes"] == [
        f"Image {image} is not run: the job gets a plain Python {python} with pip, and nothing else of the image"
    ]


def test_an_image_of_another_language_and_none_at_all_are_refused():
    with pytest.raises(Unsupported, match=r"rocker/tidyverse:4\.0 is not of Python"):
        with_conda_file({"image": "rocker/tidyverse:4.0"}, Path)
    with pytest.raises(WorkspaceError, match="neither a conda_file nor an image nor a build context"):
        with_conda_file({"name": "own"}, Path)


@pytest.mark.parametrize(
    ("image", "python"),
    [("python:3.8.13", "3.8.13"), ("mcr.example/azureml/openmpi4.1.0-ubuntu20.04", "3.8"), ("ubuntu:20.04", "3.11")],
)
def test_a_build_context_means_what_its_dockerfile_installs(tmp_path, image, python):
    (tmp_path / "Dockerfile").write_text(f"FROM {image}\nENV MODE=batch\nRUN pip install six==1.16\n")
    definition = {"name": "own", "version": "1", "build": {"path": "blob", "dockerfile_path": "/Dockerfile"}}
    built = with_conda_file(definition, {"blob": tmp_path}.__getitem__)
    wanted = requirements(built)
    assert (wanted.python, wanted.lines) == (python, ("pip", "six==1.16"))
    assert built["variables"] == {"MODE": "batch"}
    assert f"(FROM {image})" in built["notes"][0]


def test_a_conda_file_is_taken_as_it_is():
    definition = {"name": "own", "image": "rocker/r-ver", "conda_file": {"dependencies": []}}
    assert with_conda_file(definition, Path) == definition


@pytest.mark.parametrize(
    ("reference", "name", "version", "package"),
    [
        ("azureml://registries/azureml/environments/sklearn-1.5/labels/latest", "sklearn-1.5", "latest",
         "scikit-learn"),
        ("azureml:azureml://registries/azureml/environments/sklearn-1.1/versions/29", "sklearn-1.1", "29",
         "scikit-learn"),
        ("azureml:AzureML-sklearn-1.0-ubuntu20.04-py38-cpu@latest", "sklearn-1.0-ubuntu20.04-py38-cpu", "latest",
         "scikit-learn"),
        ("azureml:AzureML-lightgbm-3.2-ubuntu18.04-py37-cpu:3", "lightgbm-3.2-ubuntu18.04-py37-cpu", "3", "lightgbm"),
        ("azureml:AzureML-tensorflow-2.16-cuda11@latest", "tensorflow-2.16-cuda11", "latest", "tensorflow-cpu"),
        ("azureml:AzureML-minimal-ubuntu18.04-py37-cpu-inference:1", "minimal-ubuntu18.04-py37-cpu-inference", "1",
         "azureml-inference-server-http"),
    ],
)  # fmt: skip
def test_something_stands_for_a_curated_environment_and_says_so(reference, name, version, package):
    assert curated.is_curated(reference)
    document = curated.environment(reference)
    assert (document["name"], document["version"]) == (name, version)
    assert any(line.startswith(package) for line in requirements(document).lines)
    assert document["notes"][0].startswith(f"Curated environment {name} ({version}): here stands for it")
    assert package in document["notes"][0]
    server = "azureml-inference-server-http"
    assert any(line.startswith(server) for line in requirements(document).lines), "models are served in it, too"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("acpt-pytorch-2.2-cuda12.1", "made for GPUs"),
        ("pytorch-1.9-ubuntu18.04-py37-cuda11-gpu", "made for GPUs"),
        ("designer", "nothing in the local workspace stands for the curated environment designer; it knows those of"),
    ],
)
def test_a_curated_environment_that_nothing_can_stand_for_is_refused(name, why):
    with pytest.raises(Unsupported, match=why) as caught:
        curated.environment(f"azureml://registries/azureml/environments/{name}/labels/latest")
    assert "conda_file" in str(caught.value)


@pytest.mark.parametrize(
    "reference", ["azureml:sklearn-1.0@latest", "azureml://registries/own/environments/sklearn-1.5/labels/latest"]
)
def test_other_environments_are_not_curated(reference):
    assert not curated.is_curated(reference)
