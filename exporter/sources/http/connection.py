"""Limits on what an appliance may send for one request: aiohttp itself reads interim answers and slow ones for ever.

Headers are read as browsers read them: aiohttp refuses a line without a colon and a Content-Length that stands twice.
"""

from __future__ import annotations

import asyncio
import re
import socket
import time
from asyncio.sslproto import SSLProtocol
from functools import partial
from typing import Any, Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

from exporter.errors import MalformedError, SourceError, SourceTimeout, TooLargeError
from exporter.sources.allowance import Allowance

HEAD_LIMIT: Final = 64 * 1024
"""The most octets before the body, interim answers included. An appliance sends about 300; browsers accept 256 KB."""

FIELD_LIMIT: Final = 1000
"""The most lines of a header, and of the trailer behind chunks. An appliance sends about 10."""

OVERHEAD_LIMIT: Final = 8 * 1024
"""The most octets behind the header beyond twice the body: chunks of a few octets, endless trailers."""

INTERIM_LIMIT: Final = 100
"""The most interim answers (100 Continue and other 1xx) to one request, as in Python's own http.client."""

LEAST_SPEED: Final = 1000.0
"""Octets a second that an answer must bring on average, after `PATIENCE` seconds. A status page has about 5,000."""

PATIENCE: Final = 5.0
"""Seconds from the first octet of an answer for which it may be slower. Before that octet only the deadline counts."""

LEAST_SILENCE: Final = 0.5
SILENCE_FACTOR: Final = 4.0
"""A kept connection counts as lost if no octet of an answer comes in so many seconds, and in so many times the longest
wait that it has had: firewalls forget idle connections without a word."""

_SMALL_PIECE: Final = 512
"""An answer that comes in pieces of fewer octets is read with pauses, so that more octets come at a time."""

_SMALL_COST: Final = 4
"""How much of the allowance such a piece costs: a pause is due after eight of them."""

_PAUSE: Final = 0.05
"""The first such pause in seconds. A page that comes line by line may be complete so much later."""

RECEIVE_BUFFER: Final = 16 * 1024
"""Octets that may wait in a connection; Linux doubles them. A status page has about 10,000."""

_PIECE: Final = 4096
"""Octets of a body in chunks, or of a compressed one, to parse before the limits are checked again: at most about 700
chunks. Another body is what it is, and is passed on as it comes."""

SSLProtocol.max_size = 4 * 1024
"""asyncio keeps a buffer of this size for each TLS connection, and OpenSSL one as large as what comes at a time.
Asyncio's own 256 KB would be 128 MB for 500 appliances, and 16 KB would be 8 MB more than this."""

LARGE_ANSWER: Final = 256 * 1024
LARGE_BUFFER: Final = 64 * 1024
"""From so many octets of an answer on, its connection takes so many at a time, and keeps these buffers. Only a list of
more than 1,300 destinations is so large. One of 5,000 takes an eighth of the steps of the event loop."""

_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_LONGEST_END: Final = 4  # octets that `_HEAD_END` matches at most
_LINE_END: Final = re.compile(rb"\r?\n")


