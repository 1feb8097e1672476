"""An Azure ML workspace in a folder: assets, jobs, environments, runs. Standard library only; knows nothing of `az`."""

from .errors import Conflict, NotFound, Unsupported, WorkspaceError
from .workspace import Workspace

__all__ = ["Conflict", "NotFound", "Unsupported", "Workspace", "WorkspaceError"]
