"""What the capacity model says in words: statements about each pool, each site and each stream, and about a change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Final

from exporter.capacity.change import WhatIf
from exporter.capacity.growth import WEEKS_NEEDED, DateRange
from exporter.capacity.model import (
    Chain,
    FleetCapacity,
    PoolCapacity,
    Supply,
    UnitLoad,
    chains,
    heaviest,
    heaviest_survivor,
    largest,
    spread,
    supply,
    survivor_load,
    until_lost,
    without_largest,
    without_site,
)
from exporter.capacity.statement import Statement, StatementValue

_NO_CHANGE: Final = 0.001
"""A smaller change of a capacity, as a share, is none."""


def verdicts(fleet: FleetCapacity) -> list[Statement]:
    """Return what is to be said about a fleet: its pools, then its sites, then its streams of several pools."""
    fleet = fleet.with_jobs()
    about_pools = [statement for pool in _carrying(fleet) for statement in pool_verdicts(pool, fleet)]
    return [*about_pools, *_site_verdicts(fleet), *map(_chain_verdict, chains(fleet))]


def _carrying(fleet: FleetCapacity) -> list[PoolCapacity]:
    return [pool for pool in fleet.pools if pool.carries_mail]


def pool_verdicts(pool: PoolCapacity, fleet: FleetCapacity) -> Iterator[Statement]:
    """Yield what is to be said about a pool: first whether it carries its mail, also after the loss of a unit."""
    if not pool.in_service:
        yield _about(pool, "capacity_no_unit")
    elif pool.demand is None:
        yield _about(pool, "capacity_no_demand" if fleet.weeks else "capacity_demand_not_given")
    else:
        yield from _redundancy(pool, pool.demand, fleet)
        yield from _uneven_loads(pool)
        if 0 < len(pool.weekly) < fleet.weeks:
            yield _about(pool, "capacity_weeks_missing", weeks=len(pool.weekly), count=fleet.weeks)
        if pool.former:
            yield _about(pool, "capacity_former", pools=pool.former)


def _redundancy(pool: PoolCapacity, demand: float, fleet: FleetCapacity) -> Iterator[Statement]:
    carried, left = supply(pool.units), without_largest(pool)
    if carried.carries(demand) is False:
        yield _about(pool, "capacity_overloaded", used_share=demand / (carried.messages_per_hour or 1))
    if len(pool.in_service) == 1:
        yield _about(pool, "capacity_no_redundancy", unit=pool.in_service[0].name)
    elif left.carries(demand):
        yield from _survives(pool, left, fleet)
    elif left.carries(demand) is None:
        yield from _uncertain(pool, left)
    elif carried.carries(demand):
        unit = largest(pool)[0].name
        yield _about(pool, "capacity_not_without_unit", unit=unit, used_share=survivor_load(pool) or 0.0)


def _uncertain(pool: PoolCapacity, left: Supply) -> Iterator[Statement]:
    if left.messages_per_hour is None:
        yield _about(pool, "capacity_unknown", units=left.unsure)
    else:
        yield _about(pool, "capacity_uncertain")
        yield Statement("capacity_only_bound", {"units": left.unsure})


def _survives(pool: PoolCapacity, left: Supply, fleet: FleetCapacity) -> Iterator[Statement]:
    dates = until_lost(pool, fleet.day)
    if dates:
        yield _survives_until(pool, dates)
    else:
        yield _about(pool, "capacity_survives")
        if fleet.weeks:
            yield _about(pool, "capacity_needs_weeks", weeks=WEEKS_NEEDED)
    if left.at_least:
        yield Statement("capacity_only_bound", {"units": left.unsure})


def _survives_until(pool: PoolCapacity, dates: DateRange) -> Statement:
    """Return the statement that has a place for each date that is known: the soonest is, if any other one is."""
    known = {name: day for name in ("soonest", "likeliest", "latest") if (day := getattr(dates, name))}
    if len(known) == 3 and _same_month(known["soonest"], known["latest"]):
        return _about(pool, "capacity_survives_about", **known)
    keys = ("capacity_survives_long", "capacity_survives_perhaps", "capacity_survives_open", "capacity_survives_until")
    return _about(pool, keys[len(known)], **known)


def _same_month(one: date, other: date) -> bool:
    return (one.year, one.month) == (other.year, other.month)


def _uneven_loads(pool: PoolCapacity) -> Iterator[Statement]:
    """Yield the unit that gets more than it carries, now or after a loss, although the pool as a whole has room."""
    now, later = heaviest(pool), heaviest_survivor(pool)
    if now and _is_over(now) and supply(pool.units).carries(pool.demand):
        yield _about(pool, "capacity_unit_over", unit=now.unit.name, used_share=now.ratio or 0.0)
    elif later and _is_over(later[1]) and without_largest(pool).carries(pool.demand):
        lost, load = later
        yield _about(pool, "capacity_survivor_over", lost=lost.name, unit=load.unit.name, used_share=load.ratio or 0.0)


def _is_over(load: UnitLoad) -> bool:
    return (load.ratio or 0) > 1 and load.unit.kind != "lower_bound"


def _site_verdicts(fleet: FleetCapacity) -> Iterator[Statement]:
    """Yield for each site whether the others carry the mail of every pool without it."""
    sites = list(dict.fromkeys(site for pool in fleet.pools for site in pool.sites))
    if len(sites) < 2:
        return
    homeless = tuple(unit.name for pool in fleet.pools for unit in pool.in_service if unit.site is None)
    if homeless:
        yield Statement("capacity_no_site", {"units": homeless})
    for site in sites:
        others = tuple(other for other in sites if other != site)
        values: dict[str, StatementValue] = {"site": site, "sites": others, "count": len(others)}
        answers = [(pool.name, without_site(pool, site).carries(pool.demand)) for pool in _carrying(fleet)]
        short = tuple(dict.fromkeys(name for name, carries in answers if carries is False))
        if short:
            yield Statement("capacity_sites_short", {**values, "pools": short})
        elif all(carries for _, carries in answers):
            yield Statement("capacity_sites_enough", values)
        elif not homeless:
            yield Statement("capacity_sites_unknown", values)


def _chain_verdict(chain: Chain) -> Statement:
    if chain.bottleneck is None:
        return Statement("capacity_no_bottleneck", {"stream": chain.stream})
    return Statement("capacity_bottleneck", {"stream": chain.stream, "pool": chain.bottleneck.name})


def comparison(result: WhatIf) -> Iterator[Statement]:
    """Yield how much more or less each pool carries after the changes."""
    for old, new in zip(result.before.pools, result.after.with_jobs().pools, strict=True):
        was, becomes = supply(old.units), supply(new.units)
        if _is_exact(was) and _is_exact(becomes) and was.messages_per_hour:
            change = (becomes.messages_per_hour or 0) / was.messages_per_hour - 1
            if abs(change) > _NO_CHANGE:
                yield _about(new, "capacity_more" if change > 0 else "capacity_less", change_share=abs(change))


def _is_exact(carried: Supply) -> bool:
    return carried.messages_per_hour is not None and not carried.at_least


def assumptions(result: WhatIf) -> Iterator[Statement]:
    """Yield how mail is assumed to spread in the pools in which that was not measured for every unit."""
    for rule, key in (("by capacity", "capacity_spread_by_capacity"), ("equal", "capacity_spread_equal")):
        pools = tuple(
            pool.name
            for pool in result.after.with_jobs().pools
            if len(pool.in_service) > 1 and spread(pool).rule == rule
        )
        if pools:
            yield Statement(key, {"pools": pools})


def _about(pool: PoolCapacity, key: str, **values: StatementValue) -> Statement:
    return Statement(key, {"pool": pool.name, **values})
