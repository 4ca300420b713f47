"""The connections of clients: how many there may be, and how long one may wait for its client."""

from __future__ import annotations

import asyncio
import math
import resource
import ssl
from asyncio.sslproto import SSLProtocol
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.log import once_a_minute

REQUEST: Final = 10.0
"""Seconds in which a client must bring a whole request header: since it has connected, or since it has begun the
header. With TLS, the handshake is part of the first request.
"""

ANSWER: Final = 60.0
"""Seconds in which a client must read an answer: scrapes do not last that long, and people's slow lines are enough."""

UNREAD: Final = 16 * 1024 * 1024
"""Octets of answers that clients may leave unread, all together. The largest page of 5,000 appliances has 2 MB. What is
small enough for asyncio's own buffer of a connection, which has 64 KB, does not count.
"""

_IDLE: Final = 150.0
"""Seconds for which an idle connection is kept: longer than scrape intervals, so that a scrape needs no new one."""

_SHARE: Final = 2 / 3
"""Share of the file descriptors that clients may use: the rest is for the appliances."""

_REFUSAL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    b"There are too many connections: close some, or raise the limit of open files (ulimit -n).\n"
)

_log: Final = once_a_minute(__name__)


def most_connections() -> float:
    """Return how many connections there may be: a share of the open files that the system allows."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if files == resource.RLIM_INFINITY else int(files * _SHARE)


class Connections:
    """Makes the protocol of each connection to a server: the argument of `create_server`.

    The server is that of the runner, which has none before its setup.
    """

    def __init__(self, runner: web.AppRunner, tls: ssl.SSLContext | None) -> None:
        self._runner = runner
        self._tls = tls
        self._now = 0
        """The time in seconds, as the ticks count it."""
        self._used: dict[_Client, int] = {}
        """The connections, and when each was last used; the one that was used last comes last."""
        self._unread: dict[_Client, None] = {}
        """The connections that had much of an answer unread, in this order; some may have read it since."""

    def __call__(self) -> asyncio.BaseProtocol:
        if len(self._used) >= most_connections() and not self._make_room():
            return _Refusal(b"" if self._tls else _REFUSAL)
        client = _Client(self._server, self)
        self._used[client] = self._now
        return _Tls(client, self, self._tls) if self._tls else client

    @property
    def _server(self) -> web.Server:
        assert self._runner.server is not None  # noqa: S101 - nobody connects before the setup
        return self._runner.server

    def _make_room(self) -> bool:
        """Close the connection that has waited longest for its client. Returns whether there is one."""
        _log.warning("too many connections", most=most_connections(), advice="raise the limit of open files")
        waiting = next((client for client in self._used if client.waits), None)
        if waiting:
            self._cut(waiting)
        return waiting is not None

    def _cut(self, client: _Client) -> None:
        self.forget(client)
        client.cut()

    def forget(self, client: _Client) -> None:
        """Take note that a connection is lost."""
        self._used.pop(client, None)
        self._unread.pop(client, None)

    def note_use(self, client: _Client) -> None:
        """Take note that a connection is used, unless it is lost."""
        if self._used.pop(client, None) is not None:
            self._used[client] = self._now

    def note_unread(self, client: _Client) -> None:
        """Take note that a client leaves much of an answer unread. Close connections if that is too much memory in all.

        The client address that leaves most unread loses its connections, beginning with the one that waits longest.
        """
        self._unread[client] = None
        octets = {each: size for each in self._unread if (size := each.unread)}
        self._unread = dict.fromkeys(octets)
        while sum(octets.values()) > UNREAD:
            _log.warning("clients do not read their answers", most=UNREAD, advice="find out what sends these requests")
            longest = _longest_of_greediest(octets)
            del octets[longest]
            self._cut(longest)

    async def close_slow(self, tick: Callable[[], Awaitable[object]]) -> None:
        """After each tick of a second, close the connections that wait too long for their clients.

        Runs until it is cancelled. Ticks are counted, and not the time: if the event loop itself is late, what clients
        have sent meanwhile is not read yet.
        """
        while True:
            await tick()
            self._now += 1
            for client in [client for client, used in self._used.items() if self._now - used > client.patience]:
                self._cut(client)

    def close_unread(self) -> None:
        """Close the connections whose clients do not read their answers: they would hold up the end of the server."""
        for client in [client for client in self._used if client.unread]:
            self._cut(client)

    @web.middleware
    async def note_request(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Take note of a request, and of its end: a middleware."""
        client = request.protocol
        assert isinstance(client, _Client)  # noqa: S101 - there are no others
        client.asking, client.working = False, True
        try:
            response = await handler(request)
        finally:
            client.asking, client.working = client.has_begun_another, False
            self.note_use(client)
        client.answer = response.content_length or 0
        return response


