"""A report as CSV: a row for each figure of a pool, a unit, an incident, a day or the month."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from exporter.phrases.rounding import rounded_number
from exporter.prometheus.durations import HOUR
from exporter.report.model import (
    BusiestHour,
    Figure,
    IncidentRow,
    MailDelays,
    MailVolume,
    MonthReport,
    PoolMonth,
    ReportDay,
)
from exporter.report.period import Period, month_before, year_before


class _CsvRow(NamedTuple):
    """A figure and what it is about. An empty job, pool or unit means all of them."""

    figure: str
    job: str
    pool: str
    unit: str
    begin: datetime
    end: datetime
    value: float | None
    coverage: float


Figures = Mapping[str, Figure]


def csv_text(report: MonthReport) -> str:
    """Return the text, with an empty cell for a figure that nobody measured."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_CsvRow._fields)
    table.writerows(map(_cells, _rows(report)))
    return text.getvalue()


def _cells(row: _CsvRow) -> Iterable[str]:
    value = "" if row.value is None else f"{rounded_number(row.value):.15g}"
    return *row[:4], row.begin.isoformat(), row.end.isoformat(), value, f"{row.coverage:.4f}"


def _rows(report: MonthReport) -> Iterator[_CsvRow]:
    scope = report.scope
    month = Period(scope.begin, scope.end, scope.until)
    yield from _figures(_volume(report.month), month)
    yield from _figures({"availability": report.availability, **_delays(report.delays)}, month)
    yield from _busiest(report.busiest_hour, report.month)
    yield from _figures(_volume(report.month_before), month_before(month))
    yield from _figures(_volume(report.year_before), year_before(month))
    yield from _days(report.days)
    for pool in report.pools:
        yield from _pool(pool, month)
    for unit in report.units:
        available = {"availability": unit.availability}
        yield from _figures(available, month, job=unit.job, pool=unit.pool, unit=unit.name)
    for incident in report.incidents:
        yield _incident(incident, month, report.incidents_coverage)
    for mail in report.destinations or ():
        figures = {"destination_delivered": mail.delivered, "destination_hard_bounced": mail.hard_bounced}
        yield from _figures(figures, month, unit=mail.domain)


def _pool(pool: PoolMonth, month: Period) -> Iterator[_CsvRow]:
    trouble = pool.trouble
    figures = {
        **_volume(pool.volume),
        "availability": pool.availability,
        **_delays(pool.delays),
        "minutes_conserving": trouble.conserving,
        "minutes_refusing": trouble.refusing,
        "minutes_backed_up": trouble.backed_up,
    }
    yield from _figures(figures, month, pool.job, pool.name)
    yield from _busiest(pool.busiest_hour, pool.volume, pool.job, pool.name)
    for earlier, period in ((pool.month_before, month_before(month)), (pool.year_before, year_before(month))):
        if earlier:
            yield from _figures(_volume(earlier), period, pool.job, pool.name)
    yield from _days(pool.days, pool.job, pool.name)


def _days(days: Iterable[ReportDay], job: str = "", pool: str = "") -> Iterator[_CsvRow]:
    for day in days:
        figures = {
            "messages_of_day": day.messages,
            "rejected_of_day": day.rejected,
            "minutes_late_over_60_seconds_of_day": day.late,
            "minutes_late_over_300_seconds_of_day": day.late_over_300_seconds,
            "minutes_late_over_900_seconds_of_day": day.late_over_900_seconds,
        }
        for name, figure in figures.items():
            yield _CsvRow(name, job, pool, "", day.begin, day.end, figure.value, figure.coverage)


def _volume(volume: MailVolume) -> Figures:
    return {
        "messages": volume.messages,
        "delivered": volume.delivered,
        "hard_bounced": volume.hard_bounced,
        "rejected": volume.rejected,
        "rejected_share": volume.rejected_share,
    }


def _delays(delays: MailDelays) -> Figures:
    return {
        "minutes_late_over_60_seconds": delays.over_60_seconds,
        "minutes_late_over_300_seconds": delays.over_300_seconds,
        "minutes_late_over_900_seconds": delays.over_900_seconds,
        "worst_delay_seconds": delays.worst,
    }


def _busiest(hour: BusiestHour | None, volume: MailVolume, job: str = "", pool: str = "") -> Iterator[_CsvRow]:
    if hour:
        end = datetime.fromtimestamp(hour.begin.timestamp() + HOUR, hour.begin.tzinfo)
        yield _CsvRow("busiest_hour", job, pool, "", hour.begin, end, hour.messages, volume.messages.coverage)


def _figures(figures: Figures, month: Period, job: str = "", pool: str = "", unit: str = "") -> Iterator[_CsvRow]:
    for name, figure in figures.items():
        yield _CsvRow(name, job, pool, unit, month.begin, month.until, figure.value, figure.coverage)


def _incident(incident: IncidentRow, month: Period, coverage: float) -> _CsvRow:
    """Return an incident with its duration in seconds."""
    end = incident.end or month.until
    seconds = end.timestamp() - incident.begin.timestamp()  # the difference of local times leaves out clock changes
    units = " ".join(incident.units)
    return _CsvRow(
        f"incident_{incident.verdict}", incident.job, incident.pool, units, incident.begin, end, seconds, coverage
    )
