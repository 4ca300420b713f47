"""An answer without an end costs its appliance one error, and the exporter neither time nor memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from exporter.errors import MalformedError, SourceError, SourceTimeout, TooLargeError
from exporter.metrics.reading import Reading
from exporter.sources.http import connection
from exporter.sources.http.fetch import Fetcher
from support.web_interface import RawServer, Talk

ServeRaw = Callable[[Talk], Awaitable[RawServer]]
MakeFetcher = Callable[..., Fetcher]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<status/>"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def endless(begin: bytes, more: bytes, pause: float = 0.0) -> Talk:
    """Answer with `begin`, then send `more` for ever."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(begin)
        with suppress(ConnectionError):
            while True:
                writer.write(more)
                await writer.drain()
                await asyncio.sleep(pause)

    return talk


ENDLESS: dict[str, tuple[Talk, type[SourceError], str]] = {
    "100 Continue": (endless(b"", CONTINUE * 5000), MalformedError, "more than 100 interim answers"),
    "102": (endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 5000), MalformedError, "more than 100 interim answers"),
    "interim header": (endless(b"", CONTINUE[:-2] + b"A: " + b"b" * 4000 + b"\r\n\r\n"), TooLargeError, "65536 bytes"),
    "header lines": (endless(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 2000), TooLargeError, "65536 bytes"),
    "header of many lines": (
        endless(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 2000 + b"\r\n", b""),
        MalformedError,
        "Too many headers",
    ),
    "header line": (endless(b"HTTP/1.1 200 OK\r\nA: ", b"b" * 1000), TooLargeError, "65536 bytes"),
    "trailers": (endless(CHUNKED + b"0\r\n", b"A: b\r\n" * 1000), MalformedError, "rules of HTTP|incomplete"),
    "tiny chunks": (endless(CHUNKED, b"1\r\nx\r\n" * 10_000), TooLargeError, "bytes of the page"),
}


@pytest.mark.parametrize(("talk", "error", "words"), ENDLESS.values(), ids=ENDLESS)
async def test_an_endless_answer_is_cut(
    serve_raw: ServeRaw, make_fetcher: MakeFetcher, talk: Talk, error: type[SourceError], words: str
) -> None:
    server = await serve_raw(talk)
    with pytest.raises(error, match=words):
        await make_fetcher(port=server.port).get("status", Reading("xml"))


SLOW = {
    "dripped body": endless(HEAD, b"<", 0.01),
    "silence after the header": endless(HEAD, b"", 10),
    "dripped header": endless(b"HTTP/1.1 200 OK\r\nA: ", b"b", 0.01),
    "dripped interim answers": endless(b"", CONTINUE, 0.05),
}


@pytest.mark.parametrize("talk", SLOW.values(), ids=SLOW)
async def test_a_dripped_answer_is_a_timeout(
    serve_raw: ServeRaw, make_fetcher: MakeFetcher, monkeypatch: pytest.MonkeyPatch, talk: Talk
) -> None:
    monkeypatch.setattr(connection, "PATIENCE", 0.2)
    server = await serve_raw(talk)
    with pytest.raises(SourceTimeout, match="began but did not end"):
        await make_fetcher(port=server.port).get("status", Reading("xml"))


def always(answer: bytes) -> Talk:
    """Answer each request on a connection so."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)

    return talk


async def test_as_many_interim_answers_as_may_come_are_skipped(serve_raw: ServeRaw, make_fetcher: MakeFetcher) -> None:
    server = await serve_raw(always(CONTINUE * 100 + OK))
    fetcher = make_fetcher(port=server.port)
    for _ in range(3):
        assert await fetcher.get("status", Reading("xml")) == b"<status/>"
    assert server.accepted == 1


async def test_one_interim_answer_too_many_is_refused(serve_raw: ServeRaw, make_fetcher: MakeFetcher) -> None:
    server = await serve_raw(always(CONTINUE * 101 + OK))
    with pytest.raises(MalformedError, match="more than 100 interim answers"):
        await make_fetcher(port=server.port).get("status", Reading("xml"))


async def test_a_page_may_come_in_some_tiny_chunks(serve_raw: ServeRaw, make_fetcher: MakeFetcher) -> None:
    """8 KB may come behind the header beyond twice the page: 2,000 chunks of one octet have less, 2,100 have more."""
    few, many = (CHUNKED + b"1\r\nx\r\n" * count + b"0\r\n\r\n" for count in (2000, 2100))
    server = await serve_raw(always(few))
    assert await make_fetcher(port=server.port).get("status", Reading("xml")) == b"x" * 2000
    server = await serve_raw(always(many))
    with pytest.raises(TooLargeError, match="bytes of the page"):
        await make_fetcher(port=server.port).get("status", Reading("xml"))


async def test_a_header_may_have_a_thousand_lines(serve_raw: ServeRaw, make_fetcher: MakeFetcher) -> None:
    fitting, larger = (OK.replace(b"\r\n", b"\r\n" + b"A: b\r\n" * lines, 1) for lines in (999, 1000))
    server = await serve_raw(always(fitting))
    assert await make_fetcher(port=server.port).get("status", Reading("xml")) == b"<status/>"
    server = await serve_raw(always(larger))
    with pytest.raises(MalformedError, match="Too many headers"):
        await make_fetcher(port=server.port).get("status", Reading("xml"))


async def test_an_appliance_that_is_always_slow_is_not_forgotten(
    serve_raw: ServeRaw, make_fetcher: MakeFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its second answer takes longer than the least silence, and less than four times the first one."""
    monkeypatch.setattr(connection, "LEAST_SILENCE", 0.05)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.2)
            writer.write(OK)

    server = await serve_raw(talk)
    fetcher = make_fetcher(port=server.port)
    for _ in range(2):
        assert await fetcher.get("status", Reading("xml")) == b"<status/>"
    assert server.accepted == 1


