"""A mail server on this machine that keeps what it receives."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Mailbox:
    """(receivers, mail) of each mail, and (user, password) of each login; the password is `right`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[tuple[list[str], Any]] = []
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"

    def login(self, server, session, envelope, mechanism, data):
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A server that is up until the end of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        box = Mailbox(free.getsockname()[1])
    controller = Controller(
        box, hostname="127.0.0.1", port=box.port, authenticator=box.login, auth_require_tls=False, auth_required=False
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
