"""The requests of one poll to one SNMP agent: sending them, sending them again, and finding the answers.

Each session has its own connected UDP socket. So the kernel drops datagrams from other addresses and reports a closed
port.

Each try of a request has a new random id, and the ids of all tries stay valid until the request is answered. So an
answer to an earlier try counts too, its round trip is measured from the right try, and nobody who cannot read our
packets can guess an id.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from exporter.errors import (
    MalformedError,
    RefusedError,
    ResolveError,
    ResourceError,
    SourceError,
    SourceTimeout,
    UnreachableError,
)
from exporter.metrics.reading import Reading
from exporter.sources.descriptors import NO_DESCRIPTORS, RAISE_THE_LIMIT
from exporter.sources.resolve import addresses
from exporter.sources.snmp.ber import BerError, Pdu
from exporter.sources.snmp.messages import Codec, Rejected, Renewal, SnmpRequest
from exporter.sources.snmp.retry import RoundTripTime, timeouts
from exporter.telemetry import Telemetry

MAX_IN_FLIGHT: Final = 3
"""The most requests that wait for answers at a time: SNMP has low priority in AsyncOS."""

MAX_DATAGRAM: Final = 8192
"""The most octets of an answer. Requests are made so that answers fit into about 1,500."""

_REFUSED_SECONDS: Final = 1.0
"""A poll ends when the network has refused its datagrams for so long. Until then the agent may be restarting."""

_MAX_RENEWALS: Final = 8
"""How often one request is sent again at once because the agent reports another engine or another time."""


@dataclass(slots=True, eq=False)
class _Call:
    """A request that waits for its answer."""

    request: SnmpRequest
    future: asyncio.Future[Pdu]
    """Gets the answer, or the error that ends the request."""
    timeouts: Iterator[float]
    """How long to wait for an answer after each try, in seconds."""
    max_tries: int | None
    tries: dict[int, float] = field(default_factory=dict)
    """The id of each datagram that was sent for the request, and when it was sent."""
    renewals: int = 0
    refusal: SourceError | None = None
    """The error of an unauthenticated report. It counts only if no answer comes, because anybody can send a report."""
    odd: tuple[int, Pdu] | None = None
    """The id and the answer that was about other objects. It counts only if no better one comes."""
    timer: asyncio.TimerHandle | None = None
    """Runs until the next try."""

    @property
    def attempts(self) -> int:
        """How often the request was sent, without the packets that taught the codec the agent's engine."""
        return len(self.tries) - self.renewals


