"""The objects of ASYNCOS-MAIL-MIB, and two of SNMPv2-MIB, that the exporter reads.

Object identifiers, types and tables are those of the MIB's revision of 2011-03-07; `fipsMode` was added in 2012.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final

Oid = tuple[int, ...]


def dotted(oid: Oid) -> str:
    """Return an object identifier as text, such as 1.3.6.1."""
    return ".".join(map(str, oid))


MAIL_OBJECTS: Final[Oid] = (1, 3, 6, 1, 4, 1, 15497, 1, 1, 1)
"""asyncOSMailObjects: all objects of AsyncOS for email are below it."""


class Syntax(Enum):
    """The SMIv2 type of an object."""

    INTEGER = "Integer32"
    GAUGE = "Gauge32"
    COUNTER = "Counter32"
    TICKS = "TimeTicks"
    STRING = "DisplayString"


@dataclass(frozen=True, slots=True)
class Object:
    """A scalar, whose OID ends in .0, or a column of a table, whose OID is followed by the row."""

    name: str
    oid: Oid
    syntax: Syntax
    reused: bool = False
    """Whether an older revision of the MIB has an unsigned object with this OID. Its values are left out."""


@dataclass(frozen=True)
class Table:
    """A table: the column `label` names the rows, and `columns` have the values."""

    name: str
    label: Object
    columns: tuple[Object, ...]

    @cached_property
    def oids(self) -> tuple[Oid, ...]:
        """The columns to read, the label first."""
        return (self.label.oid, *(column.oid for column in self.columns))


def _scalar(number: int, name: str, syntax: Syntax, *, reused: bool = False) -> Object:
    return Object(name, (*MAIL_OBJECTS, number, 0), syntax, reused)


def _column(table: int, number: int, name: str, syntax: Syntax) -> Object:
    return Object(name, (*MAIL_OBJECTS, table, 1, number), syntax)


SCALARS: Final = (
    Object("sysDescr", (1, 3, 6, 1, 2, 1, 1, 1, 0), Syntax.STRING),
    Object("sysUpTime", (1, 3, 6, 1, 2, 1, 1, 3, 0), Syntax.TICKS),
    _scalar(1, "perCentMemoryUtilization", Syntax.INTEGER),
    _scalar(2, "perCentCPUUtilization", Syntax.INTEGER),
    _scalar(3, "perCentDiskIOUtilization", Syntax.INTEGER),
    _scalar(4, "perCentQueueUtilization", Syntax.INTEGER),
    _scalar(5, "queueAvailabilityStatus", Syntax.INTEGER),
    _scalar(6, "resourceConservationReason", Syntax.INTEGER),
    _scalar(7, "memoryAvailabilityStatus", Syntax.INTEGER),
    _scalar(11, "workQueueMessages", Syntax.GAUGE),
    _scalar(14, "oldestMessageAge", Syntax.GAUGE),
    _scalar(15, "outstandingDNSRequests", Syntax.GAUGE),
    _scalar(16, "pendingDNSRequests", Syntax.GAUGE),
    _scalar(17, "raidEvents", Syntax.COUNTER),
    _scalar(19, "openFilesOrSockets", Syntax.GAUGE),
    _scalar(20, "mailTransferThreads", Syntax.GAUGE),
    _scalar(23, "fipsMode", Syntax.INTEGER, reused=True),  # Gauge32 cpuUtilization in 2008
)

TABLES: Final = (
    Table(
        "powerSupplyTable",
        _column(8, 4, "powerSupplyName", Syntax.STRING),
        (
            _column(8, 2, "powerSupplyStatus", Syntax.INTEGER),
            _column(8, 3, "powerSupplyRedundancy", Syntax.INTEGER),
        ),
    ),
    Table(
        "temperatureTable",
        _column(9, 3, "temperatureName", Syntax.STRING),
        (_column(9, 2, "degreesCelsius", Syntax.INTEGER),),
    ),
    Table(
        "fanTable",
        _column(10, 3, "fanName", Syntax.STRING),
        (_column(10, 2, "fanRPMs", Syntax.GAUGE),),
    ),
    Table(
        "keyExpirationTable",
        _column(12, 2, "keyDescription", Syntax.STRING),
        (
            _column(12, 3, "keyIsPerpetual", Syntax.INTEGER),
            _column(12, 4, "keySecondsUntilExpire", Syntax.GAUGE),
        ),
    ),
    Table(
        "updateTable",
        _column(13, 2, "updateServiceName", Syntax.STRING),
        (
            _column(13, 3, "updates", Syntax.COUNTER),
            _column(13, 4, "updateFailures", Syntax.COUNTER),
        ),
    ),
    Table(
        "raidTable",
        _column(18, 3, "raidID", Syntax.STRING),
        (_column(18, 2, "raidStatus", Syntax.INTEGER),),
    ),
)

_NAMES: Final = {
    each.oid: each.name
    for each in (*SCALARS, *(column for table in TABLES for column in (table.label, *table.columns)))
}
_COLUMN_LENGTH: Final = len(TABLES[0].label.oid)


def object_name(oid: Oid) -> str:
    """Return the name of an object with its row, and its identifier: "fanRPMs.2 (1.3.6...)"."""
    column, row = oid[:_COLUMN_LENGTH], oid[_COLUMN_LENGTH:]
    name = _NAMES.get(oid) or (f"{_NAMES[column]}.{dotted(row)}" if column in _NAMES else "an object")
    return f"{name} ({dotted(oid)})"
