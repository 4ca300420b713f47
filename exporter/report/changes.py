"""What changed in the fleet, from the labels of its units by the hour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from exporter.report.hourly import Key
from exporter.report.model import ChangeKind, FleetChange
from exporter.report.period import Period
from exporter.report.units import UnitHours


@dataclass(frozen=True, slots=True)
class _PoolMove:
    """A unit that has another pool from an hour on."""

    unit: UnitHours
    hour: int
    before: str
    after: str


def changes(units: Sequence[UnitHours], period: Period) -> tuple[FleetChange, ...]:
    """Return the changes, the earliest first. A unit that was there when its job began, or when it ended, is none."""
    moves = [move for unit in units for move in _moves(unit)]
    lives = _lives(units)
    renames = _renames(moves, lives)
    found = [
        *_renamed(renames, period),
        *_pools(lives, renames, units, period),
        *(change for unit in units for change in _of_unit(unit, units, period)),
        *(
            FleetChange(period.hour_begin(move.hour), "pool", move.unit.name, move.before, move.after, move.unit.job)
            for move in moves
            if (move.unit.job, move.before, move.after) not in renames
        ),
    ]
    return tuple(sorted(found, key=lambda change: (change.time, change.job, change.kind, change.unit)))


def former_names(found: Iterable[FleetChange]) -> dict[Key, Key]:
    """Return the old name of each pool that has a new one, both with the job."""
    renamed = (each for each in found if each.kind == "pool_renamed")
    return {(each.job, each.after or ""): (each.job, each.before or "") for each in renamed}


def _of_unit(unit: UnitHours, units: Sequence[UnitHours], period: Period) -> Iterator[FleetChange]:
    first, last = _span_of_job(unit.job, units)
    if unit.first > first + 1:
        yield _change(unit, "unit_added", unit.first, period, after=unit.labels[unit.first].pool)
    if unit.last < last - 1:
        yield _change(unit, "unit_removed", unit.last + 1, period, before=unit.labels[unit.last].pool)
    for hour, before, after in _steps(unit.releases):
        yield _change(unit, "release", hour, period, before, after)
    for hour, before, after in _steps({hour: labels.role for hour, labels in unit.labels.items()}):
        yield _change(unit, "role", hour, period, before, after)


def _change(
    unit: UnitHours, kind: ChangeKind, hour: int, period: Period, before: str | None = None, after: str | None = None
) -> FleetChange:
    return FleetChange(period.hour_begin(hour), kind, unit.name, before, after, unit.job)


def _span_of_job(job: str, units: Iterable[UnitHours]) -> tuple[int, int]:
    """Return the first and the last hour in which any unit of the job has samples."""
    same = [unit for unit in units if unit.job == job]
    return min(unit.first for unit in same), max(unit.last for unit in same)


def _moves(unit: UnitHours) -> Iterator[_PoolMove]:
    for hour, before, after in _steps({hour: labels.pool for hour, labels in unit.labels.items()}):
        yield _PoolMove(unit, hour, before, after)


def _steps(values: Mapping[int, str]) -> Iterator[tuple[int, str, str]]:
    """Yield each hour from which on a value is another one, with both."""
    for (_, before), (hour, after) in pairwise(sorted(values.items())):
        if after != before:
            yield hour, before, after


def _lives(units: Iterable[UnitHours]) -> dict[Key, range]:
    """Return from when to when each pool had units."""
    hours: dict[Key, list[int]] = {}
    for unit in units:
        for hour, labels in unit.labels.items():
            hours.setdefault((unit.job, labels.pool), []).append(hour)
    return {pool: range(min(known), max(known) + 1) for pool, known in hours.items()}


def _renames(moves: Iterable[_PoolMove], lives: Mapping[Key, range]) -> dict[Key, int]:
    """Return job, old name, new name and the hour of each pool whose units all have another pool from an hour on."""
    return {
        (move.unit.job, move.before, move.after): move.hour
        for move in moves
        if lives[move.unit.job, move.before].stop <= lives[move.unit.job, move.after].start + 1
    }


def _renamed(renames: Mapping[Key, int], period: Period) -> Iterator[FleetChange]:
    for (job, before, after), hour in renames.items():
        yield FleetChange(period.hour_begin(hour), "pool_renamed", "", before, after, job)


def _pools(
    lives: Mapping[Key, range], renames: Iterable[Key], units: Sequence[UnitHours], period: Period
) -> Iterator[FleetChange]:
    """Yield the pools that came and went; one with another name is neither."""
    old = {(job, before) for job, before, _ in renames}
    new = {(job, after) for job, _, after in renames}
    for (job, pool), life in lives.items():
        first, last = _span_of_job(job, units)
        if life.start > first + 1 and (job, pool) not in new:
            yield FleetChange(period.hour_begin(life.start), "pool_added", "", None, pool, job)
        if life.stop < last and (job, pool) not in old:
            yield FleetChange(period.hour_begin(life.stop), "pool_removed", "", pool, None, job)
