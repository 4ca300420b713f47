"""SNMPv3 reports that anybody could send, because nobody authenticates them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any, Final

from exporter.sources.snmp import ber
from exporter.sources.snmp.usm_message import UsmMessage
from support.relay import Datagram, Policy

FALSE_ENGINE: Final = "80001f8803deadbeef"


def report(
    number: int,
    boots: bytes = b"\x01\x05",
    seconds: bytes = b"\x01\x05",
    message_id: int = 0,
    engine_id: str = FALSE_ENGINE,
) -> bytes:
    """Return an unauthenticated report of the usmStats object `number`, as anybody could send it."""
    varbind = ber.encode(
        ber.SEQUENCE,
        ber.encode(0x06, bytes((0x2B, 6, 1, 6, 3, 15, 1, 1, number, 0))),
        ber.encode(0x41, b"\x01"),
    )
    identifier = ber.encode_integer(message_id)
    pdu = ber.encode(0xA8, identifier, ber.encode_integer(0), ber.encode_integer(0), ber.encode(ber.SEQUENCE, varbind))
    engine = ber.encode(ber.OCTETS, bytes.fromhex(engine_id))
    security = ber.encode(ber.SEQUENCE, engine, b"\x02" + boots, b"\x02" + seconds, *[ber.encode(ber.OCTETS)] * 3)
    header = ber.encode(
        ber.SEQUENCE, identifier, ber.encode_integer(65507), ber.encode(ber.OCTETS, b"\x00"), ber.encode_integer(3)
    )
    scoped = ber.encode(ber.SEQUENCE, engine, ber.encode(ber.OCTETS), pdu)
    return ber.encode(ber.SEQUENCE, ber.encode_integer(3), header, ber.encode(ber.OCTETS, security), scoped)


def with_false_engines(number: int, *, first: bool) -> Policy:
    """Send reports of so many engines, each time of others, before or behind each genuine answer."""
    names = (f"80001f88{count:010x}" for count in itertools.count(1))

    def policy(datagram: Datagram) -> list[Datagram]:
        if datagram.to == "agent":
            return [datagram]
        message_id = UsmMessage.peek(datagram.data)
        forged = [
            replace(datagram, data=report(4, message_id=message_id, engine_id=next(names))) for _ in range(number)
        ]
        return [*forged, datagram] if first else [datagram, *forged]

    return policy


def with_report(number: int, **fields: Any) -> Policy:
    """Send a forged report before each genuine answer."""

    def policy(datagram: Datagram) -> list[Datagram]:
        if datagram.to == "agent":
            return [datagram]
        message_id = UsmMessage.peek(datagram.data)
        return [replace(datagram, data=report(number, message_id=message_id, **fields)), datagram]

    return policy
