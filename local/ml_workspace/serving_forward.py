"""From the router to a server and back, over the server's Unix socket. Needs aiohttp; see serving_router.py."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Container
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

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
# Of one connection, not of the message (RFC 9110, 7.6.1), or made anew for the next connection.
HOP_BY_HOP = ("Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE",
              "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length", "Expect")  # fmt: skip
OWN = (PREFERENCE, "Authorization", IDENTITY)  # headers of a request that are for the router; the last is set anew
UNSET = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")  # not added where the client gave none


@dataclass(frozen=True)
class Message:
    """A request as the servers get it.

    Args:
        target: path and query, as the client encoded them.
        identity: its x-request-id.
    """

    method: str
    target: str
    headers: CIMultiDict[str]
    body: bytes
    identity: str


def message(request: web.BaseRequest, target: str, body: bytes, identity: str) -> Message:
    """What is passed on of a client's request."""
    headers = passed_on(request.headers, *OWN)
    headers[IDENTITY] = identity
    return Message(request.method, target, headers, body, identity)


def passed_on(headers: CIMultiDictProxy[str], *dropped: str) -> CIMultiDict[str]:
    """Headers without those of the connection, and without `dropped`."""
    named = [name.strip() for value in headers.getall("Connection", ()) for name in value.split(",")]
    kept = CIMultiDict(headers)
    for name in (*HOP_BY_HOP, *dropped, *named):
        kept.popall(name, None)
    return kept


class Servers:
    """The connections to the servers. Each is closed after its answer, as gunicorn's sync workers want it."""

    def __init__(self) -> None:
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    def answer(self, sent: Message, deployment: Deployment, instance: Instance) -> Awaitable[web.Response]:
        """Counts the request as in flight at once, and gives what answers the client."""
        deployment.counters.requests += 1
        instance.in_flight += 1
        return self._answer(sent, deployment, instance)

    async def keep(self, sockets: Container[str]) -> None:
        """Forget the servers that are not among `sockets`."""
        for name in [name for name in self._sessions if name not in sockets]:
            await self._sessions.pop(name).close()

    async def _answer(self, sent: Message, deployment: Deployment, instance: Instance) -> web.Response:
        try:
            response = await self._exchange(sent, deployment, instance)
        except Refusal as refusal:
            response = refusal.response()
        finally:
            instance.in_flight -= 1
        if response.status != 200:
            deployment.counters.errors += 1
        response.headers[PREFERENCE] = deployment.name
        return response

    async def _exchange(self, sent: Message, deployment: Deployment, instance: Instance) -> web.Response:
        await _log(deployment, "request", sent.headers, sent.body, sent.identity, path=sent.target, method=sent.method)
        url = URL(f"http://{deployment.name}{sent.target}", encoded=True)
        try:
            async with (
                asyncio.timeout(deployment.timeout),
                self._session(instance).request(
                    sent.method, url, headers=sent.headers, data=sent.body or None, allow_redirects=False
                ) as received,
            ):
                body = await received.read()
        except TimeoutError:
            text = (f"Deployment {deployment.name} did not answer within {deployment.timeout * 1000:g} ms. Send less, "
                    "or raise request_timeout_ms in its request_settings.")  # fmt: skip
            raise Refusal(408, "RequestTimeout", text) from None
        except (aiohttp.ClientError, OSError) as error:
            LOG.warning("%s did not answer: %r", instance.socket, error)
            text = (f"The server of deployment {deployment.name} hung up, or can't be reached; az ml online-deployment "
                    "get-logs tells more. The request was not sent again, since scoring may have effects.")  # fmt: skip
            raise Refusal(424, "ModelError", text, {STATUS: "502", REASON: "Bad Gateway"}) from error
        await _log(deployment, "response", received.headers, body, sent.identity)
        headers = passed_on(received.headers)
        if received.status == 200:
            return web.Response(body=body, headers=headers)
        headers[STATUS], headers[REASON] = str(received.status), received.reason or ""
        return web.Response(status=424, body=body, headers=headers)

    def _session(self, instance: Instance) -> aiohttp.ClientSession:
        session = self._sessions.get(instance.socket)
        if session is None:
            session = self._sessions[instance.socket] = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(instance.socket, force_close=True, limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(),  # none: the deployment's own holds
                auto_decompress=False,
                skip_auto_headers=UNSET,
            )
        return session


async def _log(
    deployment: Deployment, name: str, headers: CIMultiDict[str] | CIMultiDictProxy[str], body: bytes, identity: str,
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
