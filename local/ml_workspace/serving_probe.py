"""Probes of a server: GET / on its Unix socket, without ever waiting."""

import socket
from contextlib import suppress
from typing import Any

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Probe:
    """Asks a server every `period` seconds whether it is well.

    Args:
        path: of its socket, relative to the working directory.
        settings: initial_delay, period, timeout (seconds), failure_threshold, success_threshold.

    Attributes:
        well: whether it is: None until one of the thresholds has been reached.
    """

    def __init__(self, path: str, settings: dict[str, Any], now: float) -> None:
        self._path, self._settings = path, settings
        self.well: bool | None = None
        self._due = now
        # A server that starts answers the first request that waits for it as soon as it can. That may take as long as
        # `failure_threshold` probes take after the initial delay, and is never too early.
        self._patience = settings["initial_delay"] + settings["period"] * settings["failure_threshold"]
        self._deadline = 0.0
        self._connection: socket.socket | None = None
        self._row = 0  # successes in a row; failures are negative

    def step(self, now: float) -> None:
        """Begin a probe that is due, or look whether one under way has its answer."""
        if self._connection is None:
            if now >= self._due:
                self._ask(now)
            return
        try:
            answer = self._connection.recv(64)
        except BlockingIOError:
            if now < self._deadline:
                return
            answer = b""
        except OSError:
            answer = b""
        self._end(now, answer.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")))

    def close(self) -> None:
        """Give up a probe that is under way."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, now: float) -> None:
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection.setblocking(False)
        self._deadline = now + (self._patience if self.well is None else self._settings["timeout"])
        try:
            self._connection.connect(self._path)
            self._connection.sendall(REQUEST)
        except OSError:  # nobody listens, or too many wait already
            self._end(now, well=False)

    def _end(self, now: float, well: bool) -> None:
        with suppress(OSError):
            self.close()
        first = self.well is None
        self._row = max(self._row, 0) + 1 if well else min(self._row, 0) - 1
        if self._row >= self._settings["success_threshold"]:
            self.well = True
        elif not well and (first or -self._row >= self._settings["failure_threshold"]):
            self.well = False
        self._due = now + self._settings["period"]
