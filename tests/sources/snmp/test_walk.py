"""Scalars and tables are read completely from all kinds of agents, and a broken agent cannot make a walk endless."""

from __future__ import annotations

import pytest

from exporter.errors import AuthError, MalformedError, SourceError
from exporter.sources.snmp.ber import RESPONSE, Pdu, SnmpValue, VarBind
from exporter.sources.snmp.messages import SnmpRequest
from exporter.sources.snmp.mib import Oid
from exporter.sources.snmp.walk import MAX_ROWS, bulk_walk, get, next_walk

A, B, BEHIND = (1, 1), (1, 2), (2, 1)
TABLE: dict[Oid, SnmpValue] = {(*A, 1): 11, (*A, 2): 12, (*A, 3): 13, (*B, 1): b"x", (*B, 3): b"z", BEHIND: 5}
WHOLE = [{(1,): 11, (2,): 12, (3,): 13}, {(1,): b"x", (3,): b"z"}]


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


async def test_scalars_that_are_absent_are_left_out() -> None:
    agent = Agent({A: 1})
    assert await get(agent, [A, B]) == [(A, 1)]
    assert len(agent.asked) == 1


async def test_too_big_an_answer_is_requested_in_parts() -> None:
    agent = Agent({(n,): n for n in range(7)}, most=2)
    assert await get(agent, [(n,) for n in range(7)]) == [((n,), n) for n in range(7)]


@pytest.mark.parametrize("status", [2, 5])
async def test_an_object_that_fails_is_left_out(status: int) -> None:
    agent = Agent({A: 1, BEHIND: 2}, errors={B: status})
    assert await get(agent, [A, B, BEHIND]) == [(A, 1), (BEHIND, 2)]
    assert await get(agent, [B]) == []


@pytest.mark.parametrize("status", [6, 16])
async def test_no_access_is_an_auth_error(status: int) -> None:
    with pytest.raises(AuthError):
        await get(Agent({A: 1}, errors={A: status}), [A, B])


async def test_one_object_too_big_is_an_error() -> None:
    with pytest.raises(MalformedError):
        await get(Agent({A: 1}, errors={A: 1}), [A])


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 25])
@pytest.mark.parametrize("most", [1, 2, 3, 1000])
async def test_getbulk_reads_a_table_with_holes(rows: int, most: int) -> None:
    assert await bulk_walk(Agent(TABLE, most), [A, B], rows, 5) == WHOLE


async def test_getnext_reads_a_table_with_holes() -> None:
    agent = Agent(TABLE)
    assert await next_walk(agent, [A, B]) == WHOLE
    assert {request.kind for request in agent.asked} == {"next"}


async def test_the_right_number_of_rows_takes_one_request() -> None:
    agent = Agent({oid: value for oid, value in TABLE.items() if oid != (*B, 3)})
    await bulk_walk(agent, [A, B], 4, 5)
    assert len(agent.asked) == 1


async def test_a_table_may_end_the_mib() -> None:
    agent = Agent({oid: value for oid, value in TABLE.items() if oid < BEHIND})
    assert await bulk_walk(agent, [A, B], 2, 5) == WHOLE
    assert await next_walk(agent, [A, B]) == WHOLE


async def test_a_repeated_row_is_an_error() -> None:
    class Circling(Agent):
        def after(self, oid: Oid) -> VarBind:
            return (*A, 1), 1

    with pytest.raises(MalformedError, match=r"not in increasing order: 1\.1\.1 after 1\.1\.1"):
        await bulk_walk(Circling({}), [A], 25, 5)


async def test_no_such_name_ends_a_walk() -> None:
    assert await next_walk(Agent(TABLE, errors={(*A, 3): 2}), [A]) == [WHOLE[0]]


async def test_an_agent_without_end_is_cut() -> None:
    class Endless(Agent):
        def after(self, oid: Oid) -> VarBind:
            return (*A, oid[len(A)] + 1 if len(oid) > len(A) else 0), 1

    for rows in (await bulk_walk(Endless({}), [A, A], 25, 5), await next_walk(Endless({}), [A, A])):
        assert [len(column) for column in rows] == [MAX_ROWS + 1] * 2


@pytest.mark.parametrize("walk_error", [5, 13])
async def test_an_error_in_a_walk_is_an_error(walk_error: int) -> None:
    with pytest.raises(SourceError, match=f"error status {walk_error}"):
        await next_walk(Agent(TABLE, errors={(*A, 1): walk_error}), [A, B])
