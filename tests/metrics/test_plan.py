from __future__ import annotations

import tracemalloc
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as some

from exporter.metrics import fusion, plan
from exporter.metrics.catalog import FAMILIES, items_of
from exporter.metrics.conversions import Raw, Series
from exporter.metrics.exposition import Exposition
from exporter.metrics.reading import Items, Reading, Row, Unreadable

SOURCES = ("snmp", "xml", "rest", "config", "probe")
TEXTS = ("", "N/A", "7", "1,234", "-5", "9" * 19, "9" * 20, "14%", "Dormant/Perpetual", "phoebe 14.0.0-1", "online")
SYS_DESCR = "Cisco Model C690, AsyncOS Version: 14.0.0-2, Build Date: 2021, Serial #: 99AA-99"
RAWS = some.one_of(
    some.integers(0, 4), some.integers(-(2**65), 2**65), some.floats(), some.sampled_from([*TEXTS, SYS_DESCR])
)
NAMES = some.sampled_from(["Fan 1", "Fan\n1", "x" * 200, "100 %"])


def row_length(source: str, item: str) -> int:
    """Return how many names a row of an item has: as many labels as its conversion does not give."""
    of_families = [
        len(family.labels) - len(next(iter(feed.convert(*[READABLE.get(each, 2) for each in feed.items])), ()))
        for family in FAMILIES
        for feed in family.feeds
        if feed.source == source and item in feed.items
    ]
    return max(of_families, default=0)


READABLE = {
    "status/build": "phoebe 1.0-1",
    "sysDescr": SYS_DESCR,
    "birth_time/timestamp": "(1s)",
    "mail_system_status/oldest_message": "0:00:01",
    "version_details/operating_system": "AsyncOS 1.0",
    "minimum_version": "12.5",
}
ITEMS = [(source, item) for source in SOURCES for item in sorted(items_of(source))]
LENGTHS = {(source, item): row_length(source, item) for source, item in ITEMS}


@pytest.fixture(autouse=True)
def no_plans() -> None:
    plan._plans.clear()
    plan._seen.clear()


def exported(exposition: Exposition) -> tuple[object, ...]:
    """Return all that comes of readings. As NaN is not equal to itself, the text stands for the numbers."""
    families = [(family, tuple(series)) for family, series in exposition.families]
    return families, exposition.unreadable, exposition.text(), exposition.openmetrics()


def both(readings: list[Reading]) -> tuple[tuple[object, ...], tuple[object, ...]]:
    """Return what comes of the plain way, and of plans."""
    return exported(fusion.fuse(readings)), exported(plan.fuse_by_plan(readings))


@some.composite
def readings_of_one_layout(draw: some.DrawFn) -> list[list[Reading]]:
    """Return readings with the same items and rows, and some values that are new each time."""
    chosen = draw(some.lists(some.sampled_from(ITEMS), min_size=1, max_size=12, unique=True))
    layout: dict[str, dict[str, list[Row]]] = {source: {} for source, _ in chosen}
    for source, item in chosen:
        row = some.tuples(*[NAMES] * LENGTHS[source, item])
        layout[source][item] = draw(some.lists(row, max_size=3, unique=True))
    first = {place: draw(RAWS) for place in _places(layout)}
    polls = [first]
    for _ in range(4):
        again: dict[tuple[str, str, Row], Raw] = dict(first)
        again |= draw(some.dictionaries(some.sampled_from(list(first)), RAWS, max_size=3)) if first else {}
        polls.append(again)
    return [
        [
            Reading(source, {item: {row: values[source, item, row] for row in rows} for item, rows in items.items()})
            for source, items in layout.items()
        ]
        for values in polls
    ]


def _places(layout: dict[str, dict[str, list[Row]]]) -> list[tuple[str, str, Row]]:
    return [(source, item, row) for source, items in layout.items() for item, rows in items.items() for row in rows]


@given(readings_of_one_layout())
def test_a_plan_gives_what_fusion_gives(polls: list[list[Reading]]) -> None:
    for readings in polls:
        plain, planned = both(readings)
        assert planned == plain


