from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics.conversions import Raw
from exporter.sources.destinations import NAMED_LIMIT, REMAINDER, DestinationChoice, DestinationFigures

FIGURES = DestinationFigures("page", gauges=("active", "connections"), counters=("delivered",), texts=("status",))
CLASSES = {"clients": ["uni-a.edu", "*.uni-b.edu"], "internal": ["*.mail.uni-b.edu", "uni-a.edu"]}
OTHER = (REMAINDER, "")

Destination = tuple[str, dict[str, Raw]]


def chosen(
    classes: dict[str, list[str]], top: int, destinations: list[Destination]
) -> dict[str, dict[tuple[str, ...], Raw]]:
    domains = [domain for domain, _ in destinations]
    return DestinationChoice(classes, top).items(FIGURES, domains, [values for _, values in destinations])


def destination(domain: str, active: Raw, connections: Raw = 0, **more: Raw) -> Destination:
    return domain, {"active": active, "connections": connections, **more}


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("uni-a.edu", "clients"),
        ("a.uni-b.edu", "clients"),
        ("a.b.uni-b.edu", "clients"),
        ("a.mail.uni-b.edu", "internal"),
        ("mail.uni-b.edu", "clients"),
        ("uni-b.edu", ""),
        ("x-uni-b.edu", ""),
        ("a.uni-a.edu", ""),
        ("edu", ""),
        ("", ""),
    ],
)
def test_a_domain_has_the_class_of_its_name_or_of_its_longest_pattern(domain: str, name: str) -> None:
    assert DestinationChoice(CLASSES, 20).class_of(domain) == name
    assert DestinationChoice({}, 20).class_of(domain) == ""


def test_named_destinations_are_always_there_and_the_busiest_of_the_others() -> None:
    found = chosen(
        CLASSES,
        2,
        [
            destination("z.example", 3, 1),
            destination("Uni-A.edu.", 0, 0, delivered=5, status="Active"),
            destination("b.example", 50, 2, delivered=9),
            destination("a.example", 3, 4),
            destination("y.example", 2, 9),
        ],
    )
    a, b, uni = ("a.example", ""), ("b.example", ""), ("uni-a.edu", "clients")
    assert found == {
        "page/active": {a: 3, b: 50, uni: 0, OTHER: 5},
        "page/connections": {a: 4, b: 2, uni: 0, OTHER: 10},
        "page/delivered": {b: 9, uni: 5},
        "page/status": {uni: "Active"},
    }


def test_without_destinations_there_is_no_remainder() -> None:
    assert chosen(CLASSES, 20, []) == {}


def test_what_cannot_be_added_makes_the_remainder_unreadable() -> None:
    rows = [destination("a.example", 9), destination("b.example", "N/A"), destination("c.example", -1)]
    found = chosen({}, 1, rows)
    assert found["page/active"] == {("a.example", ""): 9, OTHER: "2 values are no amounts"}
    assert found["page/connections"][OTHER] == 0


def test_a_repeated_or_odd_domain_counts_in_the_remainder() -> None:
    rows = [destination(domain, 1) for domain in ("a.example", "A.example", "other", "", " ")]
    assert chosen({}, 20, rows)["page/active"] == {("a.example", ""): 1, OTHER: 4}


def test_a_pattern_that_matches_everything_is_bounded() -> None:
    rows = [destination(f"{number}.uni-b.edu", number) for number in range(5000)]
    found = chosen(CLASSES, 20, rows)["page/active"]
    assert len(found) == NAMED_LIMIT + 1
    assert ("4999.uni-b.edu", "clients") in found
    assert sum(map(float, found.values())) == sum(range(5000))


DOMAINS = st.sampled_from(
    ["a.example", "b.example", "B.example", "uni-a.edu", "c.uni-b.edu", "other", "", "d.mail.uni-b.edu"]
)
ROWS = st.lists(st.builds(destination, DOMAINS, st.integers(0, 2**40), st.integers(0, 99)), min_size=1, max_size=30)


@given(ROWS, st.integers(1, 5))
def test_sums_over_the_gauges_are_those_of_the_appliance(rows: list[Destination], top: int) -> None:
    found = chosen(CLASSES, top, rows)
    for gauge in FIGURES.gauges:
        assert sum(map(float, found[f"page/{gauge}"].values())) == sum(float(values[gauge]) for _, values in rows)
    others = [row for row in found["page/active"] if not row[1]]
    assert len(others) <= top + 1
