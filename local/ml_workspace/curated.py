"""Microsoft's curated environments: what stands for them here, by their names."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from .errors import Unsupported

IN_REGISTRY = re.compile(
    r"^(?:azureml:)?azureml://registries/azureml/environments/(?P<name>[^/]+)/(?:versions|labels)/(?P<version>[^/]+)$"
)
IN_WORKSPACE = re.compile(r"^azureml:AzureML-(?P<name>[\w.-]+?)(?:[:@](?P<version>[\w.-]+))?$")
# How the older names tell the image: -ubuntu20.04-py38-cpu, -cuda11-gpu, -inference.
IMAGE = re.compile(r"(-(ubuntu[\d.]+|py\d+|cpu|gpu|cuda[\d.]*|cudnn[\d.]*|inference))+$")
# They need more than the workspace's own Python: what PyPI has for them here are the gigabytes of CUDA.
FOR_GPUS = re.compile(r"^(acpt|acft|pytorch|ai-ml-automl-dnn|dnn|hugging|transformers|deepspeed)")
TABLE = Path(__file__).with_name("curated.toml")


def is_curated(reference: str) -> bool:
    """Whether a reference names an environment of Microsoft's."""
    return bool(IN_REGISTRY.match(reference) or IN_WORKSPACE.match(reference))


def environment(reference: str) -> dict[str, Any]:
    """The environment document of what stands for a curated environment; `notes` say so in the log of a job.

    Raises:
        Unsupported: nothing here can stand for it; the message says which there are.
    """
    found = IN_REGISTRY.match(reference) or IN_WORKSPACE.match(reference)
    assert found is not None
    name = found["name"].removeprefix("AzureML-")
    family = IMAGE.sub("", name)
    for stand_in in _table():
        if any(re.fullmatch(pattern, known) for pattern in stand_in["names"] for known in (name, family)):
            return _document(found["name"], found["version"] or "latest", stand_in)
    if FOR_GPUS.match(name):
        raise Unsupported(
            f"the curated environment {name} is made for GPUs, and the local workspace has none. "
            "For a run on CPUs give the job an environment with a conda_file that lists what it needs; "
            "wheels of torch for CPUs are on PyTorch's own index, see local/README.md."
        )
    known = ", ".join(stand_in["name"] for stand_in in _table())
    raise Unsupported(
        f"nothing in the local workspace stands for the curated environment {name}; it knows those of {known}. "
        "Give the job an environment with a conda_file."
    )


def _document(name: str, version: str, stand_in: dict[str, Any]) -> dict[str, Any]:
    packages = stand_in["packages"]
    place = "labels/latest" if version == "latest" else f"versions/{version}"
    note = f"Curated environment {name} ({version}): here stands for it, without its image: {', '.join(packages)}"
    return {
        "name": name,
        "version": version,
        "id": f"azureml://registries/azureml/environments/{name}/{place}",
        "conda_file": {"dependencies": ["pip", {"pip": packages}]},
        "notes": [note],
    }


@cache
def _table() -> list[dict[str, Any]]:
    with TABLE.open("rb") as file:
        stand_ins: list[dict[str, Any]] = tomllib.load(file)["stand_in"]
    return stand_ins
