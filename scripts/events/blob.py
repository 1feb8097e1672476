"""Events of Blob storage, in the form that Event Grid gives them (EventGridSchema)."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

CREATED = "Microsoft.Storage.BlobCreated"
SUBJECT = re.compile(r"/blobServices/default/containers/(?P<container>[^/]+)/blobs/(?P<path>.+)", re.DOTALL)
ETAG = re.compile(r'"?(0x[0-9A-Fa-f]{1,32})"?')
SEQUENCER = re.compile(r"[0-9A-Fa-f]{1,64}")


class Malformed(Exception):
    """Not an event; the message says where, and what is wrong with it."""


@dataclass(frozen=True)
class Blob:
    """An event of a blob.

    Args:
        kind: eventType, such as CREATED.
        container: of the blob.
        path: of the blob in its container.
        api: the call that made it; "" for events of another kind than CREATED, as are the next two.
        etag: of the blob, without quotes.
        sequencer: orders the events of one blob.
        document: the event as it came.
    """

    kind: str
    container: str
    path: str
    api: str
    etag: str
    sequencer: int
    document: Mapping[str, Any]

    @property
    def job(self) -> str:
        """Name of the job that is asked for, by the rule of infra/modules/register-data.workflow.json."""
        return f"register-{self.etag.lower()}"


def read_events(text: str, where: str) -> list[Blob]:
    """The events of a delivery (a list), or a single one.

    Args:
        text: JSON.
        where: names it in errors.

    Raises:
        Malformed: it is something else.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"{where}: no JSON: {error}") from error
    documents = found if isinstance(found, list) else [found]
    if not documents:
        raise Malformed(f"{where}: a list without events")
    return [read_event(document, f"{where}: event {at}") for at, document in enumerate(documents, 1)]


def read_event(document: Any, where: str) -> Blob:
    """One event.

    Raises:
        Malformed: it is none, or of no blob.
    """
    if not isinstance(document, dict) or not isinstance(document.get("data"), dict):
        raise Malformed(f"{where}: an event is an object with an object `data`")
    kind = _text(document, "eventType", where)
    subject = SUBJECT.fullmatch(_text(document, "subject", where))
    if subject is None or not _plain(subject["path"]):
        raise Malformed(f"{where}: subject {document['subject']!r} names no blob")
    if kind != CREATED:
        return Blob(kind, subject["container"], subject["path"], "", "", 0, document)
    data = document["data"]
    api, etag, sequencer = (_text(data, key, f"{where}: data") for key in ("api", "eTag", "sequencer"))
    tag = ETAG.fullmatch(etag)
    if tag is None:
        raise Malformed(f"{where}: data: eTag {etag!r} is not 0x and hexadecimal digits")
    if not SEQUENCER.fullmatch(sequencer):
        raise Malformed(f"{where}: data: sequencer {sequencer!r} is no hexadecimal number")
    return Blob(kind, subject["container"], subject["path"], api, tag[1], int(sequencer, 16), document)


def created(container: str, path: str, url: str, size: int, etag: str, sequencer: int, time: str) -> Blob:
    """The event of a file that has landed.

    Args:
        container, path: of the blob that the file stands for.
        url: where it is.
        size: bytes.
        time: when it was seen, ISO 8601.
    """
    subject = f"/blobServices/default/containers/{container}/blobs/{path}"
    order = f"{sequencer:032x}"
    document = {
        "topic": "",  # the resource id of a storage account, and there is none
        "subject": subject,
        "eventType": CREATED,
        "eventTime": time,
        "id": f"{etag}-{order}",
        "data": {
            "api": "PutBlob",
            "eTag": etag,
            "contentType": "application/octet-stream",
            "contentLength": size,
            "blobType": "BlockBlob",
            "url": url,
            "sequencer": order,
        },
        "dataVersion": "",
        "metadataVersion": "1",
    }
    return Blob(CREATED, container, path, "PutBlob", etag, sequencer, document)


def etag_of(path: str, content: str, times: int) -> str:
    """An ETag that is the same whenever the same content lands at the same path for the first time.

    Args:
        path: of the blob.
        content: digest.
        times: how often that content was there before and then went, or something else took its place.
    """
    return "0x" + hashlib.sha256(f"{path}\n{content}\n{times}".encode()).hexdigest()[:16].upper()


def _text(found: Mapping[str, Any], key: str, where: str) -> str:
    value = found.get(key)
    if not isinstance(value, str) or not value:
        raise Malformed(f"{where}: {key} is missing or no text")
    return value


def _plain(path: str) -> bool:
    """Whether a blob's path stays below its container when it is taken for the path of a file."""
    whole = PurePosixPath(path).as_posix() == path and not path.startswith("/") and path.isprintable()
    return whole and ".." not in path.split("/")
