"""The capacity model of a fleet as a Prometheus knows it, from series that the rules in alerts/rules record."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Final, Literal, cast

from exporter.capacity.growth import growth_of
from exporter.capacity.model import (
    CapacityKind,
    FleetCapacity,
    PoolCapacity,
    Traffic,
    UnitCapacity,
    WeeklyDemand,
)
from exporter.errors import ExporterError
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import HOUR, WEEK

_ENOUGH: Final = 0.9
"""Share of the hours of a week that must be known: workdays alone would give too high a demand."""

_BUSY: Final = 0.95
"""The quantile of the hourly means of a week that is its demand."""

_IN_SERVICE: Final = "last_over_time(instance:ironport_in_service:bool{{{0}}}[15m])"
"""A unit that cannot be reached has this series too. One without it is no longer scraped, or has another pool now."""

_CAPACITIES: Final[Mapping[CapacityKind, str]] = {
    "rated": "last_over_time(ironport_rated_messages_per_second{{{0}}}[1d])",
    "learned": "last_over_time(instance:ironport_learned_capacity_messages:rate14d{{{0}}}[1d])",
    "lower_bound": "last_over_time(instance:ironport_learned_rated_messages:rate14d{{{0}}}[1d])",
}
"""What a unit can carry, in messages per second; the first one that is known counts."""

_UNKNOWN: Final[tuple[CapacityKind, None]] = ("unknown", None)

_POOL_HOURS: Final = "pool:ironport_messages_injected:rate1h{{{0}}}"
_UNIT_HOURS: Final = "avg_over_time(instance:ironport_messages_injected:rate3m{{{0}}}[59m59s999ms])"
"""Hourly means, in messages per second."""

_Labels = Mapping[str, str]
_HourlyMail = Mapping[float, float]
"""Messages in an hour, by the Unix time at which it ends."""


def read_fleet(
    server: Prometheus, at: float, weeks: int, jobs: Sequence[str] = (), zone: tzinfo | None = None
) -> FleetCapacity:
    """Return the fleet at a Unix time, with its demand in so many weeks before.

    No jobs are all jobs. Days are those of the time zone, or of this machine. Raises ExporterError with a sentence.
    """
    end = int(at // HOUR * HOUR)
    reader = _Reader(server, end, f"job=~{json.dumps('|'.join(map(re.escape, jobs)))}" if jobs else "")
    units = reader.units()
    pool_hours = reader.hours(_POOL_HOURS, weeks, "demand of the pools")
    unit_hours = reader.hours(_UNIT_HOURS, 1, "shares of the units")
    day = datetime.fromtimestamp(end, zone).date()
    pools = []
    for key in sorted({_pool_key(labels) for labels, _ in units}):
        members = [(labels, unit) for labels, unit in units if _pool_key(labels) == key]
        hours = next((mail for labels, mail in pool_hours if _pool_key(labels) == key), {})
        own = {labels["instance"]: mail for labels, mail in unit_hours if _pool_key(labels) == key}
        weekly = tuple(_weekly(hours, end, weeks, zone))
        pools.append(_pool(members, weekly, _last_week(hours, end), own))
    return FleetCapacity(day, tuple(pools), weeks)


@dataclass(frozen=True, slots=True)
class _Reader:
    server: Prometheus
    end: int
    selector: str

    def units(self) -> list[tuple[_Labels, UnitCapacity]]:
        """Return the units of the last day, each after its labels."""
        serving = self._values(_IN_SERVICE)
        if not serving:
            self.server.metric_names()  # raises if the server has nothing of the exporter
            raise ExporterError(
                "The Prometheus has no recorded series of units at that time: load the rules in alerts/rules, or "
                "choose another time with --at."
            )
        capacities = {kind: dict(self._keyed(expression)) for kind, expression in _CAPACITIES.items()}
        return [(labels, _unit(labels, value > 0, capacities)) for labels, value in serving]

    def hours(self, expression: str, weeks: int, what: str) -> list[tuple[_Labels, _HourlyMail]]:
        """Return the mail of each hour of so many weeks."""
        instants = range(self.end - weeks * WEEK + HOUR, self.end + 1, HOUR)
        found = self.server.query_range(expression.format(self.selector), instants, what)
        return [
            (series["metric"], {float(time): HOUR * float(value) for time, value in series["values"]})
            for series in found
        ]

    def _values(self, expression: str) -> list[tuple[_Labels, float]]:
        found = self.server.query(expression.format(self.selector), self.end)
        return [(series["metric"], float(series["value"][1])) for series in found]

    def _keyed(self, expression: str) -> Iterator[tuple[tuple[str, str], float]]:
        for labels, value in self._values(expression):
            yield _unit_key(labels), value


def _pool_key(labels: _Labels) -> tuple[str, str, str]:
    return labels.get("job", ""), labels.get("stream", ""), labels.get("pool", "")


def _unit_key(labels: _Labels) -> tuple[str, str]:
    return labels.get("job", ""), labels["instance"]


def _unit(
    labels: _Labels, serving: bool, capacities: Mapping[CapacityKind, Mapping[tuple[str, str], float]]
) -> UnitCapacity:
    key = _unit_key(labels)
    known = ((kind, HOUR * amounts[key]) for kind, amounts in capacities.items() if key in amounts)
    kind, amount = next(known, _UNKNOWN)
    role: Literal["production", "spare"] = "spare" if labels.get("role") == "spare" else "production"
    return UnitCapacity(labels["instance"], amount, kind, labels.get("site"), role, in_service=serving)


def _pool(
    members: Sequence[tuple[_Labels, UnitCapacity]],
    weekly: tuple[WeeklyDemand, ...],
    hours: _HourlyMail,
    unit_hours: Mapping[str, _HourlyMail],
) -> PoolCapacity:
    labels = min((labels for labels, _ in members), key=lambda labels: labels.get("role") == "spare")
    serving = [unit.name for _, unit in members if unit.in_service]
    demand = _demand(hours.values())
    busy = [time for time, mail in hours.items() if demand is not None and mail >= demand]
    shares = _shares({name: unit_hours.get(name, {}) for name in serving}, busy)
    return PoolCapacity(
        labels.get("pool", ""),
        labels.get("stream", ""),
        cast(Traffic, labels.get("traffic", "mixed")),
        tuple(replace(unit, share=shares.get(unit.name)) for _, unit in members),
        demand,
        labels.get("job", ""),
        _site_demand(members, unit_hours),
        weekly,
        growth=growth_of([(week.begin, week.messages_per_hour) for week in weekly]),
    )


def _shares(hours: Mapping[str, _HourlyMail], busy: Sequence[float]) -> dict[str, float]:
    """Return the share of each unit in the mail of the busy hours; nothing for a unit without samples in them."""
    mail = {name: sum(own.get(time, 0.0) for time in busy) for name, own in hours.items() if own.keys() & set(busy)}
    total = sum(mail.values())
    return {name: amount / total for name, amount in mail.items()} if total else {}


def _site_demand(
    members: Iterable[tuple[_Labels, UnitCapacity]], unit_hours: Mapping[str, _HourlyMail]
) -> dict[str, float]:
    """Return the demand of the units of each site, where there are enough hours."""
    by_site: dict[str, Counter[float]] = {}
    for _, unit in members:
        if unit.site:
            by_site.setdefault(unit.site, Counter()).update(unit_hours.get(unit.name, {}))
    demands = {site: _demand(hours.values()) for site, hours in by_site.items()}
    return {site: demand for site, demand in demands.items() if demand is not None}


def _weekly(hours: _HourlyMail, end: int, weeks: int, zone: tzinfo | None) -> Iterator[WeeklyDemand]:
    """Yield the demand of the weeks before `end`, the oldest first; weeks with too few samples are left out."""
    for age in range(weeks, 0, -1):
        last = end - (age - 1) * WEEK
        week = _last_week(hours, last)
        demand = _demand(week.values())
        if demand is not None:
            begin = datetime.fromtimestamp(last - WEEK, zone).date()
            yield WeeklyDemand(begin, demand, len(week) * HOUR / WEEK)


def _last_week(hours: _HourlyMail, end: int) -> dict[float, float]:
    return {time: mail for time, mail in hours.items() if end - WEEK < time <= end}


def _demand(mail: Iterable[float]) -> float | None:
    """Return the demand of a week from its hours; None if there are too few."""
    ordered = sorted(mail)
    if len(ordered) < _ENOUGH * WEEK / HOUR:
        return None
    place = _BUSY * (len(ordered) - 1)
    below = ordered[int(place)]
    return below + (place % 1) * (ordered[min(int(place) + 1, len(ordered) - 1)] - below)
