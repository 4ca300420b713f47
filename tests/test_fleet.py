"""A reload replaces the probers of changed appliances and leaves the others alone."""

from __future__ import annotations

import asyncio

import pytest

from exporter import fleet as fleets
from exporter.config import Config
from exporter.fleet import Fleet
from exporter.telemetry import Telemetry
from support.appliances import snmp_appliance
from support.snmpd import Snmpd

LONG = 60.0
"""A timeout that no test reaches, in seconds."""


def config(*ports: int) -> Config:
    appliances = {
        f"mx{number}": snmp_appliance(port).model_copy(update={"name": f"mx{number}"})
        for number, port in enumerate(ports, 1)
    }
    return Config(appliances=appliances)


async def test_a_reload_keeps_unchanged_appliances() -> None:
    fleet = Fleet(config(1, 2, 3), Telemetry())
    before = dict(fleet.probers)
    await fleet.apply(config(1, 22))
    assert fleet.probers["mx1"] is before["mx1"]
    assert fleet.probers["mx2"] is not before["mx2"]
    assert "mx3" not in fleet.probers
    assert list(fleet.config.appliances) == ["mx1", "mx2"]
    await fleet.close()


async def test_a_reload_does_not_disturb_a_running_probe(snmpd: Snmpd) -> None:
    fleet = Fleet(config(snmpd.port), Telemetry())
    probe = asyncio.create_task(fleet.probers["mx1"].probe(LONG))
    await fleet.apply(config(1))
    assert (await probe).complete
    await fleet.close()


async def test_a_large_reload_lets_other_work_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleets, "SLICE", 10)
    fleet = Fleet(config(*range(1, 101)), Telemetry())
    reload = asyncio.create_task(fleet.apply(config(*range(101, 201))))
    turns = 0
    while not reload.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 20  # each hundred of new and of old probers takes ten
    await fleet.close()


async def test_an_unknown_appliance_gets_a_suggestion() -> None:
    fleet = Fleet(config(1, 2), Telemetry())
    assert fleet.prober("mx3") is fleet.prober("relay") is None
    assert fleet.unknown("mx3").startswith('No appliance is called "mx3". Did you mean mx2 or mx1? /sd and')
    assert fleet.unknown("relay").startswith('No appliance is called "relay". /sd and')
    await fleet.close()
