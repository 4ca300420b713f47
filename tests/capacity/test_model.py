"""What a pool can carry, what is left after a loss, and how certain that is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from exporter.capacity.growth import Growth
from exporter.capacity.model import (
    FleetCapacity,
    PoolCapacity,
    Supply,
    UnitCapacity,
    chains,
    concentration,
    loads,
    spread,
    supply,
    survivor_load,
    until_lost,
    weakest_site_loss,
    without_largest,
    without_site,
)
from exporter.lab.simulator.traffic import Senders

DAY = date(2026, 11, 1)


def unit(
    name: str, capacity: float | None = 100.0, site: str | None = None, share: float | None = None
) -> UnitCapacity:
    return UnitCapacity(name, capacity, "unknown" if capacity is None else "rated", site, share=share)


def pool(*units: UnitCapacity, demand: float | None = 250.0, name: str = "inbound") -> PoolCapacity:
    return PoolCapacity(name, "mail", "inbound", units, demand)


def at_least(unit: UnitCapacity) -> UnitCapacity:
    return replace(unit, kind="lower_bound")


SIZES = pool(unit("a", 140), unit("b", 100), unit("c", 60))


def test_supply_and_headroom_are_those_of_units_in_service() -> None:
    spare = replace(unit("spare", 500), role="spare", in_service=False)
    carried = supply([*SIZES.units, spare])
    assert carried == Supply(300)
    assert carried.headroom(250) == 50


@pytest.mark.parametrize(("count", "left"), [(1, 160), (2, 60), (3, 0), (4, 0)])
def test_a_loss_takes_the_largest_units(count: int, left: float) -> None:
    assert without_largest(SIZES, count) == Supply(left)


def test_load_of_survivors_is_demand_over_what_is_left() -> None:
    assert survivor_load(replace(SIZES, demand=120)) == pytest.approx(0.75)


def test_an_unknown_capacity_makes_the_loss_unknown() -> None:
    left = without_largest(pool(unit("a"), unit("b", None), unit("c")))
    assert left == Supply(None, unsure=("b",))
    assert left.carries(1) is None


@pytest.mark.parametrize(("demand", "carries"), [(190, True), (210, None)])
def test_a_lower_bound_confirms_but_never_denies(demand: float, carries: bool | None) -> None:
    left = without_largest(pool(unit("a"), unit("b"), at_least(unit("c", 100))))
    assert left == Supply(200, at_least=True, unsure=("c",))
    assert left.carries(demand) is carries


def test_the_loss_of_a_site_takes_its_units() -> None:
    both = pool(unit("a", 140, "east"), unit("b", 100, "east"), unit("c", 60, "west"))
    assert [without_site(both, site).messages_per_hour for site in ("east", "west")] == [60, 240]
    assert weakest_site_loss(both) == Supply(60)


def test_a_unit_without_site_makes_site_loss_unknown() -> None:
    assert without_site(pool(unit("a", site="east"), unit("b")), "east") == Supply(None, unsure=("b",))


def test_one_site_has_no_site_loss() -> None:
    assert weakest_site_loss(pool(unit("a", site="east"))) is None


def test_measured_shares_decide_the_load_of_units() -> None:
    measured = pool(unit("a", 140, share=0.5), unit("b", 100, share=0.5), demand=100)
    assert [(load.messages_per_hour, load.ratio) for load in loads(measured)] == [(50, 50 / 140), (50, 0.5)]


def test_without_measured_shares_mail_goes_by_capacity() -> None:
    found = spread(SIZES)
    assert found.rule == "by capacity"
    assert found.shares == pytest.approx({"a": 140 / 300, "b": 1 / 3, "c": 0.2})


@pytest.mark.parametrize(
    ("shares", "rule", "newcomer"), [((0.58, 0.42), "by capacity", 60 / 300), ((0.51, 0.49), "equal", 1 / 3)]
)
def test_a_newcomer_takes_its_part_of_everybodys_mail(shares: tuple[float, float], rule: str, newcomer: float) -> None:
    found = spread(pool(unit("a", 140, share=shares[0]), unit("b", 100, share=shares[1]), unit("c", 60)))
    kept = 1 - newcomer
    assert found.rule == rule
    assert found.shares == pytest.approx({"a": kept * shares[0], "b": kept * shares[1], "c": newcomer})


def test_mail_of_a_lost_unit_goes_by_capacity() -> None:
    found = spread(pool(unit("a", 150, share=0.45), unit("b", 50, share=0.15)))
    assert found.rule == "by capacity"
    assert found.shares == pytest.approx({"a": 0.45 + 0.4 * 0.75, "b": 0.15 + 0.4 * 0.25})


@pytest.mark.parametrize("last_digit", [-1e-12, 0, 1e-12])
def test_the_last_digits_of_capacities_decide_nothing(last_digit: float) -> None:
    units = unit("a", 100 + last_digit, share=0.4), unit("b", 100, share=0.3), unit("new", 100)
    assert spread(pool(*units)).rule == "by capacity"


def test_the_mail_of_a_lost_unit_may_spread_evenly() -> None:
    found = spread(pool(unit("a", 150, share=0.3), unit("b", 50, share=0.3)))
    assert found.rule == "equal"
    assert found.shares == pytest.approx({"a": 0.5, "b": 0.5})


def test_even_shares_admit_no_error() -> None:
    found = spread(pool(unit("a", share=0.5), unit("b", share=0.5), unit("c")))
    assert found.errors == {"a": 0, "b": 0, "c": 0}


@pytest.mark.parametrize(
    ("before", "after", "within"),
    [(6, 7, 0.92), (6, 8, 0.92), (6, 5, 0.92), (6, 3, 0.92), (4, 2, 0.92), (2, 3, 0.8)],  # two units show little
)
def test_predicted_shares_are_those_of_simulated_senders(before: int, after: int, within: float) -> None:
    sizes = np.array([140.0, 100.0, 140.0, 100.0, 60.0, 100.0, 140.0, 60.0])
    errors, admitted = np.zeros((40, after)), np.zeros((40, after))
    for seed in range(40):
        senders = Senders(seed, np.zeros(8, dtype=np.int64), sizes)
        measured, seen = (senders.shares(np.arange(8) < count) for count in (before, after))
        units = [unit(str(place), sizes[place], share=measured[place] or None) for place in range(8)]
        known = concentration(pool(*units[:before]))
        found = spread(replace(pool(*units[:after]), concentration=known))
        errors[seed] = np.array(list(found.shares.values())) - seen[:after]
        admitted[seed] = 2 * np.array(list(found.errors.values()))
    assert np.abs(errors.mean(axis=0) / seen[:after]).max() < 0.05
    assert np.mean(np.abs(errors) <= admitted) > within


def test_loads_are_unknown_without_demand_or_capacity() -> None:
    assert loads(replace(SIZES, demand=None)) == []
    assert loads(pool(unit("a"), unit("b", None))) == []


def test_the_weakest_pool_decides_for_its_chain() -> None:
    edge = pool(unit("e1"), unit("e2"), unit("e3"), demand=150, name="edge")
    core = pool(unit("c1"), unit("c2"), unit("c3"), demand=220, name="core")
    (chain,) = chains(FleetCapacity(DAY, (edge, core)))
    assert chain.bottleneck is core
    assert chain.survives_unit is False


def test_growth_gives_a_range_of_dates() -> None:
    growing = replace(SIZES, demand=100, growth=Growth(low=0.01, best=0.02, high=0.03, level=100, weeks=13))
    lost = until_lost(growing, DAY)
    assert lost is not None
    assert lost.soonest == date(2027, 2, 21)
    assert lost.latest == date(2027, 9, 28)


def test_demand_that_may_shrink_has_no_latest_date() -> None:
    growing = replace(SIZES, demand=100, growth=Growth(low=-0.01, best=0.0, high=0.03, level=100, weeks=13))
    lost = until_lost(growing, DAY)
    assert lost is not None
    assert lost.latest is None


def test_without_growth_there_is_no_date() -> None:
    assert until_lost(SIZES, DAY) is None
