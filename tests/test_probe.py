"""A probe serves what has arrived at its deadline, shares polls, and outlives whatever a source does."""

from __future__ import annotations

import asyncio
import time

import pytest

from exporter.config import Config
from exporter.errors import MalformedError, SourceError, SourceTimeout
from exporter.fleet import Fleet
from exporter.metrics.reading import Reading
from exporter.probe import Prober, SharedPoll
from exporter.telemetry import Telemetry
from support.appliances import snmp_appliance
from support.relay import UdpRelay, silent
from support.snmpd import Snmpd

LONG = 60.0
"""A deadline that no test reaches, in seconds."""


class Fake:
    """A source that brings one figure, then waits for `go`, then ends; `polls` and `ended` count."""

    def __init__(self, *, fails: Exception | None = None, partly: SourceError | None = None) -> None:
        self.go = asyncio.Event()
        self.begun = asyncio.Event()
        self.polls = self.ended = self.closed = 0
        self.fails = fails
        self.partly = partly

    async def poll(self, reading: Reading) -> None:
        self.polls += 1
        reading.up = True
        reading.requests += 1
        reading.set("workQueueMessages", self.polls)
        self.begun.set()
        try:
            await self.go.wait()
            if self.fails:
                raise self.fails
            reading.set("openFilesOrSockets", 1)
            reading.errors.extend([self.partly] if self.partly else [])
        finally:
            self.ended += 1

    def timed_out(self, reading: Reading) -> SourceTimeout:
        return SourceTimeout("no answer in time")

    async def close(self) -> None:
        self.closed += 1


def shared(source: Fake, min_interval: float = 0.0) -> SharedPoll:
    return SharedPoll("snmp", source, min_interval, Telemetry())


def soon(seconds: float = 0.05) -> float:
    return time.monotonic() + seconds


def far() -> float:
    return time.monotonic() + LONG


async def test_at_the_deadline_what_has_arrived_is_served_and_the_poll_is_cancelled() -> None:
    source = Fake()
    reading = await shared(source).read(soon())
    assert reading.items == {"workQueueMessages": {(): 1}}
    assert (reading.up, reading.complete) == (True, False)
    assert [type(error) for error in reading.errors] == [SourceTimeout]
    assert source.ended == 1


async def test_everybody_who_asks_at_the_same_time_shares_one_poll() -> None:
    source = Fake()
    poll = shared(source)
    waiters = [asyncio.create_task(poll.read(far())) for _ in range(5)]
    await source.begun.wait()
    source.go.set()
    readings = await asyncio.gather(*waiters)
    assert source.polls == 1
    assert all(reading.complete for reading in readings)


async def test_a_waiter_leaves_at_its_own_deadline_and_the_poll_goes_on_for_the_others() -> None:
    source = Fake()
    poll = shared(source)
    patient = asyncio.create_task(poll.read(far()))
    hasty = await poll.read(soon())
    assert not hasty.complete
    assert not source.ended
    source.go.set()
    assert (await patient).complete
    assert "openFilesOrSockets" not in hasty.items
    assert source.polls == 1


async def test_the_poll_is_cancelled_when_the_last_waiter_goes_away() -> None:
    source = Fake()
    poll = shared(source)
    waiter = asyncio.create_task(poll.read(far()))
    await source.begun.wait()
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    source.go.set()
    assert (await poll.read(far())).items["workQueueMessages"] == {(): 2}
    assert source.ended == 2


async def test_a_complete_poll_is_served_again_until_its_interval_is_over() -> None:
    source = Fake()
    source.go.set()
    poll = shared(source, min_interval=LONG)
    first, second = await poll.read(far()), await poll.read(far())
    assert source.polls == 1
    assert (first.age, first.requests) == (0, 1)
    assert second.age > 0
    assert (second.requests, second.items) == (0, first.items)
    fresh = shared(source, min_interval=0)
    await fresh.read(far())
    await fresh.read(far())
    assert source.polls == 3


