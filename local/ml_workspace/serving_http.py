"""HTTP as the router speaks it: bounded in size and time, with refusals as Azure words them. Needs aiohttp; see
serving_router.py.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

IDLE = 75.0  # seconds for a connection without a request, and for the head of a request to arrive
PATIENCE = 30.0  # seconds for the body of a request to arrive, and for an answer to be taken
LINGER = 2.0  # seconds in which the rest of a refused body is still taken, so that the client gets to read why
LOG = logging.getLogger("router")


class Refusal(Exception):
    """A request that is answered with an error.

    Args:
        status: of the HTTP answer.
        code: names the error.
        message: says what to do.
        headers: of the answer.
    """

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self._status, self._code, self._headers = status, code, headers

    def response(self) -> web.Response:
        """The answer."""
        body = json.dumps({"error": {"code": self._code, "message": str(self)}}).encode()
        headers = {"Content-Type": "application/json", **(self._headers or {})}
        return web.Response(status=self._status, body=body, headers=headers)


class Connection(RequestHandler):
    """A client's connection; what is no HTTP is answered in JSON too."""

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        if status < 500:
            # What the parser says of it goes on with an excerpt, in further lines.
            said = str(message or "malformed").partition("\n")[0].rstrip(":")
            refusal = Refusal(status, "BadRequest", f"This is no HTTP request that can be answered: {said}.")
        else:
            LOG.error("a request failed", exc_info=exc)
            refusal = Refusal(500, "InternalServerError", "The router failed; router.log of the workspace says why.")
        response = refusal.response()
        response.force_close()
        return response


class Listener(web.Server):
    """Makes the connections of one listening socket."""

    def __call__(self) -> Connection:
        return Connection(self, loop=self._loop, **self._kwargs)


def listener(handler: Any) -> Listener:
    """The protocol factory of a listening socket whose requests `handler` answers; bodies stay as they come."""
    return Listener(handler, access_log=None, keepalive_timeout=IDLE, lingering_time=LINGER, auto_decompress=False)


async def read(request: web.BaseRequest, limit: int) -> bytes:
    """The body of a request.

    Args:
        limit: bytes that it may have; what announces more is refused before it is read.

    Raises:
        Refusal: it is larger, slow, or cut off.
    """
    too_large = Refusal(413, "PayloadTooLarge", f"A request has at most {limit} bytes. Send it in several parts.")
    announced = request.content_length
    if announced is not None and announced > limit:
        raise too_large
    parts: list[bytes] = []
    size = 0
    if request.content.is_eof():  # it came with the head
        return request.content.read_nowait()
    try:
        async with asyncio.timeout(PATIENCE):
            if request.headers.get("Expect", "").lower() == "100-continue":
                await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                request.writer.output_size = 0  # the answer has not begun
            while part := await request.content.readany():
                size += len(part)
                if size > limit:
                    raise too_large
                parts.append(part)
    except TimeoutError:
        text = f"The body of the request did not arrive within {PATIENCE:g} s."
        raise Refusal(408, "RequestTimeout", text, {"Connection": "close"}) from None
    except (web.RequestPayloadError, ConnectionError) as error:
        raise Refusal(400, "BadRequest", "The body of the request is cut off.", {"Connection": "close"}) from error
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def deliver(request: web.BaseRequest, response: web.Response) -> web.StreamResponse:
    """Send an answer, unless the client is gone; one that does not take it in time is cut off."""
    try:
        async with asyncio.timeout(PATIENCE):
            await response.prepare(request)
            await response.write_eof()
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
    except ConnectionError:
        LOG.debug("a client left before its answer")
    return response
