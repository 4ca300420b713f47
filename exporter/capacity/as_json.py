"""The capacity model as JSON: each key names the unit of its figure, dates are ISO dates, null is not known."""

from __future__ import annotations

from datetime import date
from typing import Any

from exporter.capacity.change import WhatIf
from exporter.capacity.growth import DateRange
from exporter.capacity.model import (
    FleetCapacity,
    PoolCapacity,
    Supply,
    UnitCapacity,
    UnitLoad,
    chains,
    loads,
    spread,
    supply,
    until_lost,
    without_largest,
    without_site,
)
from exporter.capacity.statement import Statement
from exporter.capacity.verdicts import assumptions, comparison, verdicts
from exporter.phrases import Phrases


def what_if_json(result: WhatIf) -> dict[str, Any]:
    """Return a fleet before and after its changes, with what is said about it."""
    said = {
        "verdicts": verdicts(result.after),
        "comparison": comparison(result),
        "assumptions": assumptions(result),
        "warnings": result.warnings,
    }
    return {
        "day": result.after.day.isoformat(),
        "weeks_of_history": result.after.weeks,
        "changes": [str(change) for change in result.changes],
        **{name: [_statement(each) for each in statements] for name, statements in said.items()},
        "before": fleet_json(result.before),
        "after": fleet_json(result.after),
    }


def fleet_json(fleet: FleetCapacity) -> dict[str, Any]:
    return {
        "pools": [pool_json(pool, fleet.day) for pool in fleet.pools],
        "streams": [
            {
                "stream": chain.stream,
                "job": chain.job,
                "pools": [pool.name for pool in chain.pools],
                "bottleneck": chain.bottleneck.name if chain.bottleneck else None,
                "survives_the_loss_of_a_unit": chain.survives_unit,
            }
            for chain in chains(fleet)
        ],
    }


def pool_json(pool: PoolCapacity, today: date) -> dict[str, Any]:
    """Return the figures of a pool; dates of the future count from `today`."""
    return {
        "pool": pool.name,
        "job": pool.job,
        "stream": pool.stream,
        "traffic": pool.traffic,
        "demand_messages_per_hour": pool.demand,
        "site_demand_messages_per_hour": dict(pool.site_demand),
        "supply": _supply(supply(pool.units), pool.demand),
        "n_plus_1": _supply(without_largest(pool, 1), pool.demand),
        "n_plus_2": _supply(without_largest(pool, 2), pool.demand),
        "without_site": {site: _supply(without_site(pool, site), pool.demand) for site in pool.sites},
        "n_plus_1_lost": _dates(until_lost(pool, today)),
        "growth_per_week": _growth(pool),
        "weekly_demand": [
            {
                "begin": week.begin.isoformat(),
                "messages_per_hour": week.messages_per_hour,
                "coverage_ratio": week.coverage,
            }
            for week in pool.weekly
        ],
        "minutes_of_trouble": _trouble(pool),
        "spread": spread(pool).rule,
        "units": _units(pool),
    }


def _supply(carried: Supply, demand: float | None) -> dict[str, Any]:
    amount = carried.messages_per_hour
    return {
        "messages_per_hour": amount,
        "is_lower_bound": carried.at_least,
        "headroom_messages_per_hour": carried.headroom(demand),
        "used_ratio": demand / amount if demand is not None and amount else None,
        "is_enough": carried.carries(demand),
    }


def _dates(dates: DateRange | None) -> dict[str, str | None] | None:
    if dates is None:
        return None
    days = {"soonest": dates.soonest, "likeliest": dates.likeliest, "latest": dates.latest}
    return {name: day.isoformat() if day else None for name, day in days.items()}


def _growth(pool: PoolCapacity) -> dict[str, float] | None:
    growth = pool.growth
    if growth is None:
        return None
    return {"low_ratio": growth.low, "best_ratio": growth.best, "high_ratio": growth.high, "weeks": growth.weeks}


def _trouble(pool: PoolCapacity) -> dict[str, float | None] | None:
    trouble = pool.trouble
    if trouble is None:
        return None
    return {
        "wait_over_60_seconds_minutes": trouble.over_60_seconds,
        "wait_over_300_seconds_minutes": trouble.over_300_seconds,
        "wait_over_900_seconds_minutes": trouble.over_900_seconds,
        "resource_conservation_minutes": trouble.conserving,
        "refusing_mail_minutes": trouble.refusing,
        "queue_over_10000_messages_minutes": trouble.backed_up,
        "backups": trouble.backups,
        "coverage_ratio": trouble.coverage,
    }


def _units(pool: PoolCapacity) -> list[dict[str, Any]]:
    busy = {load.unit.name: load for load in loads(pool)}
    return [_unit(unit, busy.get(unit.name)) for unit in pool.units]


def _unit(unit: UnitCapacity, load: UnitLoad | None) -> dict[str, Any]:
    return {
        "unit": unit.name,
        "site": unit.site,
        "role": unit.role,
        "in_service": unit.in_service,
        "capacity_messages_per_hour": unit.messages_per_hour,
        "capacity_kind": unit.kind,
        "learned_on": unit.learned_on.isoformat() if unit.learned_on else None,
        "share_ratio": load.share if load else None,
        "busy_hour_messages_per_hour": load.messages_per_hour if load else None,
        "busy_hour_load_ratio": load.ratio if load else None,
        "busy_hour_load_give_or_take_ratio": load.give_or_take if load else None,
    }


def _statement(statement: Statement) -> dict[str, object]:
    return {**statement.as_json(), "text": statement.text(Phrases("en"))}
