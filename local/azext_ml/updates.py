"""What flags and the file of `update --file` say of an endpoint or a deployment."""

from typing import Any

from ml_workspace import WorkspaceError

from .assets import editable

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


def texts(document: Row) -> Row:
    """A document with texts in its maps of texts: YAML and --set make a number of 1, the service keeps a text."""
    maps = {key: document[key] for key in ("tags", "properties", "environment_variables") if document.get(key)}
    return {**document, **{key: {name: str(item) for name, item in value.items()} for key, value in maps.items()}}
