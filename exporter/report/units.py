"""The units of a period: when each was there, with which labels, and whether it accepted mail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from exporter.capacity.figures import SAMPLE
from exporter.prometheus.durations import HOUR
from exporter.report import unit_figures
from exporter.report.hourly import ALL_HOURS, Hourly, HourlyQueries, Key, key_of, numbers
from exporter.report.model import Outage, UnitMonth
from exporter.report.period import Period
from exporter.report.unit_figures import SAMPLES_AN_HOUR_OF_UNIT

_UNIT: Final = ("job", "instance")
_LABELS: Final = (*_UNIT, "pool", "stream", "site", "role")


class UnitLabels(NamedTuple):
    """The labels of a unit that can change."""

    pool: str
    stream: str
    site: str
    role: str


@dataclass(frozen=True, slots=True)
class UnitHours:
    """A unit in each hour of a period."""

    job: str
    name: str
    labels: Mapping[int, UnitLabels]
    """By the number of the hour; an hour without samples is missing. There is one hour at least."""
    accepting: Hourly
    """The share of each hour in which the unit answered and accepted mail."""
    releases: Mapping[int, str]
    outages: tuple[Outage, ...]

    @property
    def first(self) -> int:
        return min(self.labels)

    @property
    def last(self) -> int:
        return max(self.labels)

    def month(self, period: Period) -> UnitMonth:
        now = self.labels[self.last]
        unknown = tuple(_unknown(self.accepting.covered, period))
        available = self.accepting.mean(ALL_HOURS)
        return UnitMonth(self.name, now.pool, now.site or None, available, self.outages, unknown, self.job, now.role)


def units_of(queries: HourlyQueries, selector: str) -> list[UnitHours]:
    """Ask for the units of the period, in the order of job, pool and name."""
    up = queries.by_hour(
        unit_figures.up_of_unit(selector),
        unit_figures.samples_of_unit(selector),
        SAMPLES_AN_HOUR_OF_UNIT,
        "availability of units",
        _LABELS,
    )
    refusing = queries.values(unit_figures.refusing_of_unit(selector), "units that refused mail", _UNIT)
    releases = _releases(queries, selector)
    outages = _outages(queries, selector)
    units = [
        UnitHours(
            job=unit[0],
            name=unit[1],
            labels=_labels(parts),
            accepting=_accepting(list(parts.values()), refusing.get(unit, {})),
            releases=releases.get(unit, {}),
            outages=outages.get(unit, ()),
        )
        for unit, parts in _by_unit(up).items()
    ]
    return sorted(units, key=lambda unit: (unit.job, unit.labels[unit.last].pool, unit.name))


def _by_unit(up: Mapping[Key, Hourly]) -> dict[Key, dict[UnitLabels, Hourly]]:
    found: defaultdict[Key, dict[UnitLabels, Hourly]] = defaultdict(dict)
    for (job, name, *labels), hourly in up.items():
        found[job, name][UnitLabels(*labels)] = hourly
    return found


def _labels(parts: Mapping[UnitLabels, Hourly]) -> dict[int, UnitLabels]:
    """Return the labels of each hour; where they changed within it, those that came later."""
    ordered = sorted(parts.items(), key=lambda part: _hours(part[1])[0])
    return {hour: labels for labels, hourly in ordered for hour in _hours(hourly)}


def _hours(hourly: Hourly) -> list[int]:
    return [hour for hour, share in enumerate(hourly.covered) if share]


def _accepting(parts: Sequence[Hourly], refusing: Mapping[int, float]) -> Hourly:
    covered = [min(1.0, sum(shares)) for shares in zip(*(part.covered for part in parts), strict=True)]
    values: list[float | None] = []
    for hour, share in enumerate(covered):
        minutes = sum(part.values[hour] or 0.0 for part in parts) - refusing.get(hour, 0.0)
        values.append(round(max(0.0, minutes) / (share * SAMPLES_AN_HOUR_OF_UNIT), 12) if share else None)
    return Hourly(values, covered)


def _releases(queries: HourlyQueries, selector: str) -> dict[Key, dict[int, str]]:
    """Return the release of each unit by the hour; where it changed within the hour, the one that came later."""
    found: defaultdict[Key, list[tuple[str, list[int]]]] = defaultdict(list)
    versions = queries.values(unit_figures.releases_of_unit(selector), "releases of AsyncOS", (*_UNIT, "version"))
    for (job, name, version), hours in versions.items():
        found[job, name].append((version, sorted(hours)))
    return {
        unit: {hour: version for version, hours in sorted(parts, key=lambda part: part[1]) for hour in hours}
        for unit, parts in found.items()
    }


def _outages(queries: HourlyQueries, selector: str) -> dict[Key, tuple[Outage, ...]]:
    query = unit_figures.out_of_service(selector)
    times: defaultdict[Key, set[float]] = defaultdict(set)
    for series in queries.prometheus.query_range(query, queries.period.every(SAMPLE), "outages of units"):
        times[key_of(series, _UNIT)].update(time for time, _ in numbers(series))
    return {unit: tuple(_spans(sorted(ends), SAMPLE, queries.period)) for unit, ends in times.items()}


def _unknown(covered: Sequence[float], period: Period) -> Iterator[Outage]:
    ends = [time for time, share in zip(period.instants, covered, strict=True) if not share]
    return _spans(ends, HOUR, period)


def _spans(ends: Iterable[float], length: int, period: Period) -> Iterator[Outage]:
    """Yield the times that parts of this length make together, each given by its end."""
    begin, end = None, 0.0
    for time in ends:
        if begin is not None and time - length > end:
            yield Outage(period.moment(begin), period.moment(end))
            begin = None
        begin = time - length if begin is None else begin
        end = time
    if begin is not None:
        yield Outage(period.moment(begin), period.moment(end))
