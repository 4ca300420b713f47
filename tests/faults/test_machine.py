"""Faults of the exporter's machine, of its operator and of its clients end as the table says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import yaml

from faults.appliance import V2C_LOGIN, FaultyAppliance
from faults.machine import COPIES, MACHINE_FAULTS, MachineFault, Scene
from support.exporter import Exporter
from support.snmpd import Snmpd
from support.status_server import PASSWORD, USERNAME


@pytest.fixture
async def scene(fault: MachineFault, snmpd: Snmpd, tmp_path: Path) -> AsyncIterator[Scene]:
    (tmp_path / "password").write_text(PASSWORD)
    file = tmp_path / "fleet.yml"
    async with FaultyAppliance(snmpd) as appliance:
        if fault.here:
            file.write_text(yaml.safe_dump(fleet(appliance)))
            yield Scene(file, appliance, None)
            return
        exporter = await asyncio.to_thread(Exporter, tmp_path, fleet(appliance))
        try:
            async with aiohttp.ClientSession(exporter.url, connector=aiohttp.TCPConnector(limit=0)) as client:
                yield Scene(file, appliance, (exporter, client))
        finally:
            await asyncio.to_thread(exporter.stop)


def fleet(appliance: FaultyAppliance) -> dict[str, object]:
    return {
        "auths": {"lab": {"snmp": V2C_LOGIN, "xml": {"username": USERNAME, "password_file": "password"}}},
        "defaults": {
            "auth": "lab",
            "min_interval": {"snmp": 0, "xml": 0},
            "snmp": {"port": appliance.relay.port},
            "xml": {"scheme": "http", "port": appliance.web.port},
        },
        "appliances": [{"name": f"mx{number}", "address": "127.0.0.1"} for number in range(1, COPIES + 1)],
    }


@pytest.mark.parametrize("fault", MACHINE_FAULTS, ids=lambda fault: fault.name)
async def test_a_fault_ends_as_the_table_says(fault: MachineFault, scene: Scene) -> None:
    await fault.play(scene)
    assert fault.here or "Traceback" not in scene.exporter.process.output
