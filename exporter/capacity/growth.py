"""Growth of demand: how fast it grows a week, and when it passes what a pool can carry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from statistics import median
from typing import Final

LONGEST_FORECAST: Final = timedelta(days=730)
"""Some weeks of history allow no forecast beyond two years."""

WEEKS_NEEDED: Final = 5
"""Weeks of history before growth is known."""

_CONFIDENCE: Final = 1.96
"""Standard deviations of the normal distribution for a confidence of 95 %."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth of demand a week, with its uncertainty."""

    low: float
    """The slowest likely growth a week, as a share: 0.006 is 0.6 %. It is negative where demand may shrink."""
    best: float
    """The likeliest growth a week, as a share."""
    high: float
    """The fastest likely growth a week, as a share."""
    level: float
    """Demand now, in messages per hour, without the noise of single weeks."""
    weeks: int
    """Weeks of history that this rests on."""


@dataclass(frozen=True, slots=True)
class DateRange:
    """When something is likely to happen; None is not within two years."""

    soonest: date | None
    likeliest: date | None
    latest: date | None


def passes(growth: Growth, messages_per_hour: float, today: date) -> DateRange:
    """Return when demand will pass this many messages per hour; today where it has done so already."""
    rates = (growth.high, growth.best, growth.low)
    return DateRange(*(_date(growth.level, rate, messages_per_hour, today) for rate in rates))


def _date(level: float, growth: float, target: float, today: date) -> date | None:
    if level >= target:
        return today
    if growth <= 0 or level <= 0:
        return None
    days = 7 * math.log(target / level) / math.log1p(growth)
    return today + timedelta(days=days) if days <= LONGEST_FORECAST.days else None


def growth_of(weekly: Sequence[tuple[date, float]]) -> Growth | None:
    """Return the growth in demands by the first day of their week, the oldest first; None if there are too few.

    It is that of Theil and Sen: the median of the growth between any two weeks, which a week of attacks or holidays
    changes little. `low` and `high` are the ends of its interval of confidence, from Kendall's statistics.
    """
    points = [((day - weekly[0][0]).days / 7, math.log(demand)) for day, demand in weekly if demand > 0]
    if len(points) < WEEKS_NEEDED:
        return None
    slopes = sorted((later - earlier) / (end - begin) for (begin, earlier), (end, later) in combinations(points, 2))
    low, best, high = (slopes[place] for place in _places(len(points), len(slopes)))
    now = points[-1][0]
    level = median(value + best * (now - week) for week, value in points)
    return Growth(math.expm1(low), math.expm1(best), math.expm1(high), math.exp(level), len(points))


def _places(weeks: int, slopes: int) -> tuple[int, int, int]:
    """Return the places of the lower end, the median and the upper end in the slopes, in order of size."""
    half = _CONFIDENCE * math.sqrt(weeks * (weeks - 1) * (2 * weeks + 5) / 18) / 2
    return max(round(slopes / 2 - half) - 1, 0), slopes // 2, min(round(slopes / 2 + half), slopes - 1)
