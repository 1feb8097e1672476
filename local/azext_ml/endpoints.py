"""`az ml online-endpoint`."""

import json
from pathlib import Path
from typing import Any

from ml_workspace import NotFound, WorkspaceError

from .session import workspace
from .updates import Overrides, endpoint_to_update, stated, texts

Row = dict[str, Any]


def create(
    cmd: Any,
    resource_group_name: str,
    workspace_name: str,
    file: str | None = None,
    name: str | None = None,
    auth_mode: str | None = None,
    params_override: Overrides | None = None,
    no_wait: bool = False,
) -> Row:
    """Make an endpoint from a spec; flags that name a field and --set go over it."""
    from .endpoint_specs import endpoint
    from .spec_errors import naming

    ws = workspace(resource_group_name, workspace_name)
    doc = endpoint("online", file, [*stated(name=name, auth_mode=auth_mode), *(params_override or [])])
    with naming(file):
        return ws.online.create(doc, wait=not no_wait)


def show(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> Row:
    """One endpoint."""
    return workspace(resource_group_name, workspace_name).online.get(name)


def list_endpoints(cmd: Any, resource_group_name: str, workspace_name: str) -> list[Row]:
    """All online endpoints."""
    return workspace(resource_group_name, workspace_name).online.list()


def edit(
    cmd: Any, resource_group_name: str, workspace_name: str, name: str | None = None, file: str | None = None
) -> Row:
    """One endpoint, for `update`; with --file it becomes what the file says."""
    return endpoint_to_update(workspace(resource_group_name, workspace_name).online, name, file)


def route(instance: Row, traffic: str | None = None, mirror_traffic: str | None = None) -> Row:
    """Apply the flags that `update` has of its own; each replaces what was."""
    given = {"traffic": traffic, "mirror_traffic": mirror_traffic}
    return {**instance, **{key: shares(key, text) for key, text in given.items() if text is not None}}


def save(cmd: Any, parameters: Row, resource_group_name: str, workspace_name: str, no_wait: bool = False) -> Row:
    """Write back what an update made of an endpoint (`parameters`)."""
    from .endpoint_specs import refuse_tokens

    refuse_tokens(parameters)
    online = workspace(resource_group_name, workspace_name).online
    return online.update(parameters["name"], texts(parameters), wait=not no_wait)


def delete(cmd: Any, name: str, resource_group_name: str, workspace_name: str, no_wait: bool = False) -> None:
    """End an endpoint with all its deployments."""
    try:
        workspace(resource_group_name, workspace_name).online.delete(name, wait=not no_wait)
    except NotFound as error:
        raise WorkspaceError(str(error)) from error  # exit code 1, not 3: Azure's client trips over the answer


def invoke(
    cmd: Any,
    name: str,
    resource_group_name: str,
    workspace_name: str,
    request_file: str | None = None,
    deployment_name: str | None = None,
) -> str:
    """The text that the endpoint answers; it is printed as JSON, so what is JSON itself is quoted, as on Azure."""
    ws = workspace(resource_group_name, workspace_name)
    if not request_file:
        raise WorkspaceError("There is no request: give a file with JSON as --request-file.")
    try:
        body = Path(request_file).expanduser().read_bytes()
        json.loads(body)
    except OSError as error:
        raise WorkspaceError(f"--request-file {request_file} can't be read: {error.strerror}.") from error
    except ValueError as error:
        raise WorkspaceError(f"--request-file {request_file} is not JSON: {error}.") from error
    return ws.online.invoke(name, body, deployment_name.lower() if deployment_name else None)


def get_credentials(cmd: Any, name: str, resource_group_name: str, workspace_name: str) -> Row:
    """The two keys of an endpoint."""
    return workspace(resource_group_name, workspace_name).online.keys(name)


def regenerate_keys(
    cmd: Any,
    name: str,
    resource_group_name: str,
    workspace_name: str,
    key_type: str = "primary",
    no_wait: bool = False,
) -> None:
    """Make one of the keys anew; the old one is refused from then on."""
    online = workspace(resource_group_name, workspace_name).online
    online.regenerate(name, key_type, wait=not no_wait)


def shares(flag: str, text: str) -> dict[str, int]:
    """Percentages by deployment, of a text such as `blue=90 green=10`.

    Raises:
        WorkspaceError: it is none.
    """
    found = {}
    option = f"--{flag.replace('_', '-')}"
    if not text.strip():
        raise WorkspaceError(f'{option} is empty: give DEPLOYMENT=PERCENT pairs, such as {option} "blue=100 green=0"')
    for pair in text.split():
        name, sign, percent = pair.partition("=")
        if not name or not sign or not percent.isdecimal():
            raise WorkspaceError(f"{option}: '{pair}' is not DEPLOYMENT=PERCENT. Write: {option} \"blue=90 green=10\"")
        found[name.lower()] = int(percent)
    return found
