"""`az ml batch-endpoint` and `batch-deployment`."""

from pathlib import Path
from typing import Any

from ml_workspace import WorkspaceError

from .session import workspace
from .updates import Overrides, deployment_to_update, endpoint_to_update, stated, texts

Row = dict[str, Any]


def create(
    cmd: Any,
    resource_group_name: str,
    workspace_name: str,
    file: str | None = None,
    name: str | None = None,
    params_override: Overrides | None = None,
) -> Row:
    """Make an endpoint from a spec, or update the one that is there; --name and --set go over the spec."""
    from .endpoint_specs import endpoint
    from .spec_errors import naming

    ws = workspace(resource_group_name, workspace_name)
    doc = endpoint("batch", file, [*stated(name=name), *(params_override or [])])
    with naming(file):
        return ws.batch.create(doc)


def show(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> Row:
    """One endpoint."""
    return workspace(resource_group_name, workspace_name).batch.get(name)


def list_endpoints(cmd: Any, resource_group_name: str, workspace_name: str) -> list[Row]:
    """All batch endpoints."""
    return workspace(resource_group_name, workspace_name).batch.list()


def edit(
    cmd: Any, resource_group_name: str, workspace_name: str, name: str | None = None, file: str | None = None
) -> Row:
    """One endpoint, for `update`; with --file it becomes what the file says."""
    batch = workspace(resource_group_name, workspace_name).batch
    return {"defaults": {}, **endpoint_to_update(batch, name, file)}


def set_defaults(instance: Row, defaults: str | None = None) -> Row:
    """Apply the flag that `update` has of its own.

    Raises:
        WorkspaceError: it is not as documented.
    """
    if defaults is None:
        return instance
    field, sign, name = defaults.partition("=")
    if field != "deployment_name" or not sign or not name:
        raise WorkspaceError(f"--defaults: '{defaults}' is not deployment_name=NAME.")
    return {**instance, "defaults": {"deployment_name": name}}


def save(cmd: Any, parameters: Row, resource_group_name: str, workspace_name: str) -> Row:
    """Write back what an update made of an endpoint (`parameters`)."""
    return workspace(resource_group_name, workspace_name).batch.update(parameters["name"], texts(parameters))


def delete(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> None:
    """Remove an endpoint with its deployments; its jobs stay."""
    workspace(resource_group_name, workspace_name).batch.delete(name)


def invoke(
    cmd: Any,
    name: str,
    resource_group_name: str,
    workspace_name: str,
    file: str | None = None,
    input: str | None = None,
    input_type: str | None = None,
    inputs: str | None = None,
    outputs: str | None = None,
    deployment_name: str | None = None,
    job_name: str | None = None,
    experiment_name: str | None = None,
    output_path: str | None = None,
    mini_batch_size: int | None = None,
    instance_count: int | None = None,
    params_override: Overrides | None = None,
) -> Row:
    """Start a job of an endpoint's default deployment, or of the one named."""
    from .invocation import SPEC, fields_of, inputs_of, outputs_of, single_input, specification

    ws, overrides = workspace(resource_group_name, workspace_name), params_override or []
    of_spec = [pair for pair in overrides if pair[0].split(".")[0] in SPEC]
    spec = specification(file, inputs, outputs, of_spec)
    data = inputs_of(spec)
    if input_type and not input:
        raise WorkspaceError("--input-type is the type of --input, which is missing.")
    if input:
        if data:
            raise WorkspaceError(f"--input is the only input there is, so leave out one of it and {', '.join(data)}.")
        data = single_input(ws, input, input_type)
    flags = stated(job_name=job_name, experiment_name=experiment_name, output_path=output_path,
                   mini_batch_size=mini_batch_size, instance_count=instance_count)  # fmt: skip
    request = {**dict(flags), **fields_of([pair for pair in overrides if pair not in of_spec])}
    request |= {key: value for key, value in (("inputs", data), ("outputs", outputs_of(spec))) if value}
    chosen = deployment_name or spec.get("deployment")
    return ws.batch.invoke(name, request, str(chosen).lower() if chosen else None)


def list_jobs(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> list[Row]:
    """The jobs of an endpoint, newest first."""
    return workspace(resource_group_name, workspace_name).batch.jobs(name)


def create_deployment(
    cmd: Any,
    resource_group_name: str,
    workspace_name: str,
    file: str | None = None,
    name: str | None = None,
    endpoint_name: str | None = None,
    params_override: Overrides | None = None,
    set_default: bool = False,
    skip_script_validation: bool = False,
    no_wait: bool = False,
) -> Row:
    """Make a deployment from a spec, or put it over the one that is there; flags and --set go over the spec."""
    from .endpoint_specs import deployment
    from .spec_errors import naming

    ws = workspace(resource_group_name, workspace_name)
    if set_default and no_wait:
        raise WorkspaceError("--set-default needs a deployment that is there, so it does not work with --no-wait.")
    fields = [*stated(name=name, endpoint_name=endpoint_name), *(params_override or [])]
    doc = deployment("batch", file, fields, not skip_script_validation)
    with naming(file):
        return ws.batch.create_deployment(doc, Path(file or ".").resolve().parent, set_default=set_default)


def show_deployment(cmd: Any, name: str, endpoint_name: str, resource_group_name: str, workspace_name: str) -> Row:
    """One deployment."""
    return workspace(resource_group_name, workspace_name).batch.deployment(endpoint_name, name.lower())


def list_deployments(cmd: Any, endpoint_name: str, resource_group_name: str, workspace_name: str) -> list[Row]:
    """The deployments of an endpoint."""
    return workspace(resource_group_name, workspace_name).batch.deployments(endpoint_name)


def edit_deployment(
    cmd: Any,
    resource_group_name: str,
    workspace_name: str,
    name: str | None = None,
    endpoint_name: str | None = None,
    file: str | None = None,
) -> Row:
    """One deployment, for `update`; with --file it becomes what the file says."""
    return deployment_to_update(workspace(resource_group_name, workspace_name).batch, name, endpoint_name, file)


def save_deployment(cmd: Any, parameters: Row, resource_group_name: str, workspace_name: str) -> Row:
    """Write back what an update made of a deployment (`parameters`)."""
    from .endpoint_specs import edited

    ws = workspace(resource_group_name, workspace_name)
    return ws.batch.update_deployment(edited("batch", parameters), Path.cwd())


def delete_deployment(cmd: Any, name: str, endpoint_name: str, resource_group_name: str, workspace_name: str) -> None:
    """Remove a deployment; its jobs stay."""
    workspace(resource_group_name, workspace_name).batch.delete_deployment(endpoint_name, name.lower())


def list_deployment_jobs(
    cmd: Any, name: str, endpoint_name: str, resource_group_name: str, workspace_name: str
) -> list[Row]:
    """The jobs of a deployment, newest first."""
    return workspace(resource_group_name, workspace_name).batch.jobs(endpoint_name, name.lower())
