"""Getting pages from one appliance: HTTP with basic authentication over one kept-alive connection."""

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
from exporter.config import Appliance, BasicAuth, HttpSettings, TargetRule
from exporter.errors import (
    AuthError,
    HttpStatusError,
    MalformedError,
    RefusedError,
    ResolveError,
    ResourceError,
    SourceError,
    TooLargeError,
    UnreachableError,
    forget_calls,
)
from exporter.metrics.reading import Reading, label_value
from exporter.sources.descriptors import NO_DESCRIPTORS, RAISE_THE_LIMIT
from exporter.sources.http import tls
from exporter.sources.http.connection import FIELD_LIMIT, HEAD_LIMIT, LimitedConnector
from exporter.sources.resolve import addresses

BODY_LIMIT: Final = 256 * 1024
"""The largest page to read, in decompressed bytes; a status page has about 10,000, a thousand destinations 150,000."""

_KEEP_ALIVE: Final = 90.0  # seconds: longer than the usual scrape interval
_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
_REDIRECTS: Final = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class HttpPages:
    """The pages that a source gets over HTTP, and the words for them in its errors."""

    key: str
    """The section of fleet.yml that says how they are fetched."""
    folder: str
    """What the path of each page begins with."""
    names: tuple[str, ...]
    """Every page that the exporter can read: the rest of its path."""
    name: str
    """What a person calls them."""
    role: str
    """Which role of a user is enough: the end of a sentence."""
    releases: str = ""
    """Which releases of AsyncOS have them: the end of a sentence, in brackets."""


class _Resolver(AbstractResolver):
    """Lets aiohttp look names up by `resolve.addresses`, with the rule of an appliance beyond the list."""

    def __init__(self, rule: TargetRule | None) -> None:
        self._rule = rule

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=found, proto=0, flags=_NUMERIC)
            for found, address in await addresses(host, socket.SOCK_STREAM, self._rule)
            if family in (socket.AF_UNSPEC, found)
        ]

    async def close(self) -> None:
        """Do nothing: nothing is open."""