class Session(asyncio.DatagramProtocol):
    """Sends requests to one agent: use `async with Session.open(...)`. Closing it drops all that still waits."""

    def __init__(
        self, agent: str, codec: Codec, round_trip: RoundTripTime, reading: Reading, telemetry: Telemetry
    ) -> None:
        self._agent = agent
        self._codec = codec
        self._round_trip = round_trip
        self._reading = reading
        self._telemetry = telemetry
        self._loop = asyncio.get_running_loop()
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._calls: dict[int, _Call] = {}
        self._ended: set[int] = set()
        self._refused_since: float | None = None
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        host: str,
        port: int,
        codec: Codec,
        round_trip: RoundTripTime,
        reading: Reading,
        telemetry: Telemetry,
    ) -> AsyncIterator[Session]:
        """Connect to the agent; raises `ResolveError` or `UnreachableError`."""
        agent = f"{host} UDP port {port}"
        loop = asyncio.get_running_loop()
        try:
            transport, session = await loop.create_datagram_endpoint(
                lambda: cls(agent, codec, round_trip, reading, telemetry), remote_addr=(await _address(host), port)
            )
        except socket.gaierror as error:
            message = f"The name {host} cannot be resolved ({error.strerror}): check the address and the DNS."
            raise ResolveError(message) from error
        except OSError as error:
            raise _transport_error(agent, error) from error
        try:
            yield session
        finally:
            transport.close()

    async def request(self, request: SnmpRequest, tries: int | None = None) -> Pdu:
        """Send the request until an answer comes, or until `tries` datagrams are unanswered; raises `SourceError`."""
        async with self._slots:
            call = _Call(request, self._loop.create_future(), timeouts(self._round_trip.timeout), tries)
            started = time.monotonic()
            try:
                self._send(call)
                response = await call.future
            except BaseException:  # an error, or the end of the poll
                self._telemetry.snmp_unanswered.inc()
                raise
            finally:
                self._stop(call)
            self._note(call, response, time.monotonic() - started)
            return response

    def _note(self, call: _Call, response: Pdu, seconds: float) -> None:
        outcome = (
            f"error status {response.error_status}" if response.error_status else f"{len(response.varbinds)} values"
        )
        tries = _counted(call.attempts, "try", "tries")
        if call.renewals:
            tries += f" and {_counted(call.renewals, 'packet', 'packets')} to learn the engine"
        self._reading.notes.append(f"{call.request}: {outcome}, {tries}, {seconds * 1000:.0f} ms")

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # it is one
        self._transport = transport

    def datagram_received(self, data: bytes, _: object) -> None:
        """Pass an answer to its request; count and drop everything else."""
        try:
            self._receive(data)
        except Rejected as error:
            self._telemetry.snmp_rejected.labels(error.reason).inc()
        except BerError:
            self._telemetry.snmp_rejected.labels("malformed").inc()

    def error_received(self, error: Exception) -> None:
        """Fail all requests when the network has refused our datagrams for a while."""
        now = time.monotonic()
        if self._refused_since is None:
            self._refused_since = now
        if now - self._refused_since >= _REFUSED_SECONDS:
            for call in set(self._calls.values()):
                _fail(call, _transport_error(self._agent, error))

    def _receive(self, data: bytes) -> None:
        if len(data) > MAX_DATAGRAM:
            raise Rejected("malformed")
        message = self._codec.decode(data)
        request_id = message.request_id
        call = self._calls.get(request_id)
        if call is None:
            raise Rejected("duplicate" if request_id in self._ended else "wrong_id")
        try:
            answer = message.accept()
        except SourceError as error:
            self._telemetry.snmp_reports.inc()
            call.refusal = error
            return
        if isinstance(answer, Renewal):
            self._renew(call, request_id, answer)
        else:
            self._answer(call, request_id, answer)

    def _answer(self, call: _Call, request_id: int, response: Pdu) -> None:
        if not _is_sized(call.request, response):
            raise Rejected("malformed")
        if not _fits(call.request, response):
            call.odd = request_id, response
            raise Rejected("malformed")
        self._accept(call, request_id, response)

    def _accept(self, call: _Call, request_id: int, response: Pdu) -> None:
        self._refused_since = None
        seconds = time.monotonic() - call.tries[request_id]
        self._round_trip.observe(seconds)
        self._telemetry.snmp_round_trip.observe(seconds)
        self._telemetry.snmp_responses.inc()
        if request_id != next(reversed(call.tries)):
            self._telemetry.snmp_late.inc()
        if call.attempts > 1:
            self._telemetry.snmp_recovered.inc()
        self._stop(call)
        if not call.future.done():
            call.future.set_result(response)

    def _renew(self, call: _Call, request_id: int, renewal: Renewal) -> None:
        """Send the request again at once, because the codec has learned about the agent's engine from its report."""
        self._refused_since = None
        self._round_trip.observe(time.monotonic() - call.tries[request_id])
        self._telemetry.snmp_reports.inc()
        del self._calls[request_id]
        self._ended.add(request_id)
        if request_id != next(reversed(call.tries)):
            return  # a later try waits for its answer
        call.renewals += 1
        if call.renewals > _MAX_RENEWALS:
            _fail(call, MalformedError(f"The SNMP agent at {self._agent} {renewal.complaint}."))
            return
        call.timeouts = timeouts(self._round_trip.timeout)
        self._send(call)

    def _send(self, call: _Call, *, again: bool = False) -> None:
        request_id = secrets.randbits(30) | 0x40000000
        datagram = self._codec.encode(call.request, request_id)
        self._calls[request_id] = call
        call.tries[request_id] = time.monotonic()
        self._reading.requests += 1
        self._telemetry.snmp_sent.inc()
        if again:
            self._reading.retries += 1
            self._telemetry.snmp_resent.inc()
        if call.timer:
            call.timer.cancel()
        call.timer = self._loop.call_later(next(call.timeouts), self._unanswered, call)
        assert self._transport is not None  # noqa: S101 - connection_made comes first
        self._transport.sendto(datagram)

    def _unanswered(self, call: _Call) -> None:
        if call.odd:
            self._accept(call, *call.odd)
        elif call.refusal:
            _fail(call, call.refusal)
        elif call.max_tries is not None and call.attempts >= call.max_tries:
            _fail(call, SourceTimeout(f"No answer from {self._agent} to {call.request} in {call.attempts} tries."))
        else:
            self._send(call, again=True)

    def _stop(self, call: _Call) -> None:
        if call.timer:
            call.timer.cancel()
        for request_id in call.tries:
            if self._calls.pop(request_id, None):
                self._ended.add(request_id)


def _fits(request: SnmpRequest, response: Pdu) -> bool:
    """Whether a response to a GET is about the objects that it asks for."""
    asked = tuple(oid for oid, _ in response.varbinds)
    return bool(response.error_status) or request.kind != "get" or asked == request.oids


def _is_sized(request: SnmpRequest, response: Pdu) -> bool:
    """Whether a response has as many variable bindings as the request asks for, or fewer."""
    if response.error_status:
        return True
    return 0 < len(response.varbinds) <= len(request.oids) * max(request.repetitions, 1)


async def _address(host: str) -> str:
    """Return the address of `host`, IPv4 if it has one: UDP does not show whether an agent listens on IPv6."""
    found = await addresses(host, socket.SOCK_DGRAM)
    _, address = min(found, key=lambda found: found[0] != socket.AF_INET)
    return address


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _fail(call: _Call, error: SourceError) -> None:
    if not call.future.done():
        call.future.set_exception(error)


def _transport_error(agent: str, error: Exception) -> SourceError:
    if isinstance(error, ConnectionRefusedError):
        return RefusedError(f"{agent} is closed: check that SNMP is enabled on that interface of the appliance.")
    if isinstance(error, OSError) and error.errno in NO_DESCRIPTORS:
        return ResourceError(f"{agent} was not asked: {RAISE_THE_LIMIT}.")
    cause = (isinstance(error, OSError) and error.strerror) or error
    return UnreachableError(f"{agent} cannot be reached ({cause}): check the route.")
