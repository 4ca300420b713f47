"""If an agent drops requests, the exporter sends more packets and loses no data."""

from __future__ import annotations

import asyncio

import pytest

from exporter.config import CommunityAuth, UserAuth
from exporter.probe import Prober, Result
from exporter.telemetry import Telemetry
from support.appliances import community, snmp_appliance, usm
from support.relay import UdpRelay, lossy
from support.snmpd import V3GET, Snmpd

PROBES = 200
DEADLINE = 8.0
AT_A_TIME = 25


@pytest.mark.parametrize("auth", [community(), usm(V3GET)], ids=["v2c", "v3"])
async def test_probes_are_complete_despite_forty_percent_loss(snmpd: Snmpd, auth: CommunityAuth | UserAuth) -> None:
    async with UdpRelay(("127.0.0.1", snmpd.port), lossy(requests=0.4)) as relay:
        slots = asyncio.Semaphore(AT_A_TIME)

        async def probe() -> Result:
            """Probe with a new prober, which knows nothing of the agent's round trips or tables."""
            async with slots:
                return await Prober(snmp_appliance(relay.port, auth), Telemetry()).probe(DEADLINE)

        results = await asyncio.gather(*(probe() for _ in range(PROBES)))
    assert sum(result.complete for result in results) >= 0.99 * PROBES
    notes = [note for result in results for reading in result.readings for note in reading.notes]
    assert sum("GETBULK failed" in note for note in notes) < 0.04 * PROBES
    assert relay.sent["agent"] < 0.7 * relay.seen["agent"]  # the agent really dropped them
