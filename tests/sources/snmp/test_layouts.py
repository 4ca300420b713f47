"""A list with a known layout gives what the reader gives. The reader is the oracle."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.sources.snmp import ber
from exporter.sources.snmp.ber import BerError, Reader, VarBind
from exporter.sources.snmp.layouts import Layouts
from exporter.sources.snmp.mib import SCALARS, Oid
from support.octets import damaged

TAGS = (ber.INTEGER, ber.OCTETS, ber.NULL, ber.OID, *sorted(ber.UNSIGNED), 0x40, 0x44, 0x80, 0x81, 0x82)
OIDS = st.lists(st.integers(0, 2**32 - 1), max_size=20).map(lambda numbers: (1, 3, *numbers))
SHAPES = st.lists(st.tuples(OIDS, st.sampled_from(TAGS), st.integers(0, 10) | st.just(200)), max_size=5)
"""Object, tag and length of the contents of each value."""


def lists(shape: list[tuple[Oid, int, int]]) -> st.SearchStrategy[bytes]:
    """Return lists of variable bindings with this shape."""
    contents = st.tuples(*(st.binary(min_size=length, max_size=length) for _, _, length in shape))
    return contents.map(
        lambda drawn: b"".join(
            ber.encode(ber.SEQUENCE, ber.encode_oid(oid), ber.encode(tag, value))
            for (oid, tag, _), value in zip(shape, drawn, strict=True)
        )
    )


def outcome(read: ber.VarBindsReader, octets: bytes) -> object:
    """Return what is read with the types of the values, or the error."""
    try:
        return [(oid, type(value), value) for oid, value in read(octets)]
    except BerError as error:
        return type(error)


def plainly(octets: bytes) -> list[VarBind]:
    return Reader(octets).varbinds()


@settings(deadline=None)
@given(st.data(), SHAPES)
def test_each_list_is_read_as_by_the_reader(data: st.DataObject, shape: list[tuple[Oid, int, int]]) -> None:
    layouts, alike = Layouts(), lists(shape)
    drawn = [*(data.draw(alike) for _ in range(4)), *(data.draw(damaged(alike)) for _ in range(3) if shape)]
    for octets in drawn:
        assert outcome(layouts.varbinds, octets) == outcome(plainly, octets)


@pytest.mark.parametrize("length", range(1, 10))
@pytest.mark.parametrize("tag", [ber.INTEGER, *sorted(ber.UNSIGNED)])
@pytest.mark.parametrize("first", [0x00, 0x7F, 0x80, 0xFF])
def test_numbers_of_each_length_keep_value_and_type(tag: int, length: int, first: int) -> None:
    layouts = Layouts()
    for octet in (0, 1, first):
        number = ber.encode(tag, bytes([octet]) + bytes(length - 1))
        octets = ber.encode(ber.SEQUENCE, ber.encode_oid((1, 3)), number)
        assert outcome(layouts.varbinds, octets) == outcome(plainly, octets)


def number_list(*numbers: int, tag: int = ber.INTEGER) -> bytes:
    """Return a list of numbers of one octet, each of another object."""
    return b"".join(
        ber.encode(ber.SEQUENCE, ber.encode_oid((1, 3, 6, 1, 4, 1, 15497, 1, at)), ber.encode(tag, bytes([number])))
        for at, number in enumerate(numbers)
    )


KNOWN = number_list(1, 2, 3)


@pytest.mark.parametrize(
    "octets",
    [
        KNOWN[:-1],
        KNOWN + b"\x05",
        number_list(1, 2),
        number_list(1, 2, 3, 4),
        number_list(1, 2, 3, tag=ber.OCTETS),
        number_list(9, 8, 7),
        KNOWN[:-4] + b"\x09" + KNOWN[-3:],
    ],
    ids=["cut", "octet more", "value less", "value more", "other types", "other values", "other object"],
)
def test_a_list_that_begins_like_a_known_one_is_read_as_by_the_reader(octets: bytes) -> None:
    layouts = Layouts()
    for known in (KNOWN, KNOWN, octets, KNOWN, octets):
        assert outcome(layouts.varbinds, known) == outcome(plainly, known)


@pytest.mark.parametrize("length", [1, 3, 60, 100])
def test_a_list_that_came_twice_is_read_by_its_layout(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    layouts, oids = Layouts(), [scalar.oid for scalar in SCALARS[2:]]

    def values(octet: int) -> list[tuple[Oid, bytes]]:
        return [(oid, bytes([octet]) * (length + at % 5)) for at, oid in enumerate(oids)]

    lists = [
        b"".join(
            ber.encode(ber.SEQUENCE, ber.encode_oid(oid), ber.encode(ber.OCTETS, value)) for oid, value in values(octet)
        )
        for octet in (7, 8, 9)
    ]
    for octets in lists[:2]:
        layouts.varbinds(octets)
    monkeypatch.setattr(Reader, "varbinds", lambda reader: pytest.fail("the layout is known"))
    assert layouts.varbinds(lists[2]) == values(9)


def test_an_agent_that_answers_ever_anew_takes_no_memory() -> None:
    layouts = Layouts()
    for number in range(10_000):
        layouts.varbinds(ber.encode(ber.SEQUENCE, ber.encode_oid((1, 3, number)), ber.encode_integer(number)))
    assert len(vars(layouts)["_by_start"]) < 100
