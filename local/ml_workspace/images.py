"""Environments without a conda file: what can be honoured of an image or a Docker build context without containers."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import dockerfile
from .errors import Unsupported, WorkspaceError

# `python:3.9`, `python3.9`, `-py39`, `-py3.9` in the name of an image.
PYTHON = (re.compile(r"(?:^|/)python:v?(3\.\d+(?:\.\d+)?)"), re.compile(r"(?<![a-z])py(?:thon)?(3)\.?(\d{1,2})(?!\d)"))
# The names of Microsoft's base images tell only the system; what a Dockerfile installs there is made for its Python.
BASE = re.compile(r"/azureml/[\w.-]*-ubuntu(\d+\.\d+)")
PYTHON_OF_BASE = {"18.04": "3.8", "20.04": "3.8"}  # that of later ones has changed over time
OTHER = re.compile(r"(?:^|/)(?:rocker|r-base|julia|openjdk|node|golang|rust|dotnet)(?:[/:-]|$)")


def with_conda_file(definition: dict[str, Any], place: Callable[[str], Path]) -> dict[str, Any]:
    """An environment document that can be built here, from one which may have only an image or a build context.

    `notes` are for the log of the jobs that use it; `variables` are environment variables of these jobs.

    Args:
        place: from the path or URI of a build context to its folder.

    Raises:
        Unsupported: the image is of another language, or the Dockerfile does more than install packages with pip.
    """
    if isinstance(definition.get("conda_file"), dict):
        return definition
    build = definition.get("build")
    if build:
        name = build.get("dockerfile_path") or "Dockerfile"
        found = dockerfile.read(place(str(build["path"])), name.lstrip("/"))
        base = BASE.search(found.image)
        python = PYTHON_OF_BASE.get(base[1] if base else "") or _python(found.image)
        lines = ["pip", *found.lines]
        note = f"{name} is not built: the job gets Python {python} with what it installs with pip (FROM {found.image})"
        return _document(definition, python, lines, note, found.variables)
    image = definition.get("image")
    if not image:
        raise WorkspaceError("environment: it has neither a conda_file nor an image nor a build context.")
    python = _python(image)
    note = f"Image {image} is not run: the job gets a plain Python {python} with pip, and nothing else of the image"
    return _document(definition, python, ["pip", "setuptools", "wheel"], note, {})


def _document(
    definition: dict[str, Any], python: str, lines: list[str], note: str, variables: dict[str, str]
) -> dict[str, Any]:
    conda = {"dependencies": [f"python={python}", {"pip": lines}]}
    return {**definition, "conda_file": conda, "notes": [note], "variables": variables}


def _python(image: str) -> str:
    """The version of Python that the name of an image tells, else that of the workspace."""
    if OTHER.search(image):
        raise Unsupported(f"image {image} is not of Python, and the local workspace runs no containers.")
    for pattern in PYTHON:
        found = pattern.search(image)
        if found:
            return ".".join(found.groups())
    return f"{sys.version_info.major}.{sys.version_info.minor}"
