"""What-if: changes of a fleet, applied in the order given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from exporter.capacity.model import FleetCapacity, PoolCapacity, UnitCapacity, concentration
from exporter.capacity.statement import Statement
from exporter.errors import UsageError, suggestion

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Move:
    """A unit in service changes its pool."""

    unit: str
    pool: str

    def __str__(self) -> str:
        return f"--move {self.unit}:{self.pool}"


@dataclass(frozen=True, slots=True)
class Add:
    """A spare comes into service in a pool, or a new unit does."""

    unit: str
    pool: str

    def __str__(self) -> str:
        return f"--add {self.unit}:{self.pool}"


@dataclass(frozen=True, slots=True)
class Lose:
    """A unit fails, or is taken away."""

    unit: str

    def __str__(self) -> str:
        return f"--lose {self.unit}"


@dataclass(frozen=True, slots=True)
class LoseSite:
    """All units of a site fail."""

    site: str

    def __str__(self) -> str:
        return f"--lose-site {self.site}"


@dataclass(frozen=True, slots=True)
class Grow:
    """Demand grows by a share of it: 0.2 is 20 %."""

    share: float
    place: str | None = None
    """A pool, or a stream with all its pools; None for every pool."""

    def __str__(self) -> str:
        return f"--growth {f'{self.place}=' if self.place else ''}{100 * self.share:.6g}%"


@dataclass(frozen=True, slots=True)
class Rate:
    """What a unit can carry becomes known, in messages per hour."""

    unit: str
    messages_per_hour: float

    def __str__(self) -> str:
        return f"--rated {self.unit}={self.messages_per_hour:.12g}"


@dataclass(frozen=True, slots=True)
class Demand:
    """The demand of a pool becomes this, in messages per hour."""

    pool: str
    messages_per_hour: float

    def __str__(self) -> str:
        return f"--demand {self.pool}={self.messages_per_hour:.12g}/h"


Change = Move | Add | Lose | LoseSite | Grow | Rate | Demand


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A fleet before and after some changes."""

    before: FleetCapacity
    after: FleetCapacity
    changes: tuple[Change, ...] = ()
    warnings: tuple[Statement, ...] = ()


def what_if(fleet: FleetCapacity, changes: Iterable[Change]) -> WhatIf:
    """Apply the changes in their order; raises UsageError with a sentence if one of them is not possible."""
    changes = tuple(changes)
    _check_named_once(changes)
    after, warnings = fleet, list[Statement]()
    for change in changes:
        warnings += _warnings(after, change)
        after = _changed(after, change, changes)
    _check_moves(fleet, after, changes)
    return WhatIf(fleet, after, changes, tuple(warnings))


def _changed(fleet: FleetCapacity, change: Change, changes: Sequence[Change]) -> FleetCapacity:
    match change:
        case Move():
            return _move(fleet, change)
        case Add():
            return _add(fleet, change, changes)
        case Lose(name):
            return _without(fleet, *unit_named(fleet, name))
        case LoseSite(site):
            return _lose_site(fleet, site)
        case Grow():
            return _grow(fleet, change)
        case Rate():
            return _rate(fleet, change)
        case Demand(name, amount):
            pool = pool_named(fleet, name)
            return _with_pool(fleet, pool, _with_demand(pool, amount))


def _move(fleet: FleetCapacity, move: Move) -> FleetCapacity:
    pool, unit = unit_named(fleet, move.unit)
    if not unit.in_service:
        raise UsageError(f"{unit.name} takes no mail: bring it into service with --add {move.unit}:{move.pool}.")
    if pool is pool_named(fleet, move.pool):
        raise UsageError(f"{unit.name} is in pool {pool.name} already: leave {move} out.")
    return _joined(_without(fleet, pool, unit), unit, move.pool)


def _add(fleet: FleetCapacity, add: Add, changes: Sequence[Change]) -> FleetCapacity:
    if add.unit not in _unit_names(fleet) and any(isinstance(each, Rate) and each.unit == add.unit for each in changes):
        return _joined(fleet, UnitCapacity(add.unit, None, "unknown"), add.pool)
    pool, unit = unit_named(fleet, add.unit, f" For a new unit, say what it carries: --rated {add.unit}=140000.")
    if unit.in_service:
        raise UsageError(f"{unit.name} takes mail already: --move {add.unit}:{add.pool} changes its pool.")
    return _joined(_without(fleet, pool, unit), unit, add.pool)


def _joined(fleet: FleetCapacity, unit: UnitCapacity, name: str) -> FleetCapacity:
    """Return the fleet with the unit as a newcomer in the pool, without a measured share of its mail."""
    pool = pool_named(fleet, name)
    return _with_units(fleet, pool, (*pool.units, replace(unit, in_service=True, share=None)))


def _without(fleet: FleetCapacity, pool: PoolCapacity, unit: UnitCapacity) -> FleetCapacity:
    return _with_units(fleet, pool, tuple(each for each in pool.units if each is not unit))


def _rate(fleet: FleetCapacity, rate: Rate) -> FleetCapacity:
    pool, unit = unit_named(fleet, rate.unit, f" A new unit also needs --add {rate.unit}:POOL, before its --rated.")
    known = replace(unit, messages_per_hour=rate.messages_per_hour, kind="rated", learned_on=None)
    return _with_pool(fleet, pool, replace(pool, units=tuple(known if each is unit else each for each in pool.units)))


