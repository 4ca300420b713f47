"""Whether mail was on time: minutes in which it waited, the longest wait, and the busiest hour."""

from __future__ import annotations

import math
from collections import ChainMap, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from exporter.capacity import figures
from exporter.capacity.figures import LAST_FIVE_MINUTES, LAST_HOUR, OVER, SAMPLE, SAMPLES_AN_HOUR
from exporter.prometheus.durations import HOUR
from exporter.report.hourly import ALL_HOURS, POOL, Hourly, HourlyQueries, Key, key_of, numbers, together
from exporter.report.model import NOT_MEASURED, BusiestHour, Figure, MailDelays
from exporter.report.period import Period

Samples = Mapping[float, float]
"""Values by Unix time."""

_OVER: Final = (*POOL, "over")
_SECONDS: Final = {over: seconds for seconds, over in OVER.items()}


class LateMinutes(NamedTuple):
    """Minutes in which mail waited longer than that."""

    over_60_seconds: Figure
    over_300_seconds: Figure
    over_900_seconds: Figure


@dataclass(frozen=True, slots=True)
class MonthDelays:
    """Delays of a period by the hour."""

    period: Period
    pools: Mapping[Key, Mapping[int, Hourly]]
    """Of each pool the minutes in which mail waited, by the seconds that it waited longer than."""
    anywhere: Mapping[int, Hourly]
    """The minutes in which mail waited in any pool."""
    longest: Mapping[Key, Samples]
    """The longest wait of each pool in each five minutes, in seconds."""

    def of_pool(self, pool: Key) -> MailDelays:
        """Return the delays of the whole period."""
        return self._delays(self.minutes_of_pool(pool), {pool: self.longest.get(pool, {})})

    def of_all(self) -> MailDelays:
        """Return the delays of the whole period."""
        return self._delays(self.minutes_anywhere(), self.longest)

    def minutes_of_pool(self, pool: Key, hours: slice = ALL_HOURS) -> LateMinutes:
        return _minutes(self.pools.get(pool, {}), hours)

    def minutes_anywhere(self, hours: slice = ALL_HOURS) -> LateMinutes:
        return _minutes(self.anywhere, hours)

    def _delays(self, late: LateMinutes, longest: Mapping[Key, Samples]) -> MailDelays:
        waits = [(wait, -time, pool) for pool, waits in longest.items() for time, wait in waits.items()]
        if not waits:
            return MailDelays(*late, worst=NOT_MEASURED)
        wait, before, (_, pool) = max(waits)
        worst = Figure(wait, late.over_60_seconds.coverage)
        at, where = (self.period.moment(-before), pool) if wait else (None, None)
        return MailDelays(*late, worst=worst, worst_at=at, worst_pool=where)


def _minutes(late: Mapping[int, Hourly], hours: slice) -> LateMinutes:
    return LateMinutes(*(late[over].total(hours) if over in late else NOT_MEASURED for over in OVER))


def mail_delays(queries: HourlyQueries, selector: str) -> MonthDelays:
    """Ask for the delays of the period; series of delays have no site."""
    longest = fine(queries, figures.worst_delay(selector, LAST_FIVE_MINUTES), "longest delays")
    covered = {pool: _covered(queries.period, waits) for pool, waits in longest.items()}
    late = queries.values(figures.minutes_late_in_pool(selector, LAST_HOUR), "minutes of delay", _OVER)
    pools: defaultdict[Key, dict[int, Hourly]] = defaultdict(dict)
    for (job, pool, over), values in late.items():
        pools[job, pool][_SECONDS[over]] = _hourly(values, covered.get((job, pool), ()), queries.period)
    everywhere = together([each[60] for each in pools.values() if 60 in each], queries.period.hours).covered
    anywhere = {}
    for seconds, over in OVER.items():
        query = figures.minutes_late_anywhere(over, selector, LAST_HOUR)
        for values in queries.values(query, f"minutes of delays over {over}", ()).values():
            anywhere[seconds] = _hourly(values, everywhere, queries.period)
    return MonthDelays(queries.period, pools, anywhere, longest)


def _hourly(values: Mapping[int, float], covered: Sequence[float], period: Period) -> Hourly:
    hours = range(period.hours)
    return Hourly([values.get(hour) for hour in hours], covered or [0.0] * len(hours))


def _covered(period: Period, samples: Samples) -> list[float]:
    counts = [0] * period.hours
    first = period.instants[0] - HOUR
    for time in samples:
        counts[math.ceil((time - first) / HOUR) - 1] += 1
    return [min(1.0, count / SAMPLES_AN_HOUR) for count in counts]


def fine(queries: HourlyQueries, expression: str, what: str) -> dict[Key, dict[float, float]]:
    """Return the values of each pool at the end of each five minutes."""
    found: defaultdict[Key, dict[float, float]] = defaultdict(dict)
    for series in queries.prometheus.query_range(expression, queries.period.every(SAMPLE), what):
        samples = found[key_of(series, POOL)]
        for time, value in numbers(series):
            samples[time] = max(value, samples.get(time, value))
    return found


@dataclass(frozen=True, slots=True)
class HourlyMeans:
    """Messages of the 60 minutes before each instant, by pool."""

    period: Period
    messages: Mapping[Key, Samples]

    def busiest(self, streams: Iterable[Sequence[Key]]) -> BusiestHour | None:
        """Return the hour in which the streams together received the most; of each, the first pool counts."""
        sums: defaultdict[float, float] = defaultdict(float)
        for pools in streams:
            for time, messages in self._first_of(pools).items():
                sums[time] += messages
        within = {time: messages for time, messages in sums.items() if time >= self.period.instants[0]}
        if not within:
            return None
        time = max(within, key=lambda each: (within[each], -each))
        return BusiestHour(self.period.moment(time - HOUR), within[time])

    def _first_of(self, pools: Sequence[Key]) -> Samples:
        return dict(ChainMap(*(dict(self.messages.get(pool, {})) for pool in pools)))


def hourly_means(queries: HourlyQueries, selector: str) -> HourlyMeans:
    return HourlyMeans(queries.period, fine(queries, figures.busiest_hour(selector, LAST_FIVE_MINUTES), "busiest hour"))
