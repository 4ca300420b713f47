"""Each fault of an appliance costs only its own figures, and is over at the next scrape: the table is played."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from faults.play import WORK_QUEUE, Night, Played, play_all
from faults.table import COMPLETE, FAULTS, UP, Fault
from support.snmpd import Snmpd

ROWS = [fault for rows in FAULTS.values() for fault in rows]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    with ExitStack() as agents:

        def start_agent() -> Snmpd:
            agent = Snmpd(tmp_path_factory.mktemp("snmpd"))
            agents.callback(agent.stop)
            return agent

        yield asyncio.run(play_all(ROWS, start_agent, tmp_path_factory.mktemp("night")))


@pytest.mark.parametrize("fault", ROWS, ids=lambda fault: fault.name)
def test_a_fault_costs_only_its_own_figures(fault: Fault, night: Night) -> None:
    played = night.played[fault.name]
    assert played.before.complete
    assert seen(fault, played) == {**ends(fault), **fault.figures, "not counted": set()}
    assert played.neighbour.complete
    assert played.after.complete


def ends(fault: Fault) -> dict[str, str | None]:
    return {"snmp": fault.snmp, "xml": fault.xml, "rest": fault.rest}


def seen(fault: Fault, played: Played) -> dict[str, object]:
    """Return what the row of the table says, as it was."""
    ended = {source: played.meanwhile.ended(source) for source in WORK_QUEUE}
    served = [figure for source, figure in WORK_QUEUE.items() if not (ended[source] or "down").startswith("down")]
    assert played.meanwhile.figure("work_queue_messages") == served[0]
    if fault.snmp == UP and ended["snmp"] in (COMPLETE, "incomplete: timeout"):
        ended["snmp"] = UP
    figures = {name: played.meanwhile.figure(name) for name in fault.figures}
    return {**ended, **figures, "not counted": set(fault.counted) - played.risen}


def test_no_fault_leaves_a_traceback_or_an_error(night: Night) -> None:
    assert "Traceback" not in night.log
    assert re.findall(r".*level=(?:error|critical).*", night.log) == []


def test_no_fault_leaves_a_task(night: Night) -> None:
    assert night.tasks_left == 0
