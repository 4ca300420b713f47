"""The figures of bursty mail are those of ten public traces of human activity, and no mail waits for long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from exporter.lab.simulator import bursts, traffic
from exporter.lab.simulator.bursts import KINDS
from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.noise import Floats
from exporter.lab.simulator.topology import BUILT_IN, load_topology
from exporter.prometheus.durations import DAY

MONDAY = 1_767_571_200
"""5 January 2026, 00:00 UTC."""

WEEKS = 6


@dataclass
class Traffic:
    """The usual mail and the mail with bursts of each unit in messages per second, every five minutes for six weeks."""

    fleet: FleetArrays
    usual: Floats
    bursty: Floats


@pytest.fixture(scope="module", params=BUILT_IN)
def mail(request: pytest.FixtureRequest) -> Traffic:
    fleet = FleetArrays(load_topology(request.param))
    pools = tuple(fleet.pool.tolist())
    times = MONDAY + np.arange(150, WEEKS * 7 * DAY, 300.0)
    good, spam = (flow(times)[:, None] for flow in (traffic.good_mail, traffic.spam))
    share = fleet.capacity * fleet.production / fleet.by_pool(fleet.capacity * fleet.production)[fleet.pool]
    usual = bursts.BETWEEN * (fleet.mail.ham * good + (1 - fleet.mail.ham) * spam) * fleet.volume[fleet.pool] * share
    idle = np.zeros(len(fleet), dtype=np.int64)
    bursty = [
        bursts.carried(bursts.sizes_at(4, time, pools) * flow, flow, idle, fleet.capacity)
        for time, flow in zip(times.tolist(), usual, strict=True)
    ]
    return Traffic(fleet, usual, np.array(bursty))


def ratios(flow: Floats, minutes: int) -> Floats:
    """Return means over so many minutes as multiples of the median 5-minute mean of the same hour of the week."""
    usual = np.median(flow.reshape(WEEKS, 168, 12), axis=(0, 2))
    means: Floats = flow.reshape(WEEKS, 168, -1, minutes // 5).mean(axis=3) / usual[:, None]
    return means


def test_mail_is_as_bursty_as_people(mail: Traffic) -> None:
    """On a unit and on each pool that gets mail from outside."""
    flows = [mail.bursty[:, 0]]
    flows += [mail.bursty[:, mail.fleet.pool == pool].sum(axis=1) for pool in np.flatnonzero(mail.fleet.volume)]
    for flow in flows:
        counts = ratios(flow, 5)
        assert 2.3 < np.quantile(counts, 0.99) < 10
        assert 5 < np.quantile(counts, 0.999) < 65
        assert 2 < np.quantile(ratios(flow, 60), 0.99) < 9
        assert 9 < np.count_nonzero(counts > 2.5) / WEEKS < 150


def test_bursts_keep_the_volume_and_the_capacity(mail: Traffic) -> None:
    smooth = mail.usual.sum() / bursts.BETWEEN
    assert mail.bursty.sum() == pytest.approx(smooth, rel=0.15)
    assert np.all(mail.bursty <= np.maximum(bursts.BRIEF * mail.fleet.capacity, mail.usual) + 1e-9)


def test_a_fleet_can_lose_a_site_in_busy_hours(mail: Traffic) -> None:
    """Half of its units carry the hourly means but for one in twenty, as the alerts on capacity count them."""
    for pool in np.flatnonzero(mail.fleet.volume):
        units = (mail.fleet.pool == pool) & mail.fleet.production
        hours = mail.bursty[:, units].sum(axis=1).reshape(-1, 12).mean(axis=1)
        assert np.quantile(hours, 0.95) < 0.5 * mail.fleet.capacity[units].sum()


def test_a_burst_has_its_scope() -> None:
    """Inbound and outbound mail can rise together, and a single unit alone."""
    pools = (0, 0, 0, 1, 1)
    sizes = (
        np.array([bursts.sizes_at(1, MONDAY + minute * 60, pools).sum(axis=0) for minute in range(0, 28 * 1440, 5)]) > 0
    )
    alone = sizes.sum(axis=1) == 1
    assert all(np.any(alone & sizes[:, unit]) for unit in range(5))
    assert np.any(sizes[:, :3].all(axis=1) & ~sizes[:, 3:].any(axis=1))
    assert np.any(sizes.all(axis=1))


def test_every_kind_has_its_name_once() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)


def test_no_unit_is_backlogged_on_bursty_days() -> None:
    """A minute's worth of its capacity waits nowhere, although bursts and pauses fill the queues now and then."""
    model = Model(load_topology("pair"), 2, MONDAY, bursty=True)
    highest = np.zeros(len(model.fleet))
    for _ in range(3 * 1440):
        model.advance()
        highest = np.maximum(highest, model.state.queue)
    assert np.all(highest < 60 * model.fleet.capacity)
    assert highest.max() > 100