class LimitedHandler(ResponseHandler):
    """aiohttp's reader of one connection, which closes the connection when an answer breaks a limit."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._received = 0
        self._behind_head = 0
        self._interim = 0
        self._final = False
        self._piece = _PIECE
        self._began = 0.0
        self._head = bytearray()
        self._speed_check: asyncio.TimerHandle | None = None
        self._asked = 0.0
        self._longest_wait: float | None = None
        self._silence_check: asyncio.TimerHandle | None = None
        self._allowance = Allowance(_PAUSE)
        self._pause: asyncio.TimerHandle | None = None

    def set_response_params(self, **params: Any) -> None:
        """Begin a request: aiohttp calls this before it sends one."""
        self._unwatch()
        self._allowance = Allowance(_PAUSE)
        self._go_on_reading()
        self._received, self._behind_head, self._interim, self._final, self._head = 0, 0, 0, False, bytearray()
        self._asked = time.monotonic()
        if self._longest_wait is not None:
            silence = max(LEAST_SILENCE, SILENCE_FACTOR * self._longest_wait)
            self._silence_check = self._loop.call_later(silence, self._give_up)
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        if not data:  # aiohttp goes on to decompress what it has
            super().data_received(data)
            return
        if self._is_answered:
            self._end(MalformedError("more came than was asked for"))
            return
        if not self._received:
            self._began = time.monotonic()
            self._longest_wait = max(self._longest_wait or 0.0, self._began - self._asked)
            self._watch()
        size = len(data)
        if self._received <= LARGE_ANSWER < self._received + size and self._piece > _PIECE:
            _enlarge_buffers(self.transport)
        self._received += size
        while data and not self._final and self._exception is None:
            data = self._head_received(data)
            self._check_head()
        while data and self._exception is None:
            piece, data = data[: self._piece], data[self._piece :]
            self._behind_head += len(piece)
            super().data_received(piece)
            self._check_body()
        self._pass_on_fault()
        if size < _SMALL_PIECE and self._exception is None and not self._is_answered:
            self._stop_reading(self._allowance.spend(_SMALL_COST))

    def _head_received(self, data: bytes) -> bytes:
        """Pass on a header when it has come as a whole, and return the octets behind it."""
        searched = max(0, len(self._head) - _LONGEST_END + 1)
        self._head += data
        end = _HEAD_END.search(self._head, searched)
        if end is None and _is_http(self._head):
            return b""
        head, self._head = bytes(self._head), bytearray()
        if end is None:
            super().data_received(head)
            return b""
        super().data_received(_mended(head[: end.start()]))
        return head[end.end() :]

    def _pass_on_fault(self) -> None:
        """Tell the reader of the body that it cannot be parsed: aiohttp tells the reader of the next header only."""
        payload, fault = self._payload, self._exception
        if payload is not None and not payload.is_eof() and isinstance(fault, HttpProcessingError):
            payload.set_exception(aiohttp.ClientPayloadError(), fault)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Count an answer that aiohttp has parsed."""
        message, _ = data
        if message.code < 200:
            self._interim += 1
        else:
            self._final = True
            self._piece = _PIECE if message.chunked or message.compression else RECEIVE_BUFFER
        super().feed_data(data, size)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._unwatch()
        super().connection_lost(exc)
        self._go_on_reading()

    @property
    def _is_answered(self) -> bool:
        return self._final and (self._payload is None or self._payload.is_eof())

    def _stop_reading(self, seconds: float) -> None:
        if seconds and self.transport is not None:
            self.transport.pause_reading()
            self._pause = self._loop.call_later(seconds, self._go_on_reading)

    def _go_on_reading(self) -> None:
        if self._pause:
            self._pause.cancel()
            self._pause = None
            if self.transport is not None and not self._reading_paused:  # aiohttp waits until somebody takes the page
                self.transport.resume_reading()

    def _check_head(self) -> None:
        if self._interim > INTERIM_LIMIT:
            self._end(MalformedError(f"the answer is preceded by more than {INTERIM_LIMIT} interim answers (HTTP 1xx)"))
        elif not self._final and self._received > HEAD_LIMIT:
            self._end(TooLargeError(f"the header of the answer is larger than {HEAD_LIMIT} bytes: it is not read"))

    def _check_body(self) -> None:
        body = self._payload.total_bytes if self._payload else 0
        if self._behind_head > OVERHEAD_LIMIT + 2 * body:
            self._end(
                TooLargeError(f"{self._behind_head} bytes came for {body} bytes of the page: it is not read further")
            )

    def _watch(self) -> None:
        """Check the speed when the answer must have ended, if no more comes."""
        self._unwatch()
        end = self._began + PATIENCE + self._received / LEAST_SPEED
        self._speed_check = self._loop.call_later(end - time.monotonic(), self._check_speed)

    def _unwatch(self) -> None:
        for timer in (self._speed_check, self._silence_check):
            if timer:
                timer.cancel()
        self._speed_check = self._silence_check = None

    def _give_up(self) -> None:
        """End a connection that seems to be lost: aiohttp then sends the request again on a new one."""
        self.set_exception(aiohttp.ServerDisconnectedError())
        if self.transport is not None:
            self.transport.abort()

    def _check_speed(self) -> None:
        if self._is_answered:
            return
        seconds = time.monotonic() - self._began
        if seconds < PATIENCE + self._received / LEAST_SPEED:
            self._watch()
            return
        self._end(
            SourceTimeout(
                f"the answer began but did not end: {self._received} bytes in {seconds:.0f} s. "
                "Check the appliance's load and the network"
            )
        )

    def _end(self, error: SourceError) -> None:
        payload = self._payload
        self.set_exception(error)
        if payload is not None:
            payload.set_exception(error)
        if self.transport is not None:
            self.transport.abort()


class LimitedConnector(aiohttp.TCPConnector):
    """Connections whose answers have limits.

    aiohttp has no public way to set the class that reads a connection. `_factory` is where it keeps it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(socket_factory=_small_socket, **options)
        self._factory = partial(LimitedHandler, loop=self._loop)  # type: ignore[assignment]  # a subclass


def _small_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """Return a socket that brings a few octets at a time, so that parsing them does not hold the event loop."""
    family, kind, protocol, _, _ = address
    created = socket.socket(family, kind, protocol)
    created.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    return created


def _enlarge_buffers(transport: asyncio.BaseTransport | None) -> None:
    """Let a connection take more at a time. Asyncio has no public way to do this for one TLS connection."""
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LARGE_BUFFER)
    if protocol := getattr(transport, "_ssl_protocol", None):
        protocol.max_size = LARGE_BUFFER


def _is_http(head: bytes | bytearray) -> bool:
    return b"HTTP/".startswith(head[:5])


def _mended(head: bytes) -> bytes:
    """Return a header with its end, without lines that have no colon, and with one length where several are equal."""
    if head.count(b"\n") > FIELD_LIMIT:  # aiohttp refuses it, and to mend it would hold the event loop
        return head + b"\r\n\r\n"
    status, *lines = _LINE_END.split(head)
    kept = [line for line in lines if b":" in line]
    lengths = {each.strip() for line in kept if _is_length(line) for each in line.partition(b":")[2].split(b",")}
    if len(lengths) == 1:
        kept = [line for line in kept if not _is_length(line)] + [b"Content-Length: " + length for length in lengths]
    return b"\r\n".join([status, *kept, b"", b""])


def _is_length(line: bytes) -> bool:
    return line.partition(b":")[0].strip().lower() == b"content-length"
