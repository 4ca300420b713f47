"""The SNMP source of an appliance: all objects of `mib` in few and small requests."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from typing import Any, Final

from exporter.config import Appliance, CommunityAuth, UserAuth
from exporter.config.values import is_ip_address
from exporter.errors import MalformedError, SourceError, SourceTimeout, TooLargeError
from exporter.metrics.reading import Reading, Row, label_value, name_rows
from exporter.sources.snmp.ber import SnmpValue, Unsigned
from exporter.sources.snmp.messages import Codec, CommunityCodec
from exporter.sources.snmp.mib import MAIL_OBJECTS, SCALARS, TABLES, Object, Oid, Syntax, Table, dotted, object_name
from exporter.sources.snmp.retry import RoundTripTime
from exporter.sources.snmp.session import Session
from exporter.sources.snmp.walk import (
    ANSWER_VARBINDS,
    MAX_ROWS,
    ColumnValues,
    TableValues,
    add_missing,
    bulk_walk,
    bulk_walk_together,
    get,
    next_walk,
)
from exporter.telemetry import Telemetry

_STRING_OCTETS: Final = 255
"""The longest DisplayString (RFC 2579)."""

_PADDING: Final = b"\x00\xff"
"""Octets that some agents append to a DisplayString."""

_BULK_TRIES: Final = 5
"""After so many unanswered tries a table is walked by GETNEXT: some appliances do not answer GETBULK of raidTable.

There are more tries if other requests lose packets too. A table that GETBULK has read before is not walked by GETNEXT.
"""

_BULK_FAILURES: Final = 3
"""After GETBULK of a table has failed in so many polls in a row, nothing is expected of it any longer.

