"""A Prometheus with the past of a fleet in which all sorts of things happen in the last hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.lab.history import blocks, openmetrics
from exporter.lab.history.sampling import JOB
from exporter.lab.simulator import topology
from exporter.lab.simulator.timeline import parse_scenario
from exporter.lab.simulator.topology import Topology
from support import history
from support.fleets import FLEETS
from support.grafana import Grafana
from support.history import HOUR, MINUTE
from support.processes import program

END = int(datetime(2026, 3, 11, 11, tzinfo=UTC).timestamp())
"""A busy hour of a Wednesday."""

SCENARIOS = (
    "jabberer@+150m,unit=mx1",
    "flood@+150m,pool=relay",
    "pool-slow@+135m,pool=outbound",
    "unit-down@+160m,unit=branch1",
    "raid-fault@+130m,unit=mx1",
    "psu-fault@+130m,unit=mx1",
    "fan-fault@+130m,unit=out1",
    "update-failing@+120m,unit=mx1",
    "snmp-dead@+130m,unit=mx2",
    "auth-failure@+130m,unit=spare1",
)

NOT_WATCHED = ("news2", "archive1")
"""A unit of two and the only one of its pool."""


def write_probe_health(fleets: Mapping[str, Topology], folder: Path, length: int) -> None:
    """Write what simulated histories lack: certificates, and unreadable values of the first unit of each fleet."""
    for period in blocks.periods(END - length + MINUTE, END, MINUTE):
        blocks.write(_probe_health(fleets, period), folder)


def _probe_health(fleets: Mapping[str, Topology], period: range) -> Iterator[str]:
    names = {
        "ironport_tls_certificate_expiry_timestamp_seconds": (END + 300 * 24 * HOUR, None),
        "ironport_source_unreadable_values": (2, 1),
    }
    for name, (value, count) in names.items():
        yield openmetrics.header(name, "gauge")
        for job, fleet in fleets.items():
            for unit in fleet.appliances[:count]:
                site = {"site": unit.site} if unit.site else {}
                labels = {"job": job, "pool": unit.pool, "stream": unit.stream, "instance": unit.name, **site}
                series = openmetrics.labelled(name, {**labels, "source": "xml"})
                yield openmetrics.samples(series, [float(value)] * len(period), openmetrics.stamps(period))


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a Prometheus with three hours, quiet at first, and what is usual at that hour."""
    for name in ("prometheus", "promtool"):
        program(name)
    folder = tmp_path_factory.mktemp("history")
    fleet = topology.load_topology(str(Path(__file__).parent / "fleet.yml"))
    unscraped = (history.unscraped(unit, 140 * MINUTE) for unit in NOT_WATCHED)
    history.write(fleet, folder, END, 3 * HOUR, [*map(parse_scenario, SCENARIOS), *unscraped])
    write_probe_health({JOB: fleet}, folder, 3 * HOUR)
    with blocks.served(folder) as url:
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
    """Return what Grafana sees half an hour after fleets of all kinds were first watched, each the job of its name."""
    folder = tmp_path_factory.mktemp("fleets")
    history.write_fleets(FLEETS, folder, END, 30 * MINUTE)
    write_probe_health(FLEETS, folder, 30 * MINUTE)
    with blocks.served(folder) as url:
        yield Grafana(url, END)
