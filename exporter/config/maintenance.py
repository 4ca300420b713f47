"""Maintenance windows: times at which work on appliances is planned."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema, model_validator

from exporter.config.values import Name, OptionalKey, Section, TimeZoneName, bad_value, seconds

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_WEEK: Final = timedelta(weeks=1)


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise bad_value("must be a date and time such as 2026-12-01T22:00+01:00") from None
    if moment.tzinfo is None:
        raise bad_value("needs its offset from UTC at the end: +01:00, or Z for UTC")
    return moment


Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string"})]


def _time_of_day(value: object) -> time:
    with suppress(ValueError):
        found = time.fromisoformat(str(value))
        if found.tzinfo is None:
            return found
    raise bad_value("must be a time of day such as 22:00")


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day), WithJsonSchema({"type": "string"})]


def _length(value: object) -> timedelta:
    length = timedelta(seconds=seconds(str(value)))
    if not timedelta(0) < length <= _WEEK:
        raise bad_value("must be more than 0 and at most a week, 168h")
    return length


Length = Annotated[
    timedelta,
    BeforeValidator(_length),
    PlainSerializer(lambda length: f"{length.total_seconds():g}s", when_used="json"),
    WithJsonSchema({"type": "string"}),
]


class OnceWindow(Section):
    """A window that comes once."""

    start: Moment
    """When it begins, with the offset from UTC."""
    end: Moment
    """When it ends."""

    @model_validator(mode="after")
    def _in_order(self) -> OnceWindow:
        if self.end <= self.start:
            raise bad_value("must have an end after its start")
        return self

    def covers(self, now: datetime) -> bool:
        return self.start <= now < self.end


class WeeklyWindow(Section):
    """A window that comes every week, by the clock of a time zone."""

    day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    """The day on which it begins."""
    time: TimeOfDay
    """The time of day at which it begins."""
    duration: Length
    """How long it lasts, at most a week."""
    timezone: TimeZoneName
    """The time zone of day and time."""

    def covers(self, now: datetime) -> bool:
        """Return whether `now` is in the window of this week or in the one of the week before."""
        zone = ZoneInfo(self.timezone)
        local = now.astimezone(zone)
        day = local.date() - timedelta(days=(local.weekday() - _DAYS.index(self.day)) % 7)
        starts = (datetime.combine(date, self.time, zone).astimezone(UTC) for date in (day, day - _WEEK))
        return any(start <= now < start + self.duration for start in starts)


class MaintenanceWindow(Section):
    """When work is planned, and on which appliances: those of exactly one list."""

    appliances: OptionalKey[tuple[Name, ...]] = None
    """The names of the appliances."""
    pools: OptionalKey[tuple[Name, ...]] = None
    """All appliances of these pools."""
    sites: OptionalKey[tuple[Name, ...]] = None
    """All appliances of these sites."""
    once: OptionalKey[OnceWindow] = None
    """Start and end, for work that is done once."""
    weekly: OptionalKey[WeeklyWindow] = None
    """Day, time and length, for work that is done every week."""

    @model_validator(mode="after")
    def _one_of_each(self) -> MaintenanceWindow:
        if [self.appliances, self.pools, self.sites].count(None) != 2:
            raise bad_value("must have one of appliances, pools and sites")
        if [self.once, self.weekly].count(None) != 1:
            raise bad_value("must have either once or weekly")
        return self

    def concerns(self, *, name: str, pool: str, site: str | None) -> bool:
        """Return whether an appliance is one of those on which work is planned."""
        return name in (self.appliances or ()) or pool in (self.pools or ()) or site in (self.sites or ())

    def covers(self, now: datetime) -> bool:
        """Return whether the work is planned for this moment."""
        when = self.once or self.weekly
        return when is not None and when.covers(now)
