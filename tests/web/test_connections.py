"""A client that brings no request is closed, and one too many is refused; both cost the others nothing."""

from __future__ import annotations

import asyncio
import math
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from exporter.web import connections
from exporter.web.server import listening
from exporter.web.settings import ListenAddress

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@asynccontextmanager
async def serving(handler: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[Connect]:
    application = web.Application()
    application.router.add_get("/", handler)
    async with listening(application, [ListenAddress("127.0.0.1", 0)]) as (address,):
        host, _, port = address.rpartition(":")
        yield lambda: asyncio.open_connection(host, int(port))


async def well(_: web.Request) -> web.Response:
    return web.Response(text="well")


@pytest.mark.parametrize("sent", [b"", b"G", GET[:-2]], ids=["nothing", "an octet", "half a header"])
async def test_a_connection_without_a_request_is_closed(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(connections, "FIRST_REQUEST", 0.05)
    async with serving(well) as connect:
        reader, writer = await connect()
        writer.write(sent)
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_a_connection_with_a_request_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while its first answer takes long."""
    monkeypatch.setattr(connections, "FIRST_REQUEST", 0.05)

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(1.5)  # longer than the patience and the tick
        return web.Response(text="well")

    async with serving(slow) as connect:
        reader, writer = await connect()
        for _ in range(2):
            writer.write(GET)
            assert (await reader.readuntil(b"well")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_one_connection_too_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "most_connections", lambda: 2)
    async with serving(well) as connect:
        first, second = await connect(), await connect()
        for reader, writer in (first, second):
            writer.write(GET)
            assert await reader.readuntil(b"well")
        reader, writer = await connect()
        assert b"503 Service Unavailable" in await reader.readuntil(b"ulimit -n).\n")
        for _, open_writer in (first, second, (reader, writer)):
            open_writer.close()


@pytest.mark.parametrize(("files", "most"), [(1024, 682), (resource.RLIM_INFINITY, math.inf)])
def test_clients_may_use_two_thirds_of_the_open_files(monkeypatch: pytest.MonkeyPatch, files: int, most: float) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert connections.most_connections() == most
