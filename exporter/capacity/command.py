"""What `ironport-exporter capacity` does: it reviews a fleet, or plans one on paper, before and after changes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from exporter.capacity.as_json import what_if_json
from exporter.capacity.change import WhatIf, what_if
from exporter.capacity.change_text import parse_change, parse_demand
from exporter.capacity.model import FleetCapacity
from exporter.capacity.paper import fleet_on_paper
from exporter.capacity.statement import Statement
from exporter.capacity.tables import what_if_text
from exporter.errors import UsageError

WrittenChange = tuple[str, str]
"""A flag and its value, such as --move and out2:inbound."""


def plan_on_paper(
    files: Sequence[Path], demands: Sequence[str], changes: Sequence[WrittenChange], as_json: bool
) -> int:
    """Print what the fleet of the configuration makes of these demands, before and after the changes."""
    if not demands:
        raise UsageError("The demand is not known: give --prometheus.url, or --demand POOL=700000/h to plan on paper.")
    fleet = fleet_on_paper(files, [parse_demand(text) for text in demands], date.today())
    _print(fleet, changes, as_json, _daily(demands))
    return 0


def _print(
    fleet: FleetCapacity, changes: Sequence[WrittenChange], as_json: bool, warnings: Iterator[Statement]
) -> None:
    result = what_if(fleet, [parse_change(flag, text) for flag, text in changes])
    result = replace(result, warnings=(*result.warnings, *warnings))
    print(_written(result, as_json))  # noqa: T201 - what the command is for


def _written(result: WhatIf, as_json: bool) -> str:
    return json.dumps(what_if_json(result), indent=2) if as_json else what_if_text(result)


def _daily(demands: Sequence[str]) -> Iterator[Statement]:
    """Yield a warning for each demand of a whole day, which says little about a busy hour."""
    for text in demands:
        if text.endswith("/d"):
            demand = parse_demand(text)
            yield Statement("capacity_daily_demand", {"pool": demand.pool, "demand": demand.messages_per_hour})
