"""What-if: what changes of a fleet do to its pools, and which changes are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.capacity.change import Add, Change, Demand, Grow, Lose, LoseSite, Move, Rate, WhatIf, pool_named, what_if
from exporter.capacity.growth import Growth
from exporter.capacity.model import FleetCapacity, PoolCapacity, UnitCapacity, spread, supply, without_largest
from exporter.errors import UsageError

DAY = date(2026, 11, 1)
SMALL, LARGE = 100_000.0, 140_000.0


def rated(name: str, capacity: float, site: str, *, spare: bool = False) -> UnitCapacity:
    return UnitCapacity(name, capacity, "rated", site, "spare" if spare else "production", in_service=not spare)


INBOUND = PoolCapacity(
    "inbound",
    "inbound",
    "inbound",
    (
        *(rated(f"mx{number}", SMALL if number < 4 else LARGE, ("west", "east")[number % 2]) for number in range(1, 7)),
        rated("spare1", SMALL, "west", spare=True),
    ),
    demand=500_000,
)
OUTBOUND = PoolCapacity(
    "outbound",
    "outbound",
    "outbound",
    (rated("out1", SMALL, "east"), rated("out2", SMALL, "west")),
    demand=70_000,
)
USERS = FleetCapacity(DAY, (INBOUND, OUTBOUND))
"""Six inbound units, three small and three larger, two outbound ones and a spare, which are small."""


def after(result: WhatIf, pool: str) -> PoolCapacity:
    return pool_named(result.after, pool)


def capacity(pool: PoolCapacity) -> float:
    amount = supply(pool.units).messages_per_hour
    assert amount is not None
    return amount


def test_the_users_example_gives_a_third_more_or_less() -> None:
    result = what_if(USERS, [Add("spare1", "inbound"), Move("out2", "inbound")])
    assert capacity(after(result, "inbound")) / capacity(INBOUND) == pytest.approx(1.28, abs=0.005)
    assert without_largest(after(result, "outbound")).messages_per_hour == 0


def test_the_users_example_with_equal_units_gives_a_third_more() -> None:
    units = tuple(replace(unit, messages_per_hour=SMALL) for unit in INBOUND.units)
    equal = replace(USERS, pools=(replace(INBOUND, units=units), OUTBOUND))
    result = what_if(equal, [Add("spare1", "inbound"), Move("out2", "inbound")])
    assert capacity(after(result, "inbound")) / capacity(equal.pools[0]) == pytest.approx(4 / 3)


def test_a_lost_site_takes_units_of_every_pool() -> None:
    result = what_if(USERS, [LoseSite("east")])
    assert [unit.name for unit in after(result, "inbound").in_service] == ["mx2", "mx4", "mx6"]
    assert [unit.name for unit in after(result, "outbound").in_service] == ["out2"]


def test_growth_of_one_pool_leaves_the_others() -> None:
    result = what_if(USERS, [Grow(0.2, "inbound")])
    assert [pool.demand for pool in result.after.pools] == [600_000, 70_000]


def test_growth_without_a_name_is_for_every_pool() -> None:
    result = what_if(USERS, [Grow(0.2)])
    assert [pool.demand for pool in result.after.pools] == [600_000, 84_000]


def test_growth_of_a_stream_is_for_all_its_pools() -> None:
    edge, core = (replace(INBOUND, name=name, stream="mail") for name in ("edge", "core"))
    result = what_if(FleetCapacity(DAY, (edge, core)), [Grow(0.1, "mail")])
    assert [pool.demand for pool in result.after.pools] == [pytest.approx(550_000)] * 2
    assert result.warnings == ()


def test_growth_of_one_pool_of_a_stream_warns() -> None:
    edge, core = (replace(INBOUND, name=name, stream="mail") for name in ("edge", "core"))
    result = what_if(FleetCapacity(DAY, (edge, core)), [Grow(0.1, "edge")])
    assert [warning.key for warning in result.warnings] == ["capacity_part_of_stream"]


def test_new_demand_moves_the_level_of_growth() -> None:
    growing = replace(INBOUND, growth=Growth(0.0, 0.01, 0.02, level=480_000, weeks=13), site_demand={"east": 250_000})
    result = what_if(replace(USERS, pools=(growing, OUTBOUND)), [Demand("inbound", 1_000_000)])
    changed = after(result, "inbound")
    assert changed.growth is not None
    assert (changed.demand, changed.growth.level, changed.site_demand) == (1_000_000, 960_000, {"east": 500_000})


def test_a_rating_makes_a_capacity_certain() -> None:
    unsure = replace(INBOUND, units=tuple(replace(unit, kind="lower_bound") for unit in INBOUND.units[:1]))
    result = what_if(replace(USERS, pools=(unsure, OUTBOUND)), [Rate("mx1", 120_000)])
    assert supply(after(result, "inbound").units).at_least is False


def test_a_new_unit_comes_in_with_its_rating() -> None:
    result = what_if(USERS, [Add("mx9", "inbound"), Rate("mx9", 140_000)])
    assert capacity(after(result, "inbound")) == capacity(INBOUND) + 140_000


def test_a_move_to_other_traffic_warns() -> None:
    result = what_if(USERS, [Move("out2", "inbound")])
    assert [warning.key for warning in result.warnings] == ["capacity_other_traffic"]


def test_survivors_keep_their_own_mail_when_one_is_lost() -> None:
    shares = (0.16, 0.14, 0.14, 0.18, 0.19, 0.19)
    units = tuple(replace(unit, share=share) for unit, share in zip(INBOUND.units[:6], shares, strict=True))
    result = what_if(replace(USERS, pools=(replace(INBOUND, units=units), OUTBOUND)), [Lose("mx2")])
    found = spread(after(result, "inbound")).shares
    assert found["mx1"] == pytest.approx(0.16 + 0.14 * SMALL / (2 * SMALL + 3 * LARGE))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ([Lose("mx11")], "There is no unit 'mx11'. Did you mean mx1?"),
        ([Move("mx1", "inbuond")], "There is no pool 'inbuond'. Did you mean inbound?"),
        ([Grow(0.1, "nowhere")], "There is no pool 'nowhere'. There are: inbound, outbound."),
        ([LoseSite("eats")], "There is no site 'eats'. Did you mean east?"),
        ([Move("mx1", "inbound")], "mx1 is in pool inbound already: leave --move mx1:inbound out."),
        (
            [Move("spare1", "outbound")],
            "spare1 takes no mail: bring it into service with --add spare1:outbound.",
        ),
        ([Add("mx1", "outbound")], "mx1 takes mail already: --move mx1:outbound changes its pool."),
        (
            [Add("spare9", "inbound")],
            "There is no unit 'spare9'. Did you mean spare1? For a new unit, say what it carries: "
            "--rated spare9=140000.",
        ),
        (
            [Rate("mx10", 1.0)],
            "There is no unit 'mx10'. Did you mean mx1? A new unit also needs --add mx10:POOL, before its --rated.",
        ),
        (
            [Lose("mx1"), Move("mx1", "outbound")],
            "mx1 is named twice: --lose mx1 and --move mx1:outbound. Keep one of them.",
        ),
        (
            [Move("out1", "inbound"), Move("out2", "inbound")],
            "Pool outbound would have no unit: leave --move out2:inbound out, or bring another unit in.",
        ),
    ],
)
def test_what_is_not_possible_is_a_sentence(changes: list[Change], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        what_if(USERS, changes)
    assert str(caught.value) == sentence


def test_one_name_in_two_jobs_asks_for_a_job() -> None:
    with pytest.raises(UsageError, match="Choose a job with --job"):
        what_if(FleetCapacity(DAY, (INBOUND, replace(INBOUND, job="other"))), [Lose("mx1")])


def test_a_pool_may_lose_its_last_unit() -> None:
    result = what_if(USERS, [Lose("out1"), Lose("out2")])
    assert after(result, "outbound").in_service == ()


def test_a_pool_may_be_empty_between_two_changes() -> None:
    moves: list[Change] = [Move("out1", "inbound"), Move("out2", "inbound"), Add("spare1", "outbound")]
    assert [unit.name for unit in after(what_if(USERS, moves), "outbound").in_service] == ["spare1"]


# --- properties ---------------------------------------------------------------------------------------------------


@st.composite
def fleets(draw: st.DrawFn) -> FleetCapacity:
    """Draw two or three pools of two to five units each, of any size, site and share."""
    pools = []
    for number in range(draw(st.integers(2, 3))):
        units = tuple(
            UnitCapacity(
                f"u{number}{place}",
                float(draw(st.integers(10, 200))),
                draw(st.sampled_from(("rated", "learned", "lower_bound"))),
                draw(st.sampled_from(("east", "west"))),
                share=draw(st.none() | st.floats(0.05, 1)),
            )
            for place in range(draw(st.integers(2, 5)))
        )
        pools.append(PoolCapacity(f"p{number}", "mail", "inbound", units, float(draw(st.integers(1, 900)))))
    return FleetCapacity(DAY, tuple(pools))


def left(fleet: FleetCapacity, lost: int) -> list[float]:
    """Return what each pool carries after the loss of so many of its largest units."""
    return [without_largest(pool, lost).messages_per_hour or 0.0 for pool in fleet.pools]


def names(fleet: FleetCapacity) -> list[set[str]]:
    return [{unit.name for unit in pool.units} for pool in fleet.pools]


@settings(deadline=None)
@given(fleets(), st.data())
def test_losing_a_unit_never_raises_what_is_left(fleet: FleetCapacity, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([unit.name for pool in fleet.pools for unit in pool.units]))
    smaller = what_if(fleet, [Lose(name)]).after
    for lost in range(3):
        assert all(new <= old for new, old in zip(left(smaller, lost), left(fleet, lost), strict=True))


@settings(deadline=None)
@given(fleets(), st.integers(10, 200))
def test_a_unit_more_never_lowers_what_is_left(fleet: FleetCapacity, size: int) -> None:
    larger = what_if(fleet, [Add("new", "p0"), Rate("new", size)]).after
    for lost in range(3):
        assert all(new >= old for new, old in zip(left(larger, lost), left(fleet, lost), strict=True))


@settings(deadline=None)
@given(fleets())
def test_moves_conserve_units_and_capacity(fleet: FleetCapacity) -> None:
    moved = what_if(fleet, [Move("u00", "p1"), Move("u10", "p0")]).after
    assert set.union(*names(moved)) == set.union(*names(fleet))
    assert sum(left(moved, 0)) == pytest.approx(sum(left(fleet, 0)))


@settings(deadline=None)
@given(fleets(), st.permutations([Move("u00", "p1"), Lose("u11"), Grow(0.5, "p1"), Rate("u10", 77.0)]))
def test_changes_of_different_things_commute(fleet: FleetCapacity, changes: list[Change]) -> None:
    there, back = what_if(fleet, changes).after, what_if(fleet, changes[::-1]).after
    assert names(there) == names(back)
    assert left(there, 1) == pytest.approx(left(back, 1))
    for one, other in zip(there.pools, back.pools, strict=True):
        assert spread(one).shares == pytest.approx(spread(other).shares)


@settings(deadline=None)
@given(fleets())
def test_a_lost_site_is_the_loss_of_its_units(fleet: FleetCapacity) -> None:
    units = [unit for pool in fleet.pools for unit in pool.units if unit.site == units_site(fleet)]
    one_by_one = what_if(fleet, [Lose(unit.name) for unit in units]).after
    assert what_if(fleet, [LoseSite(units_site(fleet))]).after == one_by_one


def units_site(fleet: FleetCapacity) -> str:
    return fleet.pools[0].units[0].site or ""


@settings(deadline=None)
@given(fleets())
def test_shares_of_a_pool_add_up_to_one(fleet: FleetCapacity) -> None:
    moved = what_if(fleet, [Move("u00", "p1")]).after
    for pool in moved.pools:
        assert sum(spread(pool).shares.values()) == pytest.approx(1)


def test_measured_shares_of_nearly_all_mail_are_those_of_all_mail() -> None:
    units = tuple(UnitCapacity(name, 10.0, "rated", in_service=True, share=0.4998) for name in ("mx1", "mx2"))
    assert spread(PoolCapacity("p0", "mail", "inbound", units, 1.0)).shares == {"mx1": 0.5, "mx2": 0.5}
