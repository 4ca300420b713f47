"""Requests to the HTTP API of a server, and one sentence for each way in which a connection fails.

No sentence has the user and password of the URL or of a proxy.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from base64 import b64encode
from collections.abc import Mapping
from functools import cached_property
from typing import Final
from urllib.parse import unquote, urlencode, urlsplit

import aiohttp
from yarl import URL

from exporter import __version__
from exporter.errors import ExporterError, QueryTooLargeError, UsageError
from exporter.prometheus.answers import ServerAnswer
from exporter.prometheus.http_config import HttpClientConfig
from exporter.prometheus.proxies import is_this_machine

QUERY_TIMEOUT: Final = 900
"""Seconds that a query may take, from the connection to the end of the answer: quantiles over weeks take long."""

ANSWER_LIMIT: Final = 128 * 1024 * 1024
"""The largest answer to read, in decompressed bytes."""

_CONNECT_TIMEOUT: Final = 30
"""Seconds in which the connection must be there."""

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_MOST_REDIRECTS: Final = 5

_CHECK_TRUST: Final = (
    "name a file with its issuer's certificate in tls_config.ca_file of --http.config.file,"
    " and use a name of the certificate in the URL."
)
_CHECK_TLS: Final = (
    "check the port, and whether the URL must begin with http:. If the server asks for a client certificate,"
    " set tls_config.cert_file and key_file in --http.config.file."
)


class Connection:
    """Sends requests to the server at `url`, as `http` says. Raises UsageError if both have credentials."""

    def __init__(self, url: str, http: HttpClientConfig) -> None:
        user, at, _ = urlsplit(url).netloc.rpartition("@")
        self.server = urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()
        if at and http.has_credentials:
            raise UsageError(f"The URL {self.server} and --http.config.file both have credentials: keep one of them.")
        self._http = http
        self._authorized = bool(at) or http.has_credentials
        self._headers = [("User-Agent", f"ironport-exporter/{__version__}"), *http.headers()]
        if is_this_machine(urlsplit(url).hostname or ""):  # packing takes longer than sending
            self._headers.append(("Accept-Encoding", "identity"))
        if at:  # RFC 7617
            self._headers.append(("Authorization", f"Basic {b64encode(unquote(user).encode()).decode()}"))

    def get(self, path: str) -> ServerAnswer:
        """Return the answer of a path below /api/v1. Raises ExporterError."""
        return asyncio.run(self._bounded("GET", path, None))

    def post(self, path: str, parameters: Mapping[str, object]) -> ServerAnswer:
        """Return the answer of a path below /api/v1 to parameters. Raises ExporterError."""
        return asyncio.run(self._bounded("POST", path, urlencode(parameters)))

    async def _bounded(self, method: str, path: str, form: str | None) -> ServerAnswer:
        try:
            async with asyncio.timeout(QUERY_TIMEOUT), self._session() as session:
                return await self._exchange(session, method, URL(f"{self.server}/api/v1/{path}"), form)
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            raise ExporterError(self._failure(error)) from None

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(sock_connect=_CONNECT_TIMEOUT),
            headers=self._headers,
        )

    @cached_property
    def _tls(self) -> ssl.SSLContext | bool:
        return self._http.tls_config.context() if self.server.startswith("https:") else True

    async def _exchange(self, session: aiohttp.ClientSession, method: str, url: URL, form: str | None) -> ServerAnswer:
        """Return the answer. A redirect within the server is followed; the request stays as it is."""
        for _ in range(_MOST_REDIRECTS):
            async with session.request(
                method,
                url,
                data=form,
                headers={"Content-Type": "application/x-www-form-urlencoded"} if form else {},
                proxy=self._http.proxy(url.scheme, url.host or ""),
                server_hostname=self._http.tls_config.server_name,
                allow_redirects=False,
            ) as response:
                if response.status not in _REDIRECTS:
                    body = await _body(response)
                    return ServerAnswer(self.server, self._authorized, response.status, response.reason or "", body)
                url = self._redirected(url, response.headers.get("Location", ""))
        raise ExporterError(f"The Prometheus at {self.server} redirects again and again: check the URL.")

    def _redirected(self, url: URL, location: str) -> URL:
        """Return the new address. Raises ExporterError for that of another server, which must not get credentials."""
        try:
            target = url.join(URL(location)).with_user(None)
            shown = target.with_query(None).with_fragment(None)
            same = target.origin() == url.origin()
        except ValueError:
            raise ExporterError(f"The Prometheus at {self.server} redirects to nowhere: check the URL.") from None
        if not same:
            raise ExporterError(
                f"The Prometheus at {self.server} redirects to another server, {shown}, which is not followed:"
                " give the URL of the server that answers queries."
            )
        if not self._http.follow_redirects:
            raise ExporterError(f"The Prometheus at {self.server} redirects to {shown}, and follow_redirects is false.")
        return target

    def _failure(self, error: Exception) -> str:
        place = f"The Prometheus at {self.server}"
        match error:
            case aiohttp.ClientConnectorError():
                return self._no_connection(error)
            case ValueError():
                return f"The host of {self.server} is neither a name nor an address: check the URL."
            case aiohttp.ConnectionTimeoutError():
                return f"{place} cannot be reached within {_CONNECT_TIMEOUT} s: check the address and the firewall."
            case TimeoutError():
                return f"{place} did not finish an answer within {QUERY_TIMEOUT} s: check its load."
            case aiohttp.ClientHttpProxyError(status=status):
                return f"The proxy does not connect to {self.server} (it answers {status}): check proxy_url."
            case aiohttp.ClientPayloadError():
                return f"{place} did not finish its answer: check its log and the proxies before it."
            case aiohttp.ClientResponseError():
                return f"{place} does not speak HTTP: check the port, and whether the URL must begin with https:."
        hint = f", or {_CHECK_TLS}" if self.server.startswith("https:") else "."
        return f"{place} closed the connection before it answered: check its log and the proxies before it{hint}"

    def _no_connection(self, error: aiohttp.ClientConnectorError) -> str:
        place = f"The Prometheus at {self.server}"
        match error:
            case aiohttp.ClientConnectorCertificateError(certificate_error=ssl.SSLCertVerificationError() as cause):
                reason = cause.verify_message.rstrip(".")
                return f"The certificate of {self.server} is not trusted ({reason}): {_CHECK_TRUST}"
            case aiohttp.ClientProxyConnectionError():
                return f"The proxy to {self.server} cannot be reached: check proxy_url."
            case aiohttp.ClientConnectorDNSError(host=host):
                return f"The name {host} of {self.server} has no address: check the URL and the DNS."
            case aiohttp.ClientConnectorError(os_error=ssl.SSLError() | ConnectionResetError() as cause):
                return f"{place} ended the TLS handshake ({_reason(cause)}): {_CHECK_TLS}"
        return f"{place} cannot be reached ({_reason(error.os_error)}): check that it runs there."


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > ANSWER_LIMIT:
            raise QueryTooLargeError(f"An answer of {response.url.origin()} is larger than {ANSWER_LIMIT:,} bytes.")
    return bytes(body)


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no reason").lower().replace("_", " ")
    if isinstance(error, ConnectionResetError):
        return "connection reset"
    return os.strerror(error.errno).lower() if error.errno else "each of its addresses fails for another reason"
