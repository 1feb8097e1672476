"""What flows between jobs: literals and data, with what makes them equal to those of an earlier run."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import remote
from .errors import WorkspaceError
from .snapshots import file_sha256

if TYPE_CHECKING:
    from .workspace import Workspace


PROVIDER = "/providers/Microsoft.MachineLearningServices/"  # in an ARM id, not in a URI


@dataclass(frozen=True)
class Value:
    """A literal, or data at a place of this machine.

    Args:
        text: the literal as text, or the local path.
        identity: equal identities mean equal content.
        uri: azureml:// URI of data, empty for a literal.
        type: type of the data or literal.
        writer: the job that has written the data, empty if none of the workspace's jobs has.
    """

    text: str
    identity: str
    uri: str = ""
    type: str = "string"
    writer: str = ""


def literal(text: str) -> Value:
    """The value of a literal input."""
    return Value(text, f"literal {text}")


def data(ws: "Workspace", bound: dict[str, Any], where: str) -> Value:
    """The value of a data input that a plan has resolved.

    Raises:
        WorkspaceError: there is nothing at its path.
    """
    uri = bound["uri"]
    path = remote.fetch(ws, uri, bound["type"], where) if remote.is_remote(uri) else ws.resolve.path(uri)
    if not path.exists():
        raise WorkspaceError(f"{where}: there is nothing at {uri} ({path}).")
    pinned = bound["asset"] and not remote.is_remote(uri)
    identity = f"{bound['asset']} {uri}" if pinned else f"content {content(ws, path)}"
    return Value(str(path), identity, uri, bound["type"])


def delivered(ws: "Workspace", value: Value, mode: str | None) -> str:
    """What a command is given for an input: the literal, the local path, or in mode `direct` the URI, as on Azure."""
    if mode != "direct" or not value.uri:
        return value.text
    return value.uri.replace("azureml://datastores/", f"azureml:/{ws.id}/datastores/".replace(PROVIDER, "/"), 1)


def content(ws: "Workspace", path: Path) -> str:
    """SHA-256 over names and bytes of a file or folder. A file whose size and time are as before is not read again."""
    if path.is_file():
        return _file(ws, path)
    total = hashlib.sha256()
    for base, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            file = Path(base, name)
            total.update(f"{file.relative_to(path).as_posix()}\0{_file(ws, file)}\n".encode())
    return total.hexdigest()


def _file(ws: "Workspace", path: Path) -> str:
    stat = path.stat()
    known = ws.catalog.row("SELECT * FROM digests WHERE path = ?", str(path))
    if known and (known["size"], known["mtime_ns"]) == (stat.st_size, stat.st_mtime_ns):
        return str(known["sha256"])
    sha256 = file_sha256(path)
    ws.catalog.rows(
        "INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)", str(path), stat.st_size, stat.st_mtime_ns, sha256
    )
    return sha256
