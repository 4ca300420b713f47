"""An appliance whose faults begin and end when a test says so."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final, Self

import trustme

from support.processes import free_port
from support.relay import UdpRelay
from support.rest_pages import rest_pages
from support.snmpd import AUTH_PASSPHRASE, COMMUNITY, PRIV_PASSPHRASE, V3GET, Snmpd
from support.status_page import render_status, status_items
from support.status_server import PASSWORD, USERNAME
from support.web_interface import RawServer

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Answers one request on a connection, whose header has been read."""

PAGE: Final = render_status(status_items())
HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"

TLS_HANDSHAKE: Final = b"\x16"
"""The first octet of a connection with TLS, which a server without TLS closes."""

V2C_LOGIN: Final[Mapping[str, Any]] = {"version": "2c", "community": COMMUNITY}
V3_LOGIN: Final[Mapping[str, Any]] = {
    "version": 3,
    "username": V3GET.name,
    "auth": {"protocol": "SHA", "passphrase": AUTH_PASSPHRASE},
    "priv": {"protocol": "AES", "passphrase": PRIV_PASSPHRASE},
}
XML_LOGIN: Final[Mapping[str, Any]] = {"username": USERNAME, "password": PASSWORD}


def page(body: bytes = PAGE) -> bytes:
    """Return an answer with this page."""
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


async def answer_well(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(page())


def api_page(body: bytes) -> Answer:
    """Answer with this page of the REST interface."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        writer.write(head + body)

    return answer


async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")


class FaultyAppliance:
    """An SNMP agent behind a relay, and a web server, which are well until a fault begins.

    The relay's policy carries the SNMP packets. `api` answers the requests for the paths of the REST interface that it
    has, and `answer` all others. They need the `password`, and `asked` is set by each of them. With an `authority` the
    web server has a certificate. Use it as an asynchronous context manager.
    """

    def __init__(self, agent: Snmpd, authority: trustme.CA | None = None) -> None:
        self.agent = agent
        self.relay = UdpRelay(("127.0.0.1", agent.port))
        self.web = RawServer(self.talk)
        self.web.port = free_port(socket.SOCK_STREAM)  # nobody takes it while the server is down
        self.answer: Answer = answer_well
        self.api = {path: api_page(page.body) for path, page in rest_pages().items()}
        self.password = PASSWORD
        self.asked = asyncio.Event()
        self.authority = authority
        self.certificate = authority.issue_cert("127.0.0.1") if authority else None

    async def __aenter__(self) -> Self:
        await self.relay.__aenter__()
        await self.start_web()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.web.stop()
        await self.relay.__aexit__()

    async def start_web(self) -> None:
        """Open the web server's port, always the same one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if self.certificate else None
        if self.certificate and context:
            self.certificate.configure_cert(context)
        await self.web.start(context)

    async def present(self, certificate: trustme.LeafCert | None) -> None:
        """Restart the web server with another certificate, or without TLS."""
        await self.web.stop()
        self.certificate = certificate
        await self.start_web()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            while await reader.readexactly(1) != TLS_HANDSHAKE:
                head = await reader.readuntil(b"\r\n\r\n")
                self.asked.set()
                known = base64.b64encode(f"{USERNAME}:{self.password}".encode()) in head
                answer = self.api.get(head.split()[1].decode("iso-8859-1"), self.answer)
                await (answer if known else refuse)(reader, writer)
                await writer.drain()
