"""A fleet of three appliances whose probes end when the test says so, and the file that it is loaded from."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from exporter.config import Appliance, Config
from exporter.fleet import Fleet
from exporter.metrics.fusion import fuse
from exporter.metrics.reading import Reading
from exporter.probe import Prober, Result
from exporter.telemetry import Telemetry

COMMUNITY: Final = "s3cret-community"
PASSWORD: Final = "s3cret-password"

_HEAD: Final = f"""
auths:
  lab: {{snmp: {{version: 2c, community: {COMMUNITY}}}, xml: {{username: monitor, password: {PASSWORD}}}}}
defaults: {{auth: lab, xml: {{scheme: http}}}}
appliances:
"""
MX1: Final = (
    "{name: mx1, address: 192.0.2.1, site: east, pool: edge, stream: in, traffic: inbound, labels: {rack: b12}}"
)
MX2: Final = "{name: mx2, address: 192.0.2.2, site: west, pool: edge, stream: in}"
MX3: Final = "{name: mx3, address: '2001:db8::3', pool: outbound, traffic: outbound, role: spare}"


def write_fleet(path: Path, *appliances: str) -> None:
    """Write a configuration with these appliances, each in YAML's flow style; by default mx1, mx2 and mx3."""
    path.write_text(_HEAD + "".join(f"  - {appliance}\n" for appliance in appliances or (MX1, MX2, MX3)))


class FakeProber(Prober):
    """Answers with `readings` once `go` is set, or fails with `fault`; remembers what it was asked."""

    def __init__(self, appliance: Appliance, telemetry: Telemetry) -> None:
        super().__init__(appliance, telemetry)
        self.readings: Sequence[Reading] = (healthy("snmp"), healthy("xml"))
        self.fault: Exception | None = None
        self.timeouts: list[float] = []
        self.go, self.begun, self.cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.go.set()

    async def probe(self, timeout: float) -> Result:  # noqa: ASYNC109 - as the real one
        self.timeouts.append(timeout)
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if self.fault:
            raise self.fault
        self.last = result(*self.readings, deadline=timeout)
        return self.last


def healthy(source: str) -> Reading:
    """Return the reading of a source that answered everything."""
    reading = Reading("snmp" if source == "snmp" else "xml", up=True, requests=1, duration=0.012)
    if source == "snmp":
        reading.set("workQueueMessages", 42)
    else:
        reading.set("status/build", "phoebe 15.0.1-030")
    return reading


def result(*readings: Reading, deadline: float = 10.0) -> Result:
    """Return what a probe gives that ended now with these readings."""
    return Result(readings, fuse(readings), 0.25, deadline, datetime.now(UTC))


def fake_fleet(config: Config, telemetry: Telemetry) -> Fleet:
    """Return a fleet that probes nothing."""
    fleet = Fleet(config, telemetry)
    fleet.probers = {name: FakeProber(each, telemetry) for name, each in config.appliances.items()}
    return fleet
