"""Numbers, dates and phrases are written as each language does."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.errors import UsageError
from exporter.phrases import Phrases

ENGLISH, GERMAN = Phrases("en"), Phrases("de")


@pytest.mark.parametrize(
    ("value", "decimals", "english", "german"),
    [
        (0, 0, "0", "0"),
        (1234.5, 1, "1,234.5", "1.234,5"),
        (1234567, 0, "1,234,567", "1.234.567"),
        (-12.345, 2, "-12.35", "-12,35"),
        (6.949999999999996, 1, "7.0", "7,0"),  # servers differ in the last digits
        (6.950000000000004, 1, "7.0", "7,0"),
    ],
)
def test_numbers(value: float, decimals: int, english: str, german: str) -> None:
    assert ENGLISH.number(value, decimals) == english
    assert GERMAN.number(value, decimals) == german


def test_percentages() -> None:
    assert ENGLISH.percent(0.1234) == "12.3%"
    assert GERMAN.percent(0.1234) == "12,3\xa0%"
    assert ENGLISH.percent(0.99987, 2) == "99.99%"


@pytest.mark.parametrize(
    ("seconds", "english", "german"),
    [
        (0, "0 s", "0 s"),
        (59.4, "59 s", "59 s"),
        (90, "1 min 30 s", "1 min 30 s"),
        (3600, "1 h", "1 h"),
        (3629, "1 h", "1 h"),
        (12_000, "3 h 20 min", "3 h 20 min"),
        (86_399, "1 day", "1 Tag"),
        (200_000, "2 days 7 h", "2 Tage 7 h"),
    ],
)
def test_durations_have_their_two_largest_units(seconds: float, english: str, german: str) -> None:
    assert ENGLISH.duration(seconds).replace("\xa0", " ") == english
    assert GERMAN.duration(seconds).replace("\xa0", " ") == german


def test_dates() -> None:
    day = date(2026, 3, 1)
    assert (ENGLISH.date(day), GERMAN.date(day)) == ("1\xa0March 2026", "1.\xa0März 2026")
    assert (ENGLISH.short_date(day), GERMAN.short_date(day)) == ("1\xa0Mar", "1.\xa0März")
    assert (ENGLISH.month(day), GERMAN.month(day)) == ("March 2026", "März 2026")
    assert (ENGLISH.weekday(day), GERMAN.weekday(day)) == ("Sunday", "Sonntag")


def test_a_moment_is_written_in_its_own_zone() -> None:
    time = datetime(2026, 10, 3, 14, 5, tzinfo=ZoneInfo("Europe/Berlin"))
    assert ENGLISH.moment(time) == "3\xa0October 2026, 14:05"
    assert GERMAN.moment(time) == "3.\xa0Oktober 2026, 14:05\xa0Uhr"


def test_a_count_chooses_between_one_and_other() -> None:
    assert [ENGLISH.text("unit_days", count=count) for count in (0, 1, 1500)] == [
        "0\xa0days",
        "1\xa0day",
        "1,500\xa0days",
    ]


def test_an_unknown_language_is_named_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"^There is no language 'dee'\. Did you mean de\? Choose one of de, en\.$"):
        Phrases("dee")
