"""The reader gives a plain value for each type of SNMP and a `BerError` for everything else. pyasn1 is its oracle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pyasn1.type import univ
from pyasn1.type.namedtype import NamedType, NamedTypes
from pyasn1.type.tag import Tag, tagClassApplication, tagClassContext, tagFormatConstructed, tagFormatSimple
from pysnmp.proto.api import v2c

from exporter.sources.snmp import ber
from exporter.sources.snmp.ber import BerError, Pdu, Reader
from support.octets import damaged

OID = (1, 3, 6, 1, 2, 1, 1, 1, 0)


def encoded(pdu: Any, varbinds: list[tuple[Any, Any]]) -> bytes:
    v2c.apiPDU.set_defaults(pdu)
    v2c.apiPDU.set_varbinds(pdu, varbinds)
    return bytes(encoder.encode(pdu))


def varbind(value: bytes, oid: bytes = b"\x2b\x06") -> bytes:
    return ber.encode(ber.SEQUENCE, ber.encode(ber.OID, oid), value)


def response(*varbinds: bytes) -> bytes:
    return ber.encode(0xA2, *[ber.encode_integer(number) for number in (7, 0, 0)], ber.encode(ber.SEQUENCE, *varbinds))


def value_of(octets: bytes) -> object:
    ((_, value),) = Reader(response(varbind(octets))).pdu().varbinds
    return value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (v2c.Integer32(-5), -5),
        (v2c.Integer32(2147483647), 2147483647),
        (v2c.Gauge32(4294967295), 4294967295),
        (v2c.Counter32(4294967290), 4294967290),
        (v2c.Counter64(2**64 - 1), 2**64 - 1),
        (v2c.TimeTicks(0), 0),
        (v2c.OctetString(b"caf\xe9"), b"caf\xe9"),
        (v2c.OctetString(b"x" * 300), b"x" * 300),
        (v2c.ObjectIdentifier("1.3.6.1.4.1.15497.1.2"), (1, 3, 6, 1, 4, 1, 15497, 1, 2)),
        (v2c.ObjectIdentifier("0.39"), (0, 39)),
        (v2c.ObjectIdentifier("2.999.4294967295"), (2, 999, 4294967295)),
        (v2c.IpAddress("192.0.2.1"), b"\xc0\x00\x02\x01"),
        (v2c.Opaque(b"opaque"), b"opaque"),
        (v2c.Null(""), None),
        (v2c.NoSuchObject(""), None),
        (v2c.NoSuchInstance(""), None),
        (v2c.EndOfMibView(""), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_type_of_value_is_read(value: Any, expected: object) -> None:
    reader = Reader(encoded(v2c.ResponsePDU(), [(OID, value)]))
    pdu = reader.pdu()
    reader.finish()
    assert (pdu.kind, pdu.varbinds) == (ber.RESPONSE, [(OID, expected)])


def test_unsigned_types_are_told_from_integer() -> None:
    pdu = Reader(encoded(v2c.ResponsePDU(), [(OID, v2c.Integer32(1)), (OID, v2c.Gauge32(1))])).pdu()
    assert [isinstance(value, ber.Unsigned) for _, value in pdu.varbinds] == [False, True]


@pytest.mark.parametrize(
    ("pdu", "kind"),
    [
        (v2c.GetRequestPDU(), ber.GET),
        (v2c.GetNextRequestPDU(), ber.GETNEXT),
        (v2c.ResponsePDU(), ber.RESPONSE),
        (v2c.ReportPDU(), ber.REPORT),
    ],
)
def test_requests_and_responses_are_told_apart(pdu: Any, kind: int) -> None:
    decoded = Reader(encoded(pdu, [(OID, v2c.Null(""))])).pdu()
    assert (decoded.kind, decoded.varbinds) == (kind, [(OID, None)])


@pytest.mark.parametrize(
    "octets",
    [
        b"\x02\x00",
        b"\x02\x0a" + bytes(10),
        b"\x41\x00",
        b"\x46\x0a" + bytes(10),
        b"\x05\x01\x00",
        b"\x80\x01\x00",
        b"\x06\x00",
        b"\x06\x02\x2b\x86",
        b"\x06\x03\x2b\x80\x01",
        b"\x06\x01\x80",
        b"\x06\x06\x2b\x90\x80\x80\x80\x00",
        b"\x06\x81\x80\x2b" + b"\x01" * 127,
        b"\x24\x04\x04\x02ab",
        b"\x04\x80ab\x00\x00",
        b"\x04\x85\x00\x00\x00\x00\x01a",
        b"\x04\xff" + bytes(127),
        *(bytes((4, claimed)) + b"ab" for claimed in (0, 1, 3, 4, 5, 6, 127, 128, 129)),
        b"\x04\x82\x01",
        b"\x04\x02abc",
        b"\x1f\x04\x01a",
        b"\x5f\x81\x01\x01a",
        b"\x45\x01a",
        b"\x30\x00",
        b"\xa2\x00",
        b"\x04",
        b"",
    ],
    ids=lambda octets: octets[:8].hex() or "nothing",
)
def test_what_is_no_value_of_snmp_is_refused(octets: bytes) -> None:
    with pytest.raises(BerError):
        value_of(octets)


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (b"\x02\x09\x00" + b"\xff" * 8, 2**64 - 1),
        (b"\x46\x09\x00" + b"\xff" * 8, 2**64 - 1),
        (b"\x41\x04\xff\xff\xff\xff", 2**32 - 1),
        (b"\x46\x08" + b"\xff" * 8, 2**64 - 1),
        (b"\x42\x01\xff", -1),
        (b"\x02\x84\x00\x00\x00\x01\x07", 7),
        (b"\x02\x04\x00\x00\x00\x07", 7),
        (b"\x06\x7f\x2b" + b"\x01" * 126, (1, 3, *[1] * 126)),
        (b"\x06\x05\x8f\xff\xff\xff\x7f", (2, 2**32 - 1 - 80)),
        (b"\x06\x82\x02\x7b" + b"\x8f\xff\xff\xff\x7f" * 127, (2, 2**32 - 1 - 80, *[2**32 - 1] * 126)),
    ],
    ids=lambda value: value[:8].hex() if isinstance(value, bytes) else "",
)
def test_the_longest_and_wordiest_encodings_are_read(octets: bytes, value: object) -> None:
    assert value_of(octets) == value


@pytest.mark.parametrize("octets", [varbind(b"\x04\x02ab"), varbind(b"\x05\x00"), varbind(b"\x04\x81\x02ab")])
def test_nothing_is_read_that_is_behind_the_list(octets: bytes) -> None:
    (whole,) = Reader(octets + octets, 0, len(octets)).varbinds()
    assert whole == Reader(octets).varbinds()[0]
    for end in range(1, len(octets)):
        with pytest.raises(BerError):
            Reader(octets + octets, 0, end).varbinds()


def test_a_pdu_of_the_longest_list_is_read() -> None:
    few, many = (response(*[varbind(b"\x05\x00")] * count) for count in (ber.MAX_VARBINDS, ber.MAX_VARBINDS + 1))
    assert len(Reader(few).pdu().varbinds) == ber.MAX_VARBINDS
    with pytest.raises(BerError, match="more than 128 variable bindings"):
        Reader(many).pdu()


def _tagged(kind: Any, tag_class: int, number: int) -> Any:
    return kind.subtype(implicitTag=Tag(tag_class, tagFormatSimple, number))


def _sequence(*fields: Any) -> Any:
    return univ.Sequence(
        componentType=NamedTypes(*[NamedType(f"f{number}", kind) for number, kind in enumerate(fields)])
    )


VALUE = univ.Choice(
    componentType=NamedTypes(
        NamedType("integer", univ.Integer()),
        NamedType("octets", univ.OctetString()),
        NamedType("null", univ.Null()),
        NamedType("oid", univ.ObjectIdentifier()),
        NamedType("octets0", _tagged(univ.OctetString(), tagClassApplication, 0)),
        NamedType("octets4", _tagged(univ.OctetString(), tagClassApplication, 4)),
        *[
            NamedType(f"unsigned{number}", _tagged(univ.Integer(), tagClassApplication, number))
            for number in (1, 2, 3, 6)
        ],
        *[NamedType(f"absent{number}", _tagged(univ.Null(), tagClassContext, number)) for number in (0, 1, 2)],
    )
)
RESPONSE = _sequence(
    univ.Integer(), univ.Integer(), univ.Integer(), univ.SequenceOf(_sequence(univ.ObjectIdentifier(), VALUE))
).subtype(implicitTag=Tag(tagClassContext, tagFormatConstructed, ber.RESPONSE))
"""A response in pyasn1's words. The numbers have no limits: an agent's odd number is no reason to refuse the others."""


def by_pyasn1(octets: bytes) -> tuple[Pdu, bytes]:
    """Read a response with pyasn1; raises an exception of pyasn1."""
    fields, rest = decoder.decode(octets, asn1Spec=RESPONSE)
    varbinds = [(tuple(pair[0]), _plain(pair[1].getName(), pair[1].getComponent())) for pair in fields[3]]
    return Pdu(ber.RESPONSE, int(fields[0]), int(fields[1]), int(fields[2]), varbinds), bytes(rest)


def _plain(name: str, value: Any) -> Any:
    plain = {"integer": int, "unsigned": int, "octets": bytes, "oid": tuple}
    return plain[name](value) if (name := name.rstrip("0123456789")) in plain else None


def signed(pdu: Pdu, oracle: Pdu) -> Pdu:
    """Return `pdu` with the numbers as pyasn1 reads them where a number has no zero before its first bit of one."""
    read = [value for _, value in oracle.varbinds]
    return replace(pdu, varbinds=[(oid, _signed(value, read.pop(0))) for oid, value in pdu.varbinds])


def _signed(value: Any, read: Any) -> Any:
    if isinstance(value, ber.Unsigned) and isinstance(read, int) and value - read in (2**32, 2**64):
        return read
    return value


OIDS = st.lists(st.integers(0, 2**32 - 1), max_size=20).map(lambda numbers: (1, 3, *numbers))
VALUES = st.one_of(
    st.integers(-(2**31), 2**31 - 1).map(v2c.Integer32),
    st.integers(0, 2**32 - 1).map(v2c.Gauge32),
    st.integers(0, 2**64 - 1).map(v2c.Counter64),
    st.binary(max_size=300).map(v2c.OctetString),
    OIDS.map(v2c.ObjectIdentifier),
    st.sampled_from([v2c.Null(""), v2c.NoSuchObject(""), v2c.NoSuchInstance(""), v2c.EndOfMibView("")]),
)
PDUS = st.lists(st.tuples(OIDS, VALUES), max_size=6).map(lambda varbinds: encoded(v2c.ResponsePDU(), varbinds))


@given(PDUS)
def test_every_response_is_read_as_by_pyasn1(octets: bytes) -> None:
    assert Reader(octets).pdu() == by_pyasn1(octets)[0]


@settings(max_examples=400)
@given(damaged(PDUS) | st.binary(max_size=100).map(lambda octets: ber.encode(0xA2, octets)))
def test_what_is_read_pyasn1_reads_alike(octets: bytes) -> None:
    reader = Reader(octets)
    try:
        pdu = reader.pdu()
    except BerError:
        return
    if pdu.kind == ber.RESPONSE:
        oracle, rest = by_pyasn1(octets)
        assert (signed(pdu, oracle), octets[reader.at :]) == (oracle, rest)


@given(st.integers(-(2**71), 2**71 - 1))
def test_a_number_is_encoded_as_shortly_as_possible(number: int) -> None:
    octets = ber.encode_integer(number)
    assert Reader(octets).integer() == number
    if number >= 0:  # pyasn1 uses an octet more than needed for some negative numbers
        assert octets == encoder.encode(univ.Integer(number))


@pytest.mark.parametrize(("number", "length"), [(0, 1), (127, 1), (128, 2), (-1, 1), (-128, 1), (-129, 2), (32767, 2)])
def test_a_number_at_a_bound_takes_few_octets(number: int, length: int) -> None:
    octets = ber.encode_integer(number)
    assert (Reader(octets).integer(), len(octets)) == (number, 2 + length)


@given(
    st.tuples(st.integers(0, 2), st.integers(0, 39)),
    st.lists(st.integers(0, 2**32 - 1) | st.sampled_from((127, 128, 16383, 16384)), max_size=100),
)
def test_an_object_identifier_is_encoded_as_by_pyasn1(begin: tuple[int, int], others: list[int]) -> None:
    oid = (*begin, *others)
    octets, oracle = (Reader(each).enter(ber.OID) for each in (ber.encode_oid(oid), _pyasn1_oid(oid)))
    assert octets.rest() == oracle.rest()


def _pyasn1_oid(oid: tuple[int, ...]) -> bytes:
    return bytes(encoder.encode(univ.ObjectIdentifier(oid)))


@given(st.binary(max_size=65535))
def test_octets_of_every_length_are_encoded(octets: bytes) -> None:
    encoding = ber.encode(ber.OCTETS, octets)
    reader = Reader(b"\x00" + encoding + b"\x00", 1)
    assert (reader.octet_string(), reader.at) == (octets, len(encoding) + 1)
