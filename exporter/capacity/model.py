"""The capacity model: pools with their units and their demand, and what follows from them.

Amounts of mail are in messages per hour. What is not known is None and makes what follows from it None. A lower bound
makes what follows from it a lower bound too. So no figure is better than what it rests on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from exporter.capacity.growth import DateRange, Growth, passes

CapacityKind = Literal["rated", "learned", "lower_bound", "unknown"]
Traffic = Literal["inbound", "outbound", "mixed"]
Spread = Literal["measured", "by capacity", "equal", "unknown"]


@dataclass(frozen=True, slots=True)
class UnitCapacity:
    """A unit with what it can carry."""

    name: str
    messages_per_hour: float | None
    """What it can carry; a lower bound where `kind` says so, None where it is unknown."""
    kind: CapacityKind
    """Where that is from.

    rated: from the configuration. learned: the highest exit rate that the unit kept up for ten minutes while mail
    waited. lower_bound: its best hours so far, because it was never at its limit. unknown: nothing is known.
    """
    site: str | None = None
    role: Literal["production", "spare"] = "production"
    in_service: bool = True
    """Whether it takes mail: production units, and spares that stand in."""
    share: float | None = None
    """Share of the pool's mail that it got in busy hours, from 0 to 1; None where that was not measured."""
    learned_on: date | None = None
    """The day on which it reached its learned capacity."""


@dataclass(frozen=True, slots=True)
class WeeklyDemand:
    """Demand in one week: the 95th percentile of its hourly means, without hours of attacks and outages."""

    begin: date
    """The first day of the week."""
    messages_per_hour: float
    coverage: float
    """Share of the hours of the week that counted, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Minutes in which mail was late or refused in a pool; None where that was not measured."""

    over_60_seconds: float | None
    """Minutes in which mail waited more than 60 seconds."""
    over_300_seconds: float | None
    over_900_seconds: float | None
    conserving: float | None
    """Minutes in which a unit was in resource conservation."""
    refusing: float | None
    """Minutes in which a unit refused mail."""
    backed_up: float | None
    """Minutes in which more than 10,000 messages waited on a unit."""


@dataclass(frozen=True, slots=True)
class PoolCapacity:
    """A pool: its units, and the mail that they have to carry."""

    name: str
    stream: str
    traffic: Traffic
    units: tuple[UnitCapacity, ...]
    """All units of the pool, also spares that take no mail."""
    demand: float | None
    """95th percentile of the hourly means of the last week, in messages per hour."""
    job: str = ""
    """The job of Prometheus; it tells pools of one name apart."""
    site_demand: Mapping[str, float] = field(default_factory=dict)
    """The demand of the units of each site."""
    weekly: tuple[WeeklyDemand, ...] = ()
    """Demand of the past weeks, the oldest first."""
    growth: Growth | None = None
    """None where there are not enough weeks of history."""
    trouble: Trouble | None = None

    @property
    def in_service(self) -> tuple[UnitCapacity, ...]:
        return tuple(unit for unit in self.units if unit.in_service)

    @property
    def carries_mail(self) -> bool:
        """Whether the pool has anything to carry or to carry it with; a pool of spares alone has not."""
        return bool(self.in_service or self.demand)

    @property
    def sites(self) -> list[str]:
        """The sites of the units in service, in the order of the units."""
        return list(dict.fromkeys(unit.site for unit in self.in_service if unit.site))


@dataclass(frozen=True, slots=True)
class FleetCapacity:
    """The pools of a fleet on a day."""

    day: date
    pools: tuple[PoolCapacity, ...]
    weeks: int = 0
    """Weeks of history that were read; 0 for a fleet on paper."""


@dataclass(frozen=True, slots=True)
class Supply:
    """What some units can carry together, in messages per hour."""

    messages_per_hour: float | None
    """None if nothing is known about one of the units."""
    at_least: bool = False
    """Whether this is a lower bound, because one of the units has only a lower bound."""
    unsure: tuple[str, ...] = ()
    """The units whose capacity is unknown or only a lower bound."""

    def carries(self, demand: float | None) -> bool | None:
        """Return whether this is enough; None if that is not known."""
        if demand is None or self.messages_per_hour is None:
            return None
        if self.messages_per_hour >= demand:
            return True
        return None if self.at_least else False

    def headroom(self, demand: float | None) -> float | None:
        """Return what is left beyond the demand, in messages per hour; below 0 where the supply is not enough."""
        return None if demand is None or self.messages_per_hour is None else self.messages_per_hour - demand


