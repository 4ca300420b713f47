"""Holidays: days whose mail is not what is usual."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, WithJsonSchema, model_validator

from exporter.config.values import Name, OptionalKey, Section, TimeZoneName, bad_value


def _day(value: object) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise bad_value("must be a date such as 2026-12-25") from None


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string"})]


class Holiday(Section):
    """A holiday of one day or of several."""

    name: Name
    """What people call it."""
    first: Day
    """The first day."""
    last: OptionalKey[Day] = None
    """The last day, if it is longer than one day."""

    @model_validator(mode="after")
    def _in_order(self) -> Holiday:
        if self.last and self.last < self.first:
            raise bad_value("must have a last day that is not before its first day")
        return self

    def covers(self, day: date) -> bool:
        return self.first <= day <= (self.last or self.first)


class Holidays(Section):
    """The holidays of a fleet."""

    timezone: TimeZoneName
    """The time zone in which the days begin and end."""
    days: tuple[Holiday, ...]
    """The holidays, in any order."""

    def covers(self, now: datetime) -> bool:
        day = now.astimezone(ZoneInfo(self.timezone)).date()
        return any(holiday.covers(day) for holiday in self.days)
