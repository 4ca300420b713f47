"""A further source needs a row in the registry and its rows in the catalogue, and no other place."""

from __future__ import annotations

import asyncio

import pytest

from exporter.config import Config
from exporter.errors import SourceTimeout
from exporter.metrics import catalog, conversions
from exporter.metrics.catalog import Family, Feed
from exporter.metrics.reading import Reading
from exporter.probe import Prober
from exporter.probe_debug import debug_output
from exporter.sources.source import SOURCES, SourceType
from exporter.telemetry import Telemetry
from exporter.web.discovery import BaseUrl
from exporter.web.landing import landing_page
from support.appliances import snmp_appliance
from support.fake_fleet import fake_fleet


class Toy:
    """A source with one value."""

    async def poll(self, reading: Reading) -> None:
        await asyncio.sleep(0)
        reading.up = True
        reading.requests = 1
        reading.set("toys", 7)

    def timed_out(self, reading: Reading) -> SourceTimeout:
        return SourceTimeout(f"no toy after {reading.requests} requests")

    async def close(self) -> None:
        pass


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register a third source beside SNMP."""
    row = SourceType(
        create=lambda *_: Toy(),
        is_configured=lambda _: True,
        min_interval=lambda _: 30.0,
        without_it="toys are not exported",
        described="the toy",
        on_appliance="`toyconfig` enables it.",
    )
    monkeypatch.setitem(SOURCES, "toy", row)
    family = Family("ironport_toys", "gauge", "Toys", (), (Feed("toy", ("toys",), conversions.scaled()),))
    monkeypatch.setattr(catalog, "FAMILIES", (*catalog.FAMILIES, family))


@pytest.mark.usefixtures("toy")
async def test_a_third_source_is_probed_fused_and_described() -> None:
    appliance = snmp_appliance(9)
    prober = Prober(appliance, Telemetry())
    result = await prober.probe(2.0)
    await prober.close()
    text = result.exposition.text().decode()
    assert "# HELP ironport_toys Toys (TOY toys).\n# TYPE ironport_toys gauge\nironport_toys 7.0\n" in text
    for series in ("source_up", "source_complete", "source_requests"):
        assert f'ironport_{series}{{source="toy"}} 1.0\n' in text
    assert 'ironport_source_error{reason="timeout",source="toy"} 0.0\n' in text
    assert "\ntoy: complete; " in debug_output(appliance, result)


@pytest.mark.usefixtures("toy")
async def test_a_third_source_has_its_column_on_the_landing_page() -> None:
    fleet = fake_fleet(Config(appliances={"mx1": snmp_appliance(9)}), Telemetry())
    assert "<th>TOY</th>" in landing_page(fleet, BaseUrl.parse("http://localhost"))
    await fleet.close()
