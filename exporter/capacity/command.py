"""What `ironport-exporter capacity` does: it reviews a fleet, or plans one on paper, before and after changes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from exporter.capacity.as_json import what_if_json
from exporter.capacity.change import WhatIf, what_if
from exporter.capacity.change_text import parse_change, parse_demand
from exporter.capacity.history import read_fleet
from exporter.capacity.model import FleetCapacity
from exporter.capacity.paper import fleet_on_paper
from exporter.capacity.statement import Statement
from exporter.capacity.tables import what_if_text
from exporter.errors import UsageError
from exporter.phrases.rounding import rounded
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import parse_moment

WrittenChange = tuple[str, str]
"""A flag and its value, such as --move and out2:inbound."""


def review(
    server: Prometheus,
    changes: Sequence[WrittenChange],
    *,
    at: str,
    weeks: int,
    jobs: Sequence[str],
    as_json: bool,
) -> int:
    """Print what the fleet that a server knows can carry, before and after the changes.

    `at` is the end of the history, and `weeks` its length.
    """
    _print(read_fleet(server, parse_moment(at, time.time()), weeks, jobs), changes, changes, as_json)
    return 0


def plan_on_paper(files: Sequence[Path], written: Sequence[WrittenChange], *, as_json: bool) -> int:
    """Print what the fleet of the configuration makes of its demands, before and after the changes."""
    demands = [parse_demand(text) for flag, text in written if flag == "--demand"]
    if not demands:
        raise UsageError("The demand is not known: give --prometheus.url, or --demand POOL=700000/h to plan on paper.")
    changes = [(flag, text) for flag, text in written if flag != "--demand"]
    _print(fleet_on_paper(files, demands, date.today()), changes, written, as_json)
    return 0


def _print(
    fleet: FleetCapacity, changes: Sequence[WrittenChange], written: Sequence[WrittenChange], as_json: bool
) -> None:
    result = what_if(fleet, [parse_change(flag, text) for flag, text in changes])
    result = replace(result, warnings=(*result.warnings, *_daily(written)))
    print(_text(result, as_json))  # noqa: T201 - what the command is for


def _text(result: WhatIf, as_json: bool) -> str:
    return json.dumps(rounded(what_if_json(result)), indent=2) if as_json else what_if_text(result)


def _daily(written: Sequence[WrittenChange]) -> Iterator[Statement]:
    """Yield a warning for each demand of a whole day, which says little about a busy hour."""
    for flag, text in written:
        if flag == "--demand" and text.endswith("/d"):
            demand = parse_demand(text)
            yield Statement("capacity_daily_demand", {"pool": demand.pool, "demand": demand.messages_per_hour})
