"""A version in MLflow's registry as a model document of CLI v2, and back.

What MLflow has no field for is kept in tags: a version registered by a job with the MLflow client has none of them.
"""

import datetime
from pathlib import Path
from typing import Any

from .errors import WorkspaceError

VERSION = "azureml.version"  # the version that the person asked for, where they did
TYPE = "azureml.type"
ARCHIVED = "azureml.archived"
DIGEST = "azureml.digest"
PATH = "azureml.path"  # in the datastore that the person asked for, where they did
JOB = "azureml.job"  # also the tag that names a run's job
PROPERTY = "azureml.property."
TYPES = ("custom_model", "mlflow_model", "triton_model")
OWN = (VERSION, TYPE, ARCHIVED, DIGEST, PATH, JOB)
STAGES = ("None", "Staging", "Production", "Archived")

Version = dict[str, Any]


def tags_of(version: Version) -> dict[str, str]:
    """All tags of an MLflow version (or run data), ours among them."""
    return {tag["key"]: tag.get("value", "") for tag in version.get("tags", [])}


def number(version: Version) -> str:
    """The version as the workspace names it."""
    return tags_of(version).get(VERSION) or str(version["version"])


def archived(version: Version) -> bool:
    """Whether listings leave it out."""
    return ARCHIVED in tags_of(version)


def age(version: Version) -> tuple[int, int]:
    """What versions are sorted by: when they were made."""
    return int(version["creation_timestamp"]), int(version["version"])


def created_at(version: Version) -> str:
    """ISO 8601, UTC."""
    seconds = int(version["creation_timestamp"]) / 1000
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()


def stored_tags(doc: Version) -> dict[str, str]:
    """The user's tags and properties of a document as MLflow tags."""
    properties = {f"{PROPERTY}{key}": str(value) for key, value in (doc.get("properties") or {}).items()}
    return {**{key: str(value) for key, value in (doc.get("tags") or {}).items()}, **properties}


def kind(version: Version, place: Path | None) -> str:
    """The type; what a job registered through MLflow is an MLflow model if it has the file that makes it one."""
    stated = tags_of(version).get(TYPE)
    return stated or ("mlflow_model" if place and (place / "MLmodel").is_file() else "custom_model")


def document(version: Version, place: Path | None, path: str, job: str | None, workspace_id: str) -> Version:
    """The CLI v2 document.

    Args:
        version: as MLflow's REST API gives it.
        place: the model's files on this machine, None if they lie elsewhere.
        path: their URI.
        job: the job that made them.
    """
    tags = tags_of(version)
    doc: Version = {
        "name": version["name"],
        "version": number(version),
        "type": kind(version, place),
        "path": path,
        "tags": {k: v for k, v in tags.items() if k not in OWN and not k.startswith(PROPERTY)},
        "properties": {k.removeprefix(PROPERTY): v for k, v in tags.items() if k.startswith(PROPERTY)},
        "creation_context": {"created_at": created_at(version)},
        "id": f"azureml:{workspace_id}/models/{version['name']}/versions/{number(version)}",
    }
    stage = version.get("current_stage", "None")
    optional = {"description": version.get("description"), "stage": None if stage == "None" else stage, "job_name": job}
    return {**doc, **{key: value for key, value in optional.items() if value}}


def checked_type(doc: Version, content: Path) -> str:
    """The type that a document gives to `content`.

    Raises:
        WorkspaceError: no such type; nothing there; an mlflow_model without MLmodel.
    """
    kind = choice("type", doc.get("type") or TYPES[0], TYPES)
    if not content.exists():
        raise WorkspaceError(f"path: {doc['path']} does not exist.")
    if kind == "mlflow_model" and not (content / "MLmodel").is_file():
        raise WorkspaceError(
            f"path: {doc['path']} is not an MLflow model: it has no file MLmodel. "
            "Save the model with mlflow.<flavor>.save_model, or register it as type custom_model."
        )
    return kind


def choice(field: str, value: str, allowed: tuple[str, ...]) -> str:
    """The allowed value that equals `value` but for case.

    Raises:
        WorkspaceError: there is none.
    """
    found = next((option for option in allowed if option.lower() == value.lower()), None)
    if found is None:
        raise WorkspaceError(f"{field}: '{value}' is not one of {', '.join(allowed)}.")
    return found
