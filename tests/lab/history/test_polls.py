from __future__ import annotations

from itertools import accumulate, takewhile
from pathlib import Path

from exporter.lab.history.polls import PROBE_DEADLINE, ROUND_TRIP, SNMP_REQUESTS, SNMP_TRIES, polls
from exporter.lab.history.sampling import watched_fleet
from exporter.metrics.reading import Reading
from exporter.sources.snmp.collect import SnmpSource
from exporter.sources.snmp.retry import Loss, RoundTripTime, timeouts
from exporter.telemetry import Telemetry
from support.simulated import configured, simulated


async def test_a_poll_counts_requests_as_a_live_one(tmp_path: Path) -> None:
    async with simulated("mixed", snmp="v2c") as fleet:
        appliances = configured(fleet, tmp_path).appliances
        watched = watched_fleet(fleet.model.fleet.topology).appliances
        for name, appliance in appliances.items():
            live = Reading("snmp")
            await SnmpSource(appliance, Telemetry()).poll(live)
            snmp, _ = polls(fleet.model.view, watched[name], (1.0, 1.0))
            assert live.complete
            assert snmp.requests == live.requests - live.retries == SNMP_REQUESTS


def test_a_silent_agent_is_asked_as_often_as_live() -> None:
    """A poll asks one thing first, and again and again until the deadline."""
    known = RoundTripTime()
    for _ in range(20):
        known.observe(ROUND_TRIP)
    waits = takewhile(lambda passed: passed < PROBE_DEADLINE, accumulate(timeouts(known, Loss())))
    assert abs(1 + len(list(waits)) - SNMP_TRIES) <= 2  # the waits are jittered
