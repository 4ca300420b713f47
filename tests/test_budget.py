"""What the exporter may cost: packets and calls of its functions for a probe, and modules that it imports.

These are the same on any machine.

After a change that is meant to cost more, raise the budget and say why in the commit. `benchmarks/speed.py` measures
the time.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import pytest

import exporter
from exporter.config.source_keys import MinInterval
from exporter.probe import Prober, Result
from exporter.telemetry import Telemetry
from support.appliances import snmp_appliance
from support.exporter import Exporter
from support.snmpd import Snmpd

PACKETS: Final = 3
"""From the second probe on, of the appliance of the tests: it has 17 scalars, and 17 rows in six tables."""

CALLS: Final = 550
"""Calls of functions of the exporter, for the probe and its text. It takes about 470 with Python 3.11."""

OTHER_COMMANDS: Final = {
    "numpy",
    "jinja2",
    "weasyprint",
    *(f"exporter.{package}" for package in ("capacity", "explain", "incidents", "lab", "prometheus", "report")),
}
"""What `serve` never imports: its memory and its start would double."""

SNMPV3: Final = {"pysnmp", "pyasn1", "cryptography"}
"""11 MB that only an exporter takes whose fleet has SNMPv3."""

_PACKAGE: Final = str(Path(exporter.__file__).parent)


async def test_a_probe_keeps_to_its_budget(snmpd: Snmpd) -> None:
    prober = Prober(snmp_appliance(snmpd.port, min_interval=MinInterval(snmp=0, xml=0)), Telemetry())
    for _ in range(3):  # the first one learns how many rows there are, the next two make a plan
        (await prober.probe(10)).exposition.text()
    result, calls = await counted(prober)
    assert result.complete
    assert sum(reading.requests - reading.retries for reading in result.readings) <= PACKETS
    dearest = [f"{count} {code.co_name}" for code, count in calls.most_common(10)]
    assert calls.total() <= CALLS, f"{calls.total()} calls, most of them of {', '.join(dearest)}"


async def counted(prober: Prober) -> tuple[Result, Counter[CodeType]]:
    """Return the result of a probe, and how often each function of the exporter was called for it and its text."""
    calls: Counter[CodeType] = Counter()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(_PACKAGE):
            calls[frame.f_code] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        result = await prober.probe(10)
        result.exposition.text()
    finally:
        sys.setprofile(before)
    return result, calls


@pytest.mark.parametrize(
    ("snmp", "unused"),
    [
        ({"version": "2c", "community": "public"}, OTHER_COMMANDS | SNMPV3),
        ({"version": 3, "username": "v3get"}, OTHER_COMMANDS),
    ],
    ids=["v2c", "v3"],
)
def test_the_exporter_starts_without_what_its_fleet_does_not_need(
    tmp_path: Path, snmp: dict[str, str | int], unused: set[str]
) -> None:
    auth = {"snmp": snmp, "xml": {"username": "ops", "password": "secret"}}
    appliance = {"name": "mx1", "address": "192.0.2.1", "auth": "ops"}
    fleet = {"auths": {"ops": auth}, "appliances": [appliance]}
    started = Exporter(tmp_path, fleet, python=(sys.executable, "-X", "importtime"))
    started.stop()
    lines = started.process.output.splitlines()
    imported = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    assert {"aiohttp", "exporter.fleet"} <= imported
    assert not unused & imported
