"""Where messages go: a mail server named in config, a webhook."""

import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests

from scripts.alerting.decide import Message
from scripts.alerting.text import body, event, subject
from scripts.specs.errors import SpecError

PASSWORD, WEBHOOK = "ALERT_SMTP_PASSWORD", "ALERT_WEBHOOK"  # variables: both are secrets, so they are in no file
SECURITY = ("starttls", "tls", "none")
TIMEOUT = 30  # seconds


class NotSent(Exception):
    """A message did not get through; it is tried again next time."""


class Channel(Protocol):
    """A way to tell people."""

    @property
    def name(self) -> str:
        """By which it is remembered what it was told."""

    def send(self, monitor: str, workspace: str, message: Message, now: datetime) -> None:
        """Tells of a monitor; raises NotSent."""

    def deliver(self, headline: str, text: str, document: Mapping[str, Any], now: datetime) -> None:
        """Tells of anything, as a mail or as the CloudEvent `document`; raises NotSent."""


@dataclass(frozen=True)
class Mail:
    """E-mail by SMTP.

    Args:
        security: starttls, tls, or none.
        user: "" for a server without authentication.
    """

    host: str
    port: int
    security: str
    user: str
    password: str
    sender: str
    receivers: tuple[str, ...]
    name: str = "mail"

    def send(self, monitor: str, workspace: str, message: Message, now: datetime) -> None:
        self.deliver(subject(monitor, message), body(monitor, workspace, message), {}, now)

    def deliver(self, headline: str, text: str, document: Mapping[str, Any], now: datetime) -> None:
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = headline, self.sender, ", ".join(self.receivers)
        mail["Date"], mail["Message-ID"] = now, make_msgid(domain=self.sender.rpartition("@")[2])
        mail.set_content(text)
        try:
            with self._connected() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(f"mail by {self.host}:{self.port}: {type(error).__name__}: {error}") from error

    def _connected(self) -> smtplib.SMTP:
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=ssl.create_default_context())
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        if self.security == "starttls":
            try:
                server.starttls(context=ssl.create_default_context())
            except (OSError, smtplib.SMTPException):
                server.close()
                raise
        return server


@dataclass(frozen=True)
class Webhook:
    """A CloudEvent by HTTP POST. The address may have a secret in it, so errors don't tell it."""

    address: str
    name: str = "webhook"

    def send(self, monitor: str, workspace: str, message: Message, now: datetime) -> None:
        self.deliver("", "", event(monitor, workspace, message, now), now)

    def deliver(self, headline: str, text: str, document: Mapping[str, Any], now: datetime) -> None:
        headers = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
        try:
            answer = requests.post(self.address, json=document, headers=headers, timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:
            raise NotSent(f"webhook of {WEBHOOK}: {type(error).__name__}") from None
        if not 200 <= answer.status_code < 300:
            raise NotSent(f"webhook of {WEBHOOK} answered {answer.status_code}: {answer.text[:200]}")


def channels(config: Mapping[str, Any], environment: Mapping[str, str]) -> list[Channel]:
    """The channels of an environment of config.

    Args:
        config: of the environment: `alert` and `monitor`.
        environment: variables, with the secrets.

    Raises:
        SpecError: a setting that can't be used.
    """
    settings, receivers = config["alert"], tuple(config["monitor"]["emails"])
    found: list[Channel] = []
    if settings["smtp_host"]:
        where = f"config/{config['env']}.yml"
        if settings["smtp_security"] not in SECURITY:
            raise SpecError(where, f"alert.smtp_security is {settings['smtp_security']!r}; write {', '.join(SECURITY)}")
        if settings["smtp_user"] and settings["smtp_security"] == "none":
            raise SpecError(where, "alert.smtp_security is none: smtp_user's password would be sent in clear text")
        if settings["smtp_user"] and not environment.get(PASSWORD):
            raise SpecError(where, f"alert.smtp_user needs a password; set the variable {PASSWORD}")
        password = environment.get(PASSWORD, "")
        server = (settings["smtp_host"], settings["smtp_port"], settings["smtp_security"])
        found.append(Mail(*server, settings["smtp_user"], password, settings["sender"], receivers))
    if address := environment.get(WEBHOOK):
        parts = urlsplit(address)
        if parts.scheme != "https" and (parts.scheme, parts.hostname) != ("http", "127.0.0.1"):
            raise SpecError(WEBHOOK, "has to be an https:// address")
        found.append(Webhook(address))
    return found
