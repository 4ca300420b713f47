"""Requests and the interface of the two versions of SNMP that send them; the messages of SNMP v2c (RFC 1901).

pysnmp's classes encode a request's protocol data unit once. Each try replaces only the four octets of its id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Final, Literal, Protocol

from pyasn1.codec.ber import encoder
from pysnmp.proto.api import v2c

from exporter.sources.snmp import ber
from exporter.sources.snmp.ber import Pdu, Reader
from exporter.sources.snmp.mib import Oid, dotted

_ID_MARK: Final = 0x55AA55AA
_PDU: Final = {"get": v2c.GetRequestPDU, "next": v2c.GetNextRequestPDU, "bulk": v2c.GetBulkRequestPDU}

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
        return f"{kind} of {len(self.oids)} from {dotted(self.oids[0]) if self.oids else '-'}{rows}"


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

    def decode(self, datagram: bytes) -> Message:
        """Return the message in a datagram, and change nothing.

        Only its first octets are read, so that a datagram that answers nothing costs little. `accept` reads the rest.
        Raises `Rejected`, or `BerError` for malformed octets.
        """
        ...


def encode_request(request: SnmpRequest, request_id: int) -> bytes:
    """Return the request's protocol data unit with this id, 0x40000000 to 0x7fffffff."""
    before, after = _template(request)
    return before + request_id.to_bytes(4, "big") + after


@lru_cache(maxsize=1024)
def _template(request: SnmpRequest) -> tuple[bytes, bytes]:
    """Encode the request and split it around the four octets of its id."""
    api = v2c.apiBulkPDU if request.kind == "bulk" else v2c.apiPDU
    pdu = _PDU[request.kind]()
    api.set_defaults(pdu)
    api.set_request_id(pdu, _ID_MARK)
    if request.kind == "bulk":
        api.set_non_repeaters(pdu, 0)
        api.set_max_repetitions(pdu, request.repetitions)
    api.set_varbinds(pdu, [(oid, v2c.Null("")) for oid in request.oids])
    before, mark, after = encoder.encode(pdu).partition(ber.encode_integer(_ID_MARK))
    return before + mark[:2], after


def check_response(pdu: Pdu) -> None:
    """Raise `Rejected` if the PDU is not a response, for example our own request that was sent back."""
    if pdu.kind != ber.RESPONSE:
        raise Rejected("malformed")


class CommunityCodec:
    """SNMP v2c."""

    _VERSION: Final = 1

    def __init__(self, community: bytes) -> None:
        self._community = community
        self._head = ber.encode_integer(self._VERSION) + ber.encode(ber.OCTETS, community)

    def encode(self, request: SnmpRequest, request_id: int, engine_id: bytes = b"") -> bytes:
        return ber.encode(ber.SEQUENCE, self._head, encode_request(request, request_id))

    def decode(self, datagram: bytes) -> Message:
        message = ber.message_fields(datagram)
        if (message.integer(), message.octet_string()) != (self._VERSION, self._community):
            raise Rejected("wrong_identity")
        first = Reader(datagram, message.at, message.end).enter(_RESPONSE_TAG)
        return Message(first.integer(), partial(_accept, message))


def _accept(message: Reader) -> Pdu:
    pdu = message.pdu()
    message.finish()
    return pdu
