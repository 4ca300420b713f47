"""A fleet on paper: its units from the configuration, the demand as it is given, no server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from exporter.capacity.change import Demand, what_if
from exporter.capacity.model import CapacityKind, FleetCapacity, PoolCapacity, UnitCapacity
from exporter.config import ApplianceEntry, load_entries


def fleet_on_paper(files: Sequence[Path], demands: Sequence[Demand], today: date) -> FleetCapacity:
    """Return the fleet of the configuration with these demands.

    Raises ConfigError if the configuration has a problem, and UsageError for a demand of a pool that it does not have.
    """
    by_pool: dict[str, list[ApplianceEntry]] = {}
    for entry in load_entries(*files):
        by_pool.setdefault(entry.pool, []).append(entry)
    pools = tuple(_pool(name, entries) for name, entries in by_pool.items())
    return what_if(FleetCapacity(today, pools), demands).after


def _pool(name: str, entries: Sequence[ApplianceEntry]) -> PoolCapacity:
    typical = min(entries, key=lambda entry: entry.role == "spare")
    return PoolCapacity(name, typical.stream or name, typical.traffic, tuple(map(_unit, entries)), demand=None)


def _unit(entry: ApplianceEntry) -> UnitCapacity:
    rated = entry.rated_messages_per_hour
    kind: CapacityKind = "unknown" if rated is None else "rated"
    return UnitCapacity(entry.name, rated, kind, entry.site, entry.role, in_service=entry.role == "production")
