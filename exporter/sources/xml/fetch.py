"""Fetches the status pages of one appliance: HTTP with basic authentication over one kept-alive connection."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse, ClientSession
from aiohttp.abc import AbstractResolver, ResolveResult
from prometheus_client import Counter
from yarl import URL

from exporter import __version__
from exporter.config import Appliance, BasicAuth
from exporter.errors import (
    AuthError,
    HttpStatusError,
    MalformedError,
    RefusedError,
    ResolveError,
    SourceError,
    TooLargeError,
    UnreachableError,
)
from exporter.metrics.reading import Reading, label_value
from exporter.sources.resolve import addresses
from exporter.sources.xml import tls

BODY_LIMIT: Final = 2 * 1024 * 1024
"""Bytes of a page, decompressed, above which it is not read on; a status page has about 10,000."""

_KEEP_ALIVE: Final = 90.0  # seconds: longer than the usual scrape interval
_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
_REDIRECTS: Final = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was answered with status 200, decompressed."""

    body: bytes
    content_type: str


class _Resolver(AbstractResolver):
    """Looks names up for aiohttp as the exporter does."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of `host`; raises OSError."""
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=found, proto=0, flags=_NUMERIC)
            for found, address in await addresses(host, port, socket.SOCK_STREAM)
            if family in (socket.AF_UNSPEC, found)
        ]

    async def close(self) -> None:
        """Nothing is kept."""


class Fetcher:
    """Gets status pages from one appliance, whose credentials for them are `user`, one request at a time.

    There is no time limit but cancellation, after which the connection is not used again. `requests` is counted up by
    status code. The first `get` must run in the loop that all later ones run in.
    """

    def __init__(self, appliance: Appliance, user: BasicAuth, requests: Counter) -> None:
        self._appliance = appliance
        self._settings = appliance.xml
        self._user = user
        self._requests = requests
        self._context: ssl.SSLContext | None = None
        self._certificate_check = tls.CertificateCheck(appliance.xml.tls)
        self._session: ClientSession | None = None

    async def get(self, page: str, reading: Reading) -> bytes:
        """Return the body of /xml/PAGE; counts its requests in `reading` and notes there what came of them.

        A connection that breaks before an answer is tried once more, nothing else is. Raises SourceError.
        """
        started, before, outcome = time.monotonic(), reading.requests, "cancelled"
        try:
            answer = await self._exchange(page, reading)
            outcome = f"200 {label_value(answer.content_type)}, {len(answer.body)} bytes"
        except SourceError as error:
            outcome = f"{error.reason}, {error}"
            raise
        finally:
            tries = reading.requests - before
            reading.retries += max(tries - 1, 0)
            milliseconds = (time.monotonic() - started) * 1000
            reading.notes.append(f"GET /xml/{page}: {outcome}; {milliseconds:.1f} ms, requests: {tries}")
        return answer.body

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()

    async def _exchange(self, page: str, reading: Reading) -> Page:
        settings = self._settings
        try:
            session = await self._connected()
            url = URL.build(
                scheme=settings.scheme, host=self._appliance.address, port=settings.port, path=f"/xml/{page}"
            )
            async with session.get(
                url, allow_redirects=False, ssl=self._context or True, middlewares=[self._counting(reading)]
            ) as response:
                reading.certificate = self._certificate_check.certificate
                self._judge(response)
                return Page(await _body(response), response.content_type)
        except (aiohttp.ClientError, OSError) as error:
            raise self._failure(error) from error

    async def _connected(self) -> ClientSession:
        if self._context is None and self._settings.scheme == "https":
            self._context = await asyncio.to_thread(tls.context, self._settings.tls)
        if self._session is None:
            login = f"{self._user.username}:{self._user.password.get_secret_value()}"
            self._session = ClientSession(
                # aiohttp takes either a fingerprint or a context. The fingerprint at the connector and the context at
                # the request are both used.
                connector=aiohttp.TCPConnector(
                    ssl=self._certificate_check, limit=1, keepalive_timeout=_KEEP_ALIVE, resolver=_Resolver()
                ),
                headers={
                    "Authorization": f"Basic {base64.b64encode(login.encode()).decode()}",
                    "User-Agent": f"ironport-exporter/{__version__}",
                },
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(),
            )
        return self._session

    def _counting(self, reading: Reading) -> ClientMiddlewareType:
        """Count every try: aiohttp repeats a GET by itself when the connection breaks before an answer."""

        async def count(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
            reading.requests += 1
            code = "none"
            try:
                response = await send(request)
                code = str(response.status)
                return response
            finally:
                self._requests.labels(code).inc()

        return count

    def _judge(self, response: ClientResponse) -> None:
        user, place = self._user.username, f"auths.{self._appliance.auth}.xml"
        match response.status:
            case 200:
                return
            case 401:
                raise AuthError(
                    f'the appliance does not accept the user "{user}" (HTTP 401): check username and password in '
                    f"{place}, and that the user's role may read status pages (a read-only operator is enough)"
                )
            case 403:
                raise AuthError(
                    f'the user "{user}" of {place} may not read the page (HTTP 403): '
                    "give it a role that may, a read-only operator is enough"
                )
            case status if status in _REDIRECTS:
                raise AuthError(self._redirected(status, response.headers.get("Location", "")))
            case status:
                raise HttpStatusError(
                    f"the appliance answered with HTTP {status}: check that its XML pages are enabled, "
                    "that this AsyncOS has the page, and how loaded the appliance is"
                )

    def _redirected(self, status: int, location: str) -> str:
        if self._settings.scheme == "http" and location.startswith("https:"):
            return f"the appliance redirects to HTTPS (HTTP {status}): set xml.scheme to https and xml.port to its port"
        return (
            f"the appliance redirects to another page, probably its login page (HTTP {status}): check the user "
            f'"{self._user.username}" and its role, and that the XML pages are enabled on this interface'
        )

    def _failure(self, error: Exception) -> SourceError:
        address, port = self._appliance.address, self._settings.port
        match error:
            case aiohttp.ClientConnectorCertificateError(certificate_error=ssl.SSLCertVerificationError() as cause):
                return tls.refused_certificate(cause)
            case aiohttp.ServerFingerprintMismatch(got=got):
                return tls.other_certificate(got)
            case aiohttp.ClientConnectorError(os_error=ssl.SSLError() as cause):
                return tls.failed_handshake(cause)
            case aiohttp.ClientConnectorError(os_error=ConnectionResetError() | ConnectionAbortedError()):
                return tls.broken_handshake()
            case aiohttp.ClientConnectorDNSError():
                return ResolveError(f'the name "{address}" has no address: check the appliance\'s address, and the DNS')
            case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
                return RefusedError(
                    f"port {port} of {address} is closed: check xml.port and xml.scheme, "
                    "and that the interface has HTTP or HTTPS enabled"
                )
            case aiohttp.ClientConnectorError(os_error=cause):
                return UnreachableError(
                    f"no connection to port {port} of {address} ({_why(cause)}): check route and firewall"
                )
            case aiohttp.ClientPayloadError():
                return MalformedError("the answer breaks off or cannot be decompressed: check the appliance's load")
            case aiohttp.ClientResponseError():
                return MalformedError("the answer is not HTTP: if the port speaks HTTPS, set xml.scheme to https")
        return UnreachableError(
            "the appliance closed the connection before it had answered: "
            "check xml.scheme and xml.port, its load, and what stands between"
        )


async def _body(response: ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise TooLargeError(f"the page is larger than {BODY_LIMIT} bytes, which no status page is: it is not read")
    return bytes(body)


def _why(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else "its addresses fail for different reasons"
