from __future__ import annotations

import json
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import SchemaValidator

from exporter.errors import MalformedError, SourceError
from exporter.metrics.fusion import fuse
from exporter.metrics.reading import Reading
from exporter.sources.destinations import DestinationChoice
from exporter.sources.rest import answers, items
from exporter.sources.rest.answers import JsonValue, answer_data
from support import rest_pages

Read = Callable[[JsonValue, Reading], None]


read_destinations: Read = partial(
    items.read_delivery_status, choice=DestinationChoice({"clients": ["*.example.edu"]}, 1)
)


def read(reader: Read, body: bytes) -> Reading:
    reading = Reading("rest")
    reader(answer_data(body), reading)
    return reading


def test_the_values_of_the_system_status_are_items() -> None:
    reading = read(items.read_system_status, rest_pages.system_status())
    assert reading.up
    assert reading.items["gauges/overall_cpu_load"] == {(): "21%"}
    assert reading.items["gauges/msgs_in_work_queue"] == {(): 46}
    assert reading.items["counters/messages_received_uptime"] == {(): 6_037_437}
    assert reading.items["mail_system_status/oldest_message"] == {(): "72:36:30"}
    assert "version_details/raid_status" not in reading.items  # no metric uses it


def test_the_rates_are_not_read() -> None:
    """It is not known whether they are per minute or per hour."""
    assert not any("rate" in item for item in read(items.read_system_status, rest_pages.system_status()).items)


def test_the_values_of_the_health_are_items() -> None:
    reading = read(items.read_health, rest_pages.health())
    assert reading.up
    assert reading.items["health/percentage_swap_utilization"] == {(): 1.5}
    assert len(reading.items) == 7


@pytest.mark.parametrize("part", ["gauges", "counters", "mail_system_status", "version_details"])
@pytest.mark.parametrize("instead", [[], {}, None, "none", [7], [{"a": 1}]], ids=repr)
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
    usual = answer_data(rest_pages.system_status())
    assert isinstance(usual, dict)
    assert isinstance(usual["resultSet"], dict)
    parts = {part: values[0] for part, values in usual["resultSet"].items() if isinstance(values, list)}
    reading = read(items.read_system_status, rest_pages.answer({"resultSet": parts}))
    assert reading.items == read(items.read_system_status, rest_pages.system_status()).items


SHAPES: dict[str, tuple[Read, object, str]] = {
    "status: no result set": (items.read_system_status, {"status": 1}, "data have no resultSet"),
    "status: a list": (items.read_system_status, [1], "data have no resultSet"),
    "status: empty": (items.read_system_status, {"resultSet": {}}, "result set is empty"),
    "status: null": (items.read_system_status, {"resultSet": None}, "result set is empty"),
    "status: a list of parts": (items.read_system_status, {"resultSet": [1]}, "resultSet is no object"),
    "status: no part": (items.read_system_status, {"resultSet": {"other": 1}}, "has no gauges and no counters"),
    "health: a list": (items.read_health, [1], "data are no object"),
    "destinations: an object": (read_destinations, {"resultSet": {"a": 1}}, "resultSet is no list"),
    "destinations: empty": (read_destinations, {"resultSet": {}}, "result set is empty"),
    "destinations: numbers": (read_destinations, {"resultSet": [1]}, "nothing in its list has a destination_domain"),
    "health: empty": (items.read_health, {}, "data have no known value"),
    "health: other values": (items.read_health, {"percentage": 1}, "data have no known value"),
}


@pytest.mark.parametrize(("reader", "data", "words"), SHAPES.values(), ids=SHAPES)
def test_another_form_is_an_error(reader: Read, data: object, words: str) -> None:
    reading = Reading("rest")
    with pytest.raises(MalformedError, match=words):
        reader(answer_data(rest_pages.answer(data)), reading)
    assert not reading.up
    assert not reading.items


@pytest.mark.parametrize("value", [True, None, [1], {"a": 1}], ids=repr)
def test_what_is_neither_number_nor_text_is_unreadable(value: object) -> None:
    """`true` is no 1, although Python takes it for one."""
    reading = read(items.read_health, rest_pages.health({"percentage_diskio": value}))
    assert fuse([reading]).unreadable == {"rest": {("health/percentage_diskio", ()): ""}}


def test_destinations_are_rows_by_domain_and_class() -> None:
    reading = read(read_destinations, rest_pages.delivery_status())
    gmail, uni, other = ("gmail.example", ""), ("uni-a.example.edu", "clients"), ("other", "")
    assert reading.items["delivery_status/active_recipients"] == {gmail: 41, uni: 3, other: 0}
    assert reading.items["delivery_status/hard_bounces"] == {gmail: 42, uni: 1}
    assert reading.items["delivery_status/latest_host_status"] == {gmail: "Active", uni: "Active"}
    assert reading.notes == ["3 destinations are listed"]
    assert not reading.up  # destinations alone do not say how the appliance is


def test_an_appliance_without_destinations_has_no_rows() -> None:
    reading = read(read_destinations, rest_pages.delivery_status([]))
    assert (reading.items, reading.notes) == ({}, ["0 destinations are listed"])


def test_an_odd_row_does_not_hide_the_others() -> None:
    rows: list[object] = [{"destination_domain": "a.example", "active_recipients": 5}, 7, {"active_recipients": 5}]
    reading = Reading("rest")
    with pytest.raises(MalformedError, match="2 of 3 in the list have no destination_domain"):
        read_destinations(answer_data(rest_pages.answer({"resultSet": rows})), reading)
    assert reading.items["delivery_status/active_recipients"] == {("a.example", ""): 5, ("other", ""): 0}


