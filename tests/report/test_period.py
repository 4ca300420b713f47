"""Months, days and hours of a report, in a time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.errors import UsageError
from exporter.report.period import Period, month_before, report_period, year_before

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 26, 17, 20, tzinfo=UTC).timestamp()


def _hours_of_days(period: Period) -> list[int]:
    return [len(range(period.hours)[hours]) for _, _, hours in period.days()]


@pytest.mark.parametrize(
    ("zone", "month", "day", "hours"),
    [
        (BERLIN, "2026-10", 25, 25),
        (BERLIN, "2026-03", 29, 23),
        (NEW_YORK, "2025-11", 2, 25),
        (NEW_YORK, "2026-03", 8, 23),
    ],
)
def test_the_day_of_a_clock_change_has_its_hours(zone: ZoneInfo, month: str, day: int, hours: int) -> None:
    period = report_period(month, NOW, zone)
    counts = _hours_of_days(period)
    assert counts.pop(day - 1) == hours
    assert set(counts) == {24}
    assert sum(counts) + hours == period.hours


def test_the_default_is_the_last_full_month() -> None:
    period = report_period(None, NOW, BERLIN)
    assert (period.begin.isoformat(), period.end.isoformat()) == (
        "2026-10-01T00:00:00+02:00",
        "2026-11-01T00:00:00+01:00",
    )
    assert period.until == period.end


def test_a_running_month_ends_with_the_last_full_hour() -> None:
    period = report_period("2026-11", NOW, BERLIN)
    assert period.until.isoformat() == "2026-11-26T18:00:00+01:00"
    assert _hours_of_days(period)[-1] == 18


def test_january_has_the_december_before() -> None:
    period = report_period("2026-01", NOW, BERLIN)
    assert [f"{each.begin:%Y-%m} {each.end:%Y-%m}" for each in (month_before(period), year_before(period))] == [
        "2025-12 2026-01",
        "2025-01 2025-02",
    ]


@pytest.mark.parametrize(
    ("month", "sentence"),
    [
        ("2026-12", "The month 2026-12 is in the future: the last one with a report is 2026-11."),
        ("October", "'October' is not a month: write it like 2026-10."),
        ("2026-13", "'2026-13' is not a month: write it like 2026-10."),
    ],
)
def test_a_wrong_month_is_explained(month: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        report_period(month, NOW, BERLIN)
    assert str(caught.value) == sentence


def test_a_month_needs_a_full_hour() -> None:
    now = datetime(2026, 11, 1, 0, 30, tzinfo=BERLIN).timestamp()
    with pytest.raises(UsageError, match="2026-11 has no full hour yet"):
        report_period("2026-11", now, BERLIN)
