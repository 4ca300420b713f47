"""Growth of demand: how fast it grows a week, and when it passes what a pool can carry."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

LONGEST_FORECAST: Final = timedelta(days=730)
"""Some weeks of history allow no forecast beyond two years."""

WEEKS_NEEDED: Final = 5
"""Weeks of history before growth is known."""


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
