from __future__ import annotations

import numpy as np
import pytest

from exporter.lab.simulator import traffic
from exporter.lab.simulator.noise import Draw, Floats, Noise
from exporter.lab.simulator.traffic import Senders
from exporter.prometheus.durations import DAY

MONDAY = 1_767_571_200
"""5 January 2026, 00:00 UTC."""


def at(day: int, hour: float) -> Floats:
    return np.array([MONDAY + day * DAY + hour * 3600])


def test_good_mail_follows_the_hours_and_the_days() -> None:
    week = MONDAY + np.arange(0, 7 * DAY, 600.0)
    assert traffic.good_mail(week).mean() == pytest.approx(1, abs=0.01)
    assert traffic.good_mail(at(1, 10.5)) > 10 * traffic.good_mail(at(1, 3.5))
    assert traffic.good_mail(at(1, 10.5)) > 3 * traffic.good_mail(at(6, 10.5))
    assert traffic.good_mail(at(0, 0)) == pytest.approx(traffic.good_mail(at(7, 0)))


def test_spam_hardly_knows_night_and_day() -> None:
    day = traffic.spam(MONDAY + np.arange(0, DAY, 600.0))
    assert 0.9 < day.min() < day.max() < 1.1


@pytest.fixture(scope="module")
def senders() -> Senders:
    return Senders(7, np.array([0, 0, 0, 0, 1, 1]), np.array([1.0, 1.0, 1.0, 2.0, 1.0, 1.0]))


def test_units_share_mail_by_their_capacity(senders: Senders) -> None:
    share = senders.shares(np.ones(6, dtype=bool))
    assert share[:4].sum() == pytest.approx(1)
    assert share[4:].sum() == pytest.approx(1)
    assert share[:4] == pytest.approx([0.2, 0.2, 0.2, 0.4], abs=0.06)


def test_only_the_senders_of_a_leaving_unit_move(senders: Senders) -> None:
    before = senders.assign(0, np.array([0, 1, 2, 3]))
    after = np.array([0, 1, 3])[senders.assign(0, np.array([0, 1, 3]))]
    stayed = before != 2
    assert np.array_equal(after[stayed], before[stayed])
    assert set(after[~stayed]) == {0, 1, 3}
    full = senders.shares(np.ones(6, dtype=bool))
    less = senders.shares(np.array([True, True, False, True, True, True]))
    assert less[2] == 0
    assert np.all(less[[0, 1, 3]] > full[[0, 1, 3]])
    assert np.array_equal(less[4:], full[4:])


def test_a_pool_without_members_gets_nothing(senders: Senders) -> None:
    share = senders.shares(np.array([True, True, True, True, False, False]))
    assert share[4:].tolist() == [0, 0]


def test_newsletters_have_their_number_and_size() -> None:
    for day in range(20_000, 20_030):
        bursts = traffic.newsletters(3, day, (0, 1, 2, 5), (1.0, 1.0, 1.0, 1.0))
        assert len(bursts.start) == 4
        length = bursts.end - bursts.start
        assert np.all((length >= 120) & (length <= 600))
        messages = bursts.rate * length
        assert np.all((messages >= 499) & (messages <= 5001))
        assert set(bursts.unit) <= {0, 1, 2, 5}
        assert np.all((bursts.start >= day * DAY) & (bursts.end < (day + 1) * DAY))


@pytest.mark.parametrize("step", [15, 60])
def test_the_flow_of_newsletters_adds_up(step: int) -> None:
    bursts = traffic.newsletters(3, 20_000, (0, 1), (1.0, 1.0))
    times = range(20_000 * DAY, 20_001 * DAY, step)
    total = sum(bursts.flow(begin, begin + step, 2).sum() * step for begin in times)
    assert total == pytest.approx((bursts.rate * (bursts.end - bursts.start)).sum())


@pytest.mark.parametrize("step", [15, 60])
def test_each_unit_pauses_once_in_two_hours(step: int) -> None:
    slot = range(250_000 * traffic.UPDATE_SLOT, 250_001 * traffic.UPDATE_SLOT, step)
    paused = sum(traffic.pause(5, begin, begin + step, 6) * step for begin in slot)
    assert np.all((paused > 19.9) & (paused < 60.1))


@pytest.mark.parametrize("mean", [0.02, 0.4, 1.0, 2.5, 12.0, 900.0])
def test_random_counts_are_like_poisson_counts(mean: float) -> None:
    noise = Noise(11, 1000)
    samples = []
    for step in range(20):
        noise.turn(step)
        samples.append(noise.poisson(Draw.ACCEPTED, np.full(1000, mean)))
    counts = np.concatenate(samples)
    assert counts.min() >= 0
    assert counts.mean() == pytest.approx(mean, rel=0.05)
    assert counts.var() == pytest.approx(mean if mean >= 1 else mean * (1 - mean), rel=0.12)


def test_a_step_always_draws_the_same_numbers() -> None:
    direct, wandering = Noise(1, 3), Noise(1, 3)
    for step in (7, 999, 1_000_000, 8, 1000):
        wandering.turn(step)
    direct.turn(1000)
    assert np.array_equal(direct.normal, wandering.normal)
    other = Noise(2, 3)
    other.turn(1000)
    assert not np.array_equal(direct.normal, other.normal)
