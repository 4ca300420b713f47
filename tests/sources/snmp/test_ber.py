"""The decoder gives a plain value for each type of SNMP, and an exception for everything else."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import encoder
from pyasn1.error import PyAsn1Error
from pysnmp.proto.api import v2c

from exporter.sources.snmp import ber


def encoded(pdu: Any, varbinds: list[tuple[Any, Any]]) -> bytes:
    v2c.apiPDU.set_defaults(pdu)
    v2c.apiPDU.set_varbinds(pdu, varbinds)
    return bytes(encoder.encode(pdu))


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
        (v2c.IpAddress("192.0.2.1"), b"\xc0\x00\x02\x01"),
        (v2c.Null(""), None),
        (v2c.NoSuchObject(""), None),
        (v2c.NoSuchInstance(""), None),
        (v2c.EndOfMibView(""), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_type_of_value_is_read(value: Any, expected: object) -> None:
    pdu, rest = ber.decode(encoded(v2c.ResponsePDU(), [("1.3.6.1.2.1.1.1.0", value)]))
    assert (pdu.kind, rest) == (ber.RESPONSE, b"")
    assert pdu.varbinds == [((1, 3, 6, 1, 2, 1, 1, 1, 0), expected)]


def test_unsigned_types_are_told_from_integer() -> None:
    pdu, _ = ber.decode(encoded(v2c.ResponsePDU(), [("1.3", v2c.Integer32(1)), ("1.3", v2c.Gauge32(1))]))
    assert [isinstance(value, ber.Unsigned) for _, value in pdu.varbinds] == [False, True]


@pytest.mark.parametrize(
    ("pdu", "kind"),
    [(v2c.GetRequestPDU(), ber.GET), (v2c.GetNextRequestPDU(), ber.GETNEXT), (v2c.ResponsePDU(), ber.RESPONSE)],
)
def test_requests_and_responses_are_told_apart(pdu: Any, kind: int) -> None:
    decoded, _ = ber.decode(encoded(pdu, [("1.3.6.1.2.1.1.1.0", v2c.Null(""))]))
    assert (decoded.kind, decoded.varbinds) == (kind, [((1, 3, 6, 1, 2, 1, 1, 1, 0), None)])


def test_a_datagram_cut_anywhere_is_an_exception() -> None:
    whole = encoded(v2c.ResponsePDU(), [("1.3.6.1.2.1.1.1.0", v2c.OctetString(b"text"))])
    for length in range(len(whole)):
        with pytest.raises(Exception):  # noqa: B017, PT011 - of many kinds, all dropped by the session
            ber.decode(whole[:length])


@given(st.binary(max_size=200))
def test_any_octets_give_a_value_or_an_exception(octets: bytes) -> None:
    with suppress(ValueError, IndexError, TypeError, ArithmeticError, LookupError, PyAsn1Error):
        ber.decode(octets)


@given(st.binary(max_size=70000), st.integers(-(2**31), 2**31 - 1))
def test_what_is_encoded_is_decoded_again(octets: bytes, number: int) -> None:
    encoding = ber.encode(ber.SEQUENCE, ber.encode(ber.OCTETS, octets[:65000]), ber.encode_integer(number))
    assert ber.decode(encoding) == ([octets[:65000], number], b"")
    if number >= 0:  # pyasn1 uses an octet more than needed for some negative numbers
        assert ber.encode_integer(number) == encoder.encode(v2c.Integer32(number))


@pytest.mark.parametrize("length", [3, 127, 128, 65000])
def test_a_header_gives_where_the_contents_are(length: int) -> None:
    octets = encoder.encode(v2c.OctetString(b"x" * length))
    tag, start, end = ber.decode_header(b"\x00" + octets, 1)
    assert (tag, end - start, end) == (ber.OCTETS, length, len(octets) + 1)
    with pytest.raises(ValueError, match="cut short"):
        ber.decode_header(octets[:-1], 0)


def test_no_more_values_than_an_answer_can_have_are_read() -> None:
    few, many = (ber.encode(ber.SEQUENCE, b"\x05\x00" * count) for count in (ber.MAX_VALUES, ber.MAX_VALUES + 1))
    assert len(ber.decode(few)[0]) == ber.MAX_VALUES
    nested = ber.encode(ber.SEQUENCE, *[ber.encode(ber.SEQUENCE, b"\x05\x00")] * (ber.MAX_VALUES // 2 + 1))
    for octets in (many, nested):
        with pytest.raises(ValueError, match="more than 400 values"):
            ber.decode(octets)
