"""What can go wrong in a workspace, by what the person has to do about it."""


class WorkspaceError(Exception):
    """Anything that a person can act on; the message is printed as it is. Exit code 1."""


class NotFound(WorkspaceError):
    """An asset, job or workspace that does not exist. Exit code 3, as for any 404 of the service."""


class Conflict(WorkspaceError):
    """The same name and version exist with other content: versions are immutable. Exit code 1."""


class Unsupported(WorkspaceError):
    """Valid on Azure, refused by name here. Exit code 1."""
