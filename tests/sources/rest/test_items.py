from __future__ import annotations

from collections.abc import Callable

import pytest

from exporter.errors import MalformedError
from exporter.metrics.reading import Reading
from exporter.sources.rest import items
from exporter.sources.rest.answers import JsonValue, answer_data
from support import rest_pages

Read = Callable[[JsonValue, Reading], None]


def read(reader: Read, body: bytes) -> Reading:
    reading = Reading("rest")
    reader(answer_data(body), reading)
    return reading


def test_every_value_of_the_system_status_is_an_item() -> None:
    reading = read(items.read_system_status, rest_pages.system_status())
    assert reading.up
    assert reading.items["gauges/overall_cpu_load"] == {(): "21%"}
    assert reading.items["gauges/msgs_in_work_queue"] == {(): 46}
    assert reading.items["counters/messages_received_uptime"] == {(): 6_037_437}
    assert reading.items["mail_system_status/oldest_message"] == {(): "72:36:30"}
    assert reading.items["version_details/raid_status"] == {(): "N/A"}


def test_the_rates_are_not_read() -> None:
    """It is not known whether they are per minute or per hour."""
    assert not any("rate" in item for item in read(items.read_system_status, rest_pages.system_status()).items)


def test_every_value_of_the_health_is_an_item() -> None:
    reading = read(items.read_health, rest_pages.health())
    assert reading.up
    assert reading.items["health/percentage_swap_utilization"] == {(): 1.5}
    assert len(reading.items) == 8


@pytest.mark.parametrize("part", ["gauges", "counters", "mail_system_status", "version_details"])
@pytest.mark.parametrize("instead", [[], {}, None, "none", [7]], ids=repr)
def test_a_part_that_is_missing_does_not_hide_the_others(part: str, instead: JsonValue) -> None:
    result = answer_data(rest_pages.system_status())
    assert isinstance(result, dict)
    assert isinstance(result["resultSet"], dict)
    result["resultSet"][part] = instead
    reading = Reading("rest")
    with pytest.raises(MalformedError, match=f"has no {part}: "):
        items.read_system_status(result, reading)
    assert reading.up
    assert {item.partition("/")[0] for item in reading.items} == set(items.STATUS_PARTS) - {part}


def test_a_part_may_be_an_object_itself() -> None:
    parts = {part: {"a": 1} for part in items.STATUS_PARTS}
    reading = read(items.read_system_status, rest_pages.answer({"resultSet": parts}))
    assert reading.items == {f"{part}/a": {(): 1} for part in items.STATUS_PARTS}


SHAPES: dict[str, tuple[Read, object, str]] = {
    "status: no result set": (items.read_system_status, {"status": 1}, "data have no resultSet"),
    "status: a list": (items.read_system_status, [1], "data have no resultSet"),
    "status: empty": (items.read_system_status, {"resultSet": {}}, "result set is empty"),
    "status: null": (items.read_system_status, {"resultSet": None}, "result set is empty"),
    "status: a list of parts": (items.read_system_status, {"resultSet": [1]}, "resultSet is no object"),
    "status: no part": (items.read_system_status, {"resultSet": {"other": 1}}, "has no gauges and no counters"),
    "health: a list": (items.read_health, [1], "data are no object"),
    "health: empty": (items.read_health, {}, "is empty"),
}


@pytest.mark.parametrize(("reader", "data", "words"), SHAPES.values(), ids=SHAPES)
def test_another_form_is_an_error(reader: Read, data: object, words: str) -> None:
    reading = Reading("rest")
    with pytest.raises(MalformedError, match=words):
        reader(answer_data(rest_pages.answer(data)), reading)
    assert not reading.up
    assert not reading.items


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (None, "null"), ([1], "a list"), ({"a": 1}, "an object")], ids=repr
)
def test_what_is_neither_number_nor_text_is_unreadable(value: object, text: str) -> None:
    """`true` is no 1, although Python takes it for one."""
    reading = read(items.read_health, rest_pages.health({"percentage_diskio": value}))
    assert reading.unreadable == {("health/percentage_diskio", ()): text}
    assert "health/percentage_diskio" not in reading.items
