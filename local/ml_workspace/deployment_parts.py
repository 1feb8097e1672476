"""What a deployment is made of, its references resolved: model, environment, code. Both kinds of endpoints use it."""

import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import images, snapshots
from .catalog import Row
from .errors import NotFound, WorkspaceError
from .resolve import CODE_ID, REGISTRY_ASSET, asset_reference

if TYPE_CHECKING:
    from .workspace import Workspace


@dataclass(frozen=True)
class Model:
    """A registered model."""

    id: str
    """azureml:/subscriptions/… or azureml://registries/…"""
    name: str
    version: str
    type: str
    place: str
    """Its file or folder on this machine."""


def model(ws: "Workspace", given: Any) -> Model | None:
    """The model of a deployment; one that is given by its files is registered first, as on Azure.

    Args:
        given: `azureml:NAME:VERSION`, `azureml:NAME@latest`, an id, or the document of a model; None for none.

    Raises:
        NotFound: no such model.
        WorkspaceError: its files are missing.
    """
    if not given:
        return None
    if isinstance(given, dict):
        if not given.get("path"):
            raise WorkspaceError("model: path: is missing.")
        found = ws.models.create({**given, "version": str(given.get("version") or "1")})
    elif REGISTRY_ASSET.match(str(given)):
        found = ws.assets.at("model", str(given))
    else:
        name, version, label = asset_reference(str(given))
        found = ws.models.get(name, version, label or (None if version else "latest"))
    place = str(ws.resolve.path(found["path"]))
    named = Model(found["id"], found["name"], found["version"], found["type"], place)
    files_of(named)
    return named


def files_of(found: Model) -> Path:
    """The file or folder of a model.

    Raises:
        NotFound: it is gone.
    """
    place = Path(found.place)
    if not place.exists():
        raise NotFound(f"model: the files of {found.name}:{found.version} are missing: there is nothing at {place}.")
    return place


def environment(ws: "Workspace", given: Any) -> tuple[str, Row]:
    """(reference for the document, environment document that can be built) of a deployment's environment.

    Args:
        given: a reference or the document of an environment, which is registered first.

    Raises:
        NotFound: no such environment.
        Unsupported: it can't be built on this machine.
    """
    document = ws.assets.create("environment", given) if isinstance(given, dict) else ws.assets.at("environment", given)
    document = images.with_conda_file(document, ws.resolve.path)
    ws.environments.digest(document)  # refuses what can't be built here
    return str(document.get("id") or given), document


def environment_of_model(found: Model, packages: tuple[str, ...]) -> Row:
    """Document of the environment that an MLflow model asks for by its conda.yaml, with more packages.

    Raises:
        WorkspaceError: it has no conda.yaml that lists its packages.
    """
    import yaml  # comes with azure-ai-ml; those who only look don't need it

    file = Path(found.place) / "conda.yaml"
    try:
        conda = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise WorkspaceError(
            f"model: {found.name}:{found.version} can't be deployed without code_configuration and environment: "
            f"its {file.name} can't be read ({error}). Save it with mlflow.<flavor>.save_model."
        ) from error
    if not isinstance(conda, dict) or not isinstance(conda.get("dependencies"), list):
        raise WorkspaceError(f"model: {found.name}:{found.version}: its {file.name} has no list of dependencies.")
    conda = {**conda, "dependencies": [*conda["dependencies"], {"pip": list(packages)}]}
    return {"name": f"{found.name}-mlflow", "version": found.version, "conda_file": conda}


def code(ws: "Workspace", configuration: dict[str, Any] | None, source: Path) -> Row | None:
    """{code: id, sha256, folder: name of the code's folder, script} of a code_configuration, kept as a snapshot.

    Raises:
        WorkspaceError: no code or script; the script isn't in the code.
    """
    if not configuration:
        return None
    script, given = configuration.get("scoring_script"), configuration.get("code")
    if not given or not script:
        missing = "scoring_script" if given else "code"
        raise WorkspaceError(f"code_configuration: {missing}: is missing.")
    known = CODE_ID.search(str(given))
    folder = source / str(given)
    sha256 = known["sha256"] if known else snapshots.store(folder, ws.path / "snapshots")
    snapshot = ws.path / "snapshots" / sha256
    if not snapshot.exists():
        raise NotFound(f"code_configuration: code: {given} was not found in workspace '{ws.name}'.")
    root = snapshot.resolve()
    place = (root / str(script)).resolve()
    if not place.is_relative_to(root) or not place.is_file():
        raise WorkspaceError(f"code_configuration: scoring_script: there is no file {script} in {given}.")
    name = "code" if known else folder.resolve().name
    return {"code": f"azureml:{ws.id}/codes/{sha256}/versions/1", "sha256": sha256, "folder": name, "script": script}


def lay_model(found: Model, folder: Path) -> Path:
    """Lay a model's files below `folder` as Azure does; returns AZUREML_MODEL_DIR, which has what was registered in it.

    Folders are real and files are links, so that a walk finds all of them and nothing is copied.

    Raises:
        NotFound: the files are gone.
    """
    place = files_of(found)
    target = folder / "azureml-models" / found.name / found.version
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    if place.is_dir():
        shutil.copytree(place, target / place.name, copy_function=os.symlink)
    else:
        (target / place.name).symlink_to(place)
    return target


def as_row(found: Model | None) -> Row | None:
    """As JSON, for a plan."""
    return asdict(found) if found else None
