"""Requests and the interface of the two versions of SNMP that send them; the messages of SNMP v2c (RFC 1901)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Final, Literal, Protocol

from exporter.sources.snmp import ber
from exporter.sources.snmp.ber import Pdu, Reader, ResponseHead
from exporter.sources.snmp.layouts import Layouts
from exporter.sources.snmp.mib import Oid, dotted

_KINDS: Final = {"get": ber.GET, "next": ber.GETNEXT, "bulk": ber.GETBULK}

_RESPONSE_TAG: Final = 0xA0 | ber.RESPONSE

TOO_BIG: Final = 1
NO_SUCH_NAME: Final = 2
ACCESS_ERRORS: Final = frozenset({6, 16})  # noAccess, authorizationError


@dataclass(frozen=True, slots=True)
class SnmpRequest:
    """A request for the values of `oids` (get), or for what follows each of them, once (next) or repeated (bulk)."""

    kind: Literal["get", "next", "bulk"]
    oids: tuple[Oid, ...]
    repetitions: int = 0

    def __str__(self) -> str:
        kind = {"get": "GET", "next": "GETNEXT", "bulk": "GETBULK"}[self.kind]
        rows = f", {self.repetitions} repetitions" if self.kind == "bulk" else ""
        what = "objects" if self.kind == "get" else "columns"
        return f"{kind} of {len(self.oids)} {what} from {dotted(self.oids[0]) if self.oids else '-'}{rows}"


class Rejected(Exception):  # noqa: N818 - the datagram is rejected, nothing failed
    """A datagram to count and drop. `reason` is malformed, wrong_id, wrong_identity or duplicate."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Message:
    """A message from the agent, of which only the first octets have been read."""

    request_id: int
    accept: Callable[[], Pdu | Renewal]
    """Takes what the message says. Call it only if the message answers a request of ours: it may change the codec.

    Raises `Rejected`, or `BerError` for malformed octets. Raises `SourceError` if the message says why there will be no
    answer. Anybody may have sent that.
    """


@dataclass(frozen=True, slots=True)
class Renewal:
    """The message is a report, from which the codec has learned of an engine: the request may be sent to it."""

    report: Oid
    """The usmStats object that it names."""
    engine_id: bytes
    """The engine to encode the request for."""
    complaint: str = field(compare=False)
    """What is wrong with the agent if this goes on: the end of a sentence."""


class Codec(Protocol):
    """One version of SNMP with the credentials for one agent; it keeps what it learns of the agent."""

    def encode(self, request: SnmpRequest, request_id: int, engine_id: bytes = b"") -> bytes:
        """Return the datagram that sends `request` with this id, 0x40000000 to 0x7fffffff.

        It is for the engine that a `Renewal` has named, or for the one that answers.
        """
        ...

    @property
    def silence_hint(self) -> str:
        """Why an agent that has never answered may be silent: the end of a sentence."""
        ...

    def decode(self, datagram: bytes) -> Message:
        """Return the message in a datagram, and change nothing.

        Only its first octets are read, so that a datagram that answers nothing costs little. `accept` reads the rest.
        Raises `Rejected`, or `BerError` for malformed octets.
        """
        ...


def encode_request(request: SnmpRequest, request_id: int) -> bytes:
    """Return the request's protocol data unit."""
    return ber.encode(0xA0 | _KINDS[request.kind], ber.encode_integer(request_id), _behind_id(request))


@lru_cache(maxsize=1024)
def _behind_id(request: SnmpRequest) -> bytes:
    """Return what is behind the id of a request, which is the same in each try and in each poll."""
    numbers = (0, request.repetitions)  # of GETBULK; in other requests error status and error index, which are 0
    varbinds = [ber.encode(ber.SEQUENCE, ber.encode_oid(oid), ber.encode(ber.NULL)) for oid in request.oids]
    return b"".join((*map(ber.encode_integer, numbers), ber.encode(ber.SEQUENCE, *varbinds)))


def check_response(pdu: Pdu) -> None:
    """Raise `Rejected` if the PDU is not a response, for example our own request that was sent back."""
    if pdu.kind != ber.RESPONSE:
        raise Rejected("malformed")


class CommunityCodec:
    """SNMP v2c."""

    _VERSION: Final = 1

    silence_hint: Final = (
        "check that SNMP v2c is enabled there, the community (a wrong one gets no answer) and the firewall"
    )

    def __init__(self, community: bytes) -> None:
        self._community = community
        self._layouts = Layouts()
        self._head = ber.encode_integer(self._VERSION) + ber.encode(ber.OCTETS, community)
        self._response_head = ResponseHead(self._head)

    def encode(self, request: SnmpRequest, request_id: int, engine_id: bytes = b"") -> bytes:
        return ber.encode(ber.SEQUENCE, self._head, encode_request(request, request_id))

    def decode(self, datagram: bytes) -> Message:
        if head := self._response_head.read(datagram):
            return Message(head[0], partial(self._accept_varbinds, *head))
        message = ber.message_fields(datagram)
        if (message.integer(), message.octet_string()) != (self._VERSION, self._community):
            raise Rejected("wrong_identity")
        first = Reader(datagram, message.at, message.end).enter(_RESPONSE_TAG)
        return Message(first.integer(), partial(self._accept, message))

    def _accept_varbinds(self, request_id: int, varbinds: bytes) -> Pdu:
        return Pdu(ber.RESPONSE, request_id, 0, 0, self._layouts.varbinds(varbinds))

    def _accept(self, message: Reader) -> Pdu:
        pdu = message.pdu(self._layouts.varbinds)
        message.finish()
        return pdu
