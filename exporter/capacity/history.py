"""The capacity model of a fleet as a Prometheus knows it, from series that the rules in alerts/rules record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Final, cast

from exporter.capacity import figures
from exporter.capacity.demand import PlaceKey, Weeks, place_key, regular_hours, weekly_demand
from exporter.capacity.figures import OVER, SAMPLE, Window
from exporter.capacity.growth import Growth, growth_of
from exporter.capacity.model import (
    CapacityKind,
    FleetCapacity,
    PoolCapacity,
    Traffic,
    Trouble,
    UnitCapacity,
    WeeklyDemand,
)
from exporter.errors import ExporterError, UsageError, suggestion
from exporter.prometheus.client import Prometheus, RangeSeries
from exporter.prometheus.durations import DAY, HOUR, WEEK
from exporter.prometheus.selection import Selection

_IN_SERVICE: Final = "last_over_time(instance:ironport_in_service:bool{{{0}}}[15m])"
"""A unit that cannot be reached has this series too. One without it is no longer scraped, or has another pool now."""

_LAST_SAMPLES: Final = "max_over_time(timestamp(instance:ironport_in_service:bool{{{0}}})[15m:1m])"
"""When each series of a unit had its last sample."""

_MEMBERS: Final = f"group by (job, stream, pool, instance) ({_IN_SERVICE})"

_CAPACITIES: Final[Mapping[CapacityKind, str]] = {
    "rated": "last_over_time(ironport_rated_messages_per_second{{{0}}}[1d])",
    "learned": "last_over_time(instance:ironport_learned_capacity_messages:rate14d{{{0}}}[1d])",
    "lower_bound": "last_over_time(instance:ironport_learned_rated_messages:rate14d{{{0}}}[1d])",
}
"""What a unit can carry, in messages per second; the first one that is known counts."""

_UNKNOWN: Final[tuple[CapacityKind, None]] = ("unknown", None)

_LEARNED_FROM: Final = "max_over_time(instance:ironport_work_queue_exit_messages:rate10m_backlogged{{{0}}}[1h])"
_LEARNED_IN: Final = 14 * DAY
"""The exit rates, and the time in seconds, of which the highest one is the learned capacity."""

_UNIT_HOURS: Final = "avg_over_time(instance:ironport_messages_injected:rate3m{{{0}}}[1h] offset 30m)"
"""Messages per second in the hour that ended half an hour ago, as for regular hours."""

_LATE: Final = {"over_60_seconds": 60, "over_300_seconds": 300, "over_900_seconds": 900}
"""The fields of `Trouble` about late mail, with the seconds that it waits."""

_TROUBLE_SERIES: Final = (
    figures.LONGEST_DELAY,
    figures.CONSERVING,
    figures.REFUSING_MAIL,
    figures.BACKED_UP,
)

_BUSY_PART: Final = 0.05
"""The part of the hours of a week that are busy hours."""

_Labels = Mapping[str, str]
_HourlyMail = Mapping[float, float]
"""Messages per second in an hour, by Unix time."""


def read_fleet(
    server: Prometheus, at: float, weeks: int, jobs: Sequence[str] = (), zone: tzinfo | None = None
) -> FleetCapacity:
    """Return the fleet at a Unix time, with its demand in so many weeks before.

    No jobs are all jobs. Days are those of the time zone, or of this machine. Raises ExporterError with a sentence.
    """
    past = _Past(server, int(at // HOUR * HOUR), weeks, Selection(tuple(jobs)), zone)
    units = past.units()
    measured = past.measured()
    keys = sorted({place_key(labels) for labels, _ in units})
    return FleetCapacity(
        past.day(past.end),
        tuple(past.pool([each for each in units if place_key(each[0]) == key], measured, key) for key in keys),
        weeks,
    )


@dataclass(frozen=True, slots=True)
class _Measured:
    """What was measured of all pools, by their keys."""

    demands: Mapping[PlaceKey, Weeks]
    site_demands: Mapping[PlaceKey, Weeks]
    """By the keys of sites."""
    hours: Mapping[PlaceKey, _HourlyMail]
    """Regular hours of the last week."""
    unit_hours: Mapping[PlaceKey, Mapping[str, _HourlyMail]]
    """All hours of the last week, by unit."""
    trouble: Mapping[PlaceKey, Trouble]
    former: Mapping[PlaceKey, set[str]]
    """Pools that are gone and had units of this one."""


@dataclass(frozen=True, slots=True)
class _Past:
    """The history that ends at a full hour."""

    server: Prometheus
    end: int
    weeks: int
    selection: Selection
    zone: tzinfo | None

    def day(self, time: float) -> date:
        return datetime.fromtimestamp(time, self.zone).date()

    def _first_day(self, week_end: float) -> date:
        """Return the first day of a week, counted in days: a change of the clock does not move it."""
        return self.day(self.end) - timedelta(weeks=1 + round((self.end - week_end) / WEEK))

    def units(self) -> list[tuple[_Labels, UnitCapacity]]:
        """Return the units that are scraped at the end, each after its labels."""
        serving = self._serving()
        if not serving:
            self.server.metric_names()  # raises if the server has nothing of the exporter
            self._refuse_unknown_job()
            raise ExporterError(
                "The Prometheus has no recorded series of units at that time: load the rules in alerts/rules, or "
                "choose another time with --at."
            )
        known = {
            kind: {_unit_key(labels): value for labels, value in self._values(self._selected(expression))}
            for kind, expression in _CAPACITIES.items()
        }
        days = self._learning_days()
        return [(labels, _unit(labels, value > 0, known, days)) for labels, value in serving]

    def _serving(self) -> list[tuple[_Labels, float]]:
        """Return whether each unit is in service. For some minutes, a unit whose labels changed has two series."""
        found = self._values(self._selected(_IN_SERVICE))
        if len({_unit_key(labels) for labels, _ in found}) == len(found):
            return found
        by_age = sorted(self._values(self._selected(_LAST_SAMPLES)), key=lambda sample: sample[1])
        newest = {_unit_key(labels): _without_name(labels) for labels, _ in by_age}
        return [(labels, value) for labels, value in found if _without_name(labels) == newest[_unit_key(labels)]]

    def _refuse_unknown_job(self) -> None:
        everything = self._values(_IN_SERVICE.format(""))
        jobs = sorted({labels.get("job", "") for labels, _ in everything})
        for job in self.selection.jobs:
            if jobs and job not in jobs:
                raise UsageError(f"There is no job {job!r}.{suggestion(job, jobs)} There are: {', '.join(jobs)}.")

    def measured(self) -> _Measured:
        demands, sites = (
            weekly_demand(self.server, self.end, self.weeks, self.selection, level) for level in ("pool", "site")
        )
        unit_hours: dict[PlaceKey, dict[str, _HourlyMail]] = {}
        for labels, mail in self._hours(self._selected(_UNIT_HOURS), WEEK, "shares of the units"):
            unit_hours.setdefault(place_key(labels), {})[labels["instance"]] = mail
        hours = {
            place_key(labels): mail
            for labels, mail in self._hours(regular_hours(self.selection), WEEK, "mail of the pools")
        }
        return _Measured(demands, sites, hours, unit_hours, self._trouble(), self._former())

    def pool(self, members: Sequence[tuple[_Labels, UnitCapacity]], measured: _Measured, key: PlaceKey) -> PoolCapacity:
        labels = min((labels for labels, _ in members), key=lambda labels: labels.get("role") == "spare")
        demands = measured.demands.get(key, ())
        demand, growth = _now(demands)
        shares = _shares(measured.hours.get(key, {}), measured.unit_hours.get(key, {}))
        return PoolCapacity(
            labels.get("pool", ""),
            labels.get("stream", ""),
            cast(Traffic, labels.get("traffic", "mixed")),
            tuple(replace(unit, share=shares.get(unit.name) if unit.in_service else None) for _, unit in members),
            demand,
            labels.get("job", ""),
            dict(_site_demand(measured.site_demands, key)),
            tuple(
                WeeklyDemand(self._first_day(week.end), week.messages_per_hour, week.coverage)
                for week in demands
                if week
            ),
            growth,
            measured.trouble.get(key),
            former=tuple(sorted(measured.former.get(key, ()))),
        )

    def _trouble(self) -> dict[PlaceKey, Trouble]:
        """Return the minutes of trouble in all weeks, for pools of which any were measured."""
        selector, window = self.selection.of_pools, Window(f"{self.weeks}w")
        expressions = {
            **{
                name: figures.minutes_late_in_pool(f'over="{OVER[seconds]}",{selector}', window)
                for name, seconds in _LATE.items()
            },
            "conserving": figures.minutes_conserving(selector, window),
            "refusing": figures.minutes_refusing_mail(selector, window),
            "backed_up": figures.minutes_backed_up(selector, window),
            "backups": figures.number_of_backups(selector, window),
        }
        known = {name: self._by_pool(expression) for name, expression in expressions.items()}
        samples = [self._by_pool(figures.number_of_samples(name, selector, window)) for name in _TROUBLE_SERIES]
        expected = self.weeks * WEEK / SAMPLE
        return {
            key: Trouble(
                **{name: found.get(key) for name, found in known.items()},
                coverage=min(1.0, *(counts[key] / expected for counts in samples if key in counts)),
            )
            for key in known["conserving"]
        }

    def _former(self) -> dict[PlaceKey, set[str]]:
        """Return the pools of earlier days, asked once a day, in which units of a pool of today were."""
        days = range(self.end - self.weeks * WEEK, self.end + 1, DAY)
        found = self.server.query_range(self._selected(_MEMBERS), days, "units of the pools")
        now = {_unit_key(each["metric"]): place_key(each["metric"]) for each in found if _last(each) == self.end}
        former: dict[PlaceKey, set[str]] = {}
        for each in found:
            key = now.get(_unit_key(each["metric"]))
            if key and place_key(each["metric"]) not in now.values():
                former.setdefault(key, set()).add(each["metric"].get("pool", ""))
        return former

    def _learning_days(self) -> dict[tuple[str, str], date]:
        """Return the day on which each unit had the highest exit rate that it kept up while mail waited."""
        found = self._hours(self._selected(_LEARNED_FROM), _LEARNED_IN, "learned capacities")
        return {_unit_key(labels): self.day(max(rates, key=rates.__getitem__)) for labels, rates in found}

    def _hours(self, expression: str, length: int, what: str) -> Iterator[tuple[_Labels, _HourlyMail]]:
        instants = range(self.end - length + HOUR, self.end + 1, HOUR)
        for series in self.server.query_range(expression, instants, what):
            yield series["metric"], {float(time): float(value) for time, value in series["values"]}

    def _selected(self, template: str) -> str:
        return template.format(self.selection.of_pools)

    def _by_pool(self, expression: str) -> dict[PlaceKey, float]:
        return {place_key(labels): value for labels, value in self._values(expression)}

    def _values(self, expression: str) -> list[tuple[_Labels, float]]:
        found = self.server.query(expression, self.end)
        return [(series["metric"], float(series["value"][1])) for series in found]


def _without_name(labels: _Labels) -> _Labels:
    """Return the labels of a unit; servers differ in whether a function over time keeps the name of the series."""
    return {label: value for label, value in labels.items() if label != "__name__"}


def _last(series: RangeSeries) -> float:
    return float(series["values"][-1][0])


def _unit_key(labels: _Labels) -> tuple[str, str]:
    return labels.get("job", ""), labels["instance"]


def _unit(
    labels: _Labels,
    serving: bool,
    capacities: Mapping[CapacityKind, Mapping[tuple[str, str], float]],
    days: Mapping[tuple[str, str], date],
) -> UnitCapacity:
    key = _unit_key(labels)
    known = ((kind, HOUR * amounts[key]) for kind, amounts in capacities.items() if key in amounts)
    kind, amount = next(known, _UNKNOWN)
    return UnitCapacity(
        labels["instance"],
        amount,
        kind,
        labels.get("site"),
        "spare" if labels.get("role") == "spare" else "production",
        in_service=serving,
        learned_on=days.get(key) if kind == "learned" else None,
    )


def _now(weeks: Weeks) -> tuple[float | None, Growth | None]:
    """Return the demand now and its growth: without enough weeks for a growth, the demand is the highest known one."""
    demands = [week.messages_per_hour if week else None for week in weeks]
    growth = growth_of(demands)
    return growth.level if growth else max((demand for demand in demands if demand is not None), default=None), growth


def _site_demand(demands: Mapping[PlaceKey, Weeks], pool: PlaceKey) -> Iterator[tuple[str, float]]:
    for (*place, site), weeks in demands.items():
        demand, _ = _now(weeks)
        if tuple(place) == pool and demand is not None:
            yield site, demand


def _shares(hours: _HourlyMail, units: Mapping[str, _HourlyMail]) -> dict[str, float]:
    """Return the share of each unit in the mail of the busy hours in which it had samples."""
    busy = sorted(hours, key=hours.__getitem__)[-max(round(_BUSY_PART * len(hours)), 1) :]
    total = {time: sum(mail.get(time, 0.0) for mail in units.values()) for time in busy}
    shares = {}
    for name, mail in units.items():
        everybody = sum(total[time] for time in busy if time in mail)
        if everybody:
            shares[name] = sum(mail[time] for time in busy if time in mail) / everybody
    return shares
