"""An answer that is corrupted at any place is dropped, or read without harm; in SNMPv3 none is read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exporter.errors import SourceError
from exporter.metrics.reading import Reading
from exporter.sources.snmp.ber import BerError, Pdu
from exporter.sources.snmp.messages import Codec, CommunityCodec, Rejected, Renewal, SnmpRequest
from exporter.sources.snmp.mib import SCALARS
from exporter.sources.snmp.retry import RoundTripTime
from exporter.sources.snmp.session import Session
from exporter.sources.snmp.usm import UsmCodec
from exporter.telemetry import Telemetry
from support.appliances import usm
from support.relay import Datagram, UdpRelay
from support.snmpd import COMMUNITY, V3GET, Snmpd

REQUEST = SnmpRequest("get", tuple(scalar.oid for scalar in SCALARS))


async def answer(snmpd: Snmpd, codec: Codec) -> bytes:
    """Return the datagram with which the agent answers the request for all scalars."""
    answers: list[bytes] = []

    def policy(datagram: Datagram) -> list[Datagram]:
        if datagram.to == "client":
            answers.append(datagram.data)
        return [datagram]

    async with (
        UdpRelay(("127.0.0.1", snmpd.port), policy) as relay,
        Session.open(relay.host, relay.port, codec, RoundTripTime(), Reading("snmp"), Telemetry()) as session,
    ):
        await session.request(REQUEST)
    return answers[-1]


def corruptions(datagram: bytes) -> Iterator[bytes]:
    """Yield the datagram changed at each place, and cut there."""
    for place, octet in enumerate(datagram):
        for changed in {octet ^ 1, octet ^ 0x80, 0x00, 0xFF} - {octet}:
            yield datagram[:place] + bytes([changed]) + datagram[place + 1 :]
        yield datagram[:place]


def read(codec: Codec, datagram: bytes) -> Pdu | Renewal | None:
    """Return what a session would take from the datagram; nothing if it drops it. Other exceptions are faults."""
    try:
        return codec.decode(datagram).accept()
    except (Rejected, BerError, SourceError):
        return None


async def test_no_corrupted_answer_of_v2c_does_harm(snmpd: Snmpd) -> None:
    codec = CommunityCodec(COMMUNITY.encode())
    genuine = await answer(snmpd, codec)
    found = [read(codec, datagram) for datagram in corruptions(genuine)]
    assert len(found) > 4 * len(genuine)
    assert any(pdu is None for pdu in found)
    assert isinstance(read(codec, genuine), Pdu)


@pytest.mark.parametrize("kind", ["fresh", "known"])
async def test_no_corrupted_answer_of_v3_is_read(kind: str, snmpd: Snmpd) -> None:
    codec = UsmCodec(usm(V3GET))
    genuine = await answer(snmpd, codec)
    reader = codec if kind == "known" else UsmCodec(usm(V3GET))
    assert [read(reader, datagram) for datagram in corruptions(genuine) if read(reader, datagram)] == []
    assert isinstance(read(codec, genuine), Pdu)