class Fetcher:
    """Gets `pages` from one appliance, one request at a time; counts `requests` by status code.

    It has no time limit of its own: cancel it. The connection of a cancelled request is not used again. All calls must
    run in the same event loop.
    """

    def __init__(
        self, pages: HttpPages, appliance: Appliance, settings: HttpSettings, user: BasicAuth, requests: Counter
    ) -> None:
        self._pages = pages
        self._appliance = appliance
        self._settings = settings
        self._user = user
        self._requests = requests
        self._context: ssl.SSLContext | None = None
        self._resumption = tls.Resumption()
        self._certificate_check = tls.CertificateCheck(settings.tls, self._resumption)
        self._session: ClientSession | None = None
        self.received = bytearray()
        """What came of the last page, if the request for it was cancelled or failed."""

    async def get(self, page: str, reading: Reading, limit: int = BODY_LIMIT) -> bytes:
        """Return the body of a page, of at most `limit` bytes; raises SourceError.

        `reading` gets the requests, the certificate and a note.
        The request is sent again once if the connection breaks before an answer, and once if a connection that resumes
        a TLS session fails; for no other reason.
        """
        self.received = bytearray()
        started, before, outcome = time.monotonic(), reading.requests, "cancelled"
        try:
            content_type = await self._exchange(page, reading, limit)
            body, self.received = bytes(self.received), bytearray()
            outcome = f"200 {label_value(content_type)}, {len(body)} bytes"
        except SourceError as error:
            outcome = f"{error.reason}, {error}"
            raise
        finally:
            tries = reading.requests - before
            reading.retries += max(tries - 1, 0)
            milliseconds = (time.monotonic() - started) * 1000
            reading.notes.append(f"GET {self._pages.folder}{page}: {outcome}; {milliseconds:.1f} ms, requests: {tries}")
        return body

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _exchange(self, page: str, reading: Reading, limit: int) -> str:
        """Receive a page and return its content type."""
        try:
            return await self._ask(page, reading, limit)
        except (aiohttp.ClientError, OSError) as error:
            if not self._resumption.failed():
                raise self._failure(error) from error
            forget_calls(error)
        return await self._exchange(page, reading, limit)

    async def _ask(self, page: str, reading: Reading, limit: int) -> str:
        settings = self._settings
        session = await self._connected()
        path = f"{self._pages.folder}{page}"
        url = URL.build(scheme=settings.scheme, host=self._appliance.address, port=settings.port, path=path)
        self._resumption.begin()
        async with session.get(
            url, allow_redirects=False, ssl=self._context or True, middlewares=[self._counting(reading)]
        ) as response:
            self._resumption.answered()
            reading.certificate = self._certificate_check.certificate
            self._check_status(response)
            await self._receive(response, limit)
            return response.content_type

    async def _receive(self, response: ClientResponse, limit: int) -> None:
        """Receive the body, or what comes of it before it breaks off: whoever parses it sees that it has no end."""
        too_large = TooLargeError(f"the page is larger than {limit} bytes: it is not read")
        if (response.content_length or 0) > limit:
            raise too_large
        try:
            async for chunk in response.content.iter_any():
                self.received += chunk
                if len(self.received) > limit:
                    raise too_large
        except aiohttp.ClientPayloadError as error:
            if not self.received:
                raise
            forget_calls(error)

    async def _connected(self) -> ClientSession:
        if self._context is None and self._settings.scheme == "https":
            self._context = await asyncio.to_thread(tls.context, self._settings.tls)
        if self._session is None:
            login = f"{self._user.username}:{self._user.password.get_secret_value()}"
            self._session = ClientSession(
                # aiohttp takes either a fingerprint or a context. The fingerprint at the connector and the context at
                # the request are both used.
                connector=LimitedConnector(
                    ssl=self._certificate_check,
                    limit=1,
                    keepalive_timeout=_KEEP_ALIVE,
                    resolver=_Resolver(self._appliance.beyond_list),
                    use_dns_cache=False,  # a new connection goes to the address that the name has now
                ),
                headers={
                    "Authorization": f"Basic {base64.b64encode(login.encode()).decode()}",
                    "User-Agent": f"ironport-exporter/{__version__}",
                },
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(),
                # Larger than our own limit, whose error says what is wrong.
                max_line_size=2 * HEAD_LIMIT,
                max_field_size=2 * HEAD_LIMIT,
                max_headers=FIELD_LIMIT,
            )
        return self._session

    def _counting(self, reading: Reading) -> ClientMiddlewareType:
        """Count every try: aiohttp itself sends a GET again if the connection breaks before an answer."""

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

    def _check_status(self, response: ClientResponse) -> None:
        pages, user = self._pages, self._user.username
        place = f"auths.{self._appliance.auth}.{pages.key} of fleet.yml"
        match response.status:
            case 200:
                return
            case 401:
                raise AuthError(
                    f'the appliance does not accept the user "{user}" (HTTP 401): check username and password in '
                    f"{place}, and that the user's role may read the {pages.name} ({pages.role})"
                )
            case 403:
                raise AuthError(
                    f'the user "{user}" of {place} may not read the page (HTTP 403): '
                    f"give it a role that may ({pages.role})"
                )
            case status if status in _REDIRECTS:
                raise AuthError(self._redirected(status, response.headers.get("Location", "")))
            case status:
                raise HttpStatusError(
                    f"the appliance answered with HTTP {status}: check that the {pages.name} are enabled, "
                    f"that this release of AsyncOS has the page{pages.releases}, and the appliance's load"
                )

    def _redirected(self, status: int, location: str) -> str:
        key = self._pages.key
        if self._settings.scheme == "http" and location.startswith("https:"):
            hint = f"set {key}.scheme to https and {key}.port to its port"
            return f"the appliance redirects to HTTPS (HTTP {status}): {hint}"
        return (
            f"the appliance redirects to another page, probably its login page (HTTP {status}): check the user "
            f'"{self._user.username}" and its role, and that the {self._pages.name} are enabled on this interface'
        )

    def _failure(self, error: Exception) -> SourceError:
        address, key = self._appliance.address, self._pages.key
        match error:
            case aiohttp.ClientConnectorCertificateError(certificate_error=ssl.SSLCertVerificationError() as cause):
                return tls.refused_certificate(cause, key)
            case aiohttp.ServerFingerprintMismatch(got=got):
                return tls.other_certificate(got, key)
            case aiohttp.ClientConnectorError(os_error=ssl.SSLError() as cause):
                return tls.failed_handshake(cause, key)
            case aiohttp.ClientConnectorError(os_error=ConnectionResetError() | ConnectionAbortedError()):
                return tls.broken_handshake(key)
            case aiohttp.ClientConnectorDNSError(os_error=cause) if cause.errno not in NO_DESCRIPTORS:
                return ResolveError(f'the name "{address}" has no address: check the appliance\'s address and the DNS')
            case aiohttp.ClientConnectorError(os_error=cause):
                return self._not_connected(cause)
            case aiohttp.ClientPayloadError():
                return MalformedError(
                    "the answer is incomplete, cannot be decompressed or breaks the rules of HTTP: "
                    f"check the appliance's load and what answers at {key}.port"
                )
            case aiohttp.ClientResponseError(message=message):
                return _unreadable_answer(message, self._settings.scheme, key)
        other_scheme = (
            f"set {key}.scheme to https if the port uses HTTPS, or " if self._settings.scheme == "http" else ""
        )
        return UnreachableError(
            "the appliance closed the connection before it had answered: "
            f"{other_scheme}check {key}.port, the appliance's load and any firewall in between"
        )

    def _not_connected(self, error: OSError) -> SourceError:
        address, port, key = self._appliance.address, self._settings.port, self._pages.key
        if error.errno in NO_DESCRIPTORS:
            return ResourceError(RAISE_THE_LIMIT)
        if isinstance(error, ConnectionRefusedError):
            return RefusedError(
                f"port {port} of {address} is closed: check {key}.port and {key}.scheme, "
                f"and that the interface has the {self._pages.name} enabled"
            )
        return UnreachableError(f"no connection to port {port} of {address} ({_why(error)}): check route and firewall")


def _unreadable_answer(message: str, scheme: str, key: str) -> MalformedError:
    """Return the error for an answer that aiohttp cannot parse, without the octets that its `message` quotes."""
    if "Expected HTTP" in message:
        hint = f"if the port speaks HTTPS, set {key}.scheme to https" if scheme == "http" else f"check {key}.port"
        return MalformedError(f"the answer is not HTTP: {hint}")
    fault = label_value(message.partition(":")[0])
    return MalformedError(f"the answer breaks the rules of HTTP ({fault}): check what answers at {key}.port")


def _why(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else "each of its addresses fails for another reason"
