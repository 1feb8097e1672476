"""The records of the model data collector: what Azure's side-car writes, for the calls of azureml-ai-monitoring and for
payload logging. Standard library only, and nothing of this package but the routes: see serving_router.py.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import fcntl
import json
import os
import re
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml_workspace.serving_routes import Collection, Deployment, Routes

INSTANCE = "local"  # Azure names the file after the machine
TYPE = "azureml.inference."  # before the name of the collection
LARGE = 4 * 2**20  # bytes of data that a record holds; more gets a file of its own, to which the record refers
SMALL = 2**16  # bytes of data that are written at once; more would keep requests waiting
FOLDERS = {"minute": "%Y/%m/%d/%H/%M", "hour": "%Y/%m/%d/%H", "day": "%Y/%m/%d"}
PAYLOAD = ("request", "response")  # collections of payload logging
NAME = re.compile(r"[a-z0-9_-]+")  # of a collection: it becomes a folder
UNSAFE = re.compile(r"[^A-Za-z0-9-]")  # in an id, which may become the name of a file
LATEST = 253402300799.0  # seconds: the end of the year 9999


class Refused(Exception):
    """A call that is not recorded.

    Args:
        status: of the HTTP answer.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def run(size: int, write: Callable[..., None], *arguments: Any, **more: Any) -> None:
    """Call `collect` or `log_payload`, in a thread if the `size` of the data is such that others would wait for it."""
    if size > SMALL:
        await asyncio.to_thread(write, *arguments, **more)
    else:
        write(*arguments, **more)


def sender(routes: Routes, authorization: str | None) -> Collection:
    """The collector of the deployment that a call comes from: its servers prove themselves with Basic authorization.

    Raises:
        Refused: it is nobody's.
    """
    scheme, _, encoded = (authorization or "").partition(" ")
    try:
        user, _, token = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        user, token = "", ""
    endpoint, _, name = user.partition(".")
    known = routes.endpoints.get(endpoint)
    deployment = known.deployments.get(name) if known else None
    collector = deployment.collector if deployment else None
    if scheme.lower() != "basic" or collector is None or not collector.accepts(token):
        raise Refused(401, "This is not the token of a deployment that collects data.")
    return collector


def collect(collector: Collection, headers: Mapping[str, str], body: bytes) -> None:
    """Append the record of one call of `Collector.collect`, which sends the rows of a DataFrame as a JSON array.

    Args:
        headers: of the call, case-insensitive: what the record says of the event.

    Raises:
        Refused: no such collection, or not JSON.
        OSError: the record can't be written; nothing of it was.
    """
    kind = headers.get("ce-type", "")
    name = kind.removeprefix(TYPE).lower()
    known = name in collector.rates and name not in PAYLOAD and NAME.fullmatch(name)
    if not kind.startswith(TYPE) or not known:
        raise Refused(404, f"The data_collector of this deployment has no collection for custom logging {name!r}.")
    try:
        at = float(headers.get("ce-time") or time.time())
        if not 0 <= at <= LATEST:
            raise ValueError(f"ce-time is {at}")
        _check(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"A call of the collector has a JSON array and the time of the event: {error}") from error
    correlation = headers.get("ce-x-request-id") or str(uuid.uuid4())
    record = {
        **_envelope(collector, name, headers.get("trace-id") or str(uuid.uuid4()), at, correlation),
        "modelversion": headers.get("ce-model-version", "default"),
        "collectdatatype": headers.get("ce-collect-data-type", ""),
        "agent": headers.get("ce-agent", ""),
    }
    _write(collector, name, at, record, body)


def log_payload(
    deployment: Deployment, name: str, headers: Mapping[str, str], body: bytes, correlation: str, **facts: str
) -> None:
    """Append the record of a request's or a response's body.

    Args:
        name: request or response.
        headers: of that message, case-insensitive.
        correlation: the request's x-request-id.
        facts: path and method of a request.

    Raises:
        OSError: as for `collect`.
    """
    collector = deployment.collector
    assert collector is not None  # the caller has asked for the rate of this collection
    at = time.time()
    kind = headers.get("Content-Type", "application/octet-stream")
    record = {
        **_envelope(collector, name, str(uuid.uuid4()), at, correlation),
        "datacontenttype": kind,
        **facts,
    }
    captured = {header: headers[header] for header in collector.capture_headers if header in headers}
    if captured:
        record["headers"] = captured
    try:
        _check(body)
        data = body
    except (ValueError, RecursionError):
        try:
            data = json.dumps(body.decode()).encode()
        except UnicodeDecodeError:
            record["datainblob"] = "true"
            data = json.dumps(_blob(collector, name, at, record["id"], body)).encode()
    _write(collector, name, at, record, data)


def _check(body: bytes) -> None:
    """Raises ValueError or RecursionError where `body` is not a JSON document."""
    json.loads(body.decode(), parse_constant=_not_json)


def _not_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _envelope(collector: Collection, name: str, identity: str, at: float, correlation: str) -> dict[str, Any]:
    """The attributes that all records have."""
    return {
        "specversion": "1.0",
        "id": identity,
        "source": collector.source,
        "type": f"{TYPE}{name}",
        "datacontenttype": "application/json",
        "time": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "correlationid": correlation,
        "xrequestid": correlation,
    }


def _folder(collector: Collection, name: str, at: float) -> Path:
    return collector.folders[name] / datetime.fromtimestamp(at, UTC).strftime(FOLDERS[collector.rolling_rate])


def _blob(collector: Collection, name: str, at: float, identity: str, data: bytes) -> str:
    """URL of a new file with what is no part of a record."""
    path = _folder(collector, name, at) / f"{UNSAFE.sub('', identity)[:64]}.data"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.write_bytes(data)
    except OSError:
        path.unlink(missing_ok=True)  # a part of it
        raise
    return path.as_uri()


def _write(collector: Collection, name: str, at: float, record: dict[str, Any], data: bytes) -> None:
    """Append a record with `data`, a JSON document, byte for byte: numbers stay as they were sent."""
    record["contentrange"] = f"bytes 0-{len(data) - 1}/{len(data)}"
    if len(data) > LARGE:
        record["dataref"], rest = _blob(collector, name, at, record["id"], data), b"}\n"
    else:
        # Valid JSON has line breaks between its tokens only, where a blank does as well.
        rest = b',"data":' + data.replace(b"\n", b" ").replace(b"\r", b" ") + b"}\n"
    path = _folder(collector, name, at) / f"{INSTANCE}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    # A header may hold bytes that are no text.
    _append(path, json.dumps(record, ensure_ascii=False).encode(errors="replace")[:-1] + rest)


def _append(path: Path, line: bytes) -> None:
    """Append a line as a whole or not at all, whatever an earlier writer, killed amid its line, left behind."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # a router that ends and its successor may both write
        size = os.fstat(descriptor).st_size
        while size and os.pread(descriptor, 1, size - 1) != b"\n":
            start = max(0, size - 2**16)
            size = start + os.pread(descriptor, size - start, start).rfind(b"\n") + 1
            os.ftruncate(descriptor, size)
        written = os.write(descriptor, line)
        if written < len(line):
            os.ftruncate(descriptor, size)
            raise OSError(f"{path} got {written} of {len(line)} bytes: is the disk full?")
    finally:
        os.close(descriptor)
