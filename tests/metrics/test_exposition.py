from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from exporter.metrics.catalog import FAMILIES, Family
from exporter.metrics.exposition import Exposition, PlainPart
from support.oracle import is_as_the_library_writes_it


def same_as_the_oracle(family: Family, series: dict[tuple[str, ...], float]) -> bool:
    return is_as_the_library_writes_it(Exposition([PlainPart([(family, series)])], {}))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_each_family_is_as_the_library_writes_it(family: Family) -> None:
    assert same_as_the_oracle(family, {tuple(f"{label} 100 %" for label in family.labels): 1.0})


LABELS = some.tuples(*[some.text(some.characters(exclude_categories=["Cs"]))] * 2)


@given(some.dictionaries(LABELS, some.floats(), min_size=1))
def test_any_labels_and_numbers_are_as_the_library_writes_them(series: dict[tuple[str, ...], float]) -> None:
    family = next(family for family in FAMILIES if len(family.labels) == 2)
    assert same_as_the_oracle(family, series)


def test_a_family_without_series_is_left_out() -> None:
    assert Exposition([PlainPart([(FAMILIES[0], {})])], {}).text() == b""


@pytest.mark.parametrize(
    "number",
    [
        0.0,
        -0.0,
        1.0,
        999_999.0,
        999_999.5,
        1e6,
        1_234_567.25,
        -1e6,
        -1e7,
        2.0**64,
        1e-7,
        1e22,
        math.nan,
        math.inf,
        -math.inf,
    ],
)
def test_each_number_is_as_the_library_writes_it(number: float) -> None:
    assert same_as_the_oracle(FAMILIES[0], {(): number})


def test_series_keep_their_order() -> None:
    """Also when the same series come in another order, as from an agent whose rows have moved."""
    family = next(family for family in FAMILIES if len(family.labels) == 1)
    assert same_as_the_oracle(family, {("b",): 1.0, ("a",): 2.0})
    assert same_as_the_oracle(family, {("a",): 2.0, ("b",): 1.0})


def test_no_family_gives_no_series() -> None:
    empty = Exposition([], {})
    assert (empty.text(), empty.openmetrics()) == (b"", b"# EOF\n")


def test_openmetrics_has_units_and_counters_without_total() -> None:
    named = {family.name: family for family in FAMILIES}
    families = [named["ironport_queue_free_bytes"], named["ironport_message_ids_total"]]
    text = Exposition([PlainPart([(family, {(): 1.0}) for family in families])], {}).openmetrics().decode()
    assert [line for line in text.splitlines() if not line.startswith("# HELP")] == [
        "# TYPE ironport_queue_free_bytes gauge",
        "# UNIT ironport_queue_free_bytes bytes",
        "ironport_queue_free_bytes 1.0",
        "# TYPE ironport_message_ids counter",
        "ironport_message_ids_total 1.0",
        "# EOF",
    ]


def test_a_family_of_many_series_is_as_the_library_writes_it() -> None:
    family = next(family for family in FAMILIES if len(family.labels) == 1)
    assert same_as_the_oracle(family, {(f"row {number}",): float(number) for number in range(500)})
