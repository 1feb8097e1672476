"""Specs of endpoints and deployments, loaded and validated by azure-ai-ml, as the documents that the engine takes."""

import warnings
from pathlib import Path
from typing import Any

from ml_workspace import Unsupported

from .load import Document, absolute_paths, entity_of, plain_paths, remote
from .spec_errors import naming
from .updates import Overrides, texts

# What an engine's document has over a spec, and azure-ai-ml's schemas don't load.
READ_ONLY = ("creation_context", "provisioning_state", "error")


def endpoint(kind: str, file: str | None, overrides: Overrides) -> Document:
    """Load the spec of an endpoint.

    Args:
        kind: online or batch.
        file: path of the YAML file, None where the flags say it all.
        overrides: (dotted field, value) pairs that go over the file's own.

    Raises:
        WorkspaceError: what is wrong with it, by file and field.
        Unsupported: only Azure has what it asks for.
    """
    with naming(file):
        entity = entity_of(f"{kind}_endpoint", file, overrides)
        from azure.ai.ml.entities._endpoint._endpoint_helpers import validate_endpoint_or_deployment_name

        validate_endpoint_or_deployment_name(entity.name)
        doc: Document = entity._to_dict()
        if doc.get("compute"):
            raise Unsupported("compute: Kubernetes endpoints are not supported by the local workspace. Leave it out.")
        if kind == "online":
            refuse_tokens(doc)
    return texts(doc)


def refuse_tokens(doc: Document) -> None:
    """Refuse an online endpoint that does not authenticate by keys.

    Raises:
        Unsupported: it names the mode.
    """
    mode = str(doc.get("auth_mode") or "key").lower()
    if mode != "key":
        raise Unsupported(
            f"auth_mode: {mode} is not supported by the local workspace: only Azure gives out such tokens. Use key."
        )


def deployment(kind: str, file: str | None, overrides: Overrides, check_script: bool = True) -> Document:
    """Load the spec of a deployment; local paths in the result are absolute.

    The settings of a batch deployment of a model stand at the top of the document, as the service prints them.

    Args:
        kind: online or batch.
        file: path of the YAML file; None: `overrides` are all of the document.
        overrides: (dotted field, value) pairs that go over the file's own.
        check_script: look whether the scoring script is there and can be parsed, as Azure's client does it.

    Raises:
        WorkspaceError: what is wrong with it, by file and field.
        Unsupported: only Azure or Docker has what it asks for.
    """
    with naming(file):
        stated = _type(file, overrides)
        if stated == "kubernetes":
            raise Unsupported("type: kubernetes deployments are not supported by the local workspace. Use managed.")
        entity = _deployment_entity(kind, stated, file, overrides)
        if stated == "pipeline":
            doc = _of_pipeline(entity, Path(file or ".").resolve().parent)
        else:
            doc = _of_model(entity, Path(file).resolve().parent if file else Path.cwd(), check_script)
    return texts({key: value for key, value in doc.items() if value is not None})


def edited(kind: str, document: Document, check_script: bool = True) -> Document:
    """Load what --set, --add and --remove made of a deployment's document again, so that its types are right.

    Raises:
        WorkspaceError: what is wrong with it, by field.
    """
    fields = [(key, value) for key, value in document.items() if key not in READ_ONLY and value is not None]
    return deployment(kind, None, fields, check_script)


def _deployment_entity(kind: str, stated: str | None, file: str | None, overrides: Overrides) -> Any:
    name = f"{kind}_deployment"
    if kind == "batch" and stated == "pipeline":
        name = "pipeline_component_batch_deployment"
    elif kind == "batch" and stated == "model" and file:  # the engine's own document has no `settings`
        name = "model_batch_deployment"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a batch deployment without a type is deprecated, and works
        return entity_of(name, file, overrides)


def _of_model(entity: Any, base: Path, check_script: bool) -> Document:
    from azure.ai.ml._utils._endpoint_utils import validate_scoring_script
    from azure.ai.ml.entities import BatchDeployment

    entity._validate()
    code = entity.code_configuration
    if code and code.code:
        code._validate()
        if not remote(str(code.code)):
            code.code = str((base / code.code).resolve())
            if check_script:
                validate_scoring_script(entity)
    batch = isinstance(entity, BatchDeployment)
    doc: Document = plain_paths(BatchDeployment._to_dict(entity) if batch else entity._to_dict())
    environment = doc.get("environment")
    if isinstance(environment, dict) and environment.get("inference_config"):
        raise Unsupported(
            "environment.inference_config: custom containers need Docker, which the local workspace does without. "
            "Use a conda_file and a scoring script."
        )
    if doc.get("model_mount_path"):
        raise Unsupported("model_mount_path: it is for custom containers, which the local workspace does not support.")
    return doc


def _of_pipeline(entity: Any, base: Path) -> Document:
    from azure.ai.ml.entities import PipelineComponent

    if entity.job_definition:
        raise Unsupported(
            "job_definition: not supported by the local workspace. Make a pipeline component of the job and name it "
            "as `component`."
        )
    if isinstance(entity.component, PipelineComponent):
        absolute_paths(entity.component, Path(entity.component._base_path or base))
    doc: Document = plain_paths(entity._to_dict())
    return doc


def _type(file: str | None, overrides: Overrides) -> str | None:
    """The type that a spec states: azure-ai-ml has a loader for each."""
    from azure.ai.ml._utils.utils import load_yaml

    spec = load_yaml(file) if file else {}
    stated = {**(spec if isinstance(spec, dict) else {}), **dict(overrides)}.get("type")
    return str(stated).lower() if stated else None
