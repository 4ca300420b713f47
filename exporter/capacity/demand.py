"""Demand week by week, by the definition of the project's rules, which is read from their files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from exporter.errors import ExporterError
from exporter.prometheus import rule_files
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import HOUR, MINUTE, WEEK
from exporter.prometheus.selection import Selection

_REGULAR_HOURS: Final = "pool:ironport_messages_injected:rate1h_regular"
"""Hourly means of a pool, in messages per second, without the hours of attacks and outages."""

_BUSY_WEEK: Final = "pool:ironport_messages_injected:rate1h_busy1w"

_SERIES: Final = re.compile(r"\b(pool|site)(:\w+:\w+)")
_SAMPLES_A_WEEK: Final = WEEK // (5 * MINUTE)

PlaceLevel = Literal["pool", "site"]
"""Whose demand: that of a pool, or that of the units of a pool at one site."""

PlaceKey = tuple[str, ...]
"""Job, stream and pool; for a site its name, too."""


@dataclass(frozen=True, slots=True)
class WeekFigures:
    """A week that ends at a Unix time."""

    end: int
    messages_per_hour: float
    coverage: float
    """Share of the hours of the week that counted, from 0 to 1."""


Weeks = Sequence[WeekFigures | None]
"""Successive weeks, the oldest first; None where too few hours are known."""


def place_key(labels: Mapping[str, str], level: PlaceLevel = "pool") -> PlaceKey:
    names = ("job", "stream", "pool", *(("site",) if level == "site" else ()))
    return tuple(labels.get(name, "") for name in names)


def weekly_demand(
    server: Prometheus, end: int, weeks: int, selection: Selection, level: PlaceLevel
) -> dict[PlaceKey, Weeks]:
    """Return the demand in each of so many weeks, the last of which ends at the Unix time `end`.

    For weeks in which regular hours were not recorded yet, they are made from the hourly means and the alerts of then.
    """
    instants = range(end - (weeks - 1) * WEEK, end + 1, WEEK)
    found: dict[PlaceKey, dict[int, WeekFigures]] = {}
    for regular in (_recorded(level, selection), _replayed(level, selection)):
        for key, week in _weeks(server, instants, regular, selection, level):
            found.setdefault(key, {}).setdefault(week.end, week)
    return {key: [by_end.get(instant) for instant in instants] for key, by_end in found.items()}


def regular_hours(selection: Selection) -> str:
    """Return the PromQL of the mail of pools in the hour that ended half an hour ago, if it is a regular hour."""
    return _with_names(_rules()[_REGULAR_HOURS], "pool", selection)


def _weeks(
    server: Prometheus, instants: range, regular: str, selection: Selection, level: PlaceLevel
) -> Iterator[tuple[PlaceKey, WeekFigures]]:
    """Yield the known weeks; `regular` is the PromQL of the regular hours of a week."""
    busy = _with_names(_rules()[_BUSY_WEEK], level, selection).replace(_recorded(level, selection), regular)
    what = f"demand by {level}"
    counts = _values(server, f"count_over_time({regular})", instants, level, what)
    for place, demand in _values(server, busy, instants, level, what).items():
        key, instant = place
        yield key, WeekFigures(instant, HOUR * demand, min(counts.get(place, 0.0) / _SAMPLES_A_WEEK, 1.0))


def _values(
    server: Prometheus, expression: str, instants: range, level: PlaceLevel, what: str
) -> dict[tuple[PlaceKey, int], float]:
    return {
        (place_key(series["metric"], level), int(time)): float(value)
        for series in server.query_range(expression, instants, what)
        for time, value in series["values"]
    }


def _recorded(level: PlaceLevel, selection: Selection) -> str:
    return _with_names(f"{_REGULAR_HOURS}[1w]", level, selection)


def _replayed(level: PlaceLevel, selection: Selection) -> str:
    return f"({_with_names(_rules()[_REGULAR_HOURS], level, selection)})[1w:5m]"


def _with_names(expression: str, level: PlaceLevel, selection: Selection) -> str:
    """Return an expression of the rules, which are about pools, for the level and the selection."""
    matchers = selection.of_pools if level == "pool" else selection.of_units
    return _SERIES.sub(lambda name: f"{level}{name[2]}{{{matchers}}}", expression)


@cache
def _rules() -> Mapping[str, str]:
    """Return the expressions of the project's recording rules by name."""
    files = rule_files.project_rules()
    if files is None:
        raise ExporterError("The rules in alerts/rules, which define demand, are not installed: install them again.")
    return {rule.record: rule.expression for rule in rule_files.read_rules(files) if rule.record}
