"""A connection that waits too long for its client is closed, and there are not too many of them."""

from __future__ import annotations

import asyncio
import math
import resource
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trustme
from aiohttp import web

from exporter import log
from exporter.web import connections, server
from exporter.web.server import listening
from exporter.web.settings import ListenAddress

Connect = Callable[..., Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@asynccontextmanager
async def serving(
    handler: Callable[[web.Request], Awaitable[web.Response]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[Connect]:
    application = web.Application()
    application.router.add_get("/", handler)
    async with listening(application, [ListenAddress("127.0.0.1", 0)], tls) as (address,):
        host, _, port = address.rpartition(":")
        yield partial(asyncio.open_connection, host, int(port))


async def well(_: web.Request) -> web.Response:
    return web.Response(text="well")


@pytest.mark.parametrize("sent", [b"", b"G", GET[:-2]], ids=["nothing", "an octet", "half a header"])
async def test_a_connection_without_a_request_is_closed(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(connections, "REQUEST", 0.05)
    async with serving(well) as connect:
        reader, writer = await connect()
        writer.write(sent)
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_half_a_header_after_an_answer_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REQUEST", 0.05)
    async with serving(well) as connect:
        reader, writer = await connect()
        writer.write(GET)
        assert await reader.readuntil(b"well")
        writer.write(GET[:-2])
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_half_a_header_right_behind_a_request_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both come in one packet, so nothing comes after the answer."""
    monkeypatch.setattr(connections, "REQUEST", 0.05)
    async with serving(well) as connect:
        reader, writer = await connect()
        writer.write(GET + GET[:-2])
        assert await reader.readuntil(b"well")
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


@pytest.mark.parametrize("requests", [1, 20], ids=["one answer", "many answers"])
async def test_a_client_that_does_not_read_is_closed(monkeypatch: pytest.MonkeyPatch, requests: int) -> None:
    monkeypatch.setattr(connections, "ANSWER", 0.05)
    whole = 30_000_000
    asked: asyncio.Queue[asyncio.Task[None]] = asyncio.Queue()

    async def large(request: web.Request) -> web.Response:
        asked.put_nowait(request.task)
        return web.Response(body=bytes(whole // requests))

    async with serving(large) as connect:
        reader, writer = await connect()
        writer.write(GET * requests)
        assert (await asyncio.wait({await asked.get()}, timeout=10))[0]
        assert len(await reader.read()) < whole
        writer.close()


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
async def test_unread_answers_take_limited_memory_in_all(
    monkeypatch: pytest.MonkeyPatch, authority: trustme.CA, tls: bool
) -> None:
    """The client address with most of them loses those that wait longest, and the others stay."""
    whole = 16_000_000
    monkeypatch.setattr(connections, "UNREAD", 70_000_000)  # two take up to 64 MB, and three 75 MB or more
    server_side, client_side = contexts(authority) if tls else (None, None)

    async def large(_: web.Request) -> web.Response:
        return web.Response(body=bytes(whole))

    async with serving(large, server_side) as connect:
        clients = [await connect(ssl=client_side, local_addr=(f"127.0.0.{host}", 0)) for host in (2, 3, 3, 3, 3)]
        for reader, writer in clients:
            writer.write(GET)
            assert await reader.readuntil(b"\r\n\r\n")
        assert [await length(reader, whole) == whole for reader, _ in clients] == [True, False, False, False, True]
        for _, writer in clients:
            writer.close()


def contexts(authority: trustme.CA) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the TLS of a server and of a client."""
    server_side, client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server_side)
    authority.configure_trust(client_side)
    return server_side, client_side


async def length(reader: asyncio.StreamReader, most: int) -> int:
    """Return how many octets come before the end or `most`."""
    try:
        return len(await reader.readexactly(most))
    except asyncio.IncompleteReadError as error:
        return len(error.partial)


async def test_a_client_that_does_not_read_delays_no_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_SHUTDOWN", 3600)

    async def large(_: web.Request) -> web.Response:
        return web.Response(body=bytes(30_000_000))

    async with asyncio.timeout(30):
        async with serving(large) as connect:
            reader, writer = await connect()
            writer.write(GET)
            assert await reader.readexactly(1)
        writer.close()


async def test_a_request_that_the_exporter_reads_late_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop stands for longer than a client may take, and then there is one tick, not several."""
    monkeypatch.setattr(connections, "REQUEST", 1)
    ticks: asyncio.Queue[None] = asyncio.Queue()
    monkeypatch.setattr(server, "partial", lambda *_: ticks.get)
    async with serving(well) as connect:
        reader, writer = await connect()
        writer.write(GET)
        ticks.put_nowait(None)
        time.sleep(1.1)  # noqa: ASYNC251 - the loop stands still
        assert await reader.readuntil(b"well")
        writer.close()


async def test_a_header_may_take_ten_seconds_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks: asyncio.Queue[None] = asyncio.Queue()

    async def tick() -> None:
        await ticks.get()
        ticks.task_done()

    monkeypatch.setattr(server, "partial", lambda *_: tick)
    async with serving(well) as connect:
        reader, writer = await connect()
        for seconds, sent in ((0, GET), (60, GET + GET[:-2]), (9, GET[-2:])):
            for _ in range(seconds):
                ticks.put_nowait(None)
            await ticks.join()
            writer.write(sent)
            assert await reader.readuntil(b"well")
        writer.close()


async def test_a_large_page_may_be_read_slowly() -> None:
    whole = 4_000_000

    async def large(_: web.Request) -> web.Response:
        return web.Response(body=bytes(whole))

    async with serving(large) as connect:
        reader, writer = await connect()
        writer.write(GET)
        assert await reader.readuntil(b"\r\n\r\n")
        assert await length(reader, whole) == whole
        writer.close()


async def test_a_connection_with_a_request_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while its first answer takes long."""
    monkeypatch.setattr(connections, "REQUEST", 0.05)

    pauses = iter((1.5, 0))  # the first is longer than the patience and the tick

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(next(pauses))
        return web.Response(text="well")

    async with serving(slow) as connect:
        reader, writer = await connect()
        for _ in range(2):
            writer.write(GET)
            assert (await reader.readuntil(b"well")).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_further_connection_closes_the_longest_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "most_connections", lambda: 2.0)
    async with serving(well) as connect:
        first, second = await connect(), await connect()
        for reader, writer in (first, second, first):
            writer.write(GET)
            assert await reader.readuntil(b"well")
        third = await connect()
        for reader, writer in (third, first):
            writer.write(GET)
            assert await reader.readuntil(b"well")
        assert await second[0].read() == b""
        for _, writer in (first, second, third):
            writer.close()


async def test_no_connection_with_a_request_is_closed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beyond the limit others are refused, and the log says so once."""
    monkeypatch.setattr(connections, "most_connections", lambda: 1.0)
    monkeypatch.setattr(connections, "_log", log.once_a_minute("test_connections.refused"))
    log.setup()
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        begun.set()
        await go.wait()
        return web.Response(text="well")

    async with serving(slow) as connect:
        reader, writer = await connect()
        writer.write(GET)
        await begun.wait()
        for _ in range(5):
            other, other_writer = await connect()
            answer = await other.read()
            assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
            assert answer.endswith(b"(ulimit -n).\n")
            other_writer.close()
        go.set()
        assert await reader.readuntil(b"well")
        writer.close()
    assert capsys.readouterr().err.count('msg="too many connections"') == 1


@pytest.mark.parametrize(("files", "most"), [(1024, 682), (resource.RLIM_INFINITY, math.inf)])
def test_clients_may_use_two_thirds_of_the_open_files(monkeypatch: pytest.MonkeyPatch, files: int, most: float) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert connections.most_connections() == most
