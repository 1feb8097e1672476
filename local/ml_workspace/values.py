"""What flows between jobs: literals and data, with what makes them equal to those of an earlier run."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import WorkspaceError
from .snapshots import file_sha256

if TYPE_CHECKING:
    from .workspace import Workspace


@dataclass(frozen=True)
class Value:
    """A literal, or data at a place of this machine.

    Args:
        text: the literal as text, or the local path.
        identity: equal identities mean equal content.
        uri: azureml:// URI of data, empty for a literal.
        type: type of the data or literal.
    """

    text: str
    identity: str
    uri: str = ""
    type: str = "string"


def literal(text: str) -> Value:
    """The value of a literal input."""
    return Value(text, f"literal {text}")


def data(ws: "Workspace", bound: dict[str, Any], where: str) -> Value:
    """The value of a data input that a plan has resolved.

    Raises:
        WorkspaceError: there is nothing at its path.
    """
    path = ws.resolve.path(bound["uri"])
    if not path.exists():
        raise WorkspaceError(f"{where}: there is nothing at {bound['uri']} ({path}).")
    identity = f"{bound['asset']} {bound['uri']}" if bound["asset"] else f"content {content(ws, path)}"
    return Value(str(path), identity, bound["uri"], bound["type"])


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
