"""SNMP's subset of BER (RFC 3417, section 8): encoding, and reading plain Python values.

The caller of a `Reader` says what must come next. So nothing nests deeper than a message does, and what nobody asks for
is not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from exporter.sources.snmp.mib import Oid


class BerError(ValueError):
    """Octets that cannot be what should come next. It is the only exception that reading raises."""


class Unsigned(int):
    """A Counter32, Gauge32, TimeTicks or Counter64, negative from a faulty agent; an INTEGER is a plain int."""


SnmpValue = int | bytes | Oid

VarBind = tuple[Oid, SnmpValue | None]
"""An object and its value. None means that the agent has no such object, or no further one."""


VarBindsReader = Callable[[bytes], list[VarBind]]
"""Reads octets that variable bindings fill; raises `BerError`."""


@dataclass(frozen=True, slots=True)
class Pdu:
    """A protocol data unit (RFC 3416, section 3)."""

    kind: int
    """Its context tag, such as `RESPONSE`."""
    request_id: int
    error_status: int
    """In a GETBULK request, the number of non-repeaters is in this place."""
    error_index: int
    """Counted from 1; 0 means no variable binding. In a GETBULK request, the repetitions are in this place."""
    varbinds: list[VarBind]


INTEGER: Final = 0x02
OCTETS: Final = 0x04
NULL: Final = 0x05
OID: Final = 0x06
SEQUENCE: Final = 0x30

GET: Final = 0
GETNEXT: Final = 1
RESPONSE: Final = 2
GETBULK: Final = 5
REPORT: Final = 8

_PDU_TAGS: Final = frozenset(0xA0 | kind for kind in (GET, GETNEXT, RESPONSE, GETBULK, REPORT))

MAX_VARBINDS: Final = 128
"""The most variable bindings of a PDU to read. Our largest request asks for 40."""

_MAX_LENGTH_OCTETS: Final = 4
"""The most octets of a length that has several. More say nothing about a datagram."""

_MAX_INTEGER_OCTETS: Final = 9
"""The length of the longest number in SNMP, a Counter64 with a leading zero."""

_MAX_SUB_IDENTIFIERS: Final = 128
_MAX_SUB_IDENTIFIER: Final = 0xFFFFFFFF
"""How many numbers an object identifier may have, and how large they may be (RFC 2578, section 7.1.3)."""

_MAX_OID_OCTETS: Final = 5 * _MAX_SUB_IDENTIFIERS


def _header(octets: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Return the tag of the value at `at`, and where its contents begin and end, which is not behind `end`.

    A tag of several octets is in no table of this module, so it is never taken for one of SNMP's.
    """
    start = at + 2
    if start > end:
        raise BerError("the octets end before a value")
    length = octets[at + 1]
    if length > 127:
        start += length - 128
        if not at + 2 < start <= min(end, at + 2 + _MAX_LENGTH_OCTETS):
            raise BerError("the length is indefinite, too long or cut short")
        length = int.from_bytes(octets[at + 2 : start], "big")
    if start + length > end:
        raise BerError("the octets end within a value")
    return octets[at], start, start + length


def decode_integer(octets: bytes) -> int:
    _check_length(octets)
    return int.from_bytes(octets, "big", signed=True)


def _unsigned(octets: bytes) -> Unsigned:
    """Read a number of four or eight octets as positive: some agents leave out the zero before a first bit of one."""
    _check_length(octets)
    return Unsigned(int.from_bytes(octets, "big", signed=len(octets) not in (4, 8)))


def _check_length(octets: bytes) -> None:
    if not 0 < len(octets) <= _MAX_INTEGER_OCTETS:
        raise BerError(f"a number has {len(octets)} octets")


def _nothing(octets: bytes) -> None:
    if octets:
        raise BerError("a value without contents has contents")


