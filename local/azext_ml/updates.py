"""What flags and the file of `update --file` say of an endpoint or a deployment."""

from typing import TYPE_CHECKING, Any

from ml_workspace import WorkspaceError

from .assets import editable

if TYPE_CHECKING:
    from ml_workspace.batch import BatchEndpoints
    from ml_workspace.online import OnlineEndpoints

Row = dict[str, Any]
Overrides = list[tuple[str, Any]]
# What an endpoint keeps where the file of `update --file` does not state it.
ROUTING = ("traffic", "mirror_traffic", "defaults")
OF_SERVICE = ("id", "name", "endpoint_name", "location", "scoring_uri", "openapi_uri", "provisioning_state",
              "creation_context", "auth_mode", "identity", "properties", "type")  # fmt: skip


def stated(**fields: Any) -> Overrides:
    """The fields that flags give, as overrides of a spec."""
    return [(name, value) for name, value in fields.items() if value is not None]


def named(name: str | None, what: str, flag: str = "--name") -> str:
    """A name that a flag or the file of --file has to give.

    Raises:
        WorkspaceError: neither does.
    """
    if not name:
        raise WorkspaceError(f"The {what} has no name: give {flag}, or the field for it in the file of --file.")
    return name


def restated(row: Row, spec: Row) -> Row:
    """A document for `update`, or with the spec of --file what that makes of it.

    The file is the whole truth: what it leaves out is gone. But an endpoint goes on routing as it does.
    """
    if not spec:
        return editable(row)
    kept = {key: row[key] for key in (*OF_SERVICE, *ROUTING) if key in row}
    return editable({**kept, **{key: value for key, value in spec.items() if value not in (None, {}, [])}})


def endpoint_to_update(endpoints: "OnlineEndpoints | BatchEndpoints", name: str | None, file: str | None) -> Row:
    """One endpoint, for `update`; with --file it becomes what the file says."""
    spec: Row = {}
    if file:
        from .endpoint_specs import endpoint

        spec = endpoint(endpoints.kind, file, stated(name=name))
    return restated(endpoints.get(named(name or spec.get("name"), "endpoint")), spec)


def deployment_to_update(
    endpoints: "OnlineEndpoints | BatchEndpoints",
    name: str | None,
    endpoint_name: str | None,
    file: str | None,
    check_script: bool = True,
) -> Row:
    """One deployment, for `update`; with --file it becomes what the file says."""
    spec: Row = {}
    if file:
        from .endpoint_specs import deployment

        spec = deployment(endpoints.kind, file, stated(name=name, endpoint_name=endpoint_name), check_script)
    endpoint = named(endpoint_name or spec.get("endpoint_name"), "endpoint of the deployment", "--endpoint-name")
    return restated(endpoints.deployment(endpoint, named(name or spec.get("name"), "deployment").lower()), spec)


def texts(document: Row) -> Row:
    """A document with texts in its maps of texts: YAML and --set make a number of 1, the service keeps a text."""
    maps = {key: document[key] for key in ("tags", "properties", "environment_variables") if document.get(key)}
    return {**document, **{key: {name: str(item) for name, item in value.items()} for key, value in maps.items()}}
