"""The connections of clients: how many there may be, and how long one may take to bring its first request."""

from __future__ import annotations

import asyncio
import math
import resource
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from aiohttp.web_protocol import RequestHandler

FIRST_REQUEST: Final = 10.0
"""Seconds in which a new connection must bring a whole request header."""

_SHARE: Final = 2 / 3
"""Share of the file descriptors that clients may use: the rest is for the appliances."""

_REFUSAL: Final = b"There are too many connections: close some, or raise the limit of open files (ulimit -n).\n"


def most_connections() -> float:
    """Return how many connections there may be: a share of the open files that the system allows."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if files == resource.RLIM_INFINITY else int(files * _SHARE)


class Connections:
    """Makes the protocol of each connection to a server: the argument of `create_server`.

    The server is that of the runner, which has none before its setup.
    """

    def __init__(self, runner: web.AppRunner) -> None:
        self._runner = runner
        self._silent: dict[RequestHandler, float] = {}
        """The connections that have brought no request, and when they began."""

    def __call__(self) -> asyncio.Protocol:
        server = self._server
        if len(server.connections) >= most_connections():
            return _Refusal()
        protocol = server()
        self._silent[protocol] = asyncio.get_running_loop().time()
        return protocol

    @property
    def _server(self) -> web.Server:
        assert self._runner.server is not None  # noqa: S101 - nobody connects before the setup
        return self._runner.server

    async def close_silent(self, tick: Callable[[], Awaitable[object]]) -> None:
        """After each tick, close the connections that have brought no request in time. Runs until it is cancelled."""
        while True:
            await tick()
            latest = asyncio.get_running_loop().time() - FIRST_REQUEST
            for protocol in [protocol for protocol, begun in self._silent.items() if begun < latest]:
                del self._silent[protocol]
                protocol.force_close()

    @web.middleware
    async def note_request(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note that a connection has brought a request: a middleware."""
        self._silent.pop(request.protocol, None)
        return await handler(request)


class _Refusal(asyncio.Protocol):
    """Answers a connection that is one too many, without waiting for its request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - that of a stream
        head = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
        transport.write(head + b"Content-Length: %d\r\n\r\n" % len(_REFUSAL) + _REFUSAL)
        transport.close()
