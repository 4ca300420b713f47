"""Figures by the hour: what a server answers, and sums, means and maxima over days and months."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.phrases.rounding import rounded_number
from exporter.prometheus.client import Prometheus, RangeSeries
from exporter.prometheus.durations import HOUR
from exporter.report.model import NOT_MEASURED, Figure
from exporter.report.period import Period

Key = tuple[str, ...]
"""The values of the labels that tell series apart."""

ALL_HOURS: Final = slice(None)

POOL: Final = ("job", "pool")
"""The labels that tell pools apart."""


@dataclass(frozen=True, slots=True)
class Hourly:
    """A figure of each hour of a period."""

    values: Sequence[float | None]
    """None in hours without samples."""
    covered: Sequence[float]
    """The share of each hour for which there are samples."""

    def total(self, hours: slice) -> Figure:
        return self._figure(hours, math.fsum)

    def highest(self, hours: slice) -> Figure:
        return self._figure(hours, max)

    def mean(self, hours: slice) -> Figure:
        """Return the mean of the time for which there are samples."""
        pairs = zip(self.values[hours], self.covered[hours], strict=True)
        known = [(value, weight) for value, weight in pairs if value is not None and weight]
        if not known:
            return NOT_MEASURED
        mean = math.fsum(value * weight for value, weight in known) / math.fsum(weight for _, weight in known)
        return Figure(mean, self._coverage(hours))

    def _figure(self, hours: slice, aggregate: Callable[[list[float]], float]) -> Figure:
        known = [value for value in self.values[hours] if value is not None]
        return Figure(aggregate(known), self._coverage(hours)) if known else NOT_MEASURED

    def _coverage(self, hours: slice) -> float:
        covered = self.covered[hours]
        return math.fsum(covered) / len(covered)


def together(parts: Sequence[Hourly], hours: int) -> Hourly:
    """Return the sum of several pools. A pool is expected from its first sample to its last.

    So a pool that is new or has another name leaves no gap, but one that has no samples for a while does.
    """
    values = [_sum(part.values[hour] for part in parts) for hour in range(hours)]
    alive = [(part, _life(part)) for part in parts]
    covered = [_mean([part.covered[hour] for part, life in alive if hour in life]) for hour in range(hours)]
    return Hourly(values, covered)


def turns(parts: Sequence[Hourly], hours: int) -> list[int | None]:
    """Return for each hour the number of the first part that is there: from its first sample to its last."""
    lives = [_life(part) for part in parts]
    return [next((number for number, life in enumerate(lives) if hour in life), None) for hour in range(hours)]


def in_turn(parts: Sequence[Hourly], hours: int) -> Hourly:
    """Return in each hour the part whose turn it is."""
    chosen = [None if number is None else parts[number] for number in turns(parts, hours)]
    values = [part.values[hour] if part else None for hour, part in enumerate(chosen)]
    return Hourly(values, [part.covered[hour] if part else 0.0 for hour, part in enumerate(chosen)])


def _life(part: Hourly) -> range:
    known = [hour for hour, share in enumerate(part.covered) if share]
    return range(known[0], known[-1] + 1) if known else range(0)


def _mean(shares: Sequence[float]) -> float:
    return sum(shares) / len(shares) if shares else 0.0


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if known else None


# --- asking a server --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HourlyQueries:
    """Where figures come from: a server, and the period that they are about."""

    prometheus: Prometheus
    period: Period

    def by_hour(
        self, value: str, samples: str, expected: int, what: str, labels: Sequence[str] = POOL
    ) -> dict[Key, Hourly]:
        """Return the figure of each hour by the labels.

        `value` is its PromQL, and `samples` that of the number of samples in the hour, which is `expected` where none
        is missing. Both are asked for in one query.
        """
        query = f"{_part(value, 'value')}\nor\n{_part(samples, 'samples')}"
        found: dict[str, defaultdict[Key, dict[int, float]]] = {
            name: defaultdict(dict) for name in ("value", "samples")
        }
        for series in self.prometheus.query_range(query, self.period.instants, what):
            column = found[series["metric"]["part"]][key_of(series, labels)]
            for hour, number in self._by_hour(series):
                column[hour] = column.get(hour, 0.0) + number
        return {key: self._hourly(found["value"][key], found["samples"][key], expected) for key in found["value"]}

    def values(self, expression: str, what: str, labels: Sequence[str] = POOL) -> dict[Key, dict[int, float]]:
        """Return values by the labels and the number of the hour.

        Values of series that only other labels tell apart add up: such series follow each other.
        """
        found: defaultdict[Key, dict[int, float]] = defaultdict(dict)
        for series in self.prometheus.query_range(expression, self.period.instants, what):
            column = found[key_of(series, labels)]
            for hour, value in self._by_hour(series):
                column[hour] = column.get(hour, 0.0) + value
        return dict(found)

    def _hourly(self, values: dict[int, float], samples: dict[int, float], expected: int) -> Hourly:
        hours = range(self.period.hours)
        covered = [min(1.0, samples.get(hour, 0.0) / expected) for hour in hours]
        return Hourly([values.get(hour) for hour in hours], covered)

    def _by_hour(self, series: RangeSeries) -> Iterator[tuple[int, float]]:
        first = self.period.instants[0]
        for time, value in numbers(series):
            yield round((time - first) / HOUR), value


def _part(expression: str, name: str) -> str:
    return f'label_replace({expression}, "part", "{name}", "", "")'


def key_of(series: RangeSeries, labels: Sequence[str]) -> Key:
    return tuple(series["metric"].get(label, "") for label in labels)


def numbers(series: RangeSeries) -> Iterator[tuple[float, float]]:
    """Yield the time and the value of each sample; one that is not a finite number is none.

    Values are rounded: servers differ in the last digits, which must not decide which hour was the busiest.
    """
    for time, text in series["values"]:
        if math.isfinite(value := float(text)):
            yield time, rounded_number(value)
