"""Probes are counted while they run, and an appliance has a limited number of them."""

from __future__ import annotations

import asyncio

import pytest

from exporter.web import running_probes
from exporter.web.running_probes import RunningProbes
from support.running_server import RunningServer


async def test_an_appliance_has_a_limited_number_of_probes(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_probes, "MOST_PROBES", 1)
    prober = running.prober("mx1")
    prober.go.clear()
    first = asyncio.create_task(running.get("/probe?target=mx1"))
    await prober.begun.wait()
    answer = await running.get("/probe?target=mx1")
    assert answer == (503, "Too many probes of mx1 run already (1). Scrape it less often, or with a shorter timeout.\n")
    assert (await running.get("/probe?target=mx2"))[0] == 200
    prober.go.set()
    assert (await first)[0] == 200
    assert (await running.get("/probe?target=mx1"))[0] == 200


def test_the_probe_with_most_time_counts() -> None:
    probes = RunningProbes()
    assert probes.seconds_left() == 0
    with probes.admit("mx1", 60), probes.admit("mx2", 30):
        assert 30 < probes.seconds_left() <= 60
    assert probes.seconds_left() == 0
