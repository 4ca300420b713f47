"""The capacity model: pools with their units and their demand, and what follows from them.

Amounts of mail are in messages per hour. What is not known is None and makes what follows from it None. A lower bound
makes what follows from it a lower bound too. So no figure is better than what it rests on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, Literal

from exporter.capacity.growth import DateRange, Growth, passes

CapacityKind = Literal["rated", "learned", "lower_bound", "unknown"]
Traffic = Literal["inbound", "outbound", "mixed"]
SpreadRule = Literal["measured", "by capacity", "equal", "unknown"]

_ROUNDING: Final = 1e-9
"""Shares that differ by less are the same: servers differ in the last digits of a figure."""

_ALL: Final = 0.999
"""Measured shares that add up to so much are of all mail: no unit has left."""


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
    """Share of the pool's mail that it got in busy hours, from 0 to 1; None where that was not measured.

    The shares of a pool add up to 1. What is missing is the mail of units that have left.
    """
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
    """Minutes in which mail was late or refused in a pool, in all weeks; None where that was not measured."""

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
    backups: float | None
    """How often that began."""
    coverage: float
    """Share of the time that was measured, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class PoolCapacity:
    """A pool: its units, and the mail that they have to carry."""

    name: str
    stream: str
    traffic: Traffic
    units: tuple[UnitCapacity, ...]
    """All units of the pool, also spares that take no mail."""
    demand: float | None
    """Mail of a busy hour now, in messages per hour: of all weeks that are known, without the noise of single weeks."""
    job: str = ""
    """The job of Prometheus; it tells pools of one name apart."""
    site_demand: Mapping[str, float] = field(default_factory=dict)
    """The demand of the units of each site."""
    weekly: tuple[WeeklyDemand, ...] = ()
    """Demand of the past weeks, the oldest first."""
    growth: Growth | None = None
    """None where there are not enough weeks of history."""
    trouble: Trouble | None = None
    concentration: float | None = None
    """What the function of this name gave before the units were changed; None where they were not."""
    former: tuple[str, ...] = ()
    """Pools that are gone and had units of this one: perhaps they were this pool under another name."""

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

    def with_jobs(self) -> FleetCapacity:
        """Return the fleet as it is written: if there are several jobs, the name of each pool has its job."""
        if len({pool.job for pool in self.pools}) < 2:
            return self
        return replace(self, pools=tuple(replace(pool, name=f"{pool.name} ({pool.job})") for pool in self.pools))


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
class Spread:
    """How the mail of a pool spreads over its units in service."""

    rule: SpreadRule
    """measured: as it was. by capacity, equal: what is assumed for units that join or leave. unknown: not known."""
    shares: Mapping[str, float]
    """Share of each unit, from 0 to 1; nothing if that is not known."""
    errors: Mapping[str, float] = field(default_factory=dict)
    """Standard deviation of each share: chance decides on which unit a heavy sender is."""


@dataclass(frozen=True, slots=True)
class UnitLoad:
    """What a unit has to carry in a busy hour."""

    unit: UnitCapacity
    share: float
    """Its share of the mail of the pool, from 0 to 1."""
    demand: float
    """The demand of the pool, in messages per hour."""
    error: float = 0.0
    """Standard deviation of the share."""

    @property
    def messages_per_hour(self) -> float:
        return self.demand * self.share

    @property
    def ratio(self) -> float | None:
        """Its busy hour as a share of its capacity; at most that, if the capacity is a lower bound."""
        capacity = self.unit.messages_per_hour
        return self.messages_per_hour / capacity if capacity else None

    @property
    def give_or_take(self) -> float:
        """How far the ratio may be off, in nine of ten cases."""
        return 2 * self.error * self.demand / (self.unit.messages_per_hour or math.inf)


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


