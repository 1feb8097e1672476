"""The specs of the online endpoint, rendered for one model version: what gets submitted lies in build/<env>/."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scripts.rolling.scoring import Rows
from scripts.specs.build import folder_of
from scripts.specs.errors import SpecError
from scripts.specs.project import Project, Spec

SAMPLE = "sample_request.json"


@dataclass(frozen=True)
class Serving:
    """An online endpoint of the repository.

    Args:
        folder: of its specs.
        name: of the endpoint.
        keys: rendered spec -> what `write_build` calls it.
        file: rendered spec of the endpoint.
        files: deployment -> rendered spec, in order of preference: that of their names.
        content: hash of what the deployments are, whichever of them it is put into.
        sample: rows of the sample request.
    """

    folder: str
    name: str
    keys: Mapping[str, str]
    file: str
    files: Mapping[str, str]
    content: str
    sample: Rows


def serving_of(project: Project) -> Serving:
    """The online endpoint of a repository.

    Raises:
        SpecError: there is none, there are several, or it has fewer than two deployments or no sample request.
    """
    endpoints = [spec for spec in project.specs.values() if spec.kind.name == "online endpoint"]
    if len(endpoints) != 1:
        found = ", ".join(spec.template for spec in endpoints) or "none"
        raise SpecError("endpoints/online", f"one endpoint is rolled out to; there are: {found}")
    endpoint = endpoints[0]
    folder = endpoint.key.rpartition("/")[0]
    deployments = [
        spec
        for spec in project.specs.values()
        if spec.kind.name == "online deployment" and spec.key.rpartition("/")[0] == folder
    ]
    if len(deployments) < 2:
        raise SpecError(folder, "a rollout needs two deployments: one that serves and an idle one")
    try:
        sample = Rows.read(project.root / folder / SAMPLE)
    except ValueError as error:
        raise SpecError(f"{folder}/{SAMPLE}", str(error)) from error
    built = folder_of(project).relative_to(project.root).as_posix()
    return Serving(
        folder=folder,
        name=endpoint.name,
        keys={f"{built}/{spec.path}": spec.key for spec in (endpoint, *deployments)},
        file=f"{built}/{endpoint.path}",
        files={spec.name: f"{built}/{spec.path}" for spec in sorted(deployments, key=lambda spec: spec.name)},
        content=content_of(deployments),
        sample=sample,
    )


def content_of(deployments: list[Spec]) -> str:
    """Hash of what deployments are, without their tags: these change with each commit."""
    parts: list[Any] = [
        {
            "spec": {**spec.document, "tags": None},
            "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(spec.files.items())},
        }
        for spec in sorted(deployments, key=lambda spec: spec.name)
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]
