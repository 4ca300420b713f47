"""Reading scalars by GET, and tables by GETBULK, or by GETNEXT from agents whose GETBULK fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from exporter.errors import AuthError, MalformedError
from exporter.sources.snmp.ber import Pdu, SnmpValue
from exporter.sources.snmp.messages import ACCESS_ERRORS, NO_SUCH_NAME, TOO_BIG, SnmpRequest
from exporter.sources.snmp.mib import Oid, dotted

MAX_ROWS: Final = 128
"""The most rows of a table to read. The longest tables of real appliances have about 30: feature keys and drives."""

_MAX_VARBINDS: Final = 40
"""The most variable bindings to ask for: more may not fit into a packet of 1,500 octets, and fragments get lost."""

ColumnValues = dict[Oid, SnmpValue]
"""The values of a column by instance."""


class Requester(Protocol):
    """What this module needs of a session."""

    async def request(self, request: SnmpRequest, tries: int | None = None) -> Pdu: ...


async def get(session: Requester, oids: Sequence[Oid]) -> list[tuple[Oid, SnmpValue]]:
    """Return the values of `oids` without those that the agent does not have; raises `SourceError`.

    If the answer would be too big, each half is requested. If the agent reports an error for an object, the others are
    requested without it.
    """
    response = await session.request(SnmpRequest("get", tuple(oids)))
    if not response.error_status:
        return [(oid, value) for oid, value in response.varbinds if value is not None]
    if response.error_status == TOO_BIG and len(oids) > 1:
        middle = len(oids) // 2
        return await get(session, oids[:middle]) + await get(session, oids[middle:])
    if response.error_status in (TOO_BIG, *ACCESS_ERRORS) or not 0 < response.error_index <= len(oids):
        raise _error(response)
    rest = [oid for index, oid in enumerate(oids, 1) if index != response.error_index]
    return await get(session, rest) if rest else []


async def bulk_walk(session: Requester, columns: Sequence[Oid], rows: int, tries: int) -> list[ColumnValues]:
    """Return the columns of a table by GETBULK, `rows` rows at a time; raises `SourceError`.

    Of a table with more than `MAX_ROWS` rows, one row more than these is returned.
    It raises `SourceTimeout` after `tries` unanswered tries of a request, so that GETNEXT can be used instead.
    """
    walk = _Walk(columns)
    while walk.open:
        repetitions = max(1, min(rows, _MAX_VARBINDS // len(walk.open)))
        walk.take(await session.request(SnmpRequest("bulk", walk.next, repetitions), tries))
    return walk.columns


async def next_walk(session: Requester, columns: Sequence[Oid]) -> list[ColumnValues]:
    """Return the columns of a table by GETNEXT, one row at a time; raises `SourceError`."""
    walk = _Walk(columns)
    while walk.open:
        walk.take(await session.request(SnmpRequest("next", walk.next)))
    return walk.columns


class _Walk:
    """A walk over several columns side by side; `open` holds the indices of the columns that have not ended."""

    def __init__(self, columns: Sequence[Oid]) -> None:
        self._roots = list(columns)
        self._positions = list(columns)
        self.columns: list[ColumnValues] = [{} for _ in columns]
        self.open = list(range(len(columns)))

    @property
    def next(self) -> tuple[Oid, ...]:
        """The object identifiers that the next request starts from."""
        return tuple(self._positions[index] for index in self.open)

    def take(self, response: Pdu) -> None:
        """Add the rows of a response; raises `SourceError` if the agent reports an error or repeats rows."""
        if response.error_status == NO_SUCH_NAME:  # ends a walk in SNMPv1, and from some v2c agents
            self.open = []
            return
        if response.error_status:
            raise _error(response)
        asked = self.open
        ended: set[int] = set()
        for position, (oid, value) in enumerate(response.varbinds):
            index = asked[position % len(asked)]
            if index not in ended and not self._extend(index, oid, value):
                ended.add(index)
        self.open = [index for index in asked if index not in ended]

    def _extend(self, index: int, oid: Oid, value: SnmpValue | None) -> bool:
        root = self._roots[index]
        if value is None or oid[: len(root)] != root:
            return False
        if oid <= self._positions[index]:
            after = dotted(self._positions[index])
            raise MalformedError(
                f"The SNMP agent's objects are not in increasing order: {dotted(oid)} after {after}. That is a fault of"
                " AsyncOS: restart its SNMP service with snmpconfig, or report it to the vendor."
            )
        if len(self.columns[index]) > MAX_ROWS:
            return False
        self._positions[index] = oid
        self.columns[index][oid[len(root) :]] = value
        return True


def _error(response: Pdu) -> AuthError | MalformedError:
    if response.error_status in ACCESS_ERRORS:
        return AuthError("The SNMP agent does not let our community or user read this: check its access rights.")
    return MalformedError(
        f"The SNMP agent answered with error status {response.error_status} at index {response.error_index} (RFC 3416):"
        " it is too busy, or something answers there that is not AsyncOS; check the address and snmp.port."
    )
