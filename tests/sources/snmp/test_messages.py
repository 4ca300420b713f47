"""pysnmp's own decoder reads our requests, and only answers to them are accepted."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import v1, v2c

from exporter.sources.snmp import ber
from exporter.sources.snmp.ber import BerError, Pdu, ResponseHead
from exporter.sources.snmp.messages import CommunityCodec, Rejected, SnmpRequest, check_response
from support.octets import damaged

COMMUNITY = b"\x02\x04U\xaaU\xaa, or so"
OID = (1, 3, 6, 1, 2, 1, 1, 3, 0)


def datagram(pdu: Any, community: bytes = COMMUNITY, module: Any = v2c) -> bytes:
    module.apiPDU.set_defaults(pdu)
    module.apiPDU.set_request_id(pdu, 0x40000001)
    module.apiPDU.set_varbinds(pdu, [(OID, module.TimeTicks(7))])
    message = module.Message()
    module.apiMessage.set_defaults(message)
    module.apiMessage.set_community(message, community)
    module.apiMessage.set_pdu(message, pdu)
    return bytes(encoder.encode(message))


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (SnmpRequest("get", (OID, (1, 3, 6))), v2c.GetRequestPDU),
        (SnmpRequest("next", (OID,)), v2c.GetNextRequestPDU),
        (SnmpRequest("bulk", ((1, 3, 6), (1, 3, 7)), 25), v2c.GetBulkRequestPDU),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_a_request_reads_as_it_was_meant(request_: SnmpRequest, kind: Any) -> None:
    octets = CommunityCodec(COMMUNITY).encode(request_, 0x7FFFFFFF)
    message, rest = decoder.decode(octets, asn1Spec=v2c.Message())
    pdu = v2c.apiMessage.get_pdu(message)
    assert not rest
    assert bytes(v2c.apiMessage.get_community(message)) == COMMUNITY
    assert isinstance(pdu, kind)
    assert int(v2c.apiPDU.get_request_id(pdu)) == 0x7FFFFFFF
    assert [tuple(oid) for oid, _ in v2c.apiPDU.get_varbinds(pdu)] == list(request_.oids)
    if request_.kind == "bulk":
        assert (int(pdu[1]), int(pdu[2])) == (0, 25)


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (SnmpRequest("get", ()), "GET of 0 objects from -"),
        (SnmpRequest("next", (OID, (1, 3, 6))), "GETNEXT of 2 columns from 1.3.6.1.2.1.1.3.0"),
        (SnmpRequest("bulk", (OID,), 25), "GETBULK of 1 columns from 1.3.6.1.2.1.1.3.0, 25 repetitions"),
    ],
)
def test_a_request_has_a_text_for_the_debug_output(request_: SnmpRequest, text: str) -> None:
    assert str(request_) == text


def test_a_response_is_read() -> None:
    response = CommunityCodec(COMMUNITY).decode(datagram(v2c.ResponsePDU())).accept()
    assert isinstance(response, Pdu)
    assert (response.request_id, response.error_status, response.varbinds) == (0x40000001, 0, [(OID, 7)])


@pytest.mark.parametrize(
    "octets",
    [datagram(v2c.ResponsePDU(), community=b"other"), datagram(v1.GetResponsePDU(), module=v1)],
    ids=["community", "version"],
)
def test_messages_of_others_are_rejected(octets: bytes) -> None:
    with pytest.raises(Rejected, match="wrong_identity"):
        CommunityCodec(COMMUNITY).decode(octets)


@pytest.mark.parametrize("kind", [ber.GET, ber.GETNEXT, ber.GETBULK, ber.REPORT])
def test_only_a_response_is_a_response(kind: int) -> None:
    check_response(Pdu(ber.RESPONSE, 1, 0, 0, []))
    with pytest.raises(Rejected, match="malformed"):
        check_response(Pdu(kind, 1, 0, 0, []))


@pytest.mark.parametrize("place", ["message", "PDU"])
def test_octets_behind_the_end_are_refused(place: str) -> None:
    octets = datagram(v2c.ResponsePDU()) + b"\x00"
    if place == "PDU":
        octets = octets[:1] + bytes((octets[1] + 1,)) + octets[2:]
    with pytest.raises(BerError):
        CommunityCodec(COMMUNITY).decode(octets).accept()


@given(damaged(st.just(datagram(v2c.ResponsePDU()))))
def test_a_damaged_message_is_refused_in_one_way(octets: bytes) -> None:
    with suppress(BerError, Rejected):
        response = CommunityCodec(COMMUNITY).decode(octets).accept()
        assert isinstance(response, Pdu)


def response(text: bytes) -> bytes:
    """Return a response with a text, so that its lengths have one octet, two or three."""
    varbind = ber.encode(ber.SEQUENCE, ber.encode_oid(OID), ber.encode(ber.OCTETS, text))
    numbers = map(ber.encode_integer, (0x40000001, 0, 0))
    pdu = ber.encode(0xA0 | ber.RESPONSE, *numbers, ber.encode(ber.SEQUENCE, varbind))
    return ber.encode(ber.SEQUENCE, ber.encode_integer(1), ber.encode(ber.OCTETS, COMMUNITY), pdu)


RESPONSES = st.binary(max_size=300).map(response)


@given(damaged(RESPONSES))
def test_the_head_of_a_response_is_read_at_once_as_it_is_read_by_steps(octets: bytes) -> None:
    """What `ResponseHead` takes, `Reader` reads in the same way; whole responses are taken."""
    head = ber.encode_integer(1) + ber.encode(ber.OCTETS, COMMUNITY)
    if found := ResponseHead(head).read(octets):
        message = ber.message_fields(octets)
        assert (message.integer(), message.octet_string()) == (1, COMMUNITY)
        rest: list[bytes] = []
        pdu = message.pdu(lambda varbinds: rest.append(varbinds) or [])  # type: ignore[func-returns-value]
        message.finish()
        assert (pdu.kind, pdu.request_id, pdu.error_status, pdu.error_index, *rest) == (
            ber.RESPONSE,
            found[0],
            0,
            0,
            found[1],
        )


@given(RESPONSES)
def test_the_head_of_a_whole_response_is_known(octets: bytes) -> None:
    assert ResponseHead(ber.encode_integer(1) + ber.encode(ber.OCTETS, COMMUNITY)).read(octets) is not None
