"""Growth of demand: how fast it grows a week, and when it passes what a pool can carry.

Demand grows by a share of itself, so its logarithm grows along a straight line. The line is that of Theil and Sen: its
slope is the median of the slopes between any two weeks, which a week of holidays or of an attack that nobody reported
changes little. A straight line of least squares would follow such weeks, above all the first and the last one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from statistics import fmean, median
from typing import Final

LONGEST_FORECAST: Final = timedelta(days=730)
"""Some weeks of history allow no forecast beyond two years."""

WEEKS_NEEDED: Final = 5
"""Weeks of history before growth is known."""

_CONFIDENCE: Final = 1.96
"""Standard deviations of the normal distribution for a confidence of 95 %."""

_Places = tuple[int, int]
"""The places of the lower and the upper end of an interval of confidence for the median, in values in order of size."""


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
    level_error: float = 0.0
    """How far the level may be off in the middle of these weeks, as a share of it."""
    age: float = 0.0
    """Weeks from the middle of these weeks until now: the error of the growth has added up since then."""


@dataclass(frozen=True, slots=True)
class DateRange:
    """When something is likely to happen; None is not within two years."""

    soonest: date | None
    likeliest: date | None
    latest: date | None


def growth_of(weekly: Sequence[float | None]) -> Growth | None:
    """Return the growth in the demands of successive weeks, the last of which ends now.

    The demand of a week is None where it is not known. If too few are known, the growth is not known either.
    """
    points = [(week, math.log(demand)) for week, demand in enumerate(weekly, 1 - len(weekly)) if demand]
    if len(points) < WEEKS_NEEDED:
        return None
    slopes = sorted((later - earlier) / (end - begin) for (begin, earlier), (end, later) in combinations(points, 2))
    best, (low, high) = median(slopes), _ends(slopes, _slope_places(len(points)))
    middle = fmean(week for week, _ in points)
    levels = sorted(value - best * (week - middle) for week, value in points)
    level, (lowest, highest) = median(levels), _ends(levels, _level_places(len(points)))
    return Growth(
        low=math.expm1(low),
        best=math.expm1(best),
        high=math.expm1(high),
        level=math.exp(level - best * middle),
        weeks=len(points),
        level_error=(highest - lowest) / 2,
        age=-middle,
    )


def _ends(ordered: Sequence[float], places: _Places) -> tuple[float, float]:
    low, high = places
    return ordered[max(low, 0)], ordered[min(high, len(ordered) - 1)]


def _slope_places(weeks: int) -> _Places:
    """Return the places in the slopes between any two of so many weeks (Sen 1968, with Kendall's variance)."""
    slopes = weeks * (weeks - 1) / 2
    spread = _CONFIDENCE * math.sqrt(weeks * (weeks - 1) * (2 * weeks + 5) / 18)
    return math.floor((slopes - spread) / 2) - 1, math.ceil((slopes + spread) / 2)


def _level_places(weeks: int) -> _Places:
    """Return the places in the levels of so many weeks: each is above the true median as often as below (sign test)."""
    spread = _CONFIDENCE * math.sqrt(weeks)
    return math.floor((weeks - spread) / 2) - 1, math.ceil((weeks + spread) / 2)


def passes(growth: Growth, messages_per_hour: float, today: date) -> DateRange:
    """Return when demand will pass this many messages per hour; today where it has done so already.

    The soonest and the latest date count with both errors, that of the level and that of the growth.
    """
    if growth.level <= 0:
        return DateRange(None, None, None)
    rise = math.log(messages_per_hour / growth.level) if messages_per_hour > 0 else -math.inf
    return DateRange(*(_first_day(growth, side, rise, today) for side in (1, 0, -1)))


def _first_day(growth: Growth, side: int, rise: float, today: date) -> date | None:
    days = range(LONGEST_FORECAST.days + 1)
    passed = (today + timedelta(day) for day in days if _rise(growth, side, day / 7) >= rise)
    return next(passed, None)


def _rise(growth: Growth, side: int, weeks: float) -> float:
    """Return by how much the logarithm of demand will have risen: likely at most (1), likeliest (0), at least (-1)."""
    best = math.log1p(growth.best)
    edge = math.log1p(growth.high if side > 0 else growth.low)
    error = math.hypot(growth.level_error, (edge - best) * (growth.age + weeks))
    return best * weeks + side * error