async def test_an_answer_that_nobody_asked_for_ends_the_connection(
    serve_raw: ServeRaw, make_fetcher: MakeFetcher
) -> None:
    gone = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + OK * 1000)
        with suppress(ConnectionError):
            await reader.read()
        gone.set()

    server = await serve_raw(talk)
    await make_fetcher(port=server.port).get("status", Reading("xml"))
    await asyncio.wait_for(gone.wait(), 10)


ODD_HEADERS = {
    "a line without a colon": b"HTTP/1.1 200 OK\r\nodd\r\nContent-Length: 9\r\n\r\n<status/>",
    "Content-Length twice": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\ncontent-length:9\r\n\r\n<status/>",
    "one line of two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 9, 9\r\n\r\n<status/>",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 9\n\n<status/>",
    "a bare line feed at the end": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\n<status/>",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 9\r\n\r\n<status/>",
    "HTTP/1.0 without a length": b"HTTP/1.0 200 OK\r\n\r\n<status/>",
    "60 KB": b"HTTP/1.1 200 OK\r\nA: " + b"a" * 60_000 + b"\r\nContent-Length: 9\r\n\r\n<status/>",
}


@pytest.mark.parametrize("answer", ODD_HEADERS.values(), ids=ODD_HEADERS)
async def test_an_odd_header_is_read_as_browsers_do(
    serve_raw: ServeRaw, make_fetcher: MakeFetcher, answer: bytes
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for octet in (answer[at : at + 700] for at in range(0, len(answer), 700)):
            writer.write(octet)
            await writer.drain()

    server = await serve_raw(talk)
    assert await make_fetcher(port=server.port).get("status", Reading("xml")) == b"<status/>"


BAD_CHUNKS = {
    "at once": [CHUNKED + b"zz\r\n<status/>"],
    "later": [CHUNKED, b"zz\r\n<status/>"],
}


@pytest.mark.parametrize("closes", [True, False], ids=["closed", "open"])
@pytest.mark.parametrize("segments", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
async def test_a_bad_chunk_ends_the_answer(
    serve_raw: ServeRaw, make_fetcher: MakeFetcher, segments: list[bytes], *, closes: bool
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for segment in segments:
            writer.write(segment)
            await writer.drain()
            await asyncio.sleep(0.01)  # so that they arrive one by one
        if not closes:
            with suppress(ConnectionError):
                await reader.read()

    server = await serve_raw(talk)
    fetcher = make_fetcher(port=server.port)
    with pytest.raises(MalformedError, match="breaks the rules of HTTP"):
        await asyncio.wait_for(fetcher.get("status", Reading("xml")), 10)


async def test_two_lengths_are_refused(serve_raw: ServeRaw, make_fetcher: MakeFetcher) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 4\r\n\r\n<status/>")

    server = await serve_raw(talk)
    with pytest.raises(MalformedError, match="breaks the rules of HTTP"):
        await make_fetcher(port=server.port).get("status", Reading("xml"))


async def test_a_forgotten_connection_costs_a_retry_only(
    serve_raw: ServeRaw, make_fetcher: MakeFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LEAST_SILENCE", 0.05)
    connections: list[asyncio.StreamWriter] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        if len(connections) == 1:
            with suppress(ConnectionError):
                await reader.read()  # takes the second request, and never answers it

    server = await serve_raw(talk)
    fetcher, reading = make_fetcher(port=server.port), Reading("xml")
    for _ in range(2):
        assert await fetcher.get("status", reading) == b"<status/>"
    assert (server.accepted, reading.requests, reading.retries) == (2, 3, 1)


async def test_a_late_answer_on_a_kept_connection_is_read(
    serve_raw: ServeRaw, make_fetcher: MakeFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the deadline limits how long the first octet takes."""
    monkeypatch.setattr(connection, "PATIENCE", 0.05)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for pause in (0, 0.2):
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(pause)
            writer.write(OK)

    server = await serve_raw(talk)
    fetcher = make_fetcher(port=server.port)
    for _ in range(2):
        assert await fetcher.get("status", Reading("xml")) == b"<status/>"
    assert server.accepted == 1
