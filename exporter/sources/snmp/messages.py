"""Requests, responses and their protocol data units (RFC 3416), and the message of SNMP v2c (RFC 1901).

A protocol data unit is encoded once by pysnmp's classes; for each try only the four octets of its id are written anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, Protocol

from pyasn1.codec.ber import encoder
from pysnmp.proto.api import v2c

from exporter.sources.snmp import ber
from exporter.sources.snmp.mib import Oid, dotted

Value = int | bytes | Oid

VarBind = tuple[Oid, Value | None]
"""An object and its value; None means that the agent has no such object, or no further one."""

_ID_MARK: Final = 0x55AA55AA
_PDU: Final = {"get": v2c.GetRequestPDU, "next": v2c.GetNextRequestPDU, "bulk": v2c.GetBulkRequestPDU}

TOO_BIG: Final = 1
NO_SUCH_NAME: Final = 2
GENERAL_ERROR: Final = 5
ACCESS_ERRORS: Final = frozenset({6, 16})  # noAccess, authorizationError


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask: the values of `oids`, or of what comes next after each, `repetitions` times."""

    kind: Literal["get", "next", "bulk"]
    oids: tuple[Oid, ...]
    repetitions: int = 0

    def __str__(self) -> str:
        kind = {"get": "GET", "next": "GETNEXT", "bulk": "GETBULK"}[self.kind]
        rows = f", {self.repetitions} repetitions" if self.kind == "bulk" else ""
        return f"{kind} of {len(self.oids)} from {dotted(self.oids[0]) if self.oids else '-'}{rows}"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer to the request of that id: error status and index as in RFC 3416, and the variable bindings."""

    request_id: int
    error_status: int
    error_index: int
    varbinds: list[VarBind]


class Rejected(Exception):  # noqa: N818 - the packet is rejected, nothing failed
    """A datagram to count and drop: `reason` is malformed, wrong_id, wrong_identity or duplicate."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Codec(Protocol):
    """One version of SNMP as seen by one manager of one agent; it keeps what it learns of the agent."""

    def encode(self, request: Request, request_id: int) -> bytes:
        """Return the datagram that asks `request` under `request_id`, 0x40000000 to 0x7fffffff."""
        ...

    def decode(self, datagram: bytes) -> Any:
        """Return a message that is genuine as far as the datagram can tell, with its `request_id`.

        Raises `Rejected`, or any `Exception` for malformed octets. Changes nothing: only `accept` does.
        """
        ...

    def accept(self, message: Any) -> Response | None:
        """Return the response in a message that answers a request of ours; None asks to send that request anew.

        Raises `SourceError` if the message says why there will be no answer; anybody may have sent that.
        """
        ...


def encode(request: Request, request_id: int) -> bytes:
    """Return the request's protocol data unit under `request_id`, 0x40000000 to 0x7fffffff."""
    before, after = _template(request)
    return before + request_id.to_bytes(4, "big") + after


@lru_cache(maxsize=1024)
def _template(request: Request) -> tuple[bytes, bytes]:
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


def response(pdu: Any) -> Response:
    """Return the decoded PDU as a response; raises `Rejected` unless it is one and well formed."""
    if not isinstance(pdu, ber.Pdu) or pdu.kind != ber.RESPONSE:
        raise Rejected("malformed")
    request_id, status, index, varbinds = pdu
    if not all(type(number) is int for number in (request_id, status, index)):
        raise Rejected("malformed")
    return Response(request_id, status, index, [varbind(pair) for pair in varbinds])


def varbind(pair: Any) -> VarBind:
    """Return a decoded variable binding; raises `Rejected` for anything else."""
    oid, value = pair
    if not isinstance(oid, tuple) or not isinstance(value, int | bytes | tuple | None):
        raise Rejected("malformed")
    return oid, value


class CommunityCodec:
    """SNMP v2c."""

    _VERSION: Final = 1

    def __init__(self, community: bytes) -> None:
        self._community = community
        self._head = ber.encode_integer(self._VERSION) + ber.encode(ber.OCTETS, community)

    def encode(self, request: Request, request_id: int) -> bytes:
        """Return the datagram that asks `request` under `request_id`."""
        return ber.encode(ber.SEQUENCE, self._head, encode(request, request_id))

    def decode(self, datagram: bytes) -> Response:
        """Return the response in a datagram of our version and community."""
        (version, community, pdu), rest = ber.decode(datagram)
        if rest:
            raise Rejected("malformed")
        if version != self._VERSION or community != self._community:
            raise Rejected("wrong_identity")
        return response(pdu)

    def accept(self, message: Response) -> Response:
        """Return the response as it is."""
        return message
