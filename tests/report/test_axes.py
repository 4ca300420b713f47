"""The axes of charts have few ticks, at round values and round local times."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from exporter.phrases import Phrases
from exporter.report.axes import Measure, time_ticks, value_axis
from support.zones import BERLIN

ENGLISH = Phrases("en")


def labels(begin: datetime, end: datetime) -> list[str]:
    return [tick.label.replace("\xa0", " ") for tick in time_ticks(begin, end, ENGLISH)]


@pytest.mark.parametrize(
    ("highest", "measure", "expected"),
    [
        (0, Measure.NUMBER, ["0", "1"]),
        (3.2, Measure.NUMBER, ["0", "1", "2", "3", "4"]),
        (1_430_000, Measure.NUMBER, ["0", "500,000", "1,000,000", "1,500,000"]),
        (2_000_000, Measure.NUMBER, ["0", "500,000", "1,000,000", "1,500,000", "2,000,000"]),
        (0.07, Measure.SHARE, ["0%", "2%", "4%", "6%", "8%"]),
        (0.002, Measure.SHARE, ["0.00%", "0.05%", "0.10%", "0.15%", "0.20%"]),
        (100, Measure.SECONDS, ["0 s", "30 s", "1 min", "1 min 30 s", "2 min"]),
        (4000, Measure.SECONDS, ["0 s", "20 min", "40 min", "1 h", "1 h 20 min"]),
        (500_000, Measure.SECONDS, ["0 s", "2 days", "4 days", "6 days"]),
    ],
)
def test_values_have_at_most_four_round_steps(highest: float, measure: Measure, expected: list[str]) -> None:
    axis = value_axis(highest, measure, ENGLISH)
    assert [tick.label.replace("\xa0", " ") for tick in axis.ticks] == expected
    assert axis.ticks[-1].place == 1


def test_a_month_has_its_mondays() -> None:
    begin, end = datetime(2026, 10, 1, tzinfo=BERLIN), datetime(2026, 11, 1, tzinfo=BERLIN)
    assert labels(begin, end) == ["5 Oct", "12 Oct", "19 Oct", "26 Oct"]


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (timedelta(minutes=4), ["14:00", "14:01", "14:02", "14:03", "14:04"]),
        (timedelta(hours=2), ["14:00", "14:30", "15:00", "15:30", "16:00"]),
        (timedelta(days=1), ["18:00", "00:00", "06:00", "12:00"]),
        (timedelta(days=5), ["8 Oct", "9 Oct", "10 Oct", "11 Oct", "12 Oct"]),
        (timedelta(weeks=13), ["12 Oct", "9 Nov", "7 Dec", "4 Jan"]),
    ],
)
def test_ticks_are_at_round_local_times(length: timedelta, expected: list[str]) -> None:
    begin = datetime(2026, 10, 7, 14, tzinfo=BERLIN)
    assert labels(begin, begin + length) == expected


def test_midnight_stays_midnight_when_the_clocks_change() -> None:
    begin, end = datetime(2026, 10, 23, tzinfo=BERLIN), datetime(2026, 10, 27, tzinfo=BERLIN)
    ticks = time_ticks(begin, end, ENGLISH)
    assert [tick.place * 97 for tick in ticks] == pytest.approx([0, 24, 48, 73, 97])