@dataclass(frozen=True, slots=True)
class UnitLoad:
    """What a unit has to carry in a busy hour."""

    unit: UnitCapacity
    share: float
    """Its share of the mail of the pool, from 0 to 1."""
    messages_per_hour: float

    @property
    def ratio(self) -> float | None:
        """Its busy hour as a share of its capacity; at most that, if the capacity is a lower bound."""
        capacity = self.unit.messages_per_hour
        return self.messages_per_hour / capacity if capacity else None


def supply(units: Iterable[UnitCapacity]) -> Supply:
    """Return what the units carry together; those that take no mail count for nothing."""
    serving = [unit for unit in units if unit.in_service]
    amounts = [unit.messages_per_hour for unit in serving]
    known = [amount for amount in amounts if amount is not None]
    unsure = tuple(unit.name for unit in serving if unit.kind in ("lower_bound", "unknown"))
    total = sum(known) if len(known) == len(amounts) else None
    return Supply(total, any(unit.kind == "lower_bound" for unit in serving), unsure)


def without_largest(pool: PoolCapacity, count: int = 1) -> Supply:
    """Return what the pool carries after the loss of its `count` largest units: 1 for N+1, 2 for N+2."""
    lost = largest(pool, count)
    rest = supply(unit for unit in pool.units if unit not in lost)
    whole = supply(pool.units)  # of units that are not all known, nobody knows the largest
    amount = None if whole.messages_per_hour is None else rest.messages_per_hour
    return Supply(amount, whole.at_least, whole.unsure)


def largest(pool: PoolCapacity, count: int = 1) -> list[UnitCapacity]:
    """Return the `count` units in service that carry most."""
    return sorted(pool.in_service, key=lambda unit: -(unit.messages_per_hour or 0))[:count]


def without_site(pool: PoolCapacity, site: str) -> Supply:
    """Return what the pool carries after the loss of a site; nobody knows if a unit in service has no site."""
    homeless = tuple(unit.name for unit in pool.in_service if unit.site is None)
    if homeless:
        return Supply(None, unsure=homeless)
    return supply(unit for unit in pool.units if unit.site != site)


def weakest_site_loss(pool: PoolCapacity) -> Supply | None:
    """Return what the pool carries after the worst loss of a site; None if it has not two sites."""
    if len(pool.sites) < 2:
        return None
    left = [without_site(pool, site) for site in pool.sites]
    return min(left, key=lambda rest: (rest.messages_per_hour is not None, rest.messages_per_hour or 0))


def spread(pool: PoolCapacity) -> tuple[Spread, dict[str, float]]:
    """Return how the mail of a pool spreads over its units in service, and the share of each.

    Measured shares are kept in proportion. A unit without one takes mail in proportion to its capacity, or as much as
    the others on average: whichever the measured shares follow. Without any measured share, mail goes by capacity.
    """
    units = pool.in_service
    measured = {unit.name: unit.share for unit in units if unit.share is not None}
    if measured and len(measured) == len(units):
        return "measured", _normalized(measured)
    rule: Spread = "equal" if measured and _follows_equality(units) else "by capacity"
    weights = _weights(units, rule)
    return (rule, _normalized(weights)) if weights else ("unknown", {})


def _weights(units: Sequence[UnitCapacity], rule: Spread) -> dict[str, float]:
    """Return for each unit its measured share, or else what it would get by the rule; nothing if that is not known."""
    measured = [unit for unit in units if unit.share is not None] or list(units)
    each = {unit.name: 1.0 if rule == "equal" else unit.messages_per_hour for unit in units}
    sizes = {name: size for name, size in each.items() if size is not None}
    if len(sizes) < len(each):
        return {}
    known = sum(unit.share or 0 for unit in measured) or 1.0
    scale = known / (sum(sizes[unit.name] for unit in measured) or 1.0)
    return {unit.name: sizes[unit.name] * scale if unit.share is None else unit.share for unit in units}


