"""Incidents of simulated attacks on a real Prometheus, against what the simulator knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from exporter.incidents.firings import alert_history
from exporter.incidents.incidents import Incident, find_incidents
from exporter.lab.history import blocks
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.topology import load_topology
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import HOUR, MINUTE
from exporter.prometheus.selection import Selection
from exporter.report import incident_command
from support import history
from support.processes import program

END = 1_773_252_000
"""18:00 UTC on a Wednesday."""

RINGS, PAIR = 4 * HOUR, 7 * HOUR
"""How long the two histories are."""


@contextmanager
def served(folder: Path, topology: str, length: int, *scenarios: str) -> Iterator[Prometheus]:
    for name in ("prometheus", "promtool"):
        program(name)
    fleets = {"ironport": load_topology(topology)}
    happening = [parse_scenario(text) for text in scenarios]
    history.write(fleets, folder, END, length, happening, families=history.OF_ALERTS)
    with blocks.served(folder) as url:
        yield Prometheus(url)


@pytest.fixture(scope="module")
def rings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    floods = "flood@+60m,pool=edge,duration=40m", "flood@+63m,pool=core,duration=40m"
    with served(tmp_path_factory.mktemp("rings"), "rings", RINGS, *floods) as prometheus:
        yield prometheus


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    heavy = "jabberer@+60m,unit=ring1,duration=30m", "jabberer@+150m,unit=ring2,duration=30m"
    slow = "pool-slow@+270m,duration=90m", "blackout@+305m,duration=25m"
    with served(tmp_path_factory.mktemp("pair"), "pair", PAIR, *heavy, *slow) as prometheus:
        yield prometheus


def incidents(prometheus: Prometheus, length: int) -> list[Incident]:
    return find_incidents(alert_history(prometheus, END - length, END))


def after(incident: Incident, length: int, onset: int) -> tuple[float, float]:
    """Return the minutes from the minute `onset` of the history until the incident began, and until it was seen."""
    truth = END - length + onset * MINUTE
    return (incident.began - truth) / MINUTE, (incident.seen - truth) / MINUTE


def test_edge_and_core_flooded_are_one_incident(rings: Prometheus) -> None:
    (flood,) = incidents(rings, RINGS)
    assert flood.verdict.alert == "IronPortDistributedAttackSuspected"
    assert flood.pools == ("edge", "core")
    assert set(flood.units) == {f"{pool}{number}" for pool in ("edge", "core") for number in range(1, 5)}


def test_a_flood_is_called_out_once_within_minutes(rings: Prometheus) -> None:
    (flood,) = incidents(rings, RINGS)
    began, seen = after(flood, RINGS, 60)
    assert 0 < began <= seen <= 9
    assert flood.notified is not None
    assert 0 < flood.notified - flood.seen <= MINUTE
    assert flood.ended is not None


def test_two_attacks_an_hour_apart_are_two_incidents(pair: Prometheus) -> None:
    first, second, *_ = incidents(pair, PAIR)
    assert {first.verdict.alert, second.verdict.alert} == {"IronPortJabbererSuspected"}
    assert (first.units, second.units) == (("ring1",), ("ring2",))
    for attack, onset in ((first, 60), (second, 150)):
        began, seen = after(attack, PAIR, onset)
        assert 0 < began <= seen <= 7
        assert attack.notified is None


def test_a_blackout_does_not_divide_an_incident(pair: Prometheus) -> None:
    _, _, *slow = incidents(pair, PAIR)
    (incident,) = slow
    assert incident.verdict.alert == "IronPortPoolSlow"
    began, seen = after(incident, PAIR, 270)
    assert 0 < began <= seen <= 15
    assert incident.ended is not None
    assert incident.ended > END - PAIR + 360 * MINUTE


def test_the_card_says_when_there_were_no_samples(pair: Prometheus) -> None:
    card = incident_command.incident_card(pair, Selection(), ZoneInfo("UTC"), END, None)
    markdown = incident_command.markdown_card(card)
    assert "| No unit was scraped for 25\N{NO-BREAK SPACE}min |" in markdown
    assert "| IronPortExporterDown | critical | job ironport |" in markdown
