"""Collects a month's report from a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from exporter.capacity.history import read_fleet
from exporter.capacity.model import FleetCapacity
from exporter.errors import ExporterError, UsageError, suggestion
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import HOUR
from exporter.prometheus.selection import Selection
from exporter.report import unit_figures
from exporter.report.availability import Availability, MonthTrouble, availability, trouble
from exporter.report.changes import changes, former_names
from exporter.report.delays import HourlyMeans, MonthDelays, hourly_means, mail_delays
from exporter.report.destinations import client_destinations
from exporter.report.hourly import ALL_HOURS, Hourly, HourlyQueries, Key
from exporter.report.model import (
    NO_MAIL_MEASURED,
    NOT_MEASURED,
    DestinationMail,
    IncidentRow,
    MailVolume,
    MonthReport,
    PoolMonth,
    ReportDay,
    ReportScope,
)
from exporter.report.month_incidents import month_incidents
from exporter.report.period import Period, month_before, year_before
from exporter.report.units import UnitHours, units_of
from exporter.report.volumes import MonthMail, mail_of_pools, volume_before

_WEEKS: Final = 13
"""Weeks of history from which the growth of demand is known."""


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """What a report is about."""

    selection: Selection
    client: str | None = None
    domains: tuple[str, ...] = ()
    """The mail domains of the client."""


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the server has about a month."""

    period: Period
    mail: MonthMail
    before: MonthMail
    year_before: MonthMail
    available: Availability
    delays: MonthDelays
    means: HourlyMeans
    trouble: MonthTrouble
    incidents: tuple[IncidentRow, ...]
    incidents_coverage: float
    capacity: FleetCapacity | None
    units: list[UnitHours]


def collect(prometheus: Prometheus, period: Period, about: ReportFilter) -> MonthReport:
    """Raise ExporterError where the server has nothing of the month, UsageError for a chosen name that is not there."""
    _refuse_without_rules(prometheus)
    queries, selection = HourlyQueries(prometheus, period), about.selection
    units = units_of(queries, selection.of_units)
    _refuse_unknown(queries, selection, units)
    answers = _ask(queries, selection, units)
    mail = client_destinations(queries, selection.of_units, about.domains) if about.domains else None
    return _report(answers, _scope(period, about), mail)


def _scope(period: Period, about: ReportFilter) -> ReportScope:
    chosen = (about.selection.jobs, about.selection.pools, about.selection.sites)
    return ReportScope(period.begin, period.end, period.until, *chosen, about.client, about.domains)


def _ask(queries: HourlyQueries, selection: Selection, units: list[UnitHours]) -> _Answers:
    before, a_year_before = (
        mail_of_pools(HourlyQueries(queries.prometheus, then(queries.period)), selection)
        for then in (month_before, year_before)
    )
    mail, delays = mail_of_pools(queries, selection), mail_delays(queries, selection.of_pools)
    means = _means_of_sites(queries.period, mail) if selection.sites else hourly_means(queries, selection.of_pools)
    return _Answers(
        queries.period,
        mail,
        before,
        a_year_before,
        availability(queries, selection),
        delays,
        means,
        trouble(queries, selection),
        *month_incidents(queries, selection, [unit.name for unit in units], delays.longest),
        _capacity(queries, selection),
        units,
    )


def _capacity(queries: HourlyQueries, selection: Selection) -> FleetCapacity | None:
    """Return the capacity of the chosen pools at the end of the month; None if no unit was scraped then."""
    end = queries.period.instants[-1] // HOUR * HOUR
    serving = f"group(last_over_time({unit_figures.IN_SERVICE}{{{selection.of_pools}}}[15m]))"
    if not queries.prometheus.query(serving, end, "units in service"):
        return None
    fleet = read_fleet(queries.prometheus, end, _WEEKS, selection.jobs, queries.period.begin.tzinfo)
    return replace(
        fleet, pools=tuple(pool for pool in fleet.pools if not selection.pools or pool.name in selection.pools)
    )


def _means_of_sites(period: Period, mail: MonthMail) -> HourlyMeans:
    """Return the messages of each hour of the clock: nobody recorded those of 60 minutes by site."""
    return HourlyMeans(period, {pool: dict(_known(period, each.messages)) for pool, each in mail.pools.items()})


def _known(period: Period, messages: Hourly | None) -> Iterator[tuple[float, float]]:
    for time, value in zip(period.instants, messages.values, strict=True) if messages else ():
        if value is not None:
            yield time, value


# --- what cannot be reported ------------------------------------------------------------------------------------------


def _refuse_without_rules(prometheus: Prometheus) -> None:
    if unit_figures.UNIT_UP not in prometheus.metric_names():
        raise ExporterError(
            "The server has no series of the recording rules, which reports are made from: load alerts/rules there."
        )


