"""What is said about a fleet, in English, and with every value that a program needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import pytest

from exporter.capacity.change import Add, Lose, Rate, what_if
from exporter.capacity.growth import Growth
from exporter.capacity.model import FleetCapacity, PoolCapacity, UnitCapacity
from exporter.capacity.statement import Statement
from exporter.capacity.verdicts import assumptions, comparison, verdicts
from exporter.phrases import LANGUAGES, Phrases

DAY = date(2026, 11, 1)
THREE = tuple(UnitCapacity(f"mx{number}", 100.0, "rated") for number in (1, 2, 3))
TWO_SITES = tuple(replace(unit, site=site) for unit, site in zip(THREE, ("east", "east", "west"), strict=True))

UNEVEN = tuple(replace(unit, share=share) for unit, share in zip(THREE, (0.5, 0.3, 0.2), strict=True))


def fleet(*units: UnitCapacity, demand: float | None = 150.0, growth: Growth | None = None) -> FleetCapacity:
    return FleetCapacity(DAY, (PoolCapacity("inbound", "mail", "inbound", units, demand, growth=growth),), weeks=13)


def texts(statements: Iterable[Statement]) -> list[str]:
    return [statement.text(Phrases("en")) for statement in statements]


def growing(low: float, best: float, high: float) -> FleetCapacity:
    return fleet(*THREE, growth=Growth(low, best, high, level=150, weeks=13))


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (
            growing(0.010, 0.015, 0.020),
            ["inbound survives the loss of any one unit until about March 2027 (February 2027 to May 2027)."],
        ),
        (growing(0.0149, 0.015, 0.0151), ["inbound survives the loss of any one unit until about March 2027."]),
        (
            growing(0.0, 0.015, 0.020),
            [
                "inbound survives the loss of any one unit until about March 2027: until February 2027 at the soonest, "
                "perhaps for more than two years."
            ],
        ),
        (
            growing(-0.01, 0.0, 0.020),
            [
                "inbound survives the loss of any one unit until February 2027 at the soonest, and probably for more "
                "than two years."
            ],
        ),
        (growing(-0.02, -0.01, 0.0), ["inbound survives the loss of any one unit for at least two years."]),
        (
            fleet(*THREE),
            [
                "inbound survives the loss of any one unit.",
                "How long inbound will survive it is not known: growth needs 5 weeks of history.",
            ],
        ),
        (
            fleet(*THREE, demand=208),
            ["inbound could not carry its busy hour after the loss of mx1: it needs 104% of what would be left."],
        ),
        (
            fleet(*THREE, demand=330),
            ["inbound cannot carry its busy hour: it needs 110% of the capacity of its units."],
        ),
        (fleet(THREE[0], demand=50), ["inbound has no redundancy: one unit is left, mx1."]),
        (fleet(demand=50), ["inbound has no unit left to take its mail."]),
        (
            fleet(*THREE, demand=None),
            ["The demand of inbound is not known: it needs a week of history from the status pages (XML)."],
        ),
        (
            fleet(*THREE[:2], replace(THREE[2], messages_per_hour=None, kind="unknown")),
            [
                "Whether inbound survives the loss of a unit is not known, because no capacity is configured "
                "for mx3 (rated_messages_per_hour)."
            ],
        ),
        (
            fleet(*THREE[:1], *(replace(unit, kind="lower_bound") for unit in THREE[1:]), demand=208),
            [
                "It is not certain that inbound survives the loss of any one unit.",
                "Only a lower bound is known for mx2 and mx3: no capacity is configured (rated_messages_per_hour).",
            ],
        ),
        (
            fleet(*THREE, demand=150, growth=Growth(0, 0, 0, 150, 13)),
            ["inbound survives the loss of any one unit for at least two years."],
        ),
        (
            fleet(
                *(replace(unit, share=share) for unit, share in zip(THREE, (0.5, 0.3, 0.2), strict=True)), demand=190
            ),
            [
                "inbound survives the loss of any one unit.",
                "How long inbound will survive it is not known: growth needs 5 weeks of history.",
                "After the loss of mx2, mx1 would get 124% of its capacity, if the mail of inbound goes on to spread "
                "as it does.",
            ],
        ),
    ],
)
def test_a_pool(known: FleetCapacity, said: list[str]) -> None:
    assert texts(verdicts(known)) == said


@pytest.mark.parametrize(
    ("demand", "said"),
    [
        (90, ["west can carry the full load alone.", "east can carry the full load alone."]),
        (
            150,
            [
                "west cannot carry the full load alone: it is too small for inbound.",
                "east can carry the full load alone.",
            ],
        ),
    ],
)
def test_two_sites(demand: float, said: list[str]) -> None:
    assert texts(verdicts(fleet(*TWO_SITES, demand=demand)))[-2:] == said


def test_pools_of_one_name_in_two_jobs_both_count() -> None:
    first, second = (replace(fleet(*TWO_SITES, demand=demand).pools[0], job=str(demand)) for demand in (150, 90))
    both = FleetCapacity(DAY, (first, second), weeks=13)
    said = texts(verdicts(both))
    assert "west cannot carry the full load alone: it is too small for inbound (150)." in said
    assert "inbound (90) survives the loss of any one unit." in said


def test_three_sites() -> None:
    units = tuple(replace(unit, site=site) for unit, site in zip(THREE, ("east", "north", "west"), strict=True))
    assert texts(verdicts(fleet(*units)))[-1] == "Without west, the 2 other sites can carry the full load."


def test_a_unit_without_a_site_is_named() -> None:
    units = (*TWO_SITES, replace(THREE[0], name="mx4"))
    assert texts(verdicts(fleet(*units)))[2:] == ["Nobody can say what the loss of a site does to mx4: set its site."]


def test_lower_bounds_leave_the_loss_of_a_site_open() -> None:
    units = tuple(replace(unit, kind="lower_bound") for unit in TWO_SITES)
    assert "Whether west can carry the full load alone is not known." in texts(verdicts(fleet(*units)))


def test_the_bottleneck_of_a_chain() -> None:
    (edge,) = fleet(*THREE).pools
    core = replace(edge, name="core", demand=199.0)
    chain = FleetCapacity(DAY, (edge, core))
    assert texts(verdicts(chain))[-1] == (
        "The bottleneck of the stream mail is core: it has least to spare after the loss of a unit."
    )


def test_a_pool_of_spares_needs_no_mail() -> None:
    spares = PoolCapacity("spares", "spares", "mixed", (replace(THREE[0], role="spare", in_service=False),), None)
    assert verdicts(FleetCapacity(DAY, (spares,))) == []


def test_a_change_says_how_much_more_and_what_it_assumes() -> None:
    measured = fleet(*(replace(unit, share=1 / 3) for unit in THREE))
    result = what_if(measured, [Lose("mx1"), Add("new", "inbound"), Rate("new", 160.0)])
    assert texts(comparison(result)) == ["inbound can carry 20% more."]
    assert texts(assumptions(result)) == ["Assumed: the mail of inbound spreads over the units by capacity."]


def test_measured_shares_need_no_assumption() -> None:
    measured = fleet(*(replace(unit, share=1 / 3) for unit in THREE))
    assert list(assumptions(what_if(measured, []))) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_can_say_it(language: str) -> None:
    said = verdicts(fleet(*TWO_SITES, demand=190)) + verdicts(growing(0.010, 0.015, 0.020))
    for statement in said:
        assert "{" not in statement.text(Phrases(language))
