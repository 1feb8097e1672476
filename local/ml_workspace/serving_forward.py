"""From the router to a server and back, over the server's Unix socket. Needs aiohttp; see serving_router.py.

aiohttp's parser and connections are used below its ClientSession: what that adds (URLs, cookies, pools, proxies,
redirects) costs as much time as all the rest of the router, and has no use here.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError, RawResponseMessage
from multidict import CIMultiDict

if TYPE_CHECKING:
    from ml_workspace import serving_collector as collector
    from ml_workspace.serving_http import LOG, Refusal
    from ml_workspace.serving_routes import Deployment, Instance
else:
    import serving_collector as collector
    from serving_http import LOG, Refusal

PREFERENCE = "azureml-model-deployment"  # header: the deployment that is asked for, or has answered
IDENTITY = "x-request-id"
STATUS, REASON = "ms-azureml-model-error-statuscode", "ms-azureml-model-error-reason"
# Headers of one connection, not of the message (RFC 9110, 7.6.1), or made anew for the next connection.
HOP_BY_HOP = ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
              "trailer", "transfer-encoding", "upgrade", "content-length", "expect")  # fmt: skip
# Of a request also what is for the router, and what it sets itself.
DROPPED = frozenset(name.encode() for name in (*HOP_BY_HOP, "authorization", PREFERENCE, IDENTITY))


@dataclass(frozen=True)
class Message:
    """A request as servers get it.

    Args:
        target: path and query, as the client encoded them.
        headers: those of the client, for payload logging.
        head: request line and headers, as they are sent.
        identity: its x-request-id.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    head: bytes
    body: bytes
    identity: str


def message(request: web.BaseRequest, target: str, body: bytes, identity: str) -> Message:
    """What is passed on of a client's request. Its headers stay the bytes that the parser has found to be valid."""
    dropped = DROPPED | {name.encode(errors="surrogateescape") for name in _named(request.headers)}
    kept = [name + b": " + value for name, value in request.raw_headers if name.lower() not in dropped]
    own = f"{IDENTITY}: {identity}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    line = f"{request.method} {target} HTTP/1.1"
    head = b"\r\n".join([line.encode(), *kept, own.encode(errors="surrogateescape")])
    return Message(request.method, target, request.headers, head, body, identity)


def answer(sent: Message, deployment: Deployment, instance: Instance) -> Awaitable[web.Response]:
    """Counts the request as in flight at once, and gives what answers the client."""
    deployment.counters.requests += 1
    instance.in_flight += 1
    return _answer(sent, deployment, instance)


async def _answer(sent: Message, deployment: Deployment, instance: Instance) -> web.Response:
    try:
        response = await _response(sent, deployment, instance)
    except Refusal as refusal:
        response = refusal.response()
    finally:
        instance.in_flight -= 1
    if response.status != 200:
        deployment.counters.errors += 1
    response.headers[PREFERENCE] = deployment.name
    return response


async def _response(sent: Message, deployment: Deployment, instance: Instance) -> web.Response:
    await _log(deployment, "request", sent.headers, sent.body, sent.identity, path=sent.target, method=sent.method)
    try:
        async with asyncio.timeout(deployment.timeout):
            received, body = await _exchange(sent, instance.socket)
    except TimeoutError:
        text = (f"Deployment {deployment.name} did not answer within {deployment.timeout * 1000:g} ms. Send less, or "
                "raise request_timeout_ms in its request_settings.")  # fmt: skip
        raise Refusal(408, "RequestTimeout", text) from None
    except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
        LOG.warning("%s did not answer: %r", instance.socket, error)
        text = (f"The server of deployment {deployment.name} hung up, or can't be reached; az ml online-deployment "
                "get-logs tells more. The request was not sent again, since scoring may have effects.")  # fmt: skip
        raise Refusal(424, "ModelError", text, {STATUS: "502", REASON: "Bad Gateway"}) from error
    await _log(deployment, "response", received.headers, body, sent.identity)
    headers = CIMultiDict(received.headers)
    for name in (*HOP_BY_HOP, *_named(received.headers)):
        headers.popall(name, None)
    if received.code == 200:
        return web.Response(body=body, headers=headers)
    headers[STATUS], headers[REASON] = str(received.code), received.reason
    return web.Response(status=424, body=body, headers=headers)


async def _exchange(sent: Message, socket: str) -> tuple[RawResponseMessage, bytes]:
    """A server's answer, over a connection for this request alone, as gunicorn's sync workers want it."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_unix_connection(partial(ResponseHandler, loop), socket)
    try:
        protocol.set_response_params(read_until_eof=True, auto_decompress=False)
        transport.writelines([sent.head, sent.body])
        received, content = await protocol.read()
        return received, await content.read()
    finally:
        transport.abort()


def _named(headers: Mapping[str, str]) -> list[str]:
    """Headers that the header Connection declares to be of the connection."""
    value = headers.get("Connection")
    return [name.strip().lower() for name in value.split(",")] if value else []


async def _log(
    deployment: Deployment, name: str, headers: Mapping[str, str], body: bytes, identity: str,
    **facts: str,
) -> None:  # fmt: skip
    """Payload logging, if the data_collector asks for it. A record that can't be written fails no request."""
    rate = deployment.collector.rates.get(name, 0.0) if deployment.collector else 0.0
    if rate <= random.random():
        return
    try:
        await collector.run(len(body), collector.log_payload, deployment, name, headers, body, identity, **facts)
    except OSError as error:
        LOG.error("a %s of %s is not recorded: %s", name, deployment.name, error)