def _longest_of_greediest(octets: Mapping[_Client, int]) -> _Client:
    """Return the first connection of the client address that has most octets in all."""
    totals: Counter[object] = Counter()
    for client, size in octets.items():
        totals[client.address] += size
    return max(octets, key=lambda client: totals[client.address])


class _Client(web.RequestHandler):
    """aiohttp's protocol of a connection. It also knows whether the connection waits for its client, and for what."""

    __slots__ = ("_connections", "_end", "answer", "asking", "stream", "working")

    def __init__(self, server: web.Server, connections: Connections) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=_IDLE,
            access_log=None,  # type: ignore[arg-type]  # as the server of aiohttp passes it
        )
        self._connections = connections
        self.stream: asyncio.Transport | None = None
        """The connection as TCP has it, also while TLS begins on it."""
        self.asking = True
        """Whether a request has begun, or the first one may; its header is not whole."""
        self.working = False
        """Whether a request is being handled."""
        self.answer = 0
        """The octets of the last answer, before it is compressed."""
        self._end = b""
        """The last four octets that came."""

    @property
    def address(self) -> object:
        """The IP address of the client, which all clients have in common that come through a file or one proxy."""
        name = self.stream.get_extra_info("peername") if self.stream else None
        return name and name[:1]

    @property
    def has_begun_another(self) -> bool:
        """Whether the client has sent some of a further header. The body of a request, which is rare, looks like it."""
        return self._end != b"\r\n\r\n"

    @property
    def waits(self) -> bool:
        """Whether the client has to do the next step."""
        return self.stream is not None and not self.working

    @property
    def unread(self) -> int:
        """The octets that an answer takes as long as the client leaves some of it unread: whole, and what is unread."""
        waiting = sum(each.get_write_buffer_size() for each in {self.stream, self.transport} if each)
        return waiting and self.answer + waiting

    @property
    def patience(self) -> float:
        """How many seconds the connection may remain as it is."""
        if not self.waits:
            return math.inf
        if self.asking:
            return REQUEST
        return ANSWER if self.unread else math.inf  # aiohttp closes what is idle

    def cut(self) -> None:
        """Close the connection without sending what the client has not read."""
        if self.stream:
            self.stream.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.stream is None:
            assert isinstance(transport, asyncio.Transport)  # noqa: S101 - that of a stream
            self.stream = transport
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._end = (self._end + data[-4:])[-4:]
        if data and not self.asking:  # without data, aiohttp goes on with what it has
            self.asking = True
            self._connections.note_use(self)
        super().data_received(data)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._connections.note_unread(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connections.forget(self)
        super().connection_lost(exc)


class _Tls(SSLProtocol):
    """TLS below the protocol of a client.

    Asyncio's own server does not show a connection before its handshake is done, so it could be neither counted nor
    closed.
    """

    def __init__(self, client: _Client, connections: Connections, context: ssl.SSLContext) -> None:
        super().__init__(asyncio.get_running_loop(), client, context, None, server_side=True)  # type: ignore[arg-type]
        self._client, self._connections = client, connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - that of a stream
        self._client.stream = transport
        super().connection_made(transport)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._connections.note_unread(self._client)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._connections.forget(self._client)


class _Refusal(asyncio.Protocol):
    """Answers a connection that is one too many, without waiting for its request."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - that of a stream
        transport.write(self._text)
        transport.close()
