"""Reading scalars by GET, and tables by GETBULK, or by GETNEXT from agents whose GETBULK fails.

Some agents answer oddly: an error, another object at one place, rows in no order. What is good of an answer is kept.
What is missing is asked for again, each object at most once by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Final, Protocol

from exporter.errors import AuthError
from exporter.sources.snmp.ber import RESPONSE, Pdu, SnmpValue
from exporter.sources.snmp.messages import ACCESS_ERRORS, NO_SUCH_NAME, TOO_BIG, SnmpRequest
from exporter.sources.snmp.mib import Oid

MAX_ROWS: Final = 128
"""The most rows of a table to read. The longest tables of real appliances have about 30: feature keys and drives."""

ANSWER_VARBINDS: Final = 40
"""The most variable bindings to ask for: more may not fit into a packet of 1,500 octets, and fragments get lost."""

ColumnValues = dict[Oid, SnmpValue]
"""The values of a column by instance."""


class Requester(Protocol):
    """What this module needs of a session."""

    async def request(self, request: SnmpRequest, tries: int | None = None) -> Pdu: ...


@dataclass(frozen=True, slots=True)
class Values:
    """What an agent answered about some objects; those that it does not have are in neither."""

    found: dict[Oid, SnmpValue] = field(default_factory=dict)
    faults: dict[Oid, str] = field(default_factory=dict)
    """What came instead of a value."""

    def __or__(self, other: Values) -> Values:
        return Values(self.found | other.found, self.faults | other.faults)


async def get(session: Requester, oids: Sequence[Oid]) -> Values:
    """Return the values of `oids`; raises `SourceError`.

    If the answer would be too big, each half is requested. If the agent reports an error for one object, the others are
    requested without it. If it is not clear for which one, or if another object is answered, those without a value are
    requested one by one.
    """
    response = await session.request(SnmpRequest("get", tuple(oids)))
    status = response.error_status
    _check_access(response)
    if not status:
        return await _with_the_rest(session, oids, response)
    if len(oids) == 1:
        return _fault(oids[0], status)
    if status == TOO_BIG:
        middle = len(oids) // 2
        return await get(session, oids[:middle]) | await get(session, oids[middle:])
    if not 0 < response.error_index <= len(oids):
        return await _one_by_one(session, oids)
    failed = oids[response.error_index - 1]
    return _fault(failed, status) | await get(session, [oid for oid in oids if oid != failed])


async def _with_the_rest(session: Requester, oids: Sequence[Oid], response: Pdu) -> Values:
    """Return the values of a response, and ask again for the objects that it is silent about."""
    answered = dict(response.varbinds)
    values = Values({oid: value for oid in oids if (value := answered.get(oid)) is not None})
    rest = [oid for oid in oids if oid not in answered]
    if len(oids) > 1:
        return values | await _one_by_one(session, rest)
    return values | Values(faults=dict.fromkeys(rest, "another object"))


async def _one_by_one(session: Requester, oids: Iterable[Oid]) -> Values:
    values = Values()
    for oid in oids:
        values |= await get(session, [oid])
    return values


def _fault(oid: Oid, status: int) -> Values:
    """Return what an error says about one object: noSuchName says that the agent does not have it."""
    return Values() if status == NO_SUCH_NAME else Values(faults={oid: _error_status(status)})


def _error_status(status: int) -> str:
    return f"error status {status} (RFC 3416)"


def _check_access(response: Pdu) -> None:
    if response.error_status in ACCESS_ERRORS:
        raise AuthError("The SNMP agent does not let our community or user read this: check its access rights.")


@dataclass(frozen=True, slots=True)
class TableValues:
    """Columns of a table as far as a walk brought them."""

    columns: Sequence[ColumnValues]
    faults: Sequence[str | None]
    """Why each column was not read to its end, None if it was."""

    @property
    def fault(self) -> str | None:
        """Why rows may be missing. None if the rows of at least one column are complete."""
        return None if None in self.faults else self.faults[0]

    @property
    def instances(self) -> list[Oid]:
        """The rows, in their order in the MIB."""
        return sorted(set().union(*self.columns))

    @property
    def is_whole(self) -> bool:
        """Whether all columns have the same rows in the same order."""
        rows = [*map(tuple, self.columns)]
        return rows.count(rows[0]) == len(rows)


async def bulk_walk_together(
    session: Requester, tables: Sequence[Sequence[Oid]], rows: int, tries: int
) -> list[TableValues]:
    """Return the columns of several tables, which share requests; otherwise as `bulk_walk`."""
    walked = await bulk_walk(session, [column for columns in tables for column in columns], rows, tries)
    columns, faults = iter(walked.columns), iter(walked.faults)
    return [TableValues(list(islice(columns, len(each))), list(islice(faults, len(each)))) for each in tables]


async def bulk_walk(session: Requester, columns: Sequence[Oid], rows: int, tries: int | None) -> TableValues:
    """Return the columns of a table by GETBULK, `rows` rows at a time; raises `SourceError`.

    Of a table with more than `MAX_ROWS` rows, one row more than these is returned.
    Given `tries`, it raises `SourceTimeout` if GETBULK seems to get no answer, so that GETNEXT can be used instead.
    """
    response = await _next_rows(session, tuple(columns), rows, tries)
    if whole := _in_one_response(tuple(columns), response):
        return whole
    walk = _Walk(columns)
    walk.take(response)
    while walk.open:
        walk.take(await _next_rows(session, walk.next, rows, tries))
    return walk.result


async def _next_rows(session: Requester, after: tuple[Oid, ...], rows: int, tries: int | None) -> Pdu:
    repetitions = max(1, min(rows, ANSWER_VARBINDS // len(after)))
    return await session.request(SnmpRequest("bulk", after, repetitions), tries)


def _in_one_response(columns: tuple[Oid, ...], response: Pdu) -> TableValues | None:
    """Return what `_Walk` makes of the first response if it ends all columns without a fault, None for another one.

    The rows of such a response are remembered, as they seldom change. Then this takes a tenth of the time of `_Walk`.
    """
    if response.error_status or not response.varbinds:
        return None
    oids, values = zip(*response.varbinds, strict=True)
    rows = None if None in values else _rows_of(columns, oids)
    if rows is None:
        return None
    found = [dict(zip(column, values[index :: len(rows)], strict=False)) for index, column in enumerate(rows)]
    return TableValues(found, [None] * len(found))


@lru_cache(maxsize=512)  # appliances with as many rows in each table have the same
def _rows_of(columns: tuple[Oid, ...], oids: tuple[Oid, ...]) -> list[tuple[Oid, ...]] | None:
    """Return the rows of each column in a response with these objects; None unless it ends all without a fault."""
    walk = _Walk(columns)
    walk.take(Pdu(RESPONSE, 0, 0, 0, [(oid, 0) for oid in oids]))
    is_whole = not walk.open and walk.result.faults == [None] * len(columns)
    return [tuple(column) for column in walk.result.columns] if is_whole else None


async def next_walk(session: Requester, columns: Sequence[Oid]) -> TableValues:
    """Return the columns of a table by GETNEXT, one row at a time; raises `SourceError`."""
    walk = _Walk(columns)
    while walk.open:
        walk.take(await session.request(SnmpRequest("next", walk.next)))
    return walk.result


async def add_missing(session: Requester, columns: Sequence[Oid], table: TableValues) -> dict[Oid, str]:
    """Add the objects that a walk did not bring although it brought others of their rows; raises `SourceError`.

    Returns what came instead of values.
    """
    missing = {} if table.is_whole else _missing(columns, table)
    faults: dict[Oid, str] = {}
    for begin in range(0, len(missing), ANSWER_VARBINDS):
        answered = await get(session, list(islice(missing, begin, begin + ANSWER_VARBINDS)))
        for oid, value in answered.found.items():
            column, instance = missing[oid]
            column[instance] = value
        faults |= answered.faults
    return faults


def _missing(columns: Sequence[Oid], table: TableValues) -> dict[Oid, tuple[ColumnValues, Oid]]:
    """Return the objects that are missing, each with its column and its row."""
    return {
        (*column, *instance): (values, instance)
        for instance in table.instances[:MAX_ROWS]
        for column, values in zip(columns, table.columns, strict=True)
        if instance not in values
    }


class _Walk:
    """A walk over several columns side by side; `open` holds the indices of the columns that have not ended.

    All columns have identifiers of one length. The rows of a column may come in any order: each request starts from the
    last row that came.
    """

    def __init__(self, columns: Sequence[Oid]) -> None:
        self._roots = list(columns)
        self._positions = list(columns)
        self._columns: list[ColumnValues] = [{} for _ in columns]
        self._by_root = dict(zip(columns, self._columns, strict=True))
        self._faults: dict[int, str] = {}
        self.open = list(range(len(columns)))

    @property
    def next(self) -> tuple[Oid, ...]:
        """The object identifiers that the next request starts from."""
        return tuple(map(self._positions.__getitem__, self.open))

    @property
    def result(self) -> TableValues:
        return TableValues(self._columns, [self._faults.get(index) for index in range(len(self._columns))])

    def take(self, response: Pdu) -> None:
        """Add the rows of a response; raises `AuthError`."""
        _check_access(response)
        asked = list(self.open)
        if response.error_status:
            for index in asked[response.error_index - 1 : response.error_index] or asked:
                self._fail(index, response.error_status)
            return
        for position, (oid, value) in enumerate(response.varbinds):
            index = asked[position % len(asked)]
            root = self._roots[index]
            is_own = oid[: len(root)] == root
            if not is_own and self._is_out_of_place(index, oid):
                self._end(index, "objects of another column")
                return  # what follows is out of place too
            if index in self.open:
                self._extend(index, oid, value if is_own else None)

    def _fail(self, index: int, status: int) -> None:
        # noSuchName ends a walk in SNMPv1, and from some v2c agents.
        self._end(index, None if status == NO_SUCH_NAME else _error_status(status))

    def _end(self, index: int, fault: str | None = None) -> None:
        self.open.remove(index)
        if fault:
            self._faults[index] = fault

    def _is_out_of_place(self, index: int, oid: Oid) -> bool:
        """Whether this is a row of another column. Behind the end of a column, the first row of another is right."""
        length = len(self._roots[index])
        column = self._by_root.get(oid[:length])
        return index in self.open and bool(column) and oid[length:] != next(iter(column or ()))

    def _extend(self, index: int, oid: Oid, value: SnmpValue | None) -> None:
        column = self._columns[index]
        instance = oid[len(self._roots[index]) :]
        if value is None or len(column) > MAX_ROWS:
            self._end(index)
        elif instance in column:
            self._end(index, "rows that came before")
        else:
            self._positions[index] = oid
            column[instance] = value
