"""The web server of an appliance: pages with basic authentication."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Self

import trustme
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from support.status_page import render_status, status_items

USERNAME: Final = "monitor"
PASSWORD: Final = "p4ssw0rd"
AUTHORIZATION: Final = f"Basic {base64.b64encode(f'{USERNAME}:{PASSWORD}'.encode()).decode()}"


def fingerprint(certificate: trustme.LeafCert) -> str:
    """Return the SHA-256 fingerprint of a certificate in hexadecimal."""
    read = x509.load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes())
    return hashlib.sha256(read.public_bytes(Encoding.DER)).hexdigest()


@dataclass(frozen=True, slots=True)
class Page:
    """The answer for one path, after `delay` seconds."""

    body: bytes
    status: int = 200
    content_type: str = "text/xml"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


class StatusServer:
    """A web server on a free port of 127.0.0.1, over HTTPS if a certificate authority is given.

    `pages` has the answers by path and may be changed at any time; without the password the answer is 401. `requests`
    counts the requests by path. Use it as an asynchronous context manager.
    """

    def __init__(self, authority: trustme.CA | None = None, pages: dict[str, Page] | None = None) -> None:
        self.pages = {"/xml/status": Page(render_status(status_items()))} if pages is None else pages
        self.requests: Counter[str] = Counter()
        self.scheme = "https" if authority else "http"
        self.host = "127.0.0.1"
        self.port = 0
        self._certificate = authority.issue_cert("127.0.0.1", "localhost") if authority else None

    @property
    def fingerprint_sha256(self) -> str:
        """The fingerprint of the server's certificate in hexadecimal."""
        assert self._certificate, "a server without TLS has no fingerprint"
        return fingerprint(self._certificate)

    async def __aenter__(self) -> Self:
        server = web.Server(self._answer, handler_cancellation=True)
        self._runner = web.ServerRunner(server, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, 0, ssl_context=self._context())
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the port and every connection."""
        await self._runner.cleanup()

    def _context(self) -> ssl.SSLContext | None:
        if self._certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._certificate.configure_cert(context)
        return context

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        self.requests[request.path] += 1
        if request.headers.get("Authorization") != AUTHORIZATION:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="IronPort Web Interface"'})
        page = self.pages.get(request.path)
        if page is None:
            return web.Response(status=404)
        await asyncio.sleep(page.delay)
        return web.Response(body=page.body, status=page.status, content_type=page.content_type, headers=page.headers)
