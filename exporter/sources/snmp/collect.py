"""The SNMP source of an appliance: every object of the MIB that the catalogue uses, in few and small requests."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Final

from exporter.config import Appliance, CommunityAuth, UserAuth
from exporter.errors import MalformedError, SourceError, SourceTimeout
from exporter.metrics.reading import Reading, Row, name_rows
from exporter.sources.snmp.ber import SnmpValue, Unsigned
from exporter.sources.snmp.messages import Codec, CommunityCodec
from exporter.sources.snmp.mib import MAIL_OBJECTS, SCALARS, TABLES, Object, Syntax, Table, dotted
from exporter.sources.snmp.retry import RoundTripTime
from exporter.sources.snmp.session import Session
from exporter.sources.snmp.usm import UsmCodec
from exporter.sources.snmp.walk import Column, bulk_walk, get, next_walk
from exporter.telemetry import Telemetry

_STRING_OCTETS: Final = 255
"""Octets of a DisplayString at most (RFC 2579)."""

_BULK_TRIES: Final = 5
"""Unanswered tries after which a table is walked by GETNEXT: some devices fail on GETBULK of the RAID table."""

_BULK_FAILURES: Final = 3
"""Polls in a row in which GETBULK of a table fails before the table is walked by GETNEXT from the start."""

_BULK_AGAIN: Final = 3600.0
"""Time in seconds after which GETBULK is tried again: it may have been a run of lost packets, or an upgrade."""


class SnmpSource:
    """Polls one appliance's SNMP agent, and keeps what is learned of the agent from poll to poll.

    That is its round trips, its SNMPv3 engine, how many rows its tables have and which tables need GETNEXT; it only
    makes polls cheaper, so that a restart misses nothing.
    """

    def __init__(self, appliance: Appliance, telemetry: Telemetry) -> None:
        assert appliance.credentials.snmp is not None  # noqa: S101 - made only for appliances that have it
        self._appliance = appliance
        self._telemetry = telemetry
        self._codec = _codec(appliance.credentials.snmp)
        self._round_trip = RoundTripTime()
        self._rows: dict[str, int] = {}
        self._bulk_failures: Counter[str] = Counter()
        self._next_until: dict[str, float] = {}
        self._answered = False

    async def poll(self, reading: Reading) -> None:
        """Fill `reading` as answers arrive; what fails is recorded there."""
        settings = self._appliance.snmp
        try:
            async with Session.open(
                self._appliance.address, settings.port, self._codec, self._round_trip, reading, self._telemetry
            ) as session:
                await self._poll_scalars(session, reading)
                self._answered = True
                await asyncio.gather(*(self._poll_table(session, table, reading) for table in TABLES))
        except SourceError as error:
            reading.errors.append(error)

    def timed_out(self, reading: Reading) -> SourceTimeout:
        """Return what to say of a poll that did not end in time."""
        agent = f"{self._appliance.address} UDP port {self._appliance.snmp.port}"
        if reading.up:
            return SourceTimeout(f"The SNMP agent at {agent} answered only in part, after {reading.requests} packets.")
        if not reading.requests:
            return SourceTimeout(f"The name {self._appliance.address} was not resolved in time; check the DNS.")
        if self._answered:
            hint = "it answered before, so it may be down, restarting or too busy"
        elif isinstance(self._codec, UsmCodec) and self._codec.discovered:
            hint = "it is known by its engine, so the passphrase or protocol under priv may be wrong, or it is busy"
        elif isinstance(self._codec, UsmCodec):
            hint = "check that SNMP is enabled there and that no firewall is in between"
        else:
            hint = "check that SNMP v2c is enabled there, the community (a wrong one gets no answer) and the firewall"
        return SourceTimeout(f"No usable answer from {agent} to {reading.requests} packets: {hint}.")

    async def close(self) -> None:
        """Nothing stays open between polls."""

    async def _poll_scalars(self, session: Session, reading: Reading) -> None:
        objects = {scalar.oid: scalar for scalar in SCALARS}
        for oid, value in await get(session, list(objects)):
            if self._set(reading, objects[oid], value) and oid[: len(MAIL_OBJECTS)] == MAIL_OBJECTS:
                reading.up = True
        if not reading.up:
            raise MalformedError(
                "The SNMP agent answers but shows none of the objects of ASYNCOS-MAIL-MIB; check that this is an email "
                "appliance and that the community or user may read below 1.3.6.1.4.1.15497."
            )

    async def _poll_table(self, session: Session, table: Table, reading: Reading) -> None:
        try:
            columns = await self._walk(session, table, reading)
        except SourceError as error:
            reading.errors.append(error.within(table.name))
            return
        labels, *values = columns
        instances = sorted(set().union(*columns))
        self._rows[table.name] = len(instances)
        names = name_rows((dotted(instance), _text(labels.get(instance, b""))) for instance in instances)
        for column, by_instance in zip(table.columns, values, strict=True):
            for instance, value in by_instance.items():
                self._set(reading, column, value, (names[dotted(instance)],))

    async def _walk(self, session: Session, table: Table, reading: Reading) -> list[Column]:
        """Walk a table's label and value columns, by GETBULK where it works."""
        columns = [table.label.oid, *(column.oid for column in table.columns)]
        if time.monotonic() < self._next_until.get(table.name, 0.0):
            return await next_walk(session, columns)
        most = self._appliance.snmp.max_repetitions
        try:
            result = await bulk_walk(session, columns, min(most, self._rows.get(table.name, most) + 1), _BULK_TRIES)
        except (SourceTimeout, MalformedError) as error:
            reading.notes.append(f"{table.name}: GETBULK failed, trying GETNEXT: {error}")
        else:
            self._bulk_failures[table.name] = 0
            return result
        result = await next_walk(session, columns)
        self._bulk_failures[table.name] += 1
        if self._bulk_failures[table.name] >= _BULK_FAILURES:
            self._next_until[table.name] = time.monotonic() + _BULK_AGAIN
        return result

    def _set(self, reading: Reading, source: Object, value: SnmpValue, row: Row = ()) -> bool:
        """Record a value of the type that the MIB gives it; count one of another type."""
        if source.reused and isinstance(value, Unsigned):
            return False  # another object of an older revision
        if source.syntax is Syntax.STRING and isinstance(value, bytes):
            reading.set(source.name, _text(value), row)
        elif source.syntax is not Syntax.STRING and isinstance(value, int):
            reading.set(source.name, int(value), row)
        else:
            self._telemetry.unknown_values.labels(source.name).inc()
            return False
        return True


def _codec(auth: CommunityAuth | UserAuth) -> Codec:
    if isinstance(auth, CommunityAuth):
        return CommunityCodec(auth.community.get_secret_value().encode())
    return UsmCodec(auth)


def _text(value: SnmpValue) -> str:
    """Return a DisplayString; what is not UTF-8 is read as ISO-8859-1, like the status page."""
    octets = value[:_STRING_OCTETS] if isinstance(value, bytes) else b""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("iso-8859-1")
