"""The requests of one poll to one SNMP agent: sending them, sending them again, and finding the answers.

Each session has its own UDP socket. It is connected, so that the kernel drops datagrams from other addresses and
reports a closed port. Some appliances answer from another of their addresses. If the configuration says from which one,
the socket is not connected. If it does not, and nothing comes at all, a second socket shows where answers come from.

Each try of a request has a new random id, and the ids of all tries stay valid until the request is answered. So an
answer to an earlier try counts too, its round trip is measured from the right try, and nobody who cannot read our
packets can guess an id.

A report of SNMPv3 carries no digest: anybody who reads our packets can send one. So a request goes on waiting for its
answer after a report, and what the report says counts only if several tries bring nothing else.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from exporter.config import TargetRule
from exporter.errors import (
    MalformedError,
    RefusedError,
    ResolveError,
    ResourceError,
    SourceError,
    SourceTimeout,
    TooLargeError,
    UnreachableError,
)
from exporter.metrics.reading import Reading
from exporter.sources.descriptors import NO_DESCRIPTORS, RAISE_THE_LIMIT
from exporter.sources.resolve import addresses
from exporter.sources.snmp.ber import BerError, Pdu
from exporter.sources.snmp.datagrams import MAX_DATAGRAM, Address, AgentSocket
from exporter.sources.snmp.messages import Codec, Rejected, Renewal, SnmpRequest
from exporter.sources.snmp.retry import Loss, RoundTripTime, timeouts
from exporter.telemetry import Telemetry

MAX_IN_FLIGHT: Final = 3
"""The most requests that wait for answers at a time: SNMP has low priority in AsyncOS."""

MAX_REQUESTS: Final = 400
"""The most requests of a poll, not counting further tries. A large appliance needs about 10, or 200 if each row of its
tables takes a request.
"""

_REFUSED_SECONDS: Final = 1.0
"""A poll ends when the network has refused its datagrams for so long. Until then the agent may be restarting."""

_MAX_RENEWALS: Final = 2
"""How often one try is sent again at once because reports tell of another engine, and of its time."""

_CONNECTED_TRIES: Final = 2
"""After so many tries without any reaction, answers from other addresses are looked for."""

_REPORTS_TO_LEARN: Final = 2
"""An agent says in so many reports what there is to learn: its engine id, and its time."""

_REPORTED_TRIES: Final = 5
"""A report's error ends a request after so many tries to which reports came and no answer."""


@dataclass(slots=True, eq=False)
class _Call:
    """A request that waits for its answer."""

    request: SnmpRequest
    future: asyncio.Future[Pdu]
    """Gets the answer, or the error that ends the request."""
    timeouts: Iterator[float]
    """How long to wait for an answer after each try, in seconds."""
    wait: float
    """How long to wait for an answer to the last try, in seconds."""
    max_tries: int | None
    """The request is given up after so many tries, or later if loss explains that they got no answer."""
    tries: dict[int, float] = field(default_factory=dict)
    """The id of each datagram that was sent for the request, and when it was sent."""
    renewals: int = 0
    """How often the request was sent again at once because of a report."""
    followed: set[Renewal] = field(default_factory=set)
    """The reports since the last try for which the request was sent again at once."""
    refusal: SourceError | None = None
    """What the last report says, if no answer comes."""
    is_reported: bool = False
    """Whether a report has come since the last try."""
    reported_tries: int = 0
    odd: tuple[int, Pdu] | None = None
    """The id and the answer that was about other objects. It counts only if no better one comes."""
    timer: asyncio.TimerHandle | None = None
    """Runs until the next try."""

    @property
    def attempts(self) -> int:
        """How often the request was sent, without the packets that taught the codec the agent's engine."""
        return len(self.tries) - self.renewals


