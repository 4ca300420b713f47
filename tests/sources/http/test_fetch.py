from __future__ import annotations

import asyncio
import base64
import gzip
import socket
import tracemalloc
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from aiohttp import web

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
from exporter.metrics.reading import Reading
from exporter.sources.http.fetch import Fetcher
from exporter.telemetry import Telemetry
from support.processes import free_port
from support.web_interface import RawServer, Talk, WebInterface, answering_with, reset, status_page

Serve = Callable[..., Awaitable[WebInterface]]
ServeRaw = Callable[[Talk], Awaitable[RawServer]]
MakeFetcher = Callable[..., Fetcher]

PAGE = status_page()
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 9\r\n\r\n<status/>"


def sent_codes(telemetry: Telemetry) -> dict[str, float]:
    """Return the requests that the exporter's own metrics count, by code."""
    found = (sample for metric in telemetry.xml_requests.collect() for sample in metric.samples)
    return {sample.labels["code"]: sample.value for sample in found if sample.name.endswith("_total")}


async def test_a_page_is_fetched_with_basic_authentication(
    serve: Serve, make_fetcher: MakeFetcher, telemetry: Telemetry
) -> None:
    server = await serve()
    reading = Reading("xml")
    assert await make_fetcher(port=server.port).get("status", reading) == PAGE
    (asked,) = server.asked
    scheme, credentials = asked.headers["Authorization"].split()
    assert scheme == "Basic"
    assert base64.b64decode(credentials).decode() == "monitor:pässw0rd:s3cret"
    assert asked.path == "/xml/status"
    assert "Cookie" not in asked.headers
    assert (reading.requests, reading.retries) == (1, 0)
    assert sent_codes(telemetry) == {"200": 1}
    (note,) = reading.notes
    assert note.startswith(f"GET /xml/status: 200 text/xml, {len(PAGE)} bytes; ")


async def test_one_connection_serves_several_requests(serve: Serve, make_fetcher: MakeFetcher) -> None:
    server = await serve()
    fetcher = make_fetcher(port=server.port)
    for _ in range(3):
        await fetcher.get("status", Reading("xml"))
    assert len({asked.peer for asked in server.asked}) == 1


async def test_ipv6_addresses_are_asked(serve: Serve, make_fetcher: MakeFetcher) -> None:
    server = await serve(host="::1")
    assert await make_fetcher(address="::1", port=server.port).get("status", Reading("xml")) == PAGE
    assert server.asked[0].headers["Host"] == f"[::1]:{server.port}"


async def test_no_cookie_is_kept(serve: Serve, make_fetcher: MakeFetcher) -> None:
    server = await serve(pages={"/xml/status": answering_with(200, **{"Set-Cookie": "sid=1"})})
    fetcher = make_fetcher(address="127.0.0.1", port=server.port)
    for _ in range(2):
        await fetcher.get("status", Reading("xml"))
    assert "Cookie" not in server.asked[1].headers


