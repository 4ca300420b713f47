from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.errors import SourceTimeout
from exporter.metrics.reading import LABEL_LENGTH, Reading, label_value, name_rows, unreadable_text

LONG = "x" * 200


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("PS 1", "PS 1"),
        ("  PS 1\r\n", "PS 1"),
        ("a\x00\x1b[31mb", "a [31mb"),
        ("a\u2028b\x85c\ud800d", "a b c d"),
        ("büro", "büro"),
        (LONG, "x" * LABEL_LENGTH),
        ("y" * (LABEL_LENGTH - 1) + " z", "y" * (LABEL_LENGTH - 1)),
        ("\n", ""),
    ],
)
def test_label_values_are_cleaned_and_cut(text: str, label: str) -> None:
    assert label_value(text) == label


@given(st.text(st.characters(exclude_categories=())))
def test_cleaning_a_label_twice_changes_nothing(text: str) -> None:
    label = label_value(text)
    assert label_value(label) == label
    assert len(label.encode()) <= 4 * LABEL_LENGTH


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        ([], {}),
        ([("1", "PS 1"), ("2", "PS 2")], {"1": "PS 1", "2": "PS 2"}),
        ([("1", "PS"), ("2", "PS"), ("3", "Fan")], {"1": "PS (1)", "2": "PS (2)", "3": "Fan"}),
        ([("1", "PS"), ("2", " PS\n")], {"1": "PS (1)", "2": "PS (2)"}),
        ([("1", ""), ("2", "PS")], {"1": "1", "2": "PS"}),
        ([("1", "2"), ("2", "")], {"1": "2 (1)", "2": "2 (2)"}),
        ([("1", "A"), ("2", "A"), ("3", "A (2)")], {"1": "A (1)", "2": "A (2)", "3": "A (2) (3)"}),
        ([("1", LONG), ("2", LONG)], {"1": "x" * 124 + " (1)", "2": "x" * 124 + " (2)"}),
    ],
)
def test_rows_are_named_uniquely(names: list[tuple[str, str]], rows: dict[str, str]) -> None:
    assert name_rows(names) == rows


@given(st.lists(st.text("AB (12)", max_size=6) | st.sampled_from([LONG, LONG + "y"])))
def test_no_two_rows_share_a_label(names: list[str]) -> None:
    named = name_rows((str(index), name) for index, name in enumerate(names, start=1))
    assert len({label_value(name) for name in named.values()}) == len(names)


@pytest.mark.parametrize(
    ("up", "errors", "outcome"), [(True, 0, "complete"), (True, 1, "partial"), (False, 1, "failed")]
)
def test_the_outcome_follows_from_figures_and_errors(*, up: bool, errors: int, outcome: str) -> None:
    reading = Reading("xml", up=up, errors=[SourceTimeout("late")] * errors)
    assert (reading.outcome, reading.complete) == (outcome, outcome == "complete")


@pytest.mark.parametrize(("count", "more"), [(1, ""), (20, ""), (21, "; and 1 more"), (45, "; and 25 more")])
def test_the_first_unreadable_values_are_listed(count: int, more: str) -> None:
    text = unreadable_text({("fanRPMs", (f"FAN {number}",)): "fast" for number in range(count)})
    assert text == "; ".join(f"fanRPMs of FAN {number}: 'fast'" for number in range(min(count, 20))) + more


def test_a_reading_begins_with_nothing() -> None:
    """So a source needs to say only what it has done."""
    new = Reading("snmp")
    assert (new.items, new.errors, new.unreadable, new.notes, new.certificate) == ({}, [], {}, [], None)
    assert (new.outcome, new.requests, new.retries, new.shared) == ("failed", 0, 0, False)
    assert (new.started, new.duration, new.age) == (0, 0, 0)


def test_a_reading_keeps_scalars_and_rows() -> None:
    reading = Reading("snmp")
    reading.set("workQueueMessages", 5)
    reading.set("fanRPMs", 4000, ("Fan 1",))
    reading.set("fanRPMs", 0, ("Fan 2",))
    assert reading.items == {"workQueueMessages": {(): 5}, "fanRPMs": {("Fan 1",): 4000, ("Fan 2",): 0}}
