"""Probes are counted while they run, and each client has a share of those of an appliance."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from types import SimpleNamespace

import aiohttp
import pytest

from exporter.errors import BusyError
from exporter.web import running_probes
from exporter.web.running_probes import RunningProbes
from support.running_server import RunningServer


async def test_a_client_has_a_limited_number_of_probes_of_an_appliance(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_probes, "MOST_PROBES", 2)
    prober = running.prober("mx1")
    prober.go.clear()
    first = asyncio.create_task(running.get("/probe?target=mx1"))
    await prober.begun.wait()
    answer = await running.get("/probe?target=mx1")
    assert answer == (503, "Too many probes of mx1 run already. Scrape it less often, or with a shorter timeout.\n")
    assert (await running.get("/probe?target=mx2"))[0] == 200
    elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(f"http://127.0.0.1:{running.port}", connector=elsewhere) as other:
        prober.begun.clear()
        second = asyncio.create_task(other.get("/probe?target=mx1"))
        await prober.begun.wait()
        prober.go.set()
        assert (await second).status == 200
    assert (await first)[0] == 200
    assert (await running.get("/probe?target=mx1"))[0] == 200


def test_clients_share_twenty_probes_of_an_appliance() -> None:
    probes = RunningProbes()
    with ExitStack() as running:
        for client, share in (("192.0.2.1", 10), ("192.0.2.2", 5), ("192.0.2.3", 3)):
            for _ in range(share):
                running.enter_context(probes.admit("mx1", client, 60))
            with pytest.raises(BusyError), probes.admit("mx1", client, 60):
                pass


def test_the_probe_with_most_time_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 10.0
    monkeypatch.setattr(running_probes, "time", SimpleNamespace(monotonic=lambda: now))
    probes = RunningProbes()
    assert probes.seconds_left() == 0
    with probes.admit("mx1", "192.0.2.1", 60), probes.admit("mx2", "192.0.2.1", 30):
        now = 20.0
        assert probes.seconds_left() == 50
        now = 80.0
        assert probes.seconds_left() == 0
    assert probes.seconds_left() == 0