def _follows_equality(units: Sequence[UnitCapacity]) -> bool:
    """Return whether the measured shares are nearer to equal ones than to those in proportion to capacity."""
    measured = _normalized({unit.name: unit.share for unit in units if unit.share is not None})
    capacities = {unit.name: unit.messages_per_hour for unit in units if unit.name in measured}
    if None in capacities.values():
        return True
    by_capacity = _normalized({name: capacity or 0.0 for name, capacity in capacities.items()})
    equal = 1 / len(measured)
    return sum(abs(share - equal) for share in measured.values()) < sum(
        abs(share - by_capacity[name]) for name, share in measured.items()
    )


def _normalized(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {name: weight / total if total else 1 / len(weights) for name, weight in weights.items()}


def loads(pool: PoolCapacity) -> list[UnitLoad]:
    """Return the busy-hour load of each unit in service; nothing if demand or shares are not known."""
    _, shares = spread(pool)
    if pool.demand is None or not shares:
        return []
    return [UnitLoad(unit, shares[unit.name], pool.demand * shares[unit.name]) for unit in pool.in_service]


def heaviest(pool: PoolCapacity) -> UnitLoad | None:
    """Return the unit with the highest busy-hour load as a share of its capacity."""
    return max((load for load in loads(pool) if load.ratio is not None), key=lambda load: load.ratio or 0, default=None)


def heaviest_survivor(pool: PoolCapacity) -> tuple[UnitCapacity, UnitLoad] | None:
    """Return the unit whose loss would load another one most, and the load of that other unit."""
    rest = [
        (lost, heaviest(replace(pool, units=tuple(unit for unit in pool.units if unit is not lost))))
        for lost in pool.in_service
    ]
    known = [(lost, load) for lost, load in rest if load]
    return max(known, key=lambda each: each[1].ratio or 0, default=None)


def survivor_load(pool: PoolCapacity, count: int = 1) -> float | None:
    """Return the demand as a share of what is left after the loss of the `count` largest units; None if not known."""
    left = without_largest(pool, count).messages_per_hour
    return None if pool.demand is None or not left else pool.demand / left


def until_lost(pool: PoolCapacity, today: date) -> DateRange | None:
    """Return when the pool can no longer lose its largest unit; None if supply or growth is not known.

    If its supply is a lower bound, this is not before these dates.
    """
    left = without_largest(pool).messages_per_hour
    if pool.growth is None or left is None:
        return None
    return passes(pool.growth, left, today)


@dataclass(frozen=True, slots=True)
class Chain:
    """The pools of one stream, which all its mail passes one after the other."""

    stream: str
    pools: tuple[PoolCapacity, ...]
    job: str = ""

    @property
    def bottleneck(self) -> PoolCapacity | None:
        """The pool that has least left after the loss of its largest unit; None if one of them is not known."""
        used = {pool.name: _used_without_unit(pool) for pool in self.pools}
        if None in used.values():
            return None
        return max(self.pools, key=lambda pool: used[pool.name] or 0)

    @property
    def survives_unit(self) -> bool | None:
        """Whether every pool carries its busy hour after the loss of its largest unit; None if that is not known."""
        answers = [without_largest(pool).carries(pool.demand) for pool in self.pools]
        return False if False in answers else None if None in answers else True


def _used_without_unit(pool: PoolCapacity) -> float | None:
    left = without_largest(pool)
    if pool.demand is None or left.messages_per_hour is None or left.at_least:
        return None
    return pool.demand / left.messages_per_hour if left.messages_per_hour else math.inf


def chains(fleet: FleetCapacity) -> Iterator[Chain]:
    """Yield the streams of more than one pool."""
    for job, stream in dict.fromkeys((pool.job, pool.stream) for pool in fleet.pools):
        pools = tuple(pool for pool in fleet.pools if (pool.job, pool.stream) == (job, stream))
        if len(pools) > 1:
            yield Chain(stream, pools, job)
