"""A mail server that takes or refuses what a test says."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from support.processes import free_port

USERNAME: Final = "reports"
PASSWORD: Final = "c0rrect-h0rse"


@dataclass(slots=True)
class Mailbox:
    """What a server took, and how it answers. An `answers` is by the command that it is an answer to."""

    answers: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    """Answers for recipients that it does not take."""
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    encrypted: bool = False
    """Whether the last mail came over TLS."""
    users: list[str] = field(default_factory=list)
    """Who signed in."""
    port: int = 0

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if "DATA" in self.answers:
            return self.answers["DATA"]
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients += envelope.rcpt_tos
        assert server.transport
        self.encrypted = server.transport.get_extra_info("ssl_object") is not None
        return "250 OK"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        login, password = data.login.decode(), data.password.decode()
        self.users.append(login)
        return AuthResult(success=(login, password) == (USERNAME, PASSWORD), handled=False)


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    """Return the TLS context of a server that is called localhost and 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@contextmanager
def mail_server(
    mailbox: Mailbox,
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    sign_in: bool = False,
) -> Iterator[Mailbox]:
    """Run a server on a free port of 127.0.0.1, which is in `mailbox.port`."""
    mailbox.port = free_port(socket.SOCK_STREAM)
    server = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=mailbox.port,
        ssl_context=tls,
        tls_context=starttls,
        require_starttls=starttls is not None,
        authenticator=mailbox.authenticate if sign_in else None,
        auth_require_tls=not sign_in,  # aiosmtpd does not see TLS from the beginning
    )
    server.start()
    try:
        yield mailbox
    finally:
        server.stop()
