"""What a unit's SNMP agent shows at one instant: every instance in lexical order, encoded as a variable binding.

Besides what the exporter reads there is what a walk of a real appliance meets: the rest of the system group that
matters, the index columns that may be read, and raidLastError.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from exporter.lab.simulator.hardware import HEALTHY_DRIVE, TableRow
from exporter.lab.simulator.view import View
from exporter.metrics.conversions import Raw
from exporter.sources.snmp import ber
from exporter.sources.snmp.messages import TOO_BIG
from exporter.sources.snmp.mib import MAIL_OBJECTS, SCALARS, TABLES, Object, Oid, Syntax, Table

_SYS_OBJECT_ID: Final[Oid] = (1, 3, 6, 1, 2, 1, 1, 2, 0)
_SYS_NAME: Final = Object("sysName", (1, 3, 6, 1, 2, 1, 1, 5, 0), Syntax.STRING)
_ASYNC_OS_MAIL: Final[Oid] = (1, 3, 6, 1, 4, 1, 15497, 1, 1)
"""asyncOSMail, which no capture confirms as the sysObjectID of an email appliance."""

_INDICES: Final = {
    table: Object(name, (*MAIL_OBJECTS, number, 1, 1), Syntax.INTEGER)
    for table, name, number in (
        ("powerSupplyTable", "powerSupplyIndex", 8),
        ("keyExpirationTable", "keyExpirationIndex", 12),
        ("updateTable", "updateIndex", 13),
        ("raidTable", "raidIndex", 18),
    )
}
"""Index columns by table; those of the other tables are not accessible."""

_RAID_LAST_ERROR: Final = Object("raidLastError", (*MAIL_OBJECTS, 18, 1, 4), Syntax.STRING)

_TAGS: Final = {
    Syntax.INTEGER: ber.INTEGER,
    Syntax.COUNTER: 0x41,
    Syntax.GAUGE: 0x42,
    Syntax.TICKS: 0x43,
}
_NULL: Final = b"\x05\x00"
_NO_SUCH_OBJECT: Final = b"\x80\x00"
_NO_SUCH_INSTANCE: Final = b"\x81\x00"
_END_OF_MIB_VIEW: Final = b"\x82\x00"
_RESPONSE_TAG: Final = 0xA0 | ber.RESPONSE


class Instances:
    """The instances of an agent, with encoded values. It answers GET, GETNEXT and GETBULK (RFC 3416, section 4.2)."""

    def __init__(self, values: Iterable[tuple[Oid, bytes]]) -> None:
        found = sorted(values)
        self._oids = [oid for oid, _ in found]
        self._varbinds = [_varbind(oid, value) for oid, value in found]
        self._by_oid = dict(zip(self._oids, self._varbinds, strict=True))
        self._objects = _COLUMNS | {oid[:-1] for oid in self._oids}

    def answer(self, pdu: ber.Pdu, room: int) -> bytes:
        """Return the response to a request, with at most `room` octets of variable bindings."""
        oids = asked(pdu)
        if pdu.kind == ber.GETBULK:
            non_repeaters, repetitions = pdu.error_status, pdu.error_index
            bulk = self._bulk(oids[: max(non_repeaters, 0)], oids[max(non_repeaters, 0) :], repetitions)
            return _response(pdu.request_id, 0, 0, _cut(bulk, room))
        varbinds = [self._get(oid) if pdu.kind == ber.GET else self._next(oid)[1] for oid in oids]
        if sum(map(len, varbinds)) > room:
            return _response(pdu.request_id, TOO_BIG, 0, [])
        return _response(pdu.request_id, 0, 0, varbinds)

    def _get(self, oid: Oid) -> bytes:
        if oid in self._by_oid:
            return self._by_oid[oid]
        known = any(oid[:length] in self._objects for length in range(len(oid) + 1))
        return _varbind(oid, _NO_SUCH_INSTANCE if known else _NO_SUCH_OBJECT)

    def _next(self, oid: Oid) -> tuple[Oid, bytes]:
        place = bisect_right(self._oids, oid)
        if place == len(self._oids):
            return oid, _varbind(oid, _END_OF_MIB_VIEW)
        return self._oids[place], self._varbinds[place]

    def _bulk(self, single: Sequence[Oid], repeated: Sequence[Oid], repetitions: int) -> Iterator[bytes]:
        for oid in single:
            yield self._next(oid)[1]
        for _ in range(repetitions):
            following = [self._next(oid) for oid in repeated]
            yield from (varbind for _, varbind in following)
            reached = [oid for oid, _ in following]
            if reached == repeated:
                return  # every column has ended
            repeated = reached


def asked(pdu: ber.Pdu) -> list[Oid]:
    """Return the objects that a request names."""
    return [oid for oid, _ in pdu.varbinds]


def failed(pdu: ber.Pdu, status: int, index: int = 0) -> bytes:
    """Return the response to a request that failed with an error status at an index, 0 for no object of its own."""
    return _response(pdu.request_id, status, index, [_varbind(oid, _NULL) for oid in asked(pdu)])


def encode_number(tag: int, number: int) -> bytes:
    """Encode a whole number with the tag of its type: its octets are those of an INTEGER."""
    return ber.encode(tag, ber.encode_integer(number)[2:])


def instance_values(view: View, unit: str) -> Iterator[tuple[Oid, bytes]]:
    """Yield each instance with its encoded value, in no order."""
    yield _SYS_OBJECT_ID, ber.encode_oid(_ASYNC_OS_MAIL)
    yield _SYS_NAME.oid, _value(_SYS_NAME, unit)
    scalars = view.snmp_scalars(unit)
    for scalar in SCALARS:
        if scalar.name in scalars:
            yield scalar.oid, _value(scalar, scalars[scalar.name])
    tables = view.snmp_tables(unit)
    for table in TABLES:
        for index, row in enumerate(tables[table.name], 1):
            yield from (((*column.oid, index), _value(column, raw)) for column, raw in _cells(table, row, index))


def _cells(table: Table, row: TableRow, index: int) -> Iterator[tuple[Object, Raw]]:
    for column in (table.label, *table.columns):
        yield column, row[column.name]
    if table.name in _INDICES:
        yield _INDICES[table.name], index
    if table.name == "raidTable":
        yield _RAID_LAST_ERROR, "No Errors" if row["raidStatus"] == HEALTHY_DRIVE else "Drive failed"


_COLUMNS: Final = {
    *(column.oid for table in TABLES for column in (table.label, *table.columns)),
    *(index.oid for index in _INDICES.values()),
    _RAID_LAST_ERROR.oid,
}
"""Columns, which exist also while a table has no rows."""


def _value(source: Object, raw: Raw) -> bytes:
    if source.syntax is Syntax.STRING:
        return ber.encode(ber.OCTETS, str(raw).encode())
    return encode_number(_TAGS[source.syntax], int(raw))


def _varbind(oid: Oid, value: bytes) -> bytes:
    return ber.encode(ber.SEQUENCE, ber.encode_oid(oid), value)


def _cut(varbinds: Iterable[bytes], room: int) -> Iterator[bytes]:
    """Yield the first variable bindings, as many as `room` octets hold."""
    for varbind in varbinds:
        room -= len(varbind)
        if room < 0:
            return
        yield varbind


def _response(request_id: int, status: int, index: int, varbinds: Iterable[bytes]) -> bytes:
    return ber.encode(
        _RESPONSE_TAG,
        *(ber.encode_integer(number) for number in (request_id, status, index)),
        ber.encode(ber.SEQUENCE, *varbinds),
    )