def _refuse_unknown(queries: HourlyQueries, selection: Selection, units: list[UnitHours]) -> None:
    """Raise UsageError for a chosen name that no unit has in the month, ExporterError for a month without units."""
    labels = [each for unit in units for each in unit.labels.values()]
    chosen = {
        "job": (selection.jobs, {unit.job for unit in units}),
        "pool": (selection.pools, {each.pool for each in labels}),
        "site": (selection.sites, {each.site for each in labels}),
    }
    missing = [(label, name) for label, (names, there) in chosen.items() for name in names if name not in there]
    for label, name in missing:
        _refuse_misspelt(queries, label, name)
    if missing:
        lost = ", ".join(f"{label} {name!r}" for label, name in missing)
        raise UsageError(f"In {queries.period.begin:%Y-%m} no unit passes all filters: nothing is left of {lost}.")
    if not units:
        raise ExporterError(_no_history(queries))


def _refuse_misspelt(queries: HourlyQueries, label: str, name: str) -> None:
    known = _names(queries, label)
    if not known:
        raise ExporterError(_no_history(queries))
    if name not in known:
        there = f"There were: {', '.join(known)}."
        month = f"{queries.period.begin:%Y-%m}"
        raise UsageError(f"In {month} there is no {label} {name!r}.{suggestion(name, known)} {there}")


def _names(queries: HourlyQueries, label: str) -> list[str]:
    """Return the values of a label in the month, without those units that have none."""
    window = f"{len(queries.period.instants)}h"
    query = f"group by ({label}) (count_over_time({unit_figures.UNIT_UP}[{window}]))"
    found = queries.prometheus.query(query, queries.period.instants[-1], f"names of each {label}")
    return sorted(name for series in found if (name := series["metric"].get(label)))


def _no_history(queries: HourlyQueries) -> str:
    month = queries.period.begin
    return (
        f"The server has no samples of ironport-exporter in {month:%Y-%m}: name a month that it has kept. "
        "Prometheus keeps 15 days unless --storage.tsdb.retention.time is set."
    )


# --- the report -------------------------------------------------------------------------------------------------------


def _report(answers: _Answers, scope: ReportScope, found: tuple[DestinationMail, ...] | None) -> MonthReport:
    period, mail = answers.period, answers.mail
    found_changes = changes(answers.units, period)
    former = former_names(found_changes)
    return MonthReport(
        scope=scope,
        month=mail.all.volume(),
        month_before=volume_before(mail, answers.before, former),
        year_before=volume_before(mail, answers.year_before, former),
        days=tuple(_days(answers)),
        busiest_hour=answers.means.busiest(mail.streams.values()),
        availability=answers.available.service.mean(ALL_HOURS) if answers.available.service else NOT_MEASURED,
        delays=answers.delays.of_all(),
        pools=tuple(_pool(answers, pool) for pool in _pools(answers)),
        units=tuple(unit.month(period) for unit in answers.units),
        incidents=answers.incidents,
        incidents_coverage=answers.incidents_coverage,
        capacity=answers.capacity,
        changes=found_changes,
        destinations=found,
        whole_pool=("delays", "capacity") if scope.sites else (),
    )


def _pools(answers: _Answers) -> list[Key]:
    of_units = {(unit.job, labels.pool) for unit in answers.units for labels in unit.labels.values()}
    return sorted(of_units.union(answers.mail.pools, answers.available.pools))


def _pool(answers: _Answers, pool: Key) -> PoolMonth:
    job, name = pool
    available = answers.available.pools.get(pool)
    return PoolMonth(
        name,
        job,
        answers.mail.pools[pool].volume() if pool in answers.mail.pools else NO_MAIL_MEASURED,
        available.mean(ALL_HOURS) if available else NOT_MEASURED,
        answers.delays.of_pool(pool),
        _stream(answers, pool),
        pool in answers.mail.counting,
        _earlier(answers.before, pool),
        _earlier(answers.year_before, pool),
        answers.means.busiest([[pool]]),
        answers.trouble.of_pool(pool, ALL_HOURS),
        tuple(_days(answers, pool)),
    )


def _stream(answers: _Answers, pool: Key) -> str:
    units = (unit for unit in answers.units if unit.job == pool[0])
    return next((labels.stream for unit in units for labels in unit.labels.values() if labels.pool == pool[1]), "")


def _earlier(mail: MonthMail, pool: Key) -> MailVolume | None:
    return mail.pools[pool].volume() if pool in mail.pools else None


def _days(answers: _Answers, pool: Key | None = None) -> Iterator[ReportDay]:
    """Yield the days of a pool, by default of all pools together."""
    for begin, end, hours in answers.period.days():
        mail = answers.mail.pools.get(pool) if pool else answers.mail.all
        volume = mail.volume(hours) if mail else NO_MAIL_MEASURED
        delays = answers.delays
        late = delays.minutes_of_pool(pool, hours) if pool else delays.minutes_anywhere(hours)
        yield ReportDay(begin, end, volume.messages, *late, rejected=volume.rejected)