@pytest.mark.parametrize("source", SOURCES)
def test_a_plan_keeps_apart_the_rows_of_all_items(source: str) -> None:
    items = sorted(items_of(source))
    for poll in range(6):  # each two are alike, so that the plan of one fits the other
        values: Items = {}
        for at, item in enumerate(items):
            names: list[Row] = [(f"{number}",) * LENGTHS[source, item] for number in range(3)]
            text = READABLE.get(item)
            values[item] = {row: text or 1 + (at + number + poll // 2) % 3 for number, row in enumerate(names)}
        plain, planned = both([Reading(source, values)])
        assert planned == plain
    (known,) = plan._plans.values()
    assert known is not None
    assert known.fuse([Reading(source, values)]) is not None


def fans(*speeds: Raw) -> list[Reading]:
    items: Items = {"fanRPMs": {(f"Fan {number}",): speed for number, speed in enumerate(speeds)}}
    return [Reading("snmp", items)]


def test_the_third_reading_of_a_layout_has_a_plan() -> None:
    for speeds in ((900, 800), (901, 801), (902, 802)):
        assert plan.fuse_by_plan(fans(*speeds)).text() == fusion.fuse(fans(*speeds)).text()
    (known,) = plan._plans.values()
    assert known is not None
    assert known.fuse(fans(903, 803)) is not None


def test_a_value_that_cannot_be_read_gets_a_plan_of_its_own() -> None:
    """So that an appliance with such a value in each poll does not cost more for ever."""
    for speeds in ((900, 800), (901, 801), ("fast", 802), ("fast", 803)):
        plain, planned = both(fans(*speeds))
        assert planned == plain
    (known,) = plan._plans.values()
    assert known is not None
    assert known.fuse(fans("fast", 804)) is not None


def rows(number: int, count: int = 1) -> list[Reading]:
    """Return a reading with a layout of its own for each number."""
    return [Reading("snmp", {"fanRPMs": {(f"Fan {number} {row}",): 1 for row in range(count)}})]


def test_plans_are_limited() -> None:
    for number in range(plan._MOST_PLANS + 10):
        for _ in range(2):
            plan.fuse_by_plan(rows(number))
    assert len(plan._plans) == plan._MOST_PLANS
    seen = []
    for number in range(plan._MOST_SEEN + 10):
        plan.fuse_by_plan(rows(-number))
        seen.append(len(plan._seen))
    assert max(seen) == plan._MOST_SEEN


def test_a_plan_keeps_few_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    fused: list[str] = []
    original = fusion.fuse_feeds

    def fuse_feeds(feeds: fusion.Feeds, by_source: Mapping[str, Reading]) -> tuple[Series, dict[str, Unreadable]]:
        fused.append(str(by_source["xml"].items["status/build"][()]))
        return original(feeds, by_source)

    def poll(number: int) -> None:
        plan.fuse_by_plan([Reading("xml", {"status/build": {(): f"phoebe 1.0-{number}"}})])

    for number in range(3):
        poll(number)
    monkeypatch.setattr(fusion, "fuse_feeds", fuse_feeds)
    poll(2)
    assert fused == []
    for number in range(3, 3 + plan._MOST_KNOWN):
        poll(number)
    assert fused[0] == "phoebe 1.0-3"
    del fused[:]
    poll(2 + plan._MOST_KNOWN)
    assert fused == []
    poll(2)
    assert fused != []


def test_a_reading_with_many_values_gets_no_plan() -> None:
    for _ in range(3):
        plan.fuse_by_plan(rows(0, plan._MOST_VALUES + 1))
    assert not plan._plans


def test_an_appliance_with_new_rows_in_each_poll_takes_no_plan_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        plan.fuse_by_plan(fans(900, 800))
    for number in range(2 * plan._MOST_PLANS):
        plan.fuse_by_plan(rows(number))
    expected = fusion.fuse(fans(901, 801)).text()
    monkeypatch.delattr(fusion, "fuse")
    assert plan.fuse_by_plan(fans(901, 801)).text() == expected


def test_long_texts_of_an_appliance_are_not_kept() -> None:
    def build(text: str) -> list[Reading]:
        return [Reading("xml", {"status/build": {(): text}})]

    for number in range(3):
        plan.fuse_by_plan(build(f"phoebe 1.0-{number}"))
    tracemalloc.start()
    for number in range(100):
        plain, planned = both(build(f"phoebe 1.0-{number}" + 100_000 * "x"))
        assert planned == plain
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 1_000_000
