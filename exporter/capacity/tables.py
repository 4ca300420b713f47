"""The capacity model as text for a terminal: what is said, then the figures of each pool before and after a change."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import chain
from typing import Final

from exporter.capacity.change import WhatIf
from exporter.capacity.model import (
    FleetCapacity,
    PoolCapacity,
    Supply,
    Trouble,
    UnitCapacity,
    UnitLoad,
    loads,
    supply,
    until_lost,
    without_largest,
    without_site,
)
from exporter.capacity.statement import Statement
from exporter.capacity.verdicts import assumptions, comparison, verdicts
from exporter.phrases import Phrases

_UNKNOWN: Final = "not known"
_PHRASES: Final = Phrases("en")
_WIDTH: Final = 100
"""Columns of a terminal that sentences are wrapped to."""

_Row = tuple[str, ...]
_Figures = dict[str, tuple[str, str]]
"""Figures of a pool by their labels, each with the share of it that the busy hour uses."""


def what_if_text(result: WhatIf) -> str:
    """Return the sentences about a fleet and its changes, then tables for each pool."""
    fleets = (result.before, result.after) if result.changes else (result.after,)
    pools = zip(*(fleet.with_jobs().pools for fleet in fleets), strict=True)
    blocks = [_sentences(result), *(block for pool in pools for block in _pool_blocks(pool, result.after.day))]
    blocks.append(_trouble_rows(result.before.with_jobs()))
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _sentences(result: WhatIf) -> list[str]:
    now = verdicts(result.after)
    no_longer = [statement for statement in verdicts(result.before) if statement not in now]
    said = chain(now, comparison(result), assumptions(result), result.warnings)
    return [
        *([f"After {' '.join(map(str, result.changes))}:"] if result.changes else ()),
        *map(_wrapped, said),
        *(("", "Before:") if no_longer else ()),
        *map(_wrapped, no_longer),
    ]


def _wrapped(statement: Statement) -> str:
    return textwrap.fill(statement.text(_PHRASES), _WIDTH, subsequent_indent="  ")


def _pool_blocks(pools: Sequence[PoolCapacity], day: date) -> Iterator[list[str]]:
    """Yield the table of a pool and the table of its units, with columns for the pool as it was and as it is now."""
    title = pools[0].name
    if any(pool.carries_mail for pool in pools):
        yield aligned([(f"{title}, messages an hour", *_heads(pools, "used")), *_pool_rows(pools, day)])
    yield aligned([(f"units of {title}", "site", "capacity", "", *_heads(pools, "load")), *_unit_rows(pools)])


def _heads(pools: Sequence[PoolCapacity], second: str) -> _Row:
    return ("before", second, "after", second) if len(pools) > 1 else ("now", second)


def _pool_rows(pools: Sequence[PoolCapacity], today: date) -> Iterator[_Row]:
    sites = dict.fromkeys(site for pool in pools for site in pool.sites)
    columns = [_figures(pool, sites) | _figures_of_history(pool, sites, today) for pool in pools]
    always = _figures(pools[0], sites)
    for label in columns[0]:
        cells = [column[label] for column in columns]
        if label in always or any(figure != _UNKNOWN for figure, _ in cells):
            yield label, *chain.from_iterable(cells)


def _figures(pool: PoolCapacity, sites: Iterable[str]) -> _Figures:
    return {
        "demand in a busy hour": (_amount(pool.demand), ""),
        "supply": _supply(supply(pool.units), pool),
        "headroom": (_amount(supply(pool.units).headroom(pool.demand)), ""),
        "N+1: without the largest unit": _supply(without_largest(pool, 1), pool),
        "N+2: without the two largest": _supply(without_largest(pool, 2), pool),
        **{f"without {site}": _supply(without_site(pool, site), pool) for site in sites},
    }


def _figures_of_history(pool: PoolCapacity, sites: Iterable[str], today: date) -> _Figures:
    """Return the figures that a fleet on paper does not have."""
    return {
        **{f"demand in {site}": (_amount(pool.site_demand.get(site)), "") for site in sites},
        "growth a week": (_growth(pool), ""),
        "N+1 is lost": (_dates(pool, today), ""),
    }


def _supply(carried: Supply, pool: PoolCapacity) -> tuple[str, str]:
    amount = carried.messages_per_hour
    bound = "at least " if carried.at_least and amount else ""
    used = _percent(pool.demand / amount) if pool.demand is not None and amount else ""
    return bound + _amount(amount), used


def _growth(pool: PoolCapacity) -> str:
    if pool.growth is None:
        return _UNKNOWN
    return f"{_percent(pool.growth.low, 1)} to {_percent(pool.growth.high, 1)}"


def _dates(pool: PoolCapacity, today: date) -> str:
    dates = until_lost(pool, today)
    if dates is None:
        return _UNKNOWN
    if without_largest(pool).carries(pool.demand) is False:
        return "already"
    first, last = (f"{day:%b %Y}" if day else "" for day in (dates.soonest, dates.latest))
    return f"{first} to {last or 'over 2 years'}" if first else "over 2 years"


def _unit_rows(pools: Sequence[PoolCapacity]) -> Iterator[_Row]:
    units = {unit.name: unit for pool in pools for unit in pool.units}
    busy = [{load.unit.name: load for load in loads(pool)} for pool in pools]
    for name, unit in units.items():
        cells = (_load(unit, pool, load.get(name)) for pool, load in zip(pools, busy, strict=True))
        yield f"  {name}", unit.site or "", *_capacity(unit), *chain.from_iterable(cells)


def _capacity(unit: UnitCapacity) -> tuple[str, str]:
    kind = {"lower_bound": "at least", "unknown": ""}.get(unit.kind, unit.kind)
    return _amount(unit.messages_per_hour), f"{kind} {unit.learned_on or ''}".strip()


def _load(unit: UnitCapacity, pool: PoolCapacity, load: UnitLoad | None) -> tuple[str, str]:
    """Return the messages per hour that a unit of the pool gets in a busy hour, and its load."""
    if load is None:
        return ("-" if unit.name not in {each.name for each in pool.in_service} else _UNKNOWN), ""
    if load.ratio is None:
        return _amount(load.messages_per_hour), _UNKNOWN
    apart = f" ± {_percent(load.give_or_take)}" if load.error else ""
    return _amount(load.messages_per_hour), _percent(load.ratio) + apart


def _trouble_rows(fleet: FleetCapacity) -> list[str]:
    rows = [(pool.name, *_trouble(pool.trouble)) for pool in fleet.pools if pool.trouble]
    minutes = ("wait > 60 s", "> 300 s", "> 900 s", "conserving", "refusing", "queue > 10,000")
    heads = ("minutes of", *minutes, "backups", "measured")
    return aligned([heads, *rows]) if rows else []


def _trouble(trouble: Trouble) -> Iterator[str]:
    for number in (
        trouble.over_60_seconds,
        trouble.over_300_seconds,
        trouble.over_900_seconds,
        trouble.conserving,
        trouble.refusing,
        trouble.backed_up,
        trouble.backups,
    ):
        yield _amount(number)
    yield _percent(trouble.coverage)


def _amount(number: float | None) -> str:
    return _UNKNOWN if number is None else _PHRASES.number(number)


def _percent(share: float, decimals: int = 0) -> str:
    return _PHRASES.percent(share, decimals)


def aligned(rows: Iterable[_Row]) -> list[str]:
    """Return a line for each row: the first column to the left, the others to the right."""
    table = [*rows]
    first, *others = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(first), *(cell.rjust(width) for cell, width in zip(row[1:], others, strict=True))]
        ).rstrip()
        for row in table
    ]
