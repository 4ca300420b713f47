"""The five sentences say what happened, and what is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Literal

import pytest

from exporter.capacity.growth import Growth
from exporter.capacity.model import FleetCapacity, PoolCapacity, UnitCapacity
from exporter.phrases import Phrases
from exporter.report.model import Figure, MailDelays, MonthReport
from exporter.report.summary import five_sentences, incident_seconds, written_availability
from support.months import NO_DELAYS, NO_VOLUME, client_month, empty_month, full_month, moment, volume, whole

ENGLISH, GERMAN = Phrases("en"), Phrases("de")


def sentences(report: MonthReport, phrases: Phrases = ENGLISH) -> list[str]:
    return [sentence.replace("\xa0", " ") for sentence in five_sentences(report, phrases)]


def test_a_month_in_five_sentences() -> None:
    assert sentences(full_month()) == [
        "In October 2026, the mail service received 27,789,297 messages: 5.3% more a day than in September 2026.",
        "38.3% of all recipients were rejected before their mail was accepted.",
        "Mail was accepted 99.98% of the time. It was late for 2 h 42 min in total: the longest wait was 25 min 5 s.",
        "There were 3 incidents. The longest: Unit unreachable (inbound), 7 h 20 min.",
        "west cannot carry the full load alone: it is too small for inbound.",
    ]


def test_a_month_in_german() -> None:
    assert sentences(full_month(), GERMAN)[:4] == [
        "Im Oktober 2026 nahm der Maildienst 27.789.297 Nachrichten an: pro Tag 5,3 % mehr als im September 2026.",
        "38,3 % aller Empfänger wurden abgewiesen, bevor ihre Mail angenommen wurde.",
        "Mail wurde zu 99,98 % der Zeit angenommen. Verspätet war sie insgesamt 2 h 42 min lang, die längste Wartezeit"
        " betrug 25 min 5 s.",
        "Es gab 3 Störungen. Die längste: Gerät nicht erreichbar (inbound), 7 h 20 min.",
    ]


def pool(
    name: str, demand: float | None, *, rated: float | None = 100_000, growth: float | None = None
) -> PoolCapacity:
    kind: Literal["rated", "unknown"] = "rated" if rated else "unknown"
    units = tuple(UnitCapacity(f"{name}{number}", rated, kind) for number in range(3))
    trend = None if growth is None or demand is None else Growth(growth, growth, growth, demand, 13)
    return PoolCapacity(name, name, "mixed", units, demand, growth=trend)


@pytest.mark.parametrize(
    ("pools", "sentence"),
    [
        ([pool("a", 90_000), pool("b", 90_000)], "Every pool survives the loss of any one unit."),
        ([pool("a", 90_000)], "a survives the loss of any one unit."),
        ([pool("a", 90_000), pool("b", 210_000)], "b could not carry its busy hour after the loss of b0"),
        ([pool("a", 90_000), pool("b", 90_000, rated=None)], "Whether b survives the loss of a unit is not known"),
        ([pool("a", 90_000), pool("b", None)], "The demand of b is not known"),
        (
            [pool("a", 150_000, growth=0.005), pool("b", 190_000, growth=0.005)],
            "b survives the loss of any one unit until about",
        ),
    ],
)
def test_the_worst_is_said_of_the_capacity(pools: list[PoolCapacity], sentence: str) -> None:
    report = replace(full_month(), capacity=FleetCapacity(date(2026, 11, 1), tuple(pools), weeks=13))
    assert sentences(report)[4].startswith(sentence)


def test_a_month_without_data_says_what_is_not_known() -> None:
    assert sentences(empty_month()) == [
        "How much mail there was in October 2026 is not known: there are no data.",
        "What share of the recipients was rejected is not known.",
        "Whether mail was always accepted is not known: there are no data.",
        "Whether there were incidents is not known: no alert rules were evaluated.",
        "How long the capacity will do is not known.",
    ]


@pytest.mark.parametrize(
    ("before", "year_before", "comparison"),
    [
        (30_000, 0, ""),  # a year before, there was no mail at all
        (24_000, 62_000, ": 25.0% more a day than in September 2026 and 50.0% fewer a day than in October 2025"),
        (30_000, 31_000, ": as many a day as in September 2026 and as many a day as in October 2025"),
    ],
)
def test_months_of_different_length_are_compared_by_the_day(before: float, year_before: float, comparison: str) -> None:
    report = replace(
        full_month(), month=volume(31_000, 1), month_before=volume(before, 1), year_before=volume(year_before, 1)
    )
    expected = comparison or ": as many a day as in September 2026"
    assert sentences(report)[0] == f"In October 2026, the mail service received 31,000 messages{expected}."


def test_a_month_with_large_gaps_is_not_compared() -> None:
    report = replace(full_month(), month_before=volume(20_000_000, 1, coverage=0.7), year_before=NO_VOLUME)
    assert sentences(report)[0] == "In October 2026, the mail service received 27,789,297 messages."


def test_sentences_about_a_small_part_of_the_month_say_so() -> None:
    report = replace(
        full_month(), month=volume(1000, 0, coverage=0.3), availability=Figure(1.0, 0.3), incidents_coverage=0.3
    )
    assert [sentence.endswith("(Data for 30.0% of the time.)") for sentence in sentences(report)] == [
        *[True] * 4,
        False,
    ]


def test_a_month_in_which_nothing_was_rejected() -> None:
    assert sentences(replace(full_month(), month=volume(1000, 0)))[1] == "No recipient was rejected."


def test_mail_that_was_never_late() -> None:
    on_time = MailDelays(whole(0.0), whole(0.0), whole(0.0), whole(40.0))
    report = replace(full_month(), availability=whole(1.0), delays=on_time)
    assert sentences(report)[2] == "Mail was accepted 100% of the time, and was never late."


def test_delays_that_nobody_measured() -> None:
    assert sentences(replace(full_month(), delays=NO_DELAYS))[2] == (
        "Mail was accepted 99.98% of the time. Whether it was late is not known."
    )


def test_no_incident_is_said_only_where_rules_ran() -> None:
    calm = replace(full_month(), incidents=())
    assert sentences(calm)[3] == "There was no incident."
    assert sentences(replace(calm, incidents_coverage=0.0))[3].startswith("Whether there were incidents is not known")


def test_an_incident_lasts_an_hour_longer_when_the_clocks_go_back() -> None:
    attack = replace(full_month().incidents[0], begin=moment(25, 1), end=moment(25, 5))
    assert incident_seconds(attack, full_month().scope) == 5 * 3600


def test_an_incident_that_goes_on_lasts_until_the_end() -> None:
    report = replace(full_month(), incidents=full_month().incidents[2:])
    assert sentences(report)[3] == "There was 1 incident: Delivery backlog (outbound), 1 h 50 min."


@pytest.mark.parametrize(("share", "text"), [(1.0, "100%"), (0.99999, "99.99%"), (0.9998, "99.98%"), (0.0, "0.00%")])
def test_only_a_whole_availability_is_100_percent(share: float, text: str) -> None:
    assert written_availability(share, ENGLISH) == text


def test_a_client_has_the_same_sentences() -> None:
    assert len(sentences(client_month())) == 5
    assert sentences(replace(client_month(), availability=Figure(None, 0.0)))[2].startswith("Whether mail was always")
