"""The incidents of a month, from the alerts that fired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from exporter.capacity.figures import SAMPLE
from exporter.incidents.firings import alert_history
from exporter.incidents.incidents import Incident, find_incidents
from exporter.prometheus.durations import DAY, MINUTE
from exporter.prometheus.selection import Selection
from exporter.report.delays import Samples
from exporter.report.hourly import HourlyQueries, Key
from exporter.report.model import IncidentRow
from exporter.report.period import Period

_PREFIX: Final = "IronPort"

_BEFORE: Final = 7 * DAY
"""Seconds before the month that are read, so that an incident has its true beginning."""


def month_incidents(
    queries: HourlyQueries, selection: Selection, units: Iterable[str], longest: Mapping[Key, Samples]
) -> tuple[tuple[IncidentRow, ...], float]:
    """Return the incidents of the chosen pools, and the share of the month in which rules were evaluated.

    If sites are chosen, an incident of single units counts only if it names one of `units`. `longest` are the longest
    waits of pools.
    """
    period = queries.period
    begin, end = round(period.begin.timestamp()), period.instants[-1]
    history = alert_history(queries.prometheus, begin - _BEFORE, end, selection.of_pools)
    known = set(units)
    there = [each for each in find_incidents(history) if each.lasts_until(end) > begin]
    found = [each for each in there if not selection.sites or _is_at(each, known)]
    return tuple(_row(each, period, longest) for each in found), history.coverage_since(begin)


def _is_at(incident: Incident, units: set[str]) -> bool:
    return not incident.units or not units.isdisjoint(incident.units)


def _row(incident: Incident, period: Period, longest: Mapping[Key, Samples]) -> IncidentRow:
    return IncidentRow(
        period.moment(incident.began),
        None if incident.ended is None else period.moment(incident.ended),
        incident.verdict.alert.removeprefix(_PREFIX),
        incident.severity,
        incident.pools[0] if incident.pools else "",
        incident.units,
        _worst_wait(incident, period, longest),
        incident.job,
        None if incident.notified is None else period.moment(incident.notified),
    )


def _worst_wait(incident: Incident, period: Period, longest: Mapping[Key, Samples]) -> float | None:
    """Return the longest wait of its pools; a sample is about the five minutes before it."""
    until = incident.lasts_until(period.instants[-1]) + SAMPLE - MINUTE
    pools = [longest.get((incident.job, pool), {}) for pool in incident.pools]
    waits = [wait for samples in pools for time, wait in samples.items() if incident.began <= time <= until]
    return max(waits, default=None)
