"""The SNMP agents of a simulated fleet: hundreds in one process, each on its own UDP port.

An agent answers SNMP v2c and v3 from the current view of the model. The first request after a step encodes the values
of the unit, later requests look them up. The clock of the SNMPv3 engine is the agent's uptime in the view.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exporter.config import CommunityAuth, UserAuth
from exporter.lab.simulator.engine import VERSION_3, Clock, Engine
from exporter.lab.simulator.faults import NO_SNMP_FAULTS, SnmpFaults
from exporter.lab.simulator.instances import Instances, asked, failed, instance_values
from exporter.lab.simulator.view import Transport, View
from exporter.sources.snmp import ber
from exporter.sources.snmp.mib import Oid

LIMIT: Final = 1400
"""Octets of the longest answer, so that it fits into one packet."""

_V2C: Final = 1
_GENERAL_ERROR: Final = 5
_V2C_ENVELOPE: Final = 40
"""Octets of a v2c message around its variable bindings, without the community."""

_REQUESTS: Final = (ber.GET, ber.GETNEXT, ber.GETBULK)


@dataclass(frozen=True, slots=True)
class Instant:
    """What an agent shows at one moment."""

    transport: Transport
    instances: Instances
    clock: Clock


def instants(unit: str, view: Callable[[], View]) -> Callable[[], Instant]:
    """Return what gives the instant of a unit in the current view. It is made once for each view."""
    made: tuple[View, Instant] | None = None

    def instant() -> Instant:
        nonlocal made
        now = view()
        if made is None or made[0] is not now:
            made = now, Instant(now.transport(unit), Instances(instance_values(now, unit)), _clock(now, unit))
        return made[1]

    return instant


class Agent(asyncio.DatagramProtocol):
    """The SNMP agent of `unit`, which shows what `instant` returns at the time of a request.

    It answers clients that have one of `auths`. `faults` maps the units of the fleet to faults and may change at any
    time. An agent with the same `engine_id` loses the same requests each time.
    """

    def __init__(
        self,
        unit: str,
        instant: Callable[[], Instant],
        auths: Sequence[CommunityAuth | UserAuth],
        engine_id: bytes,
        faults: Mapping[str, SnmpFaults],
    ) -> None:
        self._unit = unit
        self._instant = instant
        self._faults = faults
        self._communities = {auth.community.get_secret_value().encode() for auth in auths if auth.version == "2c"}
        self._engine = Engine(engine_id, [auth for auth in auths if isinstance(auth, UserAuth)])
        self._random = random.Random(engine_id)  # noqa: S311 - decides what is lost, guards nothing
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen at `host` and return the port, a free one for `port` 0; raises `OSError` if it is in use."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        return int(transport.get_extra_info("sockname")[1])

    def stop(self) -> None:
        """Close the port. Requests that are not answered yet get no answer."""
        if self._transport:
            self._transport.close()
            self._transport = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # it is one
        """Keep the transport."""
        self._transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        """Answer a request. Like a real agent, stay silent to everything else."""
        instant, faults = self._instant(), self._faults.get(self._unit, NO_SNMP_FAULTS)
        if faults.dead or not instant.transport.snmp or self._loses(instant.transport.snmp_loss, faults.loss):
            return
        try:
            answer = self._answer(data, instant, faults)
        except Exception:  # noqa: BLE001 - pysnmp's services raise exceptions of many kinds for malformed octets
            return
        if answer and faults.delay:
            asyncio.get_running_loop().call_later(faults.delay, self._send, answer, address)
        elif answer:
            self._send(answer, address)

    def _send(self, answer: bytes, address: Any) -> None:
        if self._transport:
            self._transport.sendto(answer, address)

    def _loses(self, *probabilities: float) -> bool:
        return any(self._random.random() < probability for probability in probabilities)

    def _answer(self, datagram: bytes, instant: Instant, faults: SnmpFaults) -> bytes | None:
        message = ber.message_fields(datagram)
        version = message.integer()

        def respond(pdu: ber.Pdu, room: int) -> bytes | None:
            return _respond(pdu, room, instant.instances, faults)

        if version == VERSION_3:
            return self._engine.answer(datagram, instant.clock, LIMIT, respond)
        community, pdu = message.octet_string(), message.pdu()
        message.finish()
        if version != _V2C or community not in self._communities:
            raise ValueError("another version or community")
        response = respond(pdu, LIMIT - _V2C_ENVELOPE - len(community))
        head = ber.encode_integer(_V2C) + ber.encode(ber.OCTETS, community)
        return response and ber.encode(ber.SEQUENCE, head, response)


def _respond(pdu: ber.Pdu, room: int, instances: Instances, faults: SnmpFaults) -> bytes | None:
    if pdu.kind not in _REQUESTS:
        raise ValueError("not a request")
    if pdu.kind == ber.GETBULK and any(_below(oid, faults.deaf_to_bulk) for oid in asked(pdu)):
        return None
    broken = [index for index, oid in enumerate(asked(pdu), 1) if _below(oid, faults.broken)]
    return failed(pdu, _GENERAL_ERROR, broken[0]) if broken else instances.answer(pdu, room)


def _below(oid: Oid, roots: Sequence[Oid]) -> bool:
    return any(oid[: len(root)] == root for root in roots)


def _clock(view: View, unit: str) -> Clock:
    """Return the engine's clock: started in this second of Unix time, so that a later start has the higher number."""
    uptime = float(view.snmp_scalars(unit)["sysUpTime"]) / 100
    return Clock(round(view.time - uptime), int(uptime))