If GETNEXT brings the table, the next polls use it from the start.
"""

_BULK_RETRY: Final = 3600.0
"""Seconds until GETBULK is tried again: packets may have been lost by chance, or AsyncOS may have been upgraded."""

_NAMED_FAULTS: Final = 3
"""So many objects are named in an error."""

_SCALARS: Final = {scalar.oid: scalar for scalar in SCALARS}

_NAMES: Final = [each.name for each in (*SCALARS, *(column for table in TABLES for column in table.columns))]
"""The order of the items of a complete poll: that in which the tables arrive would be a new layout each time."""


class SnmpSource:
    """Polls one appliance's SNMP agent.

    It keeps what it learns of the agent: round-trip times, the SNMPv3 engine, the number of rows of each table, and
    which tables need GETNEXT. This makes later polls cheaper; a restart of the exporter loses nothing else.

    The first poll asks for each table by itself. Later ones ask for several at once, as far as the rows of the last
    poll have room in one answer. Tables for which that fails are asked for by themselves again.
    """

    def __init__(self, appliance: Appliance, telemetry: Telemetry) -> None:
        assert appliance.credentials.snmp is not None  # noqa: S101 - made only for appliances that have it
        self._appliance = appliance
        self._telemetry = telemetry
        self._codec = _codec(appliance.credentials.snmp)
        self._round_trip = RoundTripTime()
        self._rows: dict[str, int] = {}
        self._bulk_reads: set[str] = set()
        self._bulk_failures: Counter[str] = Counter()
        self._next_until: dict[str, float] = {}
        self._alone_until: dict[str, float] = {}
        self._answered = False

    async def poll(self, reading: Reading) -> None:
        """Fill `reading` as answers arrive, and record in it what fails.

        It is no return value because a probe that reaches its deadline exports what has arrived so far.
        """
        try:
            async with self.session(reading) as session:
                await self._poll_scalars(session, reading)
                self._answered = True
                await asyncio.gather(*(self._poll_tables(session, tables, reading) for tables in self._groups()))
                reading.items = {name: reading.items[name] for name in _NAMES if name in reading.items}
        except SourceError as error:
            reading.errors.append(error)

    def session(self, reading: Reading) -> AbstractAsyncContextManager[Session]:
        """Open a session with the agent; it raises `SourceError`. `reading` gets the requests and notes."""
        settings = self._appliance.snmp
        return Session.open(
            self._appliance.address,
            settings.port,
            self._codec,
            self._round_trip,
            reading,
            self._telemetry,
            settings.accept_from,
            rule=self._appliance.beyond_list,
        )

    def timed_out(self, reading: Reading) -> SourceTimeout:
        address = self._appliance.address
        agent = f"{address} UDP port {self._appliance.snmp.port}"
        if reading.up:
            return SourceTimeout(f"The SNMP agent at {agent} answered only in part, after {reading.requests} packets.")
        if reading.requests:
            restarting = "it answered before, so it may be down, restarting or too busy"
            hint = restarting if self._answered else self._codec.silence_hint
            return SourceTimeout(f"No usable answer from {agent} to {reading.requests} packets: {hint}.")
        if is_ip_address(address):
            return SourceTimeout(f"No request was sent to {agent} in time: check the load of the exporter's machine.")
        return SourceTimeout(f"The name {address} was not resolved in time: check the DNS.")

    async def close(self) -> None:
        """Do nothing: no connection stays open between polls."""

    async def _poll_scalars(self, session: Session, reading: Reading) -> None:
        values = await get(session, list(_SCALARS))
        for oid, value in values.found.items():
            if _record(reading, _SCALARS[oid], value) and oid[: len(MAIL_OBJECTS)] == MAIL_OBJECTS:
                reading.up = True
        reading.errors.extend(_wrong_answers(values.faults))
        if not (reading.up or reading.errors):
            raise MalformedError(
                "The SNMP agent answers but has none of the objects of ASYNCOS-MAIL-MIB: check that this is an email "
                "appliance, and that the community or user may read below 1.3.6.1.4.1.15497."
            )

    def _groups(self) -> Sequence[Sequence[Table]]:
        return _grouped(tuple((self._asked_rows(table), self._may_share(table)) for table in TABLES))

    def _may_share(self, table: Table) -> bool:
        """Whether GETBULK has read the whole table in the last poll, and there is no failure to remember."""
        name = table.name
        is_read = name in self._bulk_reads and not self._bulk_failures[name]
        is_whole = self._rows.get(name, MAX_ROWS) < self._appliance.snmp.max_repetitions
        return is_read and is_whole and time.monotonic() >= self._alone_until.get(name, 0.0)

    def _asked_rows(self, table: Table) -> int:
        """Return how many rows to ask for: one more than last time, which shows that the table has ended."""
        limit = self._appliance.snmp.max_repetitions
        return min(limit, self._rows.get(table.name, limit) + 1)

    async def _poll_tables(self, session: Session, tables: Sequence[Table], reading: Reading) -> None:
        walked = await self._walk_together(session, tables, reading) if len(tables) > 1 else {}
        for table in tables:
            await self._poll_table(session, table, reading, walked.get(table.name))

    async def _walk_together(
        self, session: Session, tables: Sequence[Table], reading: Reading
    ) -> dict[str, TableValues]:
        """Return the tables that requests for all of them bring; the others are asked for alone for a while."""
        alone_until = time.monotonic() + _BULK_RETRY
        self._alone_until |= {table.name: alone_until for table in tables}  # until it succeeds: the poll may end before
        columns = [table.oids for table in tables]
        try:
            walked = await bulk_walk_together(session, columns, self._asked_rows(tables[0]), _BULK_TRIES)
        except SourceError as error:
            reading.notes.append(f"GETBULK of several tables failed, trying one by one: {error}")
            return {}
        read = {table.name: values for table, values in zip(tables, walked, strict=True) if values.fault is None}
        for name in read:
            del self._alone_until[name]
        return read

    async def _poll_table(
        self, session: Session, table: Table, reading: Reading, walked: TableValues | None = None
    ) -> None:
        """Record a table, and walk it before that unless it is `walked` already."""
        columns = table.oids
        try:
            walked = walked or await self._walk(session, table, reading)
        except SourceError as error:
            reading.errors.append(error.within(table.name))
            return
        instances = walked.instances
        self._rows[table.name] = min(len(instances), MAX_ROWS)
        try:
            faults = await add_missing(session, columns, walked)
            if faults or walked.fault or len(instances) > MAX_ROWS:
                found = _table_faults(walked, len(instances), faults)
                reading.errors.extend(error.within(table.name) for error in found)
        except SourceError as error:
            reading.errors.append(error.within(table.name))
        finally:
            _record_table(reading, table, instances[:MAX_ROWS], walked.columns)  # also if the deadline ends the poll

    async def _walk(self, session: Session, wanted: Table, reading: Reading) -> TableValues:
        """Walk the columns of a table, the label first: by GETBULK, or by GETNEXT if GETBULK fails."""
        table, columns = wanted.name, wanted.oids
        if time.monotonic() < self._next_until.get(table, 0.0):
            return await next_walk(session, columns)
        failures = self._bulk_failures[table]
        self._bulk_failures[table] += 1  # until it succeeds: the poll may end before
        tries = None if table in self._bulk_reads and failures < _BULK_FAILURES else _BULK_TRIES
        try:
            result = await bulk_walk(session, columns, self._asked_rows(wanted), tries)
            cause = result.fault
        except SourceTimeout as error:
            cause = str(error)
        if cause is None:
            self._bulk_failures[table] = 0
            self._bulk_reads.add(table)
            return result
        reading.notes.append(f"{table}: GETBULK failed, trying GETNEXT: {cause}")
        result = await next_walk(session, columns)
        if failures + 1 >= _BULK_FAILURES:
            self._next_until[table] = time.monotonic() + _BULK_RETRY
        return result


def _codec(auth: CommunityAuth | UserAuth) -> Codec:
    if isinstance(auth, CommunityAuth):
        return CommunityCodec(auth.community.get_secret_value().encode())
    from exporter.sources.snmp.usm import UsmCodec  # only SNMPv3 needs pysnmp and cryptography, which take 11 MB

    return UsmCodec(auth)


@lru_cache(maxsize=256)  # appliances with as many rows have the same
def _grouped(asked: tuple[tuple[int, bool], ...]) -> Sequence[Sequence[Table]]:
    """Return the tables; those that share requests are together, the one with the most rows first.

    For each table, `asked` has the rows to ask for and whether it may share requests.
    """
    groups: list[list[Table]] = []
    by_rows = sorted(zip(asked, TABLES, strict=True), key=lambda each: each[0][0], reverse=True)
    room: dict[int, int] = {}
    """By the index of each group that tables may share, how many columns have room in one answer."""
    for (rows, may_share), table in by_rows:
        columns = len(table.oids)
        index = next((index for index in room if may_share and columns <= room[index]), len(groups))
        if index == len(groups):
            groups.append([])
            if may_share:
                room[index] = ANSWER_VARBINDS // rows
        groups[index].append(table)
        if may_share:
            room[index] -= columns
    return groups


def _table_faults(walked: TableValues, rows: int, faults: Mapping[Oid, str]) -> Iterator[SourceError]:
    if rows > MAX_ROWS:
        yield TooLargeError(f"The table has more than {MAX_ROWS} rows: only the first {MAX_ROWS} are exported.")
    if walked.fault:
        yield MalformedError(
            f"Rows may be missing, because the SNMP agent answers with {walked.fault}: restart its SNMP service with "
            "snmpconfig, or report it to the vendor."
        )
    yield from _wrong_answers(faults)


def _wrong_answers(faults: Mapping[Oid, str]) -> Iterator[MalformedError]:
    """Yield an error for objects that got something else than a value."""
    if faults:
        named = [f"{object_name(oid)} but {fault}" for oid, fault in faults.items()][:_NAMED_FAULTS]
        more = f", and none for {len(faults) - len(named)} more objects" if len(faults) > len(named) else ""
        yield MalformedError(
            f"The SNMP agent gave no value for {', for '.join(named)}{more}: it is too busy, or something answers "
            "there that is not AsyncOS; check the address and snmp.port."
        )


def _record_table(reading: Reading, table: Table, instances: Sequence[Oid], columns: Sequence[ColumnValues]) -> None:
    """Record the values of a table, whose first column has the labels; each row has the name that its label gives."""
    labels, *columns = columns
    rows = _rows(tuple(instances), tuple(map(labels.get, instances)))
    for column, values in zip(table.columns, columns, strict=True):
        _record_column(reading, column, values, rows)
    for instance, label in labels.items():
        if not isinstance(label, bytes) and instance in rows:
            reading.unreadable[table.label.name, rows[instance]] = _shown(label)


def _record_column(reading: Reading, column: Object, values: ColumnValues, rows: Mapping[Oid, Row]) -> None:
    """Record the values of a column, at once if each row has a number."""
    found: Collection[Any] = values.values()
    are_numbers = column.syntax is not Syntax.STRING and set(map(type, found)) <= {int, Unsigned}
    if are_numbers and values and tuple(values) == tuple(rows):  # nearly always
        reading.items[column.name] = dict(zip(rows.values(), map(int, found), strict=True))
        return
    for instance, row in rows.items():
        if instance in values:
            _record(reading, column, values[instance], row)


@lru_cache(maxsize=512)  # the rows of a table are the same in each poll; a row's label has at most 255 characters
def _rows(instances: tuple[Oid, ...], labels: tuple[SnmpValue | None, ...]) -> Mapping[Oid, Row]:
    """Return the row of each instance, given their labels."""
    texts = ("" if label is None else _text(label) for label in labels)
    names = name_rows(zip(map(dotted, instances), texts, strict=True))
    return {instance: (names[dotted(instance)],) for instance in instances}


def _record(reading: Reading, source: Object, value: SnmpValue, row: Row = ()) -> bool:
    """Record a value as an item, or as unreadable if it has another type than the MIB says; True if it is an item."""
    if source.reused and isinstance(value, Unsigned):
        return False  # another object of an older revision of the MIB
    if source.syntax is Syntax.STRING and isinstance(value, bytes):
        reading.set(source.name, _text(value), row)
    elif source.syntax is not Syntax.STRING and isinstance(value, int):
        reading.set(source.name, int(value), row)
    else:
        reading.unreadable[source.name, row] = _shown(value)
        return False
    return True


def _shown(value: SnmpValue) -> str:
    """Return the text of a value of a wrong type for the debug output."""
    return label_value(_text(value) if isinstance(value, bytes) else str(value))


def _text(value: SnmpValue) -> str:
    """Return the text of a DisplayString, which is UTF-8 or, as on the status page, ISO-8859-1; "" for another type."""
    return _decoded(value[:_STRING_OCTETS]) if isinstance(value, bytes) else ""


@lru_cache(maxsize=2048)  # nearly all are names of rows, which stay the same
def _decoded(octets: bytes) -> str:
    octets = octets.rstrip(_PADDING)
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("iso-8859-1")