def spread(pool: PoolCapacity) -> Spread:
    """Return how the mail of a pool spreads over its units in service.

    A unit that joins takes its part of everybody's mail, and the mail of units that have left spreads over the others:
    by capacity, or evenly, whichever the measured shares follow. Without any measured share, mail goes by capacity.
    """
    units = pool.in_service
    measured = {unit.name: unit.share for unit in units if unit.share is not None}
    rule: SpreadRule = "equal" if _are_equal(units) else "by capacity"
    sizes = {unit.name: 1.0 if rule == "equal" else unit.messages_per_hour or 0.0 for unit in units}
    if not units or not all(sizes.values()):
        return Spread("unknown", {})
    total = sum(measured.values())
    is_whole = len(measured) == len(units) and total > _ALL
    scale = total if is_whole else max(1.0, total)
    shares = {name: share / scale for name, share in measured.items()}
    if is_whole:
        return Spread("measured", shares)
    return _spread_again(rule, shares, sizes, concentration(pool))


def _spread_again(
    rule: SpreadRule, measured: Mapping[str, float], sizes: Mapping[str, float], heavy_senders: float
) -> Spread:
    """Return the shares of units of these sizes, some of them measured before others joined or left."""
    total, staying = sum(sizes.values()), sum(sizes[name] for name in measured)
    gone, kept = 1 - sum(measured.values()), staying / total
    shares, errors = {}, {}
    for name, size in sizes.items():
        part = size / total
        own = measured.get(name)
        shares[name] = part if own is None else kept * own + gone * part
        moving = part * (1 - part) if own is None else kept * (1 - kept) * own + gone * part * (1 - part)
        errors[name] = math.sqrt(heavy_senders * moving)
    return Spread(rule, shares, errors)


def concentration(pool: PoolCapacity) -> float:
    """Return how concentrated the mail of a pool is on few senders: the sum of the squares of their shares of it.

    It follows from the measured shares. A load balancer keeps a sender on one unit, and chance decides on which one. So
    the share of a unit has this variance, times its part of the capacity, times 1 - part. Few units show it badly:
    their figure is raised about as Student's t is.
    """
    if pool.concentration is not None:
        return pool.concentration
    measured = [unit for unit in pool.in_service if unit.share is not None]
    if len(measured) < 2:
        return 0.0
    parts = _parts(measured)
    apart = [
        ((unit.share or 0.0) - part) ** 2 / (part * (1 - part)) for unit, part in zip(measured, parts, strict=True)
    ]
    return sum(apart) / len(apart) * (1 + 2 / len(apart)) ** 2


def _parts(measured: Sequence[UnitCapacity]) -> list[float]:
    """Return the parts of the mail that the measured shares follow: equal ones, or those by capacity."""
    equal = [1 / len(measured)] * len(measured)
    if _are_equal(measured):
        return equal
    return _normalized([unit.messages_per_hour or 0.0 for unit in measured])


def _are_equal(units: Sequence[UnitCapacity]) -> bool:
    """Return whether the measured shares are nearer to equal ones than to those by capacity."""
    measured = [unit for unit in units if unit.share is not None]
    if any(unit.messages_per_hour is None for unit in measured):
        return True
    shares = _normalized([unit.share or 0.0 for unit in measured])
    by_capacity = _normalized([unit.messages_per_hour or 0.0 for unit in measured])
    equal = [1 / (len(measured) or 1)] * len(measured)
    return _distance(shares, equal) < _distance(shares, by_capacity) - _ROUNDING


def _normalized(amounts: Sequence[float]) -> list[float]:
    total = sum(amounts) or 1.0
    return [amount / total for amount in amounts]


def _distance(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(abs(left - right) for left, right in zip(one, other, strict=True))


def loads(pool: PoolCapacity) -> list[UnitLoad]:
    """Return the busy-hour load of each unit in service; nothing if demand or shares are not known."""
    found = spread(pool)
    if pool.demand is None or not found.shares:
        return []
    return [
        UnitLoad(unit, found.shares[unit.name], pool.demand, found.errors.get(unit.name, 0.0))
        for unit in pool.in_service
    ]


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