def _lose_site(fleet: FleetCapacity, site: str) -> FleetCapacity:
    sites = {unit.site for pool in fleet.pools for unit in pool.units if unit.site}
    if site not in sites:
        raise UsageError(_no_such("site", site, sites))
    for pool in fleet.pools:
        left = tuple(unit for unit in pool.units if unit.site != site)
        fleet = _with_units(fleet, pool, left) if left != pool.units else fleet
    return fleet


def _grow(fleet: FleetCapacity, grow: Grow) -> FleetCapacity:
    for pool in _growing(fleet, grow.place):
        if pool.demand is not None:
            fleet = _with_pool(fleet, pool, _with_demand(pool, pool.demand * (1 + grow.share)))
    return fleet


def _growing(fleet: FleetCapacity, place: str | None) -> Iterable[PoolCapacity]:
    """Return the pools of this name; if there is none, those of the stream of this name."""
    if place is None:
        return fleet.pools
    named = [pool for pool in fleet.pools if place == pool.name] or [p for p in fleet.pools if place == p.stream]
    return named or [pool_named(fleet, place)]


def _with_demand(pool: PoolCapacity, demand: float) -> PoolCapacity:
    """Return the pool with this demand, from which it grows as before."""
    factor = demand / pool.demand if pool.demand else None
    growth = replace(pool.growth, level=pool.growth.level * factor) if pool.growth and factor else None
    sites = {site: amount * factor for site, amount in pool.site_demand.items()} if factor else {}
    return replace(pool, demand=demand, growth=growth, site_demand=sites)


def _with_units(fleet: FleetCapacity, pool: PoolCapacity, units: tuple[UnitCapacity, ...]) -> FleetCapacity:
    """Return the fleet with other units in a pool; what each site carried before says nothing about these."""
    changed = replace(pool, units=units, site_demand={}, concentration=concentration(pool))
    return _with_pool(fleet, pool, changed)


def _with_pool(fleet: FleetCapacity, pool: PoolCapacity, changed: PoolCapacity) -> FleetCapacity:
    return replace(fleet, pools=tuple(changed if each is pool else each for each in fleet.pools))


def pool_named(fleet: FleetCapacity, name: str) -> PoolCapacity:
    """Return the pool of this name; raises UsageError if there is none, or one in each of several jobs."""
    found = [pool for pool in fleet.pools if pool.name == name]
    if not found:
        raise UsageError(_no_such("pool", name, (pool.name for pool in fleet.pools)))
    return _only(found, "pool", name)


def unit_named(fleet: FleetCapacity, name: str, advice: str = "") -> tuple[PoolCapacity, UnitCapacity]:
    """Return the unit of this name after its pool; raises UsageError, with the advice if there is no such unit."""
    found = [(pool, unit) for pool in fleet.pools for unit in pool.units if unit.name == name]
    if not found:
        raise UsageError(_no_such("unit", name, _unit_names(fleet)) + advice)
    return _only(found, "unit", name)


def _only(found: Sequence[_Found], kind: str, name: str) -> _Found:
    if len(found) > 1:
        raise UsageError(f"There are several {kind}s {name!r}, in different jobs. Choose a job with --job.")
    return found[0]


def _no_such(kind: str, name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return f"There is no {kind} {name!r}." + (suggestion(name, names) or f" There are: {shown or 'none'}.")


def _unit_names(fleet: FleetCapacity) -> set[str]:
    return {unit.name for pool in fleet.pools for unit in pool.units}


def _check_named_once(changes: Iterable[Change]) -> None:
    """Refuse two changes of one thing, of which only one would count."""
    first: dict[tuple[str, str], Change] = {}
    for change in changes:
        thing = _thing(change)
        if thing and first.setdefault(thing, change) is not change:
            raise UsageError(f"{thing[1]} is named twice: {first[thing]} and {change}. Keep one of them.")


def _thing(change: Change) -> tuple[str, str] | None:
    """Return what a change gives a new place or figure: at most one change may do that."""
    match change:
        case Move(unit) | Add(unit) | Lose(unit):
            return "place", unit
        case Rate(unit):
            return "capacity", unit
        case Demand(pool):
            return "demand", pool
        case _:
            return None


def _check_moves(before: FleetCapacity, after: FleetCapacity, changes: Iterable[Change]) -> None:
    """Refuse moves that leave a pool without a unit; a loss may do that, for its result is what was asked for."""
    moved = {change.unit: change for change in changes if isinstance(change, Move)}
    for old, new in zip(before.pools, after.pools, strict=True):
        leavers = [moved[unit.name] for unit in old.in_service if unit.name in moved]
        if leavers and not new.in_service:
            raise UsageError(f"Pool {old.name} would have no unit: leave {leavers[-1]} out, or bring another unit in.")


def _warnings(fleet: FleetCapacity, change: Change) -> Iterator[Statement]:
    match change:
        case Move(name, target) | Add(name, target) if name in _unit_names(fleet):
            old, new = unit_named(fleet, name)[0], pool_named(fleet, target)
            if old.traffic not in (new.traffic, "mixed"):
                values = {"unit": name, "pool": target, "traffic": new.traffic, "own_traffic": old.traffic}
                yield Statement("capacity_other_traffic", values)
        case Grow(_, str() as place):
            rest = _rest_of_stream(fleet, place)
            if rest:
                yield Statement("capacity_part_of_stream", {"pool": place, "pools": rest})


def _rest_of_stream(fleet: FleetCapacity, name: str) -> tuple[str, ...]:
    """Return the other pools of the stream of the pool of this name."""
    streams = {(pool.job, pool.stream) for pool in fleet.pools if pool.name == name}
    return tuple(pool.name for pool in fleet.pools if (pool.job, pool.stream) in streams and pool.name != name)
