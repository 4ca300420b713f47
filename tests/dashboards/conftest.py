"""A Prometheus with the history of a fleet that has many kinds of trouble in its last hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.lab.history import blocks, openmetrics
from exporter.lab.history.sampling import JOB
from exporter.lab.simulator import topology
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.topology import Topology
from exporter.prometheus.durations import HOUR, MINUTE
from support import history
from support.built_once import built_once
from support.fleets import FLEETS
from support.grafana import Grafana
from support.processes import program

END = int(datetime(2026, 3, 11, 11, tzinfo=UTC).timestamp())
"""A busy hour of a Wednesday."""

LENGTH = 135 * MINUTE
"""Seconds of history: an hour for the graphs of the quiet hour, what rules look back on before it, and the attacks."""

SCENARIOS = (
    "jabberer@+105m,unit=mx1",
    "flood@+105m,pool=relay",
    "pool-slow@+90m,pool=outbound",
    "unit-down@+115m,unit=branch1",
    "raid-fault@+85m,unit=mx1",
    "psu-fault@+85m,unit=mx1",
    "fan-fault@+85m,unit=out1",
    "update-failing@+75m,unit=mx1",
    "snmp-dead@+85m,unit=mx2",
    "auth-failure@+85m,unit=spare1",
)

NOT_SCRAPED = ("news2", "archive1")
"""Units whose scrapes fail: one of two in its pool, and the only one of its pool."""


def write_probe_health(fleets: Mapping[str, Topology], folder: Path, length: int) -> None:
    """Write what simulated histories lack: certificates, and unreadable values of the first unit of each fleet."""
    for period in blocks.periods(END - length + MINUTE, END, MINUTE):
        blocks.write(_probe_health(fleets, period), folder)


def _probe_health(fleets: Mapping[str, Topology], period: range) -> Iterator[str]:
    names: tuple[tuple[str, dict[str, str], int, int | None], ...] = (
        ("ironport_tls_certificate_expiry_timestamp_seconds", {"verified_by": "ca"}, END + 300 * 24 * HOUR, None),
        ("ironport_source_unreadable_values", {}, 2, 1),
    )
    for name, more, value, count in names:
        yield openmetrics.header(name, "gauge")
        for job, fleet in fleets.items():
            for unit in fleet.appliances[:count]:
                site = {"site": unit.site} if unit.site else {}
                labels = {"job": job, "pool": unit.pool, "stream": unit.stream, "instance": unit.name, **site}
                series = openmetrics.labelled(name, {**labels, **more, "source": "xml"})
                yield openmetrics.samples(series, [float(value)] * len(period), openmetrics.stamps(period))


def _write_attacks(folder: Path) -> None:
    fleet = {JOB: topology.load_topology(str(Path(__file__).parent / "fleet.yml"))}
    unscraped = (history.unscraped(unit, 95 * MINUTE) for unit in NOT_SCRAPED)
    history.write(fleet, folder, END, LENGTH, [*map(parse_scenario, SCENARIOS), *unscraped])
    write_probe_health(fleet, folder, LENGTH)


def _write_fleets(folder: Path) -> None:
    history.write(FLEETS, folder, END, 30 * MINUTE)
    write_probe_health(FLEETS, folder, 30 * MINUTE)


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a Prometheus with two quiet hours and then attacks, and what is usual at that hour."""
    for name in ("prometheus", "promtool"):
        program(name)
    with blocks.served(built_once(tmp_path_factory, "history", _write_attacks)) as url:
        yield url


@pytest.fixture(scope="session")
def attacked(prometheus: str) -> Grafana:
    """Return what Grafana sees half an hour into the attacks."""
    return Grafana(prometheus, END)


@pytest.fixture(scope="session")
def quiet(prometheus: str) -> Grafana:
    """Return what Grafana sees before the attacks."""
    return Grafana(prometheus, END - 50 * MINUTE)


@pytest.fixture(scope="session")
def fleets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grafana]:
    """Return what Grafana sees of fleets of all kinds, each with its own job, after half an hour of monitoring."""
    with blocks.served(built_once(tmp_path_factory, "fleets", _write_fleets)) as url:
        yield Grafana(url, END)
