"""The real router as a process of its own, before little HTTP servers that play the deployments."""

import contextlib
import hashlib
import http.client
import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any, NamedTuple

import ml_workspace

ROUTER = Path(ml_workspace.__file__).with_name("serving_router.py")
KEYS = ("first-key", "second-key")


def digest(secret):
    return hashlib.sha256(secret.encode()).hexdigest()


class Server(ThreadingMixIn, UnixStreamServer):
    """Plays a server: keeps what it gets in `requests` and answers as `answer(request)` says.

    `answer` returns (status, headers, body), or None to hang up.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path):
        self.requests = []
        self.answer: Callable[[dict[str, Any]], Any] = lambda request: (200, {}, request["body"])
        with contextlib.chdir(path.parent):  # the whole path may be longer than that of a Unix socket may be
            super().__init__(path.name, Handler)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request, client_address):
        """The router hung up, as it does after a timeout."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def address_string(self):
        return "router"

    def log_message(self, *arguments):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = {"method": self.command, "path": self.path, "headers": self.headers, "body": body}
        self.server.requests.append(request)
        answer = self.server.answer(request)
        if answer is None:
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_OPTIONS = do_POST


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Router:
    """The router's process, its listening sockets, which outlive it, and its routes.

    Args:
        folder: has the sockets in `s`.
        python: interpreter of the router.
        before: Python code that the process runs first.
    """

    def __init__(self, folder, python, before=""):
        self.folder, self._python, self._before = folder, python, before
        (folder / "s").mkdir(parents=True)
        self.path = folder / "routes.json"
        self._sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        self.port, self.collector_port = (listening.getsockname()[1] for listening in self._sockets)
        for name in ("control.sock", "handover.sock"):
            listening = socket.socket(socket.AF_UNIX)
            with contextlib.chdir(folder / "s"):
                listening.bind(name)
            listening.listen()
            self._sockets.append(listening)
        self.generation = 0
        self.write({})
        self.start()

    def start(self):
        numbers = [listening.fileno() for listening in self._sockets]
        start = f"import runpy, sys; sys.path.insert(0, {str(ROUTER.parent)!r})\n{self._before}\n"
        start += f"runpy.run_path({str(ROUTER)!r}, run_name='__main__')"
        command = [self._python, "-c", start] if self._before else [self._python, ROUTER]
        descriptors = zip(("--listen", "--collector", "--control", "--handover"), numbers, strict=True)
        options = [str(part) for pair in descriptors for part in pair]
        with (self.folder / "router.log").open("ab") as log:
            self.process = subprocess.Popen([*command, self.path, *options], cwd=self.folder / "s", pass_fds=numbers,
                                            stdout=log, stderr=log)  # fmt: skip

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(15)

    def close(self):
        if self.process.poll() is None:
            self.stop()
        for listening in self._sockets:
            listening.close()

    def write(self, endpoints):
        """Replace the routes, without waiting."""
        self.generation += 1
        staging = self.path.with_suffix(".staging")
        staging.write_text(json.dumps({"generation": self.generation, "endpoints": endpoints}))
        staging.replace(self.path)

    def route(self, endpoints):
        """Replace the routes and wait until the router has taken them up."""
        self.write(endpoints)
        wait(lambda: self.status()["generation"] == self.generation)

    def status(self):
        connection = http.client.HTTPConnection("router")
        with contextlib.closing(connection), socket.socket(socket.AF_UNIX) as connection.sock:
            connection.sock.settimeout(10)
            with contextlib.chdir(self.folder / "s"):
                connection.sock.connect("control.sock")
            connection.request("GET", "/status")
            return json.loads(connection.getresponse().read())

    def send(self, body=b"{}", path="/e/score", method="POST", key=KEYS[0], port=None, **headers):
        """One request and its answer. Underscores in the names of headers stand for hyphens."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=30)
        with contextlib.closing(connection):
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {**({"Authorization": f"Bearer {key}"} if key else {}), **given})
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())

    def raw(self, data):
        """What is answered to these bytes, until the connection is closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(data)
            return b"".join(iter(lambda: connection.recv(65536), b""))


def deployment(*sockets, timeout_ms=5000, limit=50, collector=None):
    return {"sockets": list(sockets), "timeout_ms": timeout_ms, "limit": limit, "collector": collector}


def endpoint(traffic, mirror=None, **deployments):
    keys = [digest(key) for key in KEYS]
    return {"keys": keys, "traffic": traffic, "mirror_traffic": mirror or {}, "deployments": deployments}


def wait(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not become true"
        time.sleep(0.01)


def route(router, blue, green=None, traffic=None, mirror=None, **settings):
    """Route endpoint e to blue, and to green if it is given."""
    known = {"blue": deployment(blue.server_address, **settings)}
    if green:
        known["green"] = deployment(green.server_address, **settings)
    router.route({"e": endpoint(traffic or {"blue": 100}, mirror, **known)})


def error(answer):
    return json.loads(answer.body)["error"]["message"]
