"""Scalars and tables are read from all kinds of agents: what is good of odd answers counts, and every walk ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.errors import AuthError
from exporter.sources.snmp.ber import RESPONSE, Pdu, SnmpValue, VarBind
from exporter.sources.snmp.messages import SnmpRequest
from exporter.sources.snmp.mib import Oid
from exporter.sources.snmp.walk import (
    ColumnValues,
    TableValues,
    Values,
    _in_one_response,
    _Walk,
    add_missing,
    bulk_walk,
    bulk_walk_together,
    get,
    next_walk,
)

A, B, BEHIND = (1, 1), (1, 2), (2, 1)
TABLE: dict[Oid, SnmpValue] = {(*A, 1): 11, (*A, 2): 12, (*A, 3): 13, (*B, 1): b"x", (*B, 3): b"z", BEHIND: 5}
WHOLE: list[ColumnValues] = [{(1,): 11, (2,): 12, (3,): 13}, {(1,): b"x", (3,): b"z"}]


class Agent:
    """An agent with these values. An answer has at most `most` variable bindings; `errors` are error statuses."""

    def __init__(self, values: dict[Oid, SnmpValue], most: int = 1000, errors: dict[Oid, int] | None = None) -> None:
        self.values = values
        self.most = most
        self.errors = errors or {}
        self.asked: list[SnmpRequest] = []

    async def request(self, request: SnmpRequest, tries: int | None = None) -> Pdu:
        self.asked.append(request)
        for index, oid in enumerate(request.oids, 1):
            if oid in self.errors:
                return Pdu(RESPONSE, 1, self.errors[oid], index, [])
        if request.kind == "get":
            if len(request.oids) > self.most:
                return Pdu(RESPONSE, 1, 1, 0, [])
            return Pdu(RESPONSE, 1, 0, 0, [(oid, self.values.get(oid)) for oid in request.oids])
        row: list[VarBind] = [(oid, None) for oid in request.oids]
        varbinds: list[VarBind] = []
        for _ in range(max(1, request.repetitions)):
            row = [self.after(oid) for oid, _ in row]
            varbinds += row
        return Pdu(RESPONSE, 1, 0, 0, varbinds[: self.most])

    def after(self, oid: Oid) -> VarBind:
        following = min((other for other in self.values if other > oid), default=None)
        return (following, self.values[following]) if following else (oid, None)  # endOfMibView


def columns(table: TableValues) -> list[ColumnValues]:
    """Return the columns of a table that was read to its end."""
    assert table.fault is None
    return list(table.columns)


async def test_scalars_that_are_absent_are_left_out() -> None:
    agent = Agent({A: 1})
    assert await get(agent, [A, B]) == Values({A: 1})
    assert len(agent.asked) == 1


async def test_too_big_an_answer_is_requested_in_parts() -> None:
    agent = Agent({(n,): n for n in range(7)}, most=2)
    assert await get(agent, [(n,) for n in range(7)]) == Values({(n,): n for n in range(7)})


@pytest.mark.parametrize(("status", "faults"), [(2, {}), (5, {B: "error status 5 (RFC 3416)"})])
async def test_an_object_that_fails_is_left_out(status: int, faults: dict[Oid, str]) -> None:
    agent = Agent({A: 1, BEHIND: 2}, errors={B: status})
    assert await get(agent, [A, B, BEHIND]) == Values({A: 1, BEHIND: 2}, faults)
    assert await get(agent, [B]) == Values({}, faults)
    assert await get(agent, [A, BEHIND, B]) == Values({A: 1, BEHIND: 2}, faults)
    assert [len(request.oids) for request in agent.asked] == [3, 2, 1, 3, 2]


@pytest.mark.parametrize("status", [6, 16])
async def test_no_access_is_an_auth_error(status: int) -> None:
    with pytest.raises(AuthError):
        await get(Agent({A: 1}, errors={A: status}), [A, B])


async def test_one_object_too_big_is_a_fault() -> None:
    assert await get(Agent({A: 1}, errors={A: 1}), [A]) == Values({}, {A: "error status 1 (RFC 3416)"})


class Vague(Agent):
    """An agent that does not say which object an error is about."""

    index = 0

    async def request(self, request: SnmpRequest, tries: int | None = None) -> Pdu:
        return replace(await super().request(request, tries), error_index=self.index)


@pytest.mark.parametrize("index", [-1, 0, 4])
async def test_an_error_about_no_object_makes_single_requests(index: int) -> None:
    agent = Vague({A: 1, BEHIND: 2}, errors={B: 5})
    agent.index = index
    assert await get(agent, [A, B, BEHIND]) == Values({A: 1, BEHIND: 2}, {B: "error status 5 (RFC 3416)"})
    assert [len(request.oids) for request in agent.asked] == [3, 1, 1, 1]


class Confused(Agent):
    """An agent that answers about another object than `wrong`: always, or only in an answer with others."""

    wrong, always = B, True

    async def request(self, request: SnmpRequest, tries: int | None = None) -> Pdu:
        response = await super().request(request, tries)
        if request.kind == "get" and (self.always or len(request.oids) > 1):
            varbinds = [(BEHIND if oid == self.wrong else oid, value) for oid, value in response.varbinds]
            return replace(response, varbinds=varbinds)
        return response


async def test_an_answer_about_another_object_costs_only_that_object() -> None:
    agent = Confused({A: 1, B: 2, BEHIND: 3})
    assert await get(agent, [A, B]) == Values({A: 1}, {B: "another object"})
    assert [request.oids for request in agent.asked] == [(A, B), (B,)]
    agent.always = False
    assert await get(agent, [A, B]) == Values({A: 1, B: 2})


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 25])
@pytest.mark.parametrize("most", [1, 2, 3, 1000])
async def test_getbulk_reads_a_table_with_holes(rows: int, most: int) -> None:
    assert columns(await bulk_walk(Agent(TABLE, most), [A, B], rows, 5)) == WHOLE


@pytest.mark.parametrize("roots", [[A], [A, B], [A, B, BEHIND]])
async def test_getbulk_asks_for_no_more_than_fits(roots: list[Oid]) -> None:
    agent = Agent({(*root, row): row for root in roots for row in range(1, 101)})
    await bulk_walk(agent, roots, 1000, 5)
    asked = [len(request.oids) * request.repetitions for request in agent.asked]
    assert max(asked) == {1: 40, 2: 40, 3: 39}[len(roots)]
    assert len(asked) <= 100 * len(roots) / 30 + 2


async def test_getnext_reads_a_table_with_holes() -> None:
    agent = Agent(TABLE)
    assert columns(await next_walk(agent, [A, B])) == WHOLE
    assert {request.kind for request in agent.asked} == {"next"}


async def test_the_right_number_of_rows_takes_one_request() -> None:
    agent = Agent({oid: value for oid, value in TABLE.items() if oid != (*B, 3)})
    await bulk_walk(agent, [A, B], 4, 5)
    assert len(agent.asked) == 1


async def test_a_table_may_end_the_mib() -> None:
    agent = Agent({oid: value for oid, value in TABLE.items() if oid < BEHIND})
    assert columns(await bulk_walk(agent, [A, B], 2, 5)) == WHOLE
    assert columns(await next_walk(agent, [A, B])) == WHOLE


class Circling(Agent):
    """An agent whose tables begin again after their last row."""

    def after(self, oid: Oid) -> VarBind:
        column = oid[: len(A)]
        following, value = super().after(oid)
        if following[: len(A)] == column and following != oid:
            return following, value
        first = min(other for other in self.values if other[: len(A)] == column)
        return first, self.values[first]


async def test_a_walk_ends_when_rows_come_again() -> None:
    for table in (await bulk_walk(Circling(TABLE), [A, B], 4, 5), await next_walk(Circling(TABLE), [A, B])):
        assert table.columns == WHOLE
        assert table.fault == "rows that came before"


class Unordered(Agent):
    """An agent that has its rows in the order of `values`."""

    def after(self, oid: Oid) -> VarBind:
        known = list(self.values)
        position = known.index(oid) + 1 if oid in self.values else next(i for i, o in enumerate(known) if o[:2] == oid)
        return (known[position], self.values[known[position]]) if position < len(known) else (oid, None)


async def test_rows_may_come_in_any_order() -> None:
    shuffled: dict[Oid, SnmpValue] = {oid: TABLE[oid] for oid in ((*A, 3), (*A, 1), (*A, 2), (*B, 3), (*B, 1), BEHIND)}
    for table in (await bulk_walk(Unordered(shuffled), [A, B], 4, 5), await next_walk(Unordered(shuffled), [A, B])):
        assert columns(table) == WHOLE
        assert table.instances == [(1,), (2,), (3,)]


class Narrow(Agent):
    """An agent whose GETBULK answers only the first column that it is asked for."""

    async def request(self, request: SnmpRequest, tries: int | None = None) -> Pdu:
        asked = request if request.kind == "get" else replace(request, oids=request.oids[:1])
        return await super().request(asked, tries)


@pytest.mark.parametrize("roots", [[A, B], [B, A]])
async def test_getbulk_of_one_column_only_loses_no_row(roots: list[Oid]) -> None:
    full: dict[Oid, SnmpValue] = {**TABLE, (*B, 2): b"y"}
    agent = Narrow(full)
    table = await bulk_walk(agent, roots, 4, 5)
    assert await add_missing(agent, roots, table) == {}
    assert table.instances == [(1,), (2,), (3,)]
    cells = {
        (*root, *row): value for root, column in zip(roots, table.columns, strict=True) for row, value in column.items()
    }
    assert cells == {oid: value for oid, value in full.items() if oid != BEHIND}


def test_a_table_with_holes_is_not_whole() -> None:
    assert TableValues([WHOLE[0], dict(WHOLE[0])], [None, None]).is_whole
    assert not TableValues(WHOLE, [None, None]).is_whole


async def test_what_a_walk_missed_is_asked_for_once() -> None:
    agent = Agent(TABLE)
    table = TableValues([WHOLE[0], {(1,): b"x"}], [None, None])
    assert await add_missing(agent, [A, B], table) == {}
    assert table.columns[1] == {(1,): b"x", (3,): b"z"}
    assert [request.oids for request in agent.asked] == [((*B, 2), (*B, 3))]


async def test_no_such_name_ends_one_column() -> None:
    agent = Agent(TABLE, errors={(*A, 3): 2})
    assert columns(await next_walk(agent, [A, B])) == WHOLE


async def test_an_agent_without_end_is_cut() -> None:
    class Endless(Agent):
        def after(self, oid: Oid) -> VarBind:
            return (*A, oid[len(A)] + 1 if len(oid) > len(A) else 0), 1

    for rows in (await bulk_walk(Endless({}), [A, A], 25, 5), await next_walk(Endless({}), [A, A])):
        assert [len(column) for column in columns(rows)] == [129] * 2


async def test_a_table_of_the_most_rows_is_read_to_its_end() -> None:
    agent = Agent({(*A, row): row for row in range(1, 129)})
    for table in (await bulk_walk(agent, [A], 25, 5), await next_walk(agent, [A])):
        assert table.instances == [(row,) for row in range(1, 129)]


async def test_what_many_rows_lack_is_asked_for_in_parts() -> None:
    """And not for more rows than are exported."""
    agent = Agent({(*B, row): row for row in range(1, 130)})
    table = TableValues([{(row,): row for row in range(1, 130)}, {}], [None, None])
    assert await add_missing(agent, [A, B], table) == {}
    assert table.columns[1] == {(row,): row for row in range(1, 129)}
    assert [len(request.oids) for request in agent.asked] == [40, 40, 40, 8]


async def test_an_error_in_a_walk_ends_one_column() -> None:
    table = await next_walk(Agent(TABLE, errors={(*A, 1): 5}), [A, B])
    assert columns(table) == [{(1,): 11}, WHOLE[1]]


@pytest.mark.parametrize("walk_error", [1, 5, 13])
async def test_an_error_about_no_column_ends_a_walk(walk_error: int) -> None:
    table = await next_walk(Vague(TABLE, errors={(*A, 1): walk_error}), [A, B])
    assert table.columns == [{(1,): 11}, {(1,): b"x"}]
    assert table.fault == f"error status {walk_error} (RFC 3416)"


async def test_tables_of_different_length_share_requests() -> None:
    short = {(3, 1, 1): 7}
    agent = Agent(TABLE | short)
    tables = await bulk_walk_together(agent, [[A, B], [(3, 1)], [(4, 1)]], 4, 5)
    assert [columns(table) for table in tables] == [WHOLE, [{(1,): 7}], [{}]]
    assert agent.asked == [SnmpRequest("bulk", (A, B, (3, 1), (4, 1)), 4)]


async def test_an_error_for_one_table_leaves_the_others_whole() -> None:
    agent = Agent(TABLE | {(3, 1, 1): 7}, errors={(3, 1): 5})
    table, failed = await bulk_walk_together(agent, [[A, B], [(3, 1)]], 4, 5)
    assert columns(table) == WHOLE
    assert failed.fault == "error status 5 (RFC 3416)"


ROWS = st.integers(1, 4).map(lambda row: (row,)) | st.just((1, 1))
OBJECTS = st.sampled_from([A, B, BEHIND]).flatmap(lambda column: ROWS.map(lambda row: (*column, *row)))
VARBINDS = st.lists(st.tuples(OBJECTS, st.integers(0, 9) | st.none()), min_size=1, max_size=10)


@settings(deadline=None)
@given(VARBINDS)
def test_a_table_in_one_response_is_what_its_walk_would_be(varbinds: list[VarBind]) -> None:
    response = Pdu(RESPONSE, 1, 0, 0, varbinds)
    walk = _Walk([A, B])
    walk.take(response)
    is_whole = not walk.open and walk.result.faults == [None, None] and all(value is not None for _, value in varbinds)
    for _ in range(2):  # also when it is remembered
        assert _in_one_response((A, B), response) == (walk.result if is_whole else None)