@lru_cache(maxsize=4096)  # the appliances of a fleet have a few hundred objects, and all have the same
def _oid(octets: bytes) -> Oid:
    if not 0 < len(octets) <= _MAX_OID_OCTETS or octets[-1] & 0x80:
        raise BerError("an object identifier is empty, too long or cut short")
    numbers, number = [], 0
    for octet in octets:
        number = number << 7 | octet & 0x7F
        if number > _MAX_SUB_IDENTIFIER or (octet == 0x80 and not number):
            raise BerError("an object identifier has a number that is too large or begins with zeros")
        if octet < 0x80:
            numbers.append(number)
            number = 0
    if len(numbers) >= _MAX_SUB_IDENTIFIERS:
        raise BerError("an object identifier has too many numbers")
    first = min(numbers[0] // 40, 2)  # the first octet stands for two numbers
    return (first, numbers[0] - 40 * first, *numbers[1:])


UNSIGNED: Final = frozenset({0x41, 0x42, 0x43, 0x46})
"""The tags of Counter32, Gauge32, TimeTicks and Counter64."""

VALUES: Final[dict[int, Callable[[bytes], SnmpValue | None]]] = {
    INTEGER: decode_integer,
    OCTETS: bytes,
    NULL: _nothing,  # the value of each object in a request
    OID: _oid,
    0x40: bytes,  # IpAddress
    0x44: bytes,  # Opaque
    0x80: _nothing,  # noSuchObject
    0x81: _nothing,  # noSuchInstance
    0x82: _nothing,  # endOfMibView
    **dict.fromkeys(UNSIGNED, _unsigned),
}
"""How to read the contents of a value, by its tag."""


class Reader:
    """Reads values one after the other; each method goes on behind what it has read, and raises `BerError`.

    `at` is the offset of the next value in `octets`; there are none from `end` on.
    """

    __slots__ = ("at", "end", "octets")

    def __init__(self, octets: bytes, at: int = 0, end: int | None = None) -> None:
        self.octets = octets
        self.at = at
        self.end = len(octets) if end is None else end

    def enter(self, tag: int) -> Reader:
        """Return a reader of the contents of the next value, which must have this tag."""
        found, start, end = _header(self.octets, self.at, self.end)
        if found != tag:
            raise BerError(f"the tag is {found:#x}, not {tag:#x}")
        self.at = end
        return Reader(self.octets, start, end)

    def integer(self) -> int:
        return decode_integer(self.enter(INTEGER).rest())

    def octet_string(self) -> bytes:
        return self.enter(OCTETS).rest()

    def pdu(self, read: VarBindsReader | None = None) -> Pdu:
        """Return the next PDU. `read` reads its variable bindings, if not `varbinds`."""
        tag, start, end = _header(self.octets, self.at, self.end)
        if tag not in _PDU_TAGS:
            raise BerError(f"the tag {tag:#x} is of no PDU that the exporter knows")
        self.at = end
        fields = Reader(self.octets, start, end)
        head = fields.integer(), fields.integer(), fields.integer()
        varbinds = fields.enter(SEQUENCE)
        fields.finish()
        return Pdu(tag & 0x1F, *head, read(varbinds.rest()) if read else varbinds.varbinds())

    def varbinds(self) -> list[VarBind]:
        """Return all that is left as variable bindings."""
        found: list[VarBind] = []
        while self.at < self.end:
            found.append(self._varbind())
            if len(found) > MAX_VARBINDS:
                raise BerError(f"more than {MAX_VARBINDS} variable bindings")
        return found

    def _varbind(self) -> VarBind:
        """Return the next variable binding. Nearly all have lengths of one octet: these take a third of the time."""
        octets, at = self.octets, self.at
        head = octets[at : at + 4]
        if len(head) == 4 and head[0] == SEQUENCE and head[1] < 128 and head[2] == OID and head[3] < 128:
            end, value = at + 2 + head[1], at + 4 + head[3]
            if value + 2 <= end <= self.end and value + 2 + octets[value + 1] == end and octets[value] in VALUES:
                self.at = end
                return _oid(octets[at + 4 : value]), VALUES[octets[value]](octets[value + 2 : end])
        return self._any_varbind()

    def _any_varbind(self) -> VarBind:
        octets = self.octets
        tag, at, end = _header(octets, self.at, self.end)
        oid_tag, oid_start, oid_end = _header(octets, at, end)
        value_tag, start, value_end = _header(octets, oid_end, end)
        read = VALUES.get(value_tag)
        if (tag, oid_tag, value_end) != (SEQUENCE, OID, end) or read is None:
            raise BerError("not an object and a value of SNMP")
        self.at = end
        return _oid(octets[oid_start:oid_end]), read(octets[start:end])

    def rest(self) -> bytes:
        """Return all octets that are left."""
        at, self.at = self.at, self.end
        return self.octets[at : self.end]

    def finish(self) -> None:
        """Raise `BerError` if there is anything left."""
        if self.at != self.end:
            raise BerError("octets are left")


def places(octets: bytes, at: int, end: int, tags: Sequence[int | None]) -> list[tuple[int, int]]:
    """Return where the contents of each value begin and end; there must be one of each tag (None: any), and no more.

    It does what a `Reader` does, in a third of the time.
    """
    found = []
    for tag in tags:
        actual, start, at = _header(octets, at, end)
        if tag is not None and actual != tag:
            raise BerError(f"the tag is {actual:#x}, not {tag:#x}")
        found.append((start, at))
    if at != end:
        raise BerError("octets are left")
    return found


LENGTH_PATTERN: Final = rb"([\x00-\x7f]|\x81.|\x82..)"
"""The pattern of a length."""


class ResponseHead:
    """Reads what comes before the variable bindings of a response without an error, in a twentieth of the time.

    The response is the last part of a sequence. The octets `before` it in the sequence are known.
    """

    def __init__(self, before: bytes) -> None:
        pattern = rb"\x30%b%b\xa2%b\x02\x04(.{4})\x02\x01\x00\x02\x01\x00\x30%b" % (
            LENGTH_PATTERN,
            re.escape(before),
            LENGTH_PATTERN,
            LENGTH_PATTERN,
        )
        self._match = re.compile(pattern, re.DOTALL).match

    def read(self, octets: bytes) -> tuple[int, bytes] | None:
        """Return the request id and the octets of the variable bindings, None for anything that `Reader` must read."""
        found = self._match(octets)
        if found is None:
            return None
        if ends(found, (1, 2, 4)) != [len(octets)] * 3:
            return None
        return int.from_bytes(found[3], "big", signed=True), octets[found.end() :]


def ends(found: re.Match[bytes], groups: Iterable[int]) -> list[int]:
    """Return where the contents end whose lengths are in these groups."""
    return [_length(found[group]) + found.end(group) for group in groups]


@lru_cache(maxsize=1024)  # the answers of a fleet have a few hundred lengths
def _length(octets: bytes) -> int:
    return octets[0] if len(octets) == 1 else int.from_bytes(octets[1:], "big")


def message_fields(datagram: bytes) -> Reader:
    """Return a reader of the fields of a message that fills a datagram; raises `BerError`."""
    whole = Reader(datagram)
    fields = whole.enter(SEQUENCE)
    whole.finish()
    return fields


def encode(tag: int, *parts: bytes) -> bytes:
    """Encode a value of one tag octet whose contents octets are the joined `parts`."""
    body = b"".join(parts)
    if len(body) < 128:
        return bytes((tag, len(body))) + body
    return bytes((tag, 0x82)) + len(body).to_bytes(2, "big") + body


def encode_integer(value: int) -> bytes:
    """Encode an INTEGER in the fewest octets that hold it in two's complement."""
    bits = (value if value >= 0 else ~value).bit_length()
    return encode(INTEGER, value.to_bytes(bits // 8 + 1, "big", signed=True))


@lru_cache(maxsize=4096)
def encode_oid(oid: Oid) -> bytes:
    """Encode an object identifier of at least two numbers."""
    first, second, *others = oid
    return encode(OID, *map(_sub_identifier, (40 * first + second, *others)))


def _sub_identifier(number: int) -> bytes:
    """Return a number in groups of seven bits; all octets but the last one have their first bit set."""
    octets = [number & 0x7F]
    while number := number >> 7:
        octets.insert(0, 0x80 | number & 0x7F)
    return bytes(octets)
