"""The SNMP values of a healthy C695, as a table that a test may change: OID to type and value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.sources.snmp.mib import MAIL_OBJECTS, SCALARS, TABLES, Object, Oid, Syntax

Value = tuple[Syntax, int | str | bytes]
"""A value with the type that the agent gives it; bytes if they are not ASCII text."""

Values = dict[Oid, Value]

_UNREAD: Final = (
    Object("powerSupplyIndex", (*MAIL_OBJECTS, 8, 1, 1), Syntax.INTEGER),
    Object("keyExpirationIndex", (*MAIL_OBJECTS, 12, 1, 1), Syntax.INTEGER),
    Object("updateIndex", (*MAIL_OBJECTS, 13, 1, 1), Syntax.INTEGER),
    Object("raidIndex", (*MAIL_OBJECTS, 18, 1, 1), Syntax.INTEGER),
    Object("raidLastError", (*MAIL_OBJECTS, 18, 1, 4), Syntax.STRING),
)
"""Columns that an appliance has and the exporter does not read."""

OBJECTS: Final[Mapping[str, Object]] = {
    each.name: each
    for each in (*SCALARS, *_UNREAD, *(column for table in TABLES for column in (table.label, *table.columns)))
}
"""Every object by its name in the MIB."""

_SCALARS: Final[Mapping[str, int | str]] = {
    "sysDescr": "Cisco Model C695, AsyncOS Version: 14.2.3-027, Build Date: 2024-05-14, Serial #: 4C4C4544AA-FCH22V0A",
    "sysUpTime": 8_640_123,
    "perCentMemoryUtilization": 31,
    "perCentCPUUtilization": 17,
    "perCentDiskIOUtilization": 104,  # of the peak since boot: may pass 100
    "perCentQueueUtilization": 3,
    "queueAvailabilityStatus": 1,
    "resourceConservationReason": 1,
    "memoryAvailabilityStatus": 1,
    "workQueueMessages": 42,
    "oldestMessageAge": 4_000_000_000,  # Gauge32: above what 31 bits hold
    "outstandingDNSRequests": 7,
    "pendingDNSRequests": 5,
    "raidEvents": 4_294_967_290,  # Counter32: about to wrap
    "openFilesOrSockets": 1_234,
    "mailTransferThreads": 88,
    "fipsMode": 2,
}

_TABLES: Final[Mapping[tuple[str, ...], tuple[tuple[int | str, ...], ...]]] = {
    ("powerSupplyIndex", "powerSupplyStatus", "powerSupplyRedundancy", "powerSupplyName"): (
        (1, 2, 1, "PS 1"),
        (2, 3, 1, "PS 2"),
    ),
    ("degreesCelsius", "temperatureName"): (
        (24, "Ambient"),
        (51, "CPU 1"),
        (49, "CPU 2"),
    ),
    ("fanRPMs", "fanName"): (
        (5400, "FAN 1"),
        (5280, "FAN 2"),
        (0, "FAN 3"),
    ),
    ("keyExpirationIndex", "keyDescription", "keyIsPerpetual", "keySecondsUntilExpire"): (
        (1, "Incoming Mail Handling", 1, 0),
        (2, "IronPort Anti-Spam", 2, 28_512_000),
        (3, "Sophos", 2, 28_512_060),
        (4, "File Analysis", 2, 0),
    ),
    ("updateIndex", "updateServiceName", "updates", "updateFailures"): (
        (1, "Sophos Anti-Virus definitions", 12_345, 6),
        (2, "CASE rules", 98_765, 0),
        (3, "Time zone rules", 4_294_967_295, 1),
    ),
    ("raidIndex", "raidStatus", "raidID", "raidLastError"): (
        (1, 1, "RAID 1, DISK 1", "No Errors"),
        (2, 3, "RAID 1, DISK 2", "Media error"),
    ),
}


def oid(name: str, index: int | None = None) -> Oid:
    """Return the OID of a scalar, or of a column's row `index`."""
    column = OBJECTS[name].oid
    return column if index is None else (*column, index)


def value(name: str, content: int | str | bytes) -> Value:
    """Return `content` with the type that the MIB gives the object `name`."""
    return OBJECTS[name].syntax, content


def mail_values(changes: Mapping[tuple[str, int | None], int | str | bytes] | None = None) -> Values:
    """Return every object of the MIB with `changes`, given as (name, row or None) to content, in lexical order."""
    scalars: dict[tuple[str, int | None], int | str | bytes] = {(name, None): it for name, it in _SCALARS.items()}
    cells = {
        (name, index): content
        for columns, rows in _TABLES.items()
        for index, row in enumerate(rows, start=1)
        for name, content in zip(columns, row, strict=True)
    }
    contents = scalars | cells | dict(changes or {})
    return dict(sorted((oid(name, index), value(name, content)) for (name, index), content in contents.items()))