class Session:
    """Sends requests to one agent: use `async with Session.open(...)`. Closing it drops all that still waits."""

    def __init__(
        self,
        agent: str,
        codec: Codec,
        round_trip: RoundTripTime,
        reading: Reading,
        telemetry: Telemetry,
        accept_from: Collection[str] = (),
    ) -> None:
        self._agent = agent
        self._codec = codec
        self._round_trip = round_trip
        self._reading = reading
        self._telemetry = telemetry
        self._accepted_from = accept_from
        self._loop = asyncio.get_running_loop()
        self._loss = Loss()
        self._unanswered_tries: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._begun = 0
        self._calls: dict[int, _Call] = {}
        self._ended: set[int] = set()
        self._refused_since: float | None = None
        self._family = socket.AF_INET
        self._agent_address: Address = ("", 0)
        self._sockets: list[AgentSocket] = []
        """The last one sends; all of them receive."""
        self._is_heard = False
        """Whether the agent, or somebody else, has answered a request of this session."""

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
        accept_from: Collection[str] = (),
        rule: TargetRule | None = None,
    ) -> AsyncIterator[Session]:
        """Open a socket to an address of the agent that the rule permits; raises `SourceError`.

        The agent may also answer from the addresses `accept_from`.
        """
        session = cls(f"{host} UDP port {port}", codec, round_trip, reading, telemetry, accept_from)
        await session._open(host, port, rule)
        try:
            yield session
        finally:
            session._close()

    def _close(self) -> None:
        for each in self._sockets:
            each.close()
        self._sockets.clear()  # they refer back to this object, which would stay until a full garbage collection

    async def _open(self, host: str, port: int, rule: TargetRule | None) -> None:
        try:
            self._family, address = await _address(host, rule)
            self._agent_address = (address, port)
            self._add_socket(connected=not self._accepted_from)
        except socket.gaierror as error:
            message = f"The name {host} cannot be resolved ({error.strerror}): check the address and the DNS."
            raise ResolveError(message) from error
        except OSError as error:
            raise _transport_error(self._agent, error) from error

    async def request(self, request: SnmpRequest, tries: int | None = None) -> Pdu:
        """Send the request until an answer comes; raises `SourceError`.

        Given `tries`, it raises `SourceTimeout` after so many without an answer, unless loss explains them: if other
        requests lose packets too, there are more.
        """
        async with self._slots:
            self._count_request()
            waits = timeouts(self._round_trip, self._loss)
            call = _Call(request, self._loop.create_future(), waits, next(waits), tries)
            started = time.monotonic()
            try:
                self._send(call)
                response = await call.future
            except BaseException as error:  # an error, or the end of the poll
                self._telemetry.snmp_unanswered.inc()
                if call.refusal and error is not call.refusal:
                    self._reading.errors.append(call.refusal)
                raise
            finally:
                self._stop(call)
            self._note(call, response, time.monotonic() - started)
            return response

    def _count_request(self) -> None:
        """Count a request before it is sent; raises `TooLargeError` if it is one too many."""
        if self._begun == MAX_REQUESTS:
            raise TooLargeError(
                f"{self._agent} answers so little at a time that {MAX_REQUESTS} requests are not enough: the rest is "
                "not requested. Find out what answers there."
            )
        self._begun += 1

    def _note(self, call: _Call, response: Pdu, seconds: float) -> None:
        outcome = (
            f"error status {response.error_status}" if response.error_status else f"{len(response.varbinds)} values"
        )
        tries = _counted(call.attempts, "try", "tries")
        if call.renewals:
            tries += f" and {_counted(call.renewals, 'packet', 'packets')} to learn the engine"
        self._reading.notes.append(f"{call.request}: {outcome}, {tries}, {seconds * 1000:.0f} ms")

    def _add_socket(self, *, connected: bool) -> None:
        added = AgentSocket(self._family, self._agent_address, self._received, self._failed, connected=connected)
        self._sockets.append(added)

    def _received(self, data: bytes, sender: Address) -> bool:
        """Pass an answer to its request, and count and drop everything else; return whether it was an answer."""
        try:
            return self._take(data, sender)
        except Rejected as error:
            self._telemetry.snmp_rejected.labels(error.reason).inc()
        except BerError:
            self._telemetry.snmp_rejected.labels("malformed").inc()
        return False

    def _failed(self, error: OSError) -> None:
        """Fail all requests when the network has refused our datagrams for a while."""
        now = time.monotonic()
        if self._refused_since is None:
            self._refused_since = now
        if now - self._refused_since >= _REFUSED_SECONDS:
            for call in set(self._calls.values()):
                _fail(call, _transport_error(self._agent, error))

    def _take(self, data: bytes, sender: Address) -> bool:
        if len(data) > MAX_DATAGRAM:
            raise Rejected("malformed")
        message = self._codec.decode(data)
        request_id = message.request_id
        call = self._calls.get(request_id)
        if call is None:
            raise Rejected("duplicate" if request_id in self._ended else "wrong_id")
        if sender != self._agent_address and sender[0] not in self._accepted_from:
            call.refusal, call.is_reported = self._answers_from(sender[0]), True
            raise Rejected("wrong_identity")
        self._is_heard = True
        try:
            answer = message.accept()
        except SourceError as error:
            self._report(call, error)
            return False
        if isinstance(answer, Renewal):
            self._renew(call, request_id, answer)
            return False
        self._answer(call, request_id, answer)
        return True

    def _answers_from(self, other: str) -> SourceTimeout:
        return SourceTimeout(
            f"{self._agent} does not answer, but answers to our requests come from {other}: if that is an address of "
            "the same appliance, add it to snmp.accept_from."
        )

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
        self._loss.observe(call.attempts)
        self._unanswered_tries[call.request.kind] = 0
        if call.attempts > 1:
            self._telemetry.snmp_recovered.inc()
        self._stop(call)
        if not call.future.done():
            call.future.set_result(response)

    def _report(self, call: _Call, error: SourceError | None) -> None:
        """Note what is wrong if no answer comes."""
        self._refused_since = None
        self._telemetry.snmp_reports.inc()
        call.refusal, call.is_reported = error or call.refusal, True

    def _renew(self, call: _Call, request_id: int, renewal: Renewal) -> None:
        """Send the request again at once, to the engine of a report, and go on waiting for an answer of any engine."""
        if renewal in call.followed or len(call.followed) >= _MAX_RENEWALS:
            raise Rejected("duplicate")
        call.followed.add(renewal)
        call.renewals += 1
        is_loop = call.renewals > _REPORTS_TO_LEARN
        complaint = MalformedError(f"The SNMP agent at {self._agent} {renewal.complaint}.")
        self._report(call, complaint if is_loop else None)
        if call.renewals == 1:  # often the first packet to this agent, and the first round trip
            self._round_trip.observe(time.monotonic() - call.tries[request_id])
            call.timeouts = timeouts(self._round_trip, self._loss)
            call.wait = next(call.timeouts)
        self._send(call, engine_id=renewal.engine_id)

    def _send(self, call: _Call, *, again: bool = False, engine_id: bytes = b"") -> None:
        request_id = secrets.randbits(30) | 0x40000000
        datagram = self._codec.encode(call.request, request_id, engine_id)
        self._calls[request_id] = call
        call.tries[request_id] = time.monotonic()
        self._reading.requests += 1
        self._telemetry.snmp_sent.inc()
        if again:
            self._reading.retries += 1
            self._telemetry.snmp_resent.inc()
        if call.timer:
            call.timer.cancel()
        call.timer = self._loop.call_later(call.wait, self._unanswered, call)
        self._sockets[-1].send(datagram)

    def _unanswered(self, call: _Call) -> None:
        self._unanswered_tries[call.request.kind] += 1
        call.reported_tries += call.is_reported
        call.is_reported = False
        call.followed.clear()
        call.wait = next(call.timeouts)
        is_last = self._is_hopeless(call)
        if call.odd:
            self._accept(call, *call.odd)
        elif call.refusal and (is_last or call.reported_tries >= _REPORTED_TRIES):
            _fail(call, call.refusal)
        elif is_last:
            _fail(call, SourceTimeout(f"No answer from {self._agent} to {call.request} in {call.attempts} tries."))
        else:
            self._listen_everywhere(call)
            self._send(call, again=True)

    def _is_hopeless(self, call: _Call) -> bool:
        """Whether the agent seems not to answer this request, or none of its kind."""
        if call.max_tries is None or call.attempts < call.max_tries:
            return False
        in_a_row = self._unanswered_tries[call.request.kind]
        return not self._loss.explains(max(call.attempts, in_a_row))

    def _listen_everywhere(self, call: _Call) -> None:
        """Send from a socket that is not connected, if nothing has come back at all: neither an answer nor an error."""
        is_silent = not self._is_heard and self._refused_since is None
        if is_silent and call.attempts >= _CONNECTED_TRIES and not self._accepted_from and len(self._sockets) == 1:
            with suppress(OSError):  # it only serves to say what is wrong
                self._add_socket(connected=False)

    def _stop(self, call: _Call) -> None:
        if call.timer:
            call.timer.cancel()
        for request_id in call.tries:
            if self._calls.pop(request_id, None):
                self._ended.add(request_id)


def _fits(request: SnmpRequest, response: Pdu) -> bool:
    """Whether a response to a GET is about the objects that it asks for."""
    if response.error_status or request.kind != "get":
        return True
    return tuple(map(itemgetter(0), response.varbinds)) == request.oids


def _is_sized(request: SnmpRequest, response: Pdu) -> bool:
    """Whether a response has as many variable bindings as the request asks for, or fewer."""
    if response.error_status:
        return True
    return 0 < len(response.varbinds) <= len(request.oids) * max(request.repetitions, 1)


async def _address(host: str, rule: TargetRule | None) -> tuple[socket.AddressFamily, str]:
    """Return an address of `host`, IPv4 if it has one: UDP does not show whether an agent listens on IPv6."""
    found = await addresses(host, socket.SOCK_DGRAM, rule)
    return min(found, key=lambda found: found[0] != socket.AF_INET)


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
