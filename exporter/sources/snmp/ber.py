"""SNMP's subset of BER: encoding, and decoding to plain Python values.

The decoder is pyasn1's with our own decoders for the contents: pyasn1's own ones build a tree of objects, which takes 6
to 14 times as long as ints, bytes and tuples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any, Final

from pyasn1.codec.ber import decoder
from pyasn1.error import SubstrateUnderrunError
from pyasn1.type.tag import (
    Tag,
    TagSet,
    tagClassApplication,
    tagClassContext,
    tagClassUniversal,
    tagFormatConstructed,
    tagFormatSimple,
)

from exporter.sources.snmp.mib import Oid


class Unsigned(int):
    """A Counter32, Gauge32, TimeTicks or Counter64; an INTEGER is a plain int."""


SnmpValue = int | bytes | Oid

VarBind = tuple[Oid, SnmpValue | None]
"""An object and its value. None means that the agent has no such object, or no further one."""


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
SEQUENCE: Final = 0x30

GET: Final = 0
GETNEXT: Final = 1
RESPONSE: Final = 2
GETBULK: Final = 5
REPORT: Final = 8

_EXCEPTIONS: Final = frozenset({0, 1, 2})
"""The context tags of noSuchObject, noSuchInstance and endOfMibView, which stand in the place of a value."""

_INTEGER_OCTETS: Final = 9
"""The length of the longest number in SNMP, a Counter64 with a leading zero."""


MAX_VALUES: Final = 400
"""The most values in one encoding. An answer to our largest request has about 130: 40 variable bindings of 3 each."""


@lru_cache(maxsize=65536)
def _oid(octets: bytes) -> Oid:
    return tuple(decoder.decode(bytes((6, len(octets))) + octets)[0])


class _Leaf(decoder.AbstractSimplePayloadDecoder):  # type: ignore[misc]  # pyasn1 has no type hints
    """Decodes a primitive value with `read`, given its octets."""

    def __init__(self, read: Callable[[bytes], object]) -> None:
        self._read = read

    def valueDecoder(  # noqa: N802 - pyasn1's name
        self, substrate: BytesIO, _spec: object, _tags: object = None, length: int = 0, *_: object, **__: object
    ) -> Iterator[object]:
        yield self._read(substrate.read(length))


class _Sequence(decoder.AbstractConstructedPayloadDecoder):  # type: ignore[misc]  # pyasn1 has no type hints
    """Decodes a constructed value to a list, or with `kind` to a `Pdu`."""

    def __init__(self, kind: int | None = None) -> None:
        self._kind = kind

    def valueDecoder(  # noqa: N802 - pyasn1's name
        self,
        substrate: BytesIO,
        _spec: object,
        _tags: object = None,
        length: int = 0,
        _state: object = None,
        decode: Callable[..., Iterator[Any]] | None = None,
        _fun: object = None,
        **options: Any,
    ) -> Iterator[object]:
        # pyasn1 compares tags only by their number, so the exceptions arrive here as empty requests or responses.
        if self._kind in _EXCEPTIONS and not length:
            yield None
            return
        assert decode is not None  # noqa: S101 - pyasn1 always passes its decoder
        left: Iterator[int] = options["left"]
        end = substrate.tell() + length
        items = []
        while substrate.tell() < end:
            if next(left, None) is None:
                raise ValueError(f"more than {MAX_VALUES} values")
            for item in decode(substrate, None, **options):
                if isinstance(item, SubstrateUnderrunError):
                    raise item  # the datagram is cut short; pyasn1 would wait for more octets for ever
                items.append(item)
        yield items if self._kind is None else _pdu(self._kind, *items)


def _pdu(kind: int, request_id: object, status: object, index: object, varbinds: object) -> Pdu:
    """Return the PDU with these decoded fields; raises ValueError if they have other types than RFC 3416 says."""
    if not isinstance(varbinds, list):
        raise ValueError("the variable bindings are not a sequence")
    return Pdu(kind, _plain(request_id), _plain(status), _plain(index), [_varbind(*pair) for pair in varbinds])


def _plain(number: object) -> int:
    if not isinstance(number, int) or isinstance(number, Unsigned):
        raise ValueError("a field of the PDU is not an INTEGER")
    return number


def _varbind(oid: object, value: object) -> VarBind:
    if not isinstance(oid, tuple) or not isinstance(value, int | bytes | tuple | None):
        raise ValueError("a variable binding has the wrong types")
    return oid, value


def _integer(octets: bytes) -> int:
    _check_length(octets)
    return int.from_bytes(octets, "big", signed=True)


def _unsigned(octets: bytes) -> Unsigned:
    _check_length(octets)
    return Unsigned(int.from_bytes(octets, "big"))


def _check_length(octets: bytes) -> None:
    if not 0 < len(octets) <= _INTEGER_OCTETS:
        raise ValueError(f"a number of {len(octets)} octets")


def _nothing(_: bytes) -> None:
    return None


def _tag(tag_class: int, tag_format: int, number: int) -> TagSet:
    return TagSet((), Tag(tag_class, tag_format, number))


_DECODERS: Final = {
    _tag(tagClassUniversal, tagFormatSimple, 2): _Leaf(_integer),
    _tag(tagClassUniversal, tagFormatSimple, 4): _Leaf(bytes),
    _tag(tagClassUniversal, tagFormatSimple, 5): _Leaf(_nothing),
    _tag(tagClassUniversal, tagFormatSimple, 6): _Leaf(_oid),
    _tag(tagClassUniversal, tagFormatConstructed, 16): _Sequence(),
    _tag(tagClassApplication, tagFormatSimple, 0): _Leaf(bytes),  # IpAddress
    **{_tag(tagClassApplication, tagFormatSimple, number): _Leaf(_unsigned) for number in (1, 2, 3, 6)},
    _tag(tagClassApplication, tagFormatSimple, 4): _Leaf(bytes),  # Opaque
    **{
        _tag(tagClassContext, tagFormatConstructed, kind): _Sequence(kind)
        for kind in (GET, GETNEXT, RESPONSE, GETBULK, REPORT)
    },
}


class _SingleItemDecoder(decoder.SingleItemDecoder):  # type: ignore[misc]  # pyasn1 has no type hints
    TAG_MAP = _DECODERS
    supportIndefLength = False  # noqa: N815 - pyasn1's name; SNMP forbids it (RFC 3417, section 8)


class _StreamingDecoder(decoder.StreamingDecoder):  # type: ignore[misc]  # pyasn1 has no type hints
    SINGLE_ITEM_DECODER = _SingleItemDecoder


class _Decoder(decoder.Decoder):  # type: ignore[misc]  # pyasn1 has no type hints
    STREAMING_DECODER = _StreamingDecoder


_decode: Final = _Decoder()


def decode(octets: bytes) -> tuple[Any, bytes]:
    """Return the first value of the octets, and the octets after it.

    The value is an int, `Unsigned`, bytes, an OID as a tuple, None (also for noSuchObject, noSuchInstance and
    endOfMibView), a list or a `Pdu`. Malformed octets raise exceptions of many kinds, all of them `Exception`.
    """
    value, rest = _decode(octets, left=iter(range(MAX_VALUES)))
    return value, rest


def decode_header(octets: bytes, at: int) -> tuple[int, int, int]:
    """Return the tag of the value at `at`, and where its contents begin and end; raises an exception if it is cut."""
    tag, length, start = octets[at], octets[at + 1], at + 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(octets[at + 2 : start], "big")
    if start + length > len(octets):
        raise ValueError("the octets are cut short")
    return tag, start, start + length


def decode_number(octets: bytes, at: int) -> tuple[int, int]:
    """Return the INTEGER at `at`, and where it ends; raises an exception if there is none."""
    tag, start, end = decode_header(octets, at)
    if tag != INTEGER:
        raise ValueError("not an INTEGER")
    return _integer(octets[start:end]), end


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
