"""An answer without an end costs its appliance one error, and the exporter neither time nor memory."""

from __future__ import annotations

import asyncio
from asyncio.sslproto import SSLProtocol
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from unittest import mock

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


class Clock(asyncio.SelectorEventLoop):
    """A loop that does not run: its time stands still until a test moves it on, and so do its timers."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.timers: list[asyncio.TimerHandle] = []

    def time(self) -> float:
        return self.now

    monotonic = time

    def call_later(  # type: ignore[override]  # the types of the arguments are not needed here
        self, delay: float, callback: Callable[..., object], *arguments: object
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(self.now + delay, callback, arguments, self)
        self.timers.append(timer)
        return timer

    @property
    def due(self) -> list[float]:
        """When the timers are due."""
        return [round(timer.when(), 3) for timer in self.timers if not timer.cancelled()]

    def move_to(self, seconds: float) -> None:
        """Move on to a time, and run the timers that are due."""
        self.now = seconds
        due = [timer for timer in self.timers if timer.when() <= self.now]
        self.timers = [timer for timer in self.timers if timer.when() > self.now]
        for timer in due:
            timer._run()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(connection, "time", clock)
    yield clock
    clock.close()


def connected(clock: Clock) -> tuple[connection.LimitedHandler, mock.Mock]:
    """Return the reader of a new connection that has sent a request, and the connection."""
    reader, transport = connection.LimitedHandler(clock), mock.Mock(spec=asyncio.Transport)
    transport.get_extra_info.return_value = None
    reader.connection_made(transport)
    reader.set_response_params()
    return reader, transport


def test_an_answer_must_bring_1000_octets_a_second_after_five_seconds(clock: Clock) -> None:
    reader, transport = connected(clock)
    clock.move_to(2)  # before the first octet, only the deadline counts
    reader.data_received(HEAD)
    clock.move_to(5)
    reader.data_received(b"x" * 2000)
    clock.move_to(7)
    assert clock.due == [round(9 + len(HEAD) / 1000, 3)]
    clock.move_to(9)
    assert not transport.abort.called
    clock.move_to(9.1)
    assert transport.abort.called
    assert isinstance(reader.exception(), SourceTimeout)
    assert "2041 bytes in 7 s" in str(reader.exception())


def test_an_answer_that_has_ended_is_not_too_slow(clock: Clock) -> None:
    reader, transport = connected(clock)
    reader.data_received(OK)
    clock.move_to(60)
    assert not transport.abort.called
    assert clock.due == []


def test_an_answer_in_small_pieces_is_read_with_pauses(clock: Clock) -> None:
    """So many turns of the event loop does it take, however fast the pieces come."""
    reader, transport = connected(clock)
    reader.data_received(HEAD)
    for piece in range(2, 10):
        assert transport.pause_reading.call_count == (piece > 8)
        reader.data_received(b"x")
    assert not transport.resume_reading.called
    clock.move_to(0.05)
    assert transport.resume_reading.call_count == 1


def test_each_octet_of_a_header_is_searched_a_few_times_at_most(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    searched = 0

    def search(head: bytearray, begin: int) -> None:
        nonlocal searched
        searched += len(head) - begin

    monkeypatch.setattr(connection, "_HEAD_END", mock.Mock(search=search))
    reader, _ = connected(clock)
    for octet in HEAD[:-1] + b"A: b\r\n" * 100:
        reader.data_received(bytes([octet]))
    assert searched <= 4 * (len(HEAD) + 600)


@pytest.mark.parametrize("octets", [512, 5000])
def test_larger_pieces_are_read_without_pauses(clock: Clock, octets: int) -> None:
    reader, transport = connected(clock)
    reader.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n")
    for _ in range(38):
        reader.data_received(bytes(octets))
    assert not transport.pause_reading.called


def test_the_next_answer_is_read_at_once(clock: Clock) -> None:
    reader, transport = connected(clock)
    for octet in OK[:8]:
        reader.data_received(bytes([octet]))
    assert transport.pause_reading.call_count == 1
    reader.data_received(OK[8:])
    reader.set_response_params()
    assert transport.resume_reading.called
    for octet in OK[:7]:
        reader.data_received(bytes([octet]))
    assert transport.pause_reading.call_count == 1


def test_a_connection_that_is_lost_in_a_pause_leaves_no_timer(clock: Clock) -> None:
    reader, _ = connected(clock)
    for octet in OK[:8]:
        reader.data_received(bytes([octet]))
    reader.connection_lost(None)
    assert clock.due == []


@pytest.mark.parametrize(("waits", "silence"), [((0.01,), 0.5), ((0.3,), 1.2), ((0.3, 0.01), 1.2), ((0.01, 0.3), 1.2)])
def test_a_silent_connection_is_given_up_after_four_times_its_longest_wait(
    clock: Clock, waits: tuple[float, ...], silence: float
) -> None:
    """But not before half a second."""
    reader, transport = connected(clock)
    now = 0.0
    for wait in waits:
        clock.move_to(now := now + wait)
        reader.data_received(OK)
        clock.move_to(now := now + 10)
        reader.set_response_params()
    assert clock.due == [round(now + silence, 3)]
    clock.move_to(now + silence + 0.001)
    assert transport.abort.called


def test_the_first_answer_of_a_connection_may_take_any_time(clock: Clock) -> None:
    connected(clock)
    assert clock.due == []


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


async def test_a_header_of_too_many_lines_is_not_mended(serve_raw: ServeRaw, make_fetcher: MakeFetcher) -> None:
    """It costs as little as any header that is refused."""
    server = await serve_raw(always(OK.replace(b"\r\n", b"\r\n" + b"no colon\r\n" * 1000, 1)))
    with pytest.raises(MalformedError, match="rules of HTTP"):
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


@pytest.mark.parametrize(
    ("head", "length", "enlarged"),
    [
        (b"Content-Length: 900000", connection.LARGE_ANSWER + 1, True),
        (b"Content-Length: 900000", connection.LARGE_ANSWER - 1000, False),
        (b"Content-Length: 900000\r\nContent-Encoding: deflate", connection.LARGE_ANSWER + 1, False),
    ],
)
def test_only_a_large_plain_answer_gets_a_larger_buffer(clock: Clock, head: bytes, length: int, enlarged: bool) -> None:
    """Octets that must be decompressed are few at a time: parsing them would hold the event loop."""
    reader, transport = connected(clock)
    transport.get_extra_info.return_value = inner = mock.Mock()
    transport._ssl_protocol = mock.Mock(max_size=4096)
    reader.data_received(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n")
    for _ in range(length // 1000 + 1):
        reader.data_received(b"x" * 1000)
    assert inner.setsockopt.call_count == enlarged
    assert transport._ssl_protocol.max_size == (connection.LARGE_BUFFER if enlarged else 4096)


def test_buffers_are_small_for_500_connections_and_large_for_a_large_answer() -> None:
    assert 500 * SSLProtocol.max_size <= 4 * 1024 * 1024
    assert 8 * SSLProtocol.max_size <= connection.LARGE_BUFFER