@pytest.mark.parametrize(
    ("row", "figure"),
    [
        ({"active_recipients": None}, "active_recipients"),
        ({"connections_out": "N/A"}, "connections_out"),
        ({"hard_bounces": True}, "hard_bounces"),
        ({"latest_host_status": None}, "latest_host_status"),
    ],
)
def test_a_figure_of_a_destination_that_cannot_be_read_is_unreadable(row: dict[str, object], figure: str) -> None:
    named = {"destination_domain": "a.example", "soft_bounces": 1, **row}
    reading = read(read_destinations, rest_pages.answer({"resultSet": [named]}))
    (place,) = fuse([reading]).unreadable["rest"]
    assert place == (f"delivery_status/{figure}", ("a.example", ""))


ODD: list[object] = ["12", True, 7.0, None, -1, 1.5, "N/A", [1], {"a": 1}, 2**70]
ODD_VALUES = st.sampled_from(ODD)
DOMAINS = st.sampled_from(["a.example", "B.example", "c.example.edu", "\u00e9.example", '"{', "other", ""])
DESTINATIONS = st.fixed_dictionaries(
    {
        "destination_domain": DOMAINS,
        "latest_host_status": st.sampled_from(["Active", "Down"]),
        **{name: st.integers(0, 2**40) for name in items.FIGURES.numbers},
    },
    optional={"further": ODD_VALUES},
)
ODD_DESTINATIONS = st.one_of(
    st.builds(
        lambda row, name, value: row | {name: value}, DESTINATIONS, st.sampled_from(items.FIGURES.numbers), ODD_VALUES
    ),
    st.builds(
        lambda row, name: {key: row[key] for key in row if key != name},
        DESTINATIONS,
        st.sampled_from([*items.FIGURES.numbers, "destination_domain"]),
    ),
    ODD_VALUES,
)
LISTS = st.one_of(
    st.lists(DESTINATIONS, max_size=30),
    st.lists(DESTINATIONS | ODD_DESTINATIONS, max_size=30),
    st.builds(lambda rows, odd: [*rows, odd], st.lists(DESTINATIONS, max_size=2), ODD_DESTINATIONS),
)
WRITTEN = st.builds(
    lambda rows, indent, more, ascii_only: json.dumps(
        {"data": {"resultSet": rows, **more}} | more, indent=indent, ensure_ascii=ascii_only
    ).encode(),
    LISTS,
    st.sampled_from([None, 1]),
    st.sampled_from([{}, {"meta": [1]}]),
    st.booleans(),
)
DAMAGED = st.builds(
    lambda body, place, octets: body[: place % len(body)] + octets + body[place % len(body) + 1 :],
    WRITTEN,
    st.integers(0),
    st.sampled_from([b"", b"}", b"1", b'"', b"\xff", b"\\ud800"]),
)


def outcome(body: bytes, known_form: SchemaValidator | None) -> tuple[object, ...]:
    reading = Reading("rest")
    try:
        read_destinations(answer_data(body, known_form), reading)
    except SourceError as error:
        return reading.items, reading.notes, type(error), str(error)
    return reading.items, reading.notes


@given(WRITTEN | DAMAGED)
def test_a_list_of_the_known_form_reads_as_json_does(body: bytes) -> None:
    assert outcome(body, items.DESTINATIONS_FORM) == outcome(body, None)


@pytest.mark.parametrize("value", ODD, ids=repr)
@pytest.mark.parametrize("name", [*items.FIGURES.numbers, *items.FIGURES.texts, "destination_domain", "further"])
def test_a_value_of_another_kind_reads_as_json_does(name: str, value: object) -> None:
    usual: dict[str, object] = {"destination_domain": "c.example.edu", "latest_host_status": "Active"}
    usual |= dict.fromkeys(items.FIGURES.numbers, 7)
    body = rest_pages.answer({"resultSet": [usual | {name: value}]})
    assert outcome(body, items.DESTINATIONS_FORM) == outcome(body, None)


def many_destinations(number: int) -> bytes:
    return rest_pages.delivery_status(
        [(f"d{each}.example{each % 97}.edu", "Active", each % 500, each, 0, 0, each % 5) for each in range(number)]
    )


def read_many(body: bytes) -> Reading:
    reading = Reading("rest")
    choice = DestinationChoice({"clients": ["uni-a.edu", "*.uni-b.edu"]}, 20)
    items.read_delivery_status(answer_data(body, items.DESTINATIONS_FORM), reading, choice)
    return reading


def test_a_usual_list_is_not_read_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(answers, "_decoded")
    assert read_many(many_destinations(100)).notes == ["100 destinations are listed"]


def test_5000_destinations_take_no_call_of_a_function_each() -> None:
    """Calls are counted, because times depend on the machine: of Python's functions, and of those written in C."""
    body, calls, before = many_destinations(5000), Counter[str](), sys.getprofile()
    sys.setprofile(lambda _frame, event, _argument: calls.update([event]))
    try:
        read_many(body)
    finally:
        sys.setprofile(before)
    assert calls["call"] < 500
    assert calls["c_call"] < 8 * 5000


def test_5000_destinations_leave_no_more_memory_than_those_that_are_exported() -> None:
    body = many_destinations(5000)
    read_many(body)
    tracemalloc.start()
    try:
        reading = read_many(body)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(reading.items["delivery_status/active_recipients"]) == 21
    assert kept < len(body) / 4  # most of it is what Python keeps for its next tuples
    assert peak < 4 * len(body)
