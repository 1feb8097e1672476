"""The router of a workspace's online endpoints.

    python serving_router.py ROUTES --listen FD --collector FD --control FD --handover FD

Started by the supervisor, in an environment of its own (router_requirements.txt) and with the folder of the servers'
Unix sockets as working directory. The descriptors are listening sockets, which outlive it: what connects while no
router runs waits for the next one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import resource
import signal
import socket
import sys
import uuid
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import uvloop
from aiohttp import web

if TYPE_CHECKING:
    from ml_workspace import serving_collector as collector
    from ml_workspace.serving_forward import IDENTITY, PREFERENCE, answer, message
    from ml_workspace.serving_http import LOG, Refusal, deliver, listener, read
    from ml_workspace.serving_routes import Deployment, Endpoint, Routes
else:
    # The files beside this one come last: they must not hide modules of the environment.
    sys.path.append(sys.path.pop(0))
    import serving_collector as collector
    from serving_forward import IDENTITY, PREFERENCE, answer, message
    from serving_http import LOG, Refusal, deliver, listener, read
    from serving_routes import Routes

LOOK = 0.05  # seconds between two looks at the routes
BODY = 10 * 2**20  # bytes of a request: Azure's limit for managed online endpoints
COLLECTED = 64 * 2**20  # bytes of a call of the collector
FAREWELL = 10.0  # seconds for the requests that are under way when the router is to end
SETTLE = 0.1  # seconds in which what was accepted last gets to be a request
BACKLOG = 4096
METHODS = ("GET", "POST", "OPTIONS")
TARGETS = ("score", "swagger.json")


class Router:
    """Answers the requests of all endpoints, by the routes of this moment.

    Args:
        path: routes.json.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._random = Random()
        self._mirrored: set[asyncio.Future[web.Response]] = set()  # they are gone if nothing refers to them
        self.routes = Routes()

    def look(self) -> bool:
        """Take up routes.json if it has changed, and tell whether. One that can't be read changes nothing."""
        try:
            stat = self._path.stat()
            if self._seen == (stat.st_ino, stat.st_mtime_ns):
                return False
            self._seen = stat.st_ino, stat.st_mtime_ns
            self.routes = self.routes.next(json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return False
        except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
            LOG.error("%s can't be used, so generation %d stays: %r", self._path, self.routes.generation, error)
            return False
        LOG.info("routes of generation %d", self.routes.generation)
        return True

    async def follow(self) -> None:
        """Keep the routes up to date."""
        while True:
            await asyncio.sleep(LOOK)
            self.look()

    async def score(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a client."""
        identity = request.headers.get(IDENTITY) or str(uuid.uuid4())
        try:
            response = await self._answer(request, identity)
        except Refusal as refusal:
            response = refusal.response()
        response.headers[IDENTITY] = identity
        return await deliver(request, response)

    async def _answer(self, request: web.BaseRequest, identity: str) -> web.Response:
        endpoint, _ = self._endpoint(request.raw_path)
        if request.method not in METHODS:
            raise Refusal(405, "MethodNotAllowed", f"Send {', '.join(METHODS)}.", {"Allow": ", ".join(METHODS)})
        if not endpoint.accepts(request.headers.get("Authorization")):
            text = ("Send one of the endpoint's keys, which az ml online-endpoint get-credentials shows, as header "
                    "Authorization: Bearer KEY.")  # fmt: skip
            raise Refusal(401, "Unauthorized", text, {"WWW-Authenticate": "Bearer"})
        body = await read(request, BODY)
        # The body may have taken its time, and the routes may be others by now. From here to where the request counts
        # as in flight nothing is awaited, so the supervisor does not end the server that it goes to.
        endpoint, target = self._endpoint(request.raw_path)
        named = request.headers.get(PREFERENCE)
        deployment = _drawn(endpoint, self._random) if named is None else _named(endpoint, named)
        instance = deployment.idlest()
        if instance is None:
            text = (f"Deployment {deployment.name} has {deployment.limit} requests, and its request_settings and "
                    "instance_count allow no more. Try again, or raise these.")  # fmt: skip
            raise Refusal(429, "TooManyRequests", text, {PREFERENCE: deployment.name})
        sent = message(request, target, body, identity)
        answered = answer(sent, deployment, instance)
        if named is None and (mirror := endpoint.mirrored(self._random)) and (spare := mirror.idlest()):
            task = asyncio.ensure_future(answer(sent, mirror, spare))
            self._mirrored.add(task)
            task.add_done_callback(self._mirrored.discard)
        return await answered

    def _endpoint(self, path: str) -> tuple[Endpoint, str]:
        """The endpoint of a request, and path and query for its server. Paths are compared as they are, undecoded."""
        parts = path.split("/", 2)
        name = parts[-1].partition("?")[0]
        if (
            len(parts) == 3
            and not parts[0]
            and name in TARGETS
            and path.isascii()
            and parts[1] in self.routes.endpoints
        ):
            return self.routes.endpoints[parts[1]], f"/{parts[2]}"
        known = ", ".join(sorted(self.routes.endpoints)) or "none"
        raise Refusal(404, "NotFound", f"POST to /ENDPOINT/score; the endpoints of this workspace are: {known}.")

    async def collect(self, request: web.BaseRequest) -> web.StreamResponse:
        """Take a call of azureml-ai-monitoring."""
        try:
            if (request.method, request.raw_path) != ("POST", "/modeldata/log"):
                raise Refusal(404, "NotFound", "The data collector takes POST /modeldata/log.")
            source = collector.sender(self.routes, request.headers.get("Authorization"))
            body = await read(request, COLLECTED)
            await collector.run(len(body), collector.collect, source, request.headers, body)
            response = web.Response()
        except collector.Refused as refused:
            response = Refusal(refused.status, "NotCollected", str(refused)).response()
        except OSError as error:
            LOG.error("a record is lost: %s", error)
            response = Refusal(507, "InsufficientStorage", f"The record can't be written: {error}").response()
        except Refusal as refusal:
            response = refusal.response()
        return await deliver(request, response)

    async def control(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer the supervisor."""
        if (request.method, request.raw_path) != ("GET", "/status"):
            return Refusal(404, "NotFound", "The supervisor asks for GET /status.").response()
        return web.Response(body=json.dumps(self.routes.status()).encode(), content_type="application/json")


def _named(endpoint: Endpoint, name: str) -> Deployment:
    if name not in endpoint.deployments:
        known = ", ".join(sorted(endpoint.deployments)) or "none"
        raise Refusal(404, "NotFound", f"The endpoint has no deployment {name!r}; its deployments are: {known}.")
    return endpoint.deployments[name]


def _drawn(endpoint: Endpoint, random: Random) -> Deployment:
    deployment = endpoint.draw(random)
    if deployment is None:
        text = ("The endpoint doesn't have any valid deployment with positive weight: give one weight with az ml "
                "online-endpoint update --traffic, or name one in the header azureml-model-deployment.")  # fmt: skip
        raise Refusal(404, "NotFound", text)
    return deployment


def hand_over(handover: socket.socket, descriptors: list[int]) -> None:
    """Give the listening sockets to a supervisor that has taken this router over."""
    try:
        with handover.accept()[0] as connection:
            socket.send_fds(connection, [b"4"], descriptors)
    except OSError as error:  # it is gone by now
        LOG.warning("the listening sockets could not be handed over: %s", error)


async def serve(args: argparse.Namespace) -> None:
    """Serve until SIGTERM, then see the requests under way to their end."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    router = Router(args.routes)
    while not router.look():  # until there are routes, what connects waits
        await asyncio.sleep(LOOK)
    following = asyncio.create_task(router.follow())
    listeners, servers = [], []
    for descriptor, handler in (
        (args.listen, router.score),
        (args.collector, router.collect),
        (args.control, router.control),
    ):
        listeners.append(listener(handler))
        listening = socket.socket(fileno=descriptor)
        make = loop.create_unix_server if listening.family == socket.AF_UNIX else loop.create_server
        servers.append(await make(listeners[-1], sock=listening, backlog=BACKLOG))
    handover = socket.socket(fileno=args.handover)
    handover.setblocking(False)
    loop.add_reader(handover, hand_over, handover, [args.listen, args.collector, args.control, args.handover])
    LOG.info("router is up, generation %d", router.routes.generation)
    await stop.wait()
    loop.remove_reader(handover)
    for server in servers:
        server.close()
    await asyncio.sleep(SETTLE)
    await asyncio.wait([asyncio.ensure_future(each.shutdown(FAREWELL)) for each in listeners], timeout=FAREWELL)
    following.cancel()


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("routes", type=Path, help="routes.json, written by the supervisor")
    for name in ("listen", "collector", "control", "handover"):
        parser.add_argument(f"--{name}", type=int, required=True, help="descriptor of a listening socket")
    return parser.parse_args()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a connection is a descriptor
    uvloop.run(serve(parse_args()))
