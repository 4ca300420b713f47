from __future__ import annotations

import numpy as np
import pytest

from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.oddities import Oddities
from exporter.lab.simulator.state import Count
from exporter.lab.simulator.topology import load_topology
from exporter.prometheus.durations import DAY

START = 1_767_690_000.0
"""Tuesday, 6 January 2026, 09:00 UTC."""


@pytest.fixture(scope="module")
def fleet() -> FleetArrays:
    return FleetArrays(load_topology("campus"))


def test_the_balancer_drifts_over_days(fleet: FleetArrays) -> None:
    oddities = Oddities(fleet, 1, odd=True)
    even = fleet.production / fleet.by_pool(fleet.production.astype(float))[fleet.pool]
    shares = np.array([oddities.drifted(even, START + hour * 3600) for hour in range(14 * 24)])
    assert shares.sum(axis=1) == pytest.approx(2), "each of both pools keeps its mail"
    moved = shares[:, fleet.production] / even[fleet.production] - 1
    assert 0.05 < abs(moved).max() < 0.25
    assert abs(np.diff(moved, axis=0)).max() < 0.02, "nothing jumps from hour to hour"


def test_clocks_differ_by_minutes_at_most(fleet: FleetArrays) -> None:
    clock = Oddities(fleet, 1, odd=True).clock
    assert len(set(clock)) > 5
    assert 30 < abs(clock).max() <= 180
    view = Model(fleet.topology, 1, START, bursty=True).view
    stamps = {str(view.xml_items(name)["status/timestamp"][()]) for name in fleet.names}
    assert len(stamps) > 5


def test_a_small_destination_is_always_down(fleet: FleetArrays) -> None:
    """As many of its recipients expire as come, so that the delivery queue does not grow."""
    model = Model(fleet.topology, 1, START, bursty=True)
    waiting, expired = model.state.attempted.copy(), model.state.counts[Count.EXPIRED_HARD_BOUNCED].copy()
    dead = Oddities(fleet, 1, odd=True).dead
    assert np.all(waiting[fleet.production] >= dead[fleet.production])
    assert np.all(dead[fleet.production] > 100)
    model.advance(START + DAY)
    assert model.state.attempted.sum() == pytest.approx(waiting.sum(), rel=0.15)
    assert np.all((model.state.counts[Count.EXPIRED_HARD_BOUNCED] > expired)[fleet.production])
    assert (model.time - model.state.oldest[fleet.production]).min() > 3600


def test_greylisting_refuses_recipients_of_strangers(fleet: FleetArrays) -> None:
    refused = []
    for bursty in (False, True):
        model = Model(fleet.topology, 1, START, bursty=bursty)
        before = model.state.counts.copy()
        model.advance(START + 3600)
        gained = (model.state.counts - before).astype(float)
        refused.append(gained[Count.REJECTED_RECIPS] / np.maximum(gained[Count.INJ_RECIPS], 1))
    inbound = fleet.pool == 0
    assert np.all((refused[1] > 1.4 * refused[0])[inbound & fleet.production])
    assert refused[1][~inbound] == pytest.approx(refused[0][~inbound], abs=0.005)


def test_a_smooth_fleet_has_no_oddities(fleet: FleetArrays) -> None:
    none = Oddities(fleet, 1, odd=False)
    shares = np.full(len(fleet), 0.2)
    assert np.array_equal(none.drifted(shares, START), shares)
    assert not any((none.clock.any(), none.dead.any(), none.greylisted.any()))
