"""Growth of demand: slope and level between weeks, their uncertainty, and the dates that follow."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from exporter.capacity.growth import DateRange, Growth, growth_of, passes

TODAY = date(2026, 11, 2)
STEADY = Growth(low=0.01, best=0.01, high=0.01, level=100_000, weeks=13)


def weeks(growth: float, count: int = 13, now: float = 100_000) -> list[float]:
    return [now * (1 + growth) ** (week - count + 1) for week in range(count)]


def known(weekly: Sequence[float | None]) -> Growth:
    growth = growth_of(weekly)
    assert growth is not None
    return growth


@pytest.mark.parametrize("growth", [0.0, 0.006, 0.03, -0.01])
def test_steady_growth_is_found_exactly(growth: float) -> None:
    found = known(weeks(growth))
    assert (found.low, found.best, found.high) == pytest.approx((growth, growth, growth))
    assert found.level == pytest.approx(100_000)
    assert (found.weeks, found.age) == (13, 6)
    assert found.level_error == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("place", range(13))
@pytest.mark.parametrize("factor", [0.6, 2.5])
def test_one_odd_week_hardly_moves_the_level(place: int, factor: float) -> None:
    noise = random.Random(place)
    weekly = [demand * math.exp(noise.gauss(0, 0.01)) for demand in weeks(0.006)]
    odd = [demand * (factor if week == place else 1) for week, demand in enumerate(weekly)]
    assert known(odd).level == pytest.approx(known(weekly).level, rel=0.02)


def test_four_weeks_give_no_growth() -> None:
    assert growth_of(weeks(0.01, 4)) is None
    assert growth_of([None, *weeks(0.01, 4), None]) is None
    assert growth_of([]) is None


def test_a_missing_week_keeps_its_place() -> None:
    weekly = [None if week in (3, 12) else demand for week, demand in enumerate(weeks(0.02))]
    found = known(weekly)
    assert (found.best, found.level) == pytest.approx((0.02, 100_000))
    assert found.weeks == 11


@pytest.mark.parametrize(
    ("target", "weeks_away"), [(100_000 * 1.01**10, 10), (100_000, 0), (90_000, 0), (0, 0), (100_000 * 1.01**105, None)]
)
def test_demand_passes_on_the_first_day_above(target: float, weeks_away: int | None) -> None:
    day = None if weeks_away is None else TODAY + timedelta(weeks=weeks_away)
    assert passes(STEADY, target * (1 - 1e-9), TODAY) == DateRange(day, day, day)


def test_the_error_of_the_growth_adds_up() -> None:
    growth = replace(STEADY, low=0.005, high=0.02)
    old = replace(growth, age=6)
    near, far = (passes(each, 120_000, TODAY) for each in (growth, old))
    assert near.soonest == TODAY + timedelta(weeks=math.log(1.2) / math.log(1.02), days=1)
    days = [far.soonest, near.soonest, near.likeliest, near.latest, far.latest]
    known = [day for day in days if day]
    assert known == sorted(set(known))
    assert len(known) == 5


def test_the_error_of_the_level_counts_alone() -> None:
    dates = passes(replace(STEADY, level_error=2 * math.log(1.01)), 100_000 * 1.01**10 * (1 - 1e-9), TODAY)
    assert dates == DateRange(*(TODAY + timedelta(weeks=away) for away in (8, 10, 12)))


def test_mail_that_shrinks_passes_nothing() -> None:
    assert passes(replace(STEADY, low=-0.02, best=-0.01, high=-0.005), 110_000, TODAY) == DateRange(None, None, None)


@pytest.mark.parametrize("growth", [0.006, 0.03])
@pytest.mark.parametrize("count", [5, 8, 13, 26])
def test_nine_of_ten_ranges_hold_the_date(growth: float, count: int) -> None:
    noise = random.Random(count)
    away = math.log(1.15) / math.log1p(growth)
    truth = TODAY + timedelta(weeks=away)
    held = 0
    for _ in range(200):
        weekly = [demand * math.exp(noise.gauss(0, 0.015)) for demand in weeks(growth, count)]
        dates = passes(known(weekly), 115_000, TODAY)
        assert dates.soonest is not None
        held += dates.soonest <= truth and (dates.latest is None or truth <= dates.latest)
    assert held >= 180