async def test_a_table_or_page_that_fails_each_time_does_not_multiply_the_polls() -> None:
    """Asking again at once would not better it."""
    source = Fake(partly=MalformedError("raidTable: broken"))
    source.go.set()
    poll = shared(source, min_interval=LONG)
    assert not (await poll.read(far())).complete
    assert not (await poll.read(far())).complete
    assert source.polls == 1


async def test_a_poll_that_was_cut_or_failed_is_never_served_again() -> None:
    source = Fake()
    poll = shared(source, min_interval=LONG)
    await poll.read(soon())
    source.go.set()
    source.fails = MalformedError("broken")
    assert not (await poll.read(far())).complete
    source.fails = None
    assert (await poll.read(far())).complete
    assert source.polls == 3


async def test_an_unexpected_fault_of_a_source_is_an_error_of_that_source() -> None:
    source = Fake(fails=ZeroDivisionError("division by zero"))
    source.go.set()
    reading = await shared(source).read(far())
    assert [error.reason for error in reading.errors] == ["malformed"]
    assert "report" in str(reading.errors[0])


async def test_closing_lets_a_running_poll_end() -> None:
    source = Fake()
    poll = shared(source)
    waiter = asyncio.create_task(poll.read(far()))
    await source.begun.wait()
    closing = asyncio.create_task(poll.close())
    source.go.set()
    await closing
    assert (await waiter).complete
    assert source.closed == 1


def config(*ports: int) -> Config:
    appliances = {
        f"mx{number}": snmp_appliance(port).model_copy(update={"name": f"mx{number}"})
        for number, port in enumerate(ports, 1)
    }
    return Config(appliances=appliances)


def sample(fleet_text: bytes, series: str) -> float:
    values = [line.rpartition(" ") for line in fleet_text.decode().splitlines()]
    return next(float(value) for name, _, value in values if name == series)


async def test_a_probe_tells_how_it_went(snmpd: Snmpd) -> None:
    telemetry = Telemetry()
    prober = Prober(snmp_appliance(snmpd.port, rated_messages_per_hour=7200, connection_limit=300), telemetry)
    result = await prober.probe(LONG)
    text = result.exposition.text()
    assert (result.success, result.complete) == (True, True)
    assert prober.last is result
    assert sample(text, "ironport_probe_success") == 1
    assert sample(text, "ironport_probe_deadline_seconds") == LONG
    assert sample(text, 'ironport_source_up{source="snmp"}') == 1
    assert sample(text, 'ironport_source_requests{source="snmp"}') == 7
    assert sample(text, 'ironport_source_error{reason="timeout",source="snmp"}') == 0
    assert sample(text, "ironport_rated_messages_per_second") == 2
    assert sample(text, "ironport_connection_limit") == 300
    assert b'source="xml"' not in text
    count = telemetry.registry.get_sample_value("ironport_exporter_probes_total", {"result": "complete"})
    assert count == 1


async def test_a_dead_agent_ends_at_the_deadline_with_its_reason(snmpd: Snmpd) -> None:
    async with UdpRelay(("127.0.0.1", snmpd.port), silent) as relay:
        result = await Prober(snmp_appliance(relay.port), Telemetry()).probe(0.4)
    text = result.exposition.text()
    assert sample(text, "ironport_probe_success") == 0
    assert sample(text, 'ironport_source_error{reason="timeout",source="snmp"}') == 1
    assert result.duration >= 0.4


async def test_a_new_configuration_keeps_what_it_does_not_change() -> None:
    fleet = Fleet(config(1, 2, 3), Telemetry())
    before = dict(fleet.probers)
    fleet.apply(config(1, 22))
    assert fleet.probers["mx1"] is before["mx1"]
    assert fleet.probers["mx2"] is not before["mx2"]
    assert "mx3" not in fleet.probers
    assert list(fleet.config.appliances) == ["mx1", "mx2"]
    await fleet.close()


async def test_a_probe_that_runs_while_the_configuration_changes_ends_as_it_began(snmpd: Snmpd) -> None:
    fleet = Fleet(config(snmpd.port), Telemetry())
    probe = asyncio.create_task(fleet.probers["mx1"].probe(LONG))
    fleet.apply(config(1))
    assert (await probe).complete
    await fleet.close()
