"""Months of a report: their hours and days in a time zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from exporter.errors import UsageError
from exporter.prometheus.durations import HOUR

_MONTH: Final = re.compile(r"([12]\d{3})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Period:
    """A month, as far as it has gone. Its hours count from its beginning, so that days have 23, 24 or 25 of them."""

    begin: datetime
    """The first moment of the month, in the time zone of the report."""
    end: datetime
    """The first moment of the next month."""
    until: datetime
    """`end`, or the end of the last full hour in a month that is not over."""

    @property
    def instants(self) -> range:
        """The Unix times at which its hours end."""
        return self.every(HOUR)

    def every(self, seconds: int) -> range:
        """Return the Unix times at which its parts of so many seconds end."""
        begin = round(self.begin.timestamp())
        return range(begin + seconds, round(self.until.timestamp()) + 1, seconds)

    @property
    def hours(self) -> int:
        return len(self.instants)

    def days(self) -> Iterator[tuple[datetime, datetime, slice]]:
        """Yield the beginning and the end of each day that has begun, and which of the hours it has."""
        day = self.begin
        while day < self.until:
            following = _midnight_after(day)
            yield day, following, slice(self._hour(day), self._hour(min(following, self.until)))
            day = following

    def moment(self, time: float) -> datetime:
        """Return a Unix time in the time zone of the report."""
        return datetime.fromtimestamp(time, self.begin.tzinfo)

    def hour_begin(self, hour: int) -> datetime:
        """Return when the hour of this number begins; the first is 0."""
        return self.moment(self.begin.timestamp() + HOUR * hour)

    def _hour(self, moment: datetime) -> int:
        return round((moment.timestamp() - self.begin.timestamp()) / HOUR)


def report_period(text: str | None, now: float, zone: ZoneInfo) -> Period:
    """Return the month of a text such as 2026-10, by default the last full one. Raises UsageError."""
    today = datetime.fromtimestamp(now, zone)
    begin = _first_day(text, zone) if text else _month_before(_first(today))
    if begin > today:
        raise UsageError(f"The month {text} is in the future: the last one with a report is {today:%Y-%m}.")
    full_hours = (now - begin.timestamp()) // HOUR
    until = datetime.fromtimestamp(begin.timestamp() + HOUR * full_hours, zone)
    if not full_hours:
        raise UsageError(f"The month {begin:%Y-%m} has no full hour yet: wait for one, or name the month before.")
    return _until(begin, until)


def month_before(period: Period) -> Period:
    return _until(_month_before(period.begin))


def year_before(period: Period) -> Period:
    """Return the same month of the year before."""
    return _until(period.begin.replace(year=period.begin.year - 1))


def _until(begin: datetime, until: datetime | None = None) -> Period:
    end = _first(begin + timedelta(days=31))
    return Period(begin, end, min(until or end, end))


def _first_day(text: str, zone: ZoneInfo) -> datetime:
    match = _MONTH.fullmatch(text)
    if not match:
        raise UsageError(f"{text!r} is not a month: write it like 2026-10.")
    return datetime(int(match[1]), int(match[2]), 1, tzinfo=zone)


def _first(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, 1, tzinfo=moment.tzinfo)


def _month_before(begin: datetime) -> datetime:
    return _first(begin - timedelta(days=1))


def _midnight_after(day: datetime) -> datetime:
    """Return the next local midnight; adding a day moves the clock on the wall, whatever the length of the day."""
    following = day + timedelta(days=1)
    return datetime(following.year, following.month, following.day, tzinfo=day.tzinfo)