async def test_proxies_of_the_environment_are_not_used(
    serve: Serve, make_fetcher: MakeFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await serve()
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert await make_fetcher(port=server.port).get("status", Reading("xml")) == PAGE


async def test_gzip_is_unpacked(serve: Serve, make_fetcher: MakeFetcher) -> None:
    async def packed(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(PAGE), headers={"Content-Encoding": "gzip"})

    server = await serve(pages={"/xml/status": packed})
    assert await make_fetcher(port=server.port).get("status", Reading("xml")) == PAGE


OUTCOMES: dict[str, tuple[bytes | Callable[[web.Request], Awaitable[web.StreamResponse]], type[SourceError], str]] = {
    "401": (answering_with(401), AuthError, r'does not accept the user "monitor" \(HTTP 401\).*auths\.ops\.xml'),
    "403": (
        answering_with(403),
        AuthError,
        r'"monitor" of auths\.ops\.xml of fleet\.yml may not read the page \(HTTP 403\).*role',
    ),
    "302": (answering_with(302, Location="/login"), AuthError, r"redirects to another page, probably its login page"),
    **{
        str(code): (answering_with(code, Location="/login"), AuthError, rf"its login page \(HTTP {code}\)")
        for code in (301, 303, 307, 308)
    },
    "to HTTPS": (answering_with(301, Location="https://mx1/xml/status"), AuthError, "set xml.scheme to https"),
    "404": (answering_with(404), HttpStatusError, "HTTP 404: check that the XML pages are enabled"),
    "500": (answering_with(500), HttpStatusError, "HTTP 500"),
    "204": (answering_with(204), HttpStatusError, "HTTP 204"),
    "10 MB": (b"<status>" + b"x" * 10_000_000, TooLargeError, "larger than 262144 bytes"),
    "256 KB and an octet": (b"x" * 262_145, TooLargeError, "larger than 262144 bytes"),
}


@pytest.mark.parametrize(("page", "error", "words"), OUTCOMES.values(), ids=OUTCOMES)
async def test_an_answer_that_is_no_page_is_an_error(
    serve: Serve,
    make_fetcher: MakeFetcher,
    page: bytes | Callable[[web.Request], Awaitable[web.StreamResponse]],
    error: type[SourceError],
    words: str,
) -> None:
    server = await serve(pages={"/xml/status": page})
    reading = Reading("xml")
    with pytest.raises(error, match=words) as caught:
        await make_fetcher(port=server.port).get("status", reading)
    assert type(caught.value) is error
    assert [asked.path for asked in server.asked] == ["/xml/status"]
    assert (reading.requests, reading.retries) == (1, 0)
    assert error.reason in reading.notes[0]


async def test_a_page_of_256_kb_is_read(serve: Serve, make_fetcher: MakeFetcher) -> None:
    server = await serve(pages={"/xml/status": b"x" * 262_144})
    assert await make_fetcher(port=server.port).get("status", Reading("xml")) == b"x" * 262_144


async def test_a_page_that_is_announced_as_too_large_is_not_read(
    serve_raw: ServeRaw, make_fetcher: MakeFetcher
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 262145\r\n\r\n")
        await reader.read()

    server = await serve_raw(talk)
    async with asyncio.timeout(60):
        with pytest.raises(TooLargeError, match="larger than 262144 bytes"):
            await make_fetcher(port=server.port).get("status", Reading("xml"))


async def test_a_gzip_bomb_is_never_unpacked(serve: Serve, make_fetcher: MakeFetcher) -> None:
    bomb = gzip.compress(b"<status>" + b" " * 200_000_000, 1)

    async def packed(_: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    server = await serve(pages={"/xml/status": packed})
    fetcher = make_fetcher(port=server.port)
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError):
            await fetcher.get("status", Reading("xml"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000


RAW = {
    "cut at once": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", MalformedError, "incomplete"),
    "bad gzip": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        MalformedError,
        "cannot be decompressed",
    ),
    "no HTTP": (b"220 mx1 ESMTP\r\n", MalformedError, "is not HTTP"),
    "a TLS alert": (b"\x15\x03\x01\x00\x02\x02\x46", MalformedError, "set xml.scheme to https"),
}


@pytest.mark.parametrize(("answer", "error", "words"), RAW.values(), ids=RAW)
async def test_an_incomplete_answer_is_malformed(
    serve_raw: ServeRaw, make_fetcher: MakeFetcher, answer: bytes, error: type[SourceError], words: str
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    server = await serve_raw(talk)
    with pytest.raises(error, match=words):
        await make_fetcher(port=server.port).get("status", Reading("xml"))
    assert server.accepted == 1


CUT = {"by length": OK[:-4], "in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n<stat"}


@pytest.mark.parametrize("answer", CUT.values(), ids=CUT)
async def test_what_came_of_a_cut_answer_is_returned(
    serve_raw: ServeRaw, make_fetcher: MakeFetcher, answer: bytes
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    server = await serve_raw(talk)
    body = await make_fetcher(port=server.port).get("status", Reading("xml"))
    assert body
    assert answer.endswith(body)


@pytest.mark.parametrize("end", [asyncio.StreamWriter.close, reset], ids=["closed", "reset"])
async def test_a_broken_connection_is_tried_once_more(
    serve_raw: ServeRaw, make_fetcher: MakeFetcher, telemetry: Telemetry, end: Callable[[asyncio.StreamWriter], None]
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if server.accepted == 1:
            end(writer)
        else:
            writer.write(OK)
            await reader.read()

    server = await serve_raw(talk)
    reading = Reading("xml")
    assert await make_fetcher(port=server.port).get("status", reading) == b"<status/>"
    assert (reading.requests, reading.retries) == (2, 1)
    assert sent_codes(telemetry) == {"none": 1, "200": 1}


@pytest.mark.parametrize("end", [asyncio.StreamWriter.close, reset], ids=["closed", "reset"])
async def test_a_connection_that_breaks_twice_is_unreachable(
    serve_raw: ServeRaw, make_fetcher: MakeFetcher, telemetry: Telemetry, end: Callable[[asyncio.StreamWriter], None]
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        end(writer)

    server = await serve_raw(talk)
    reading = Reading("xml")
    with pytest.raises(UnreachableError, match="closed the connection before it had answered"):
        await make_fetcher(port=server.port).get("status", reading)
    assert (reading.requests, reading.retries, server.accepted) == (2, 1, 2)
    assert sent_codes(telemetry) == {"none": 2}


async def test_a_kept_connection_may_be_closed(serve_raw: ServeRaw, make_fetcher: MakeFetcher) -> None:
    closed = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        if server.accepted == 1:
            await asyncio.wait_for(closed.wait(), 10)
            return
        await reader.read()

    server = await serve_raw(talk)
    fetcher = make_fetcher(port=server.port)
    await fetcher.get("status", Reading("xml"))
    closed.set()
    reading = Reading("xml")
    assert await fetcher.get("status", reading) == b"<status/>"
    assert server.accepted == 2
    assert not reading.errors


async def test_a_closed_port_is_refused(make_fetcher: MakeFetcher, telemetry: Telemetry) -> None:
    port = free_port(socket.SOCK_STREAM)
    reading = Reading("xml")
    with pytest.raises(RefusedError, match=rf"port {port} of 127\.0\.0\.1 is closed"):
        await make_fetcher(port=port).get("status", reading)
    assert (reading.requests, reading.retries) == (1, 0)
    assert sent_codes(telemetry) == {"none": 1}


async def test_a_name_without_address_is_a_resolve_error(make_fetcher: MakeFetcher) -> None:
    with pytest.raises(ResolveError, match=r'the name "mx1\.invalid" has no address'):
        await make_fetcher(address="mx1.invalid", port=80).get("status", Reading("xml"))


async def test_an_address_without_a_route_is_unreachable(make_fetcher: MakeFetcher) -> None:
    with pytest.raises(UnreachableError, match=r"no connection to port 80 of 255\.255\.255\.255"):
        await make_fetcher(address="255.255.255.255", port=80).get("status", Reading("xml"))


async def test_the_connection_of_a_cancelled_request_is_closed(
    serve: Serve, make_fetcher: MakeFetcher, telemetry: Telemetry
) -> None:
    half_sent, gone = asyncio.Event(), asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/xml"})
        await response.prepare(request)
        await response.write(PAGE[:1000])
        half_sent.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        return response

    server = await serve(pages={"/xml/tophosts": slow})
    fetcher = make_fetcher(port=server.port)
    await fetcher.get("status", Reading("xml"))
    reading = Reading("xml")
    request = asyncio.create_task(fetcher.get("tophosts", reading))
    await asyncio.wait_for(half_sent.wait(), 10)
    request.cancel()
    with suppress(asyncio.CancelledError):
        await request
    assert request.cancelled()
    await asyncio.wait_for(gone.wait(), 10)  # the server saw the connection go
    assert reading.notes[0].startswith("GET /xml/tophosts: cancelled; ")
    assert await fetcher.get("status", Reading("xml")) == PAGE
    peers = [asked.peer for asked in server.asked]
    assert peers[0] == peers[1] != peers[2]


async def test_a_cancelled_request_leaves_nothing_behind(
    serve_raw: ServeRaw, make_fetcher: MakeFetcher, telemetry: Telemetry
) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()
        gone.set()

    server = await serve_raw(talk)
    request = asyncio.create_task(make_fetcher(port=server.port).get("status", Reading("xml")))
    await asyncio.wait_for(asked.wait(), 10)
    request.cancel()
    await asyncio.wait([request])
    assert request.cancelled()
    await asyncio.wait_for(gone.wait(), 10)
    assert sent_codes(telemetry) == {"none": 1}
