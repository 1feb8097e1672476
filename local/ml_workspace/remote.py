"""Data behind https and in public blob containers (wasbs): fetched when a job needs it, once while it is unchanged.

What was fetched is kept in the workspace's blob store. The server is asked each time whether it is still the same; if
it can't be reached, what is kept is used.
"""

import hashlib
import shutil
import tempfile
import urllib.request
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlencode, urlsplit

from .errors import Unsupported, WorkspaceError

if TYPE_CHECKING:
    from .workspace import Workspace

TIMEOUT = 60.0  # seconds without a byte
SCHEMES = {"https": "https", "http": "http", "wasbs": "https", "wasb": "http"}
UNCHANGED = 304


def is_remote(uri: str) -> bool:
    """Whether a URI is one of https or of a blob container."""
    return uri.partition("://")[0] in SCHEMES and "://" in uri


def validate(uri: str, kind: str, where: str) -> None:
    """Refuse what can't be fetched.

    Raises:
        Unsupported: it is a folder of a server that can't be asked what is in it.
    """
    if kind != "uri_file" and not _is_blob(uri):
        raise Unsupported(
            f"{where}: {uri}: over https the local workspace can fetch a uri_file, not a {kind}, since only a blob "
            "container tells what is in it; copy it here and give its path."
        )


def fetch(ws: "Workspace", uri: str, kind: str, where: str) -> Path:
    """The path in the workspace of the file, or the folder, that a URI names.

    Raises:
        WorkspaceError: it can't be had.
    """
    kept = ws.path / "datastores" / "workspaceblobstore" / "https" / hashlib.sha256(uri.encode()).hexdigest()[:32]
    try:
        if kind != "uri_file":
            return _folder(_url(uri), kept / "folder")
        return _file(_url(uri), kept / (unquote(Path(urlsplit(uri).path).name) or "file"))
    except (OSError, ET.ParseError) as error:
        reason = error.reason if type(error) is URLError else error
        raise WorkspaceError(f"{where}: {uri} can't be read: {reason}") from error


def _is_blob(uri: str) -> bool:
    return uri.startswith("wasb") or ".blob." in str(urlsplit(uri).hostname)


def _url(uri: str) -> str:
    """wasbs://CONTAINER@HOST/PATH as https://HOST/CONTAINER/PATH."""
    scheme, _, rest = uri.partition("://")
    container, at, rest_ = rest.partition("@")
    if scheme.startswith("wasb") and at:
        host, _, path = rest_.partition("/")
        rest = f"{host}/{container}/{path}"
    return f"{SCHEMES[scheme]}://{rest}"


def _file(url: str, place: Path) -> Path:
    """Download a file to `place`, unless what lies there is still what the server has."""
    tag = place.with_name(f".{place.name}.etag")
    known = tag.read_text(encoding="utf-8") if place.exists() and tag.exists() else None
    request = urllib.request.Request(url, headers={"If-None-Match": known} if known else {})
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkstemp(dir=place.parent, prefix=".draft-")[1])
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as source, draft.open("wb") as file:
            shutil.copyfileobj(source, file)
            tag.write_text(source.headers.get("ETag") or "", encoding="utf-8")
        return draft.replace(place)
    except HTTPError as error:
        if error.code != UNCHANGED:
            raise
    except URLError:
        if not place.exists():
            raise
    finally:
        draft.unlink(missing_ok=True)
    return place


def _folder(url: str, place: Path) -> Path:
    """Download the blobs below a URL; those that are no longer there are removed."""
    parts = urlsplit(url)
    container, _, prefix = parts.path.lstrip("/").partition("/")
    prefix = f"{unquote(prefix).rstrip('/')}/" if prefix.strip("/") else ""
    base = f"{parts.scheme}://{parts.netloc}/{container}"
    try:
        names = _listed(base, prefix)
    except URLError as error:
        if isinstance(error, HTTPError) or not place.exists():
            raise
        return place
    if not names:
        raise FileNotFoundError(f"there are no blobs below {prefix or container}")
    files = {_file(f"{base}/{quote(name)}", _inside(place, name.removeprefix(prefix))) for name in names}
    for path in [*place.rglob("*")]:
        if path.is_file() and not path.name.startswith(".") and path not in files:
            path.unlink()
    return place


def _listed(container: str, prefix: str) -> list[str]:
    """Names of the blobs of a container that start with `prefix`."""
    names: list[str] = []
    marker: str | None = ""
    while marker is not None:
        query = urlencode({"restype": "container", "comp": "list", "prefix": prefix, "marker": marker})
        with urllib.request.urlopen(f"{container}?{query}", timeout=TIMEOUT) as answer:
            found = ET.fromstring(answer.read())
        names += [blob.text or "" for blob in found.iterfind("Blobs/Blob/Name")]
        marker = found.findtext("NextMarker") or None
    return [name for name in names if not name.endswith("/")]


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise FileNotFoundError(f"blob {name} has no place below its folder")
    return path
