"""A probe serves what has arrived at its deadline, shares polls, and outlives whatever a source does."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import structlog

from exporter.config import Appliance, Auth, BasicAuth, MinInterval, TargetRule, XmlSettings
from exporter.errors import (
    REASONS,
    MalformedError,
    RefusedError,
    RequestError,
    SourceError,
    SourceTimeout,
    TooLargeError,
    UnreachableError,
)
from exporter.metrics.reading import Certificate, Items, Reading
from exporter.probe import Prober, SharedPoll, configured_reading, health_reading, probe_result, probe_timeout
from exporter.sources.source import SOURCES
from exporter.telemetry import Telemetry
from faults.answers import CHUNKED, broken_off, endless
from faults.appliance import HEAD, PAGE, Answer, page
from support.appliances import snmp_appliance
from support.processes import free_port
from support.relay import UdpRelay, silent
from support.snmpd import Snmpd
from support.web_interface import RawServer

LONG = 60.0
"""A deadline that no test reaches, in seconds."""


class Fake:
    """A source that brings one figure, then waits for `go`, then ends; `polls` and `ended` count.

    With a `refusal` it brings only this error before it waits.
    """

    def __init__(
        self,
        *,
        fails: Exception | None = None,
        partly: SourceError | None = None,
        refusal: SourceError | None = None,
    ) -> None:
        self.go = asyncio.Event()
        self.begun = asyncio.Event()
        self.polls = self.ended = self.closed = 0
        self.fails = fails
        self.partly = partly
        self.refusal = refusal

    async def poll(self, reading: Reading) -> None:
        self.polls += 1
        reading.requests += 1
        if self.refusal:
            reading.errors.append(self.refusal)
        else:
            reading.up = True
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


def shared(source: Fake, min_interval: float = 0.0, floor: float = 0.0) -> SharedPoll:
    return SharedPoll("snmp", source, min_interval, floor)


def soon(seconds: float = 0.05) -> float:
    return time.monotonic() + seconds


def far() -> float:
    return time.monotonic() + LONG


async def test_the_deadline_ends_the_poll_and_keeps_what_arrived() -> None:
    source = Fake()
    reading = await shared(source).read(soon())
    assert reading.items == {"workQueueMessages": {(): 1}}
    assert (reading.up, reading.complete) == (True, False)
    assert [type(error) for error in reading.errors] == [SourceTimeout]
    assert source.ended == 1


async def test_an_error_that_says_why_nothing_came_stands_alone() -> None:
    """The general error of a deadline would send the operator to the firewall."""
    cause = MalformedError("this is another machine")
    reading = await shared(Fake(refusal=cause)).read(soon())
    assert (reading.up, reading.errors) == (False, [cause])


async def test_a_probe_without_time_says_so() -> None:
    prober = Prober(snmp_appliance(9), Telemetry())
    result = await prober.probe(0.0)
    await prober.close()
    (error,) = result.readings[0].errors
    assert isinstance(error, SourceTimeout)
    assert "too short" in str(error)
    assert "DNS" not in str(error)


async def test_probes_at_the_same_time_share_one_poll() -> None:
    source = Fake()
    poll = shared(source)
    waiters = [asyncio.create_task(poll.read(far())) for _ in range(5)]
    await source.begun.wait()
    source.go.set()
    readings = await asyncio.gather(*waiters)
    assert source.polls == 1
    assert all(reading.complete for reading in readings)
    assert sorted(reading.shared for reading in readings) == [False, True, True, True, True]
    assert sum(reading.requests for reading in readings) == 1


async def test_each_probe_leaves_a_shared_poll_at_its_deadline() -> None:
    source = Fake()
    poll = shared(source)
    patient = asyncio.create_task(poll.read(far()))
    await source.begun.wait()
    hasty = await poll.read(soon())
    assert not hasty.complete
    assert not source.ended
    source.go.set()
    assert (await patient).complete
    assert "openFilesOrSockets" not in hasty.items
    assert source.polls == 1


async def test_no_probe_keeps_a_hung_poll_alive() -> None:
    source = Fake()
    poll = shared(source)
    first = asyncio.create_task(poll.read(soon()))
    await source.begun.wait()
    joined = asyncio.create_task(poll.read(far()))
    source.begun.clear()
    assert not (await first).complete
    await source.begun.wait()
    source.go.set()
    second = await joined
    assert (second.complete, second.shared, second.requests) == (True, False, 1)
    assert source.ended == 2


async def test_a_poll_ends_when_no_probe_is_left() -> None:
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


async def test_hasty_probes_share_one_poll() -> None:
    source = Fake()
    poll = shared(source, floor=LONG)
    readings = [await poll.read(soon()) for _ in range(5)]
    assert (source.polls, source.ended) == (1, 0)
    assert [reading.requests for reading in readings] == [1, 0, 0, 0, 0]
    assert all(reading.items == {"workQueueMessages": {(): 1}} and not reading.complete for reading in readings)
    source.go.set()
    assert (await poll.read(far())).complete
    assert source.polls == 1


async def test_probes_without_time_begin_a_poll_a_second_at_most() -> None:
    source = Fake()
    poll = SharedPoll("snmp", source, min_interval=0)
    for _ in range(3):
        await poll.read(time.monotonic())
        await asyncio.sleep(0)
    assert source.polls == 1
    source.go.set()
    await poll.close()


async def test_clients_that_go_away_start_one_poll() -> None:
    source = Fake()
    poll = shared(source, floor=LONG)
    for _ in range(5):
        waiter = asyncio.create_task(poll.read(far()))
        await source.begun.wait()
        waiter.cancel()
        await asyncio.wait({waiter})
    assert (source.polls, source.ended) == (1, 0)
    source.go.set()
    await poll.close()


async def test_a_left_poll_ends_at_its_floor() -> None:
    source = Fake()
    poll = shared(source, floor=0.2)
    await poll.read(soon())
    assert not source.ended
    await poll.close()
    assert (source.ended, source.closed) == (1, 1)


async def test_a_complete_poll_is_reused_for_min_interval() -> None:
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


async def test_a_poll_without_a_broken_table_is_reused() -> None:
    """Asking again at once would not better it."""
    source = Fake(partly=MalformedError("raidTable: broken"))
    source.go.set()
    poll = shared(source, min_interval=LONG)
    assert not (await poll.read(far())).complete
    assert not (await poll.read(far())).complete
    assert source.polls == 1


async def test_a_poll_that_failed_is_never_reused() -> None:
    source = Fake()
    poll = shared(source, min_interval=LONG)
    await poll.read(soon())
    source.go.set()
    source.fails = MalformedError("broken")
    assert not (await poll.read(far())).complete
    source.fails = None
    assert (await poll.read(far())).complete
    assert source.polls == 3


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Stand in for the clock of probes. `now` is a whole number, so that sums with whole numbers are exact."""
    clock = SimpleNamespace(now=float(int(time.monotonic())))
    monkeypatch.setattr("exporter.probe.time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


async def test_a_poll_is_reused_until_min_interval_has_passed(clock: SimpleNamespace) -> None:
    source = Fake()
    source.go.set()
    poll = shared(source, min_interval=10)
    await poll.read(far())
    clock.now += 9
    reused = await poll.read(far())
    assert (source.polls, reused.shared, reused.age, reused.retries) == (1, True, 9, 0)
    clock.now += 1
    fresh = await poll.read(far())
    assert (source.polls, fresh.shared, fresh.age) == (2, False, 0)


async def test_probes_that_join_a_poll_know_its_age(clock: SimpleNamespace) -> None:
    source = Fake()
    poll = shared(source)
    first = asyncio.create_task(poll.read(far()))
    await source.begun.wait()
    clock.now += 3
    joined = asyncio.create_task(poll.read(far()))
    await asyncio.sleep(0)
    clock.now += 2
    source.go.set()
    assert ((await first).age, (await joined).age) == (0, 3)
    assert ((await first).duration, (await joined).duration) == (5, 5)


class Slow(Fake):
    """A source that is up or not, and that has taken some seconds when its poll is left."""

    def __init__(self, clock: SimpleNamespace, seconds: float, *, up: bool) -> None:
        super().__init__()
        self._clock, self._seconds, self._up = clock, seconds, up

    async def poll(self, reading: Reading) -> None:
        reading.up = self._up
        self._clock.now += self._seconds
        await self.go.wait()


@pytest.mark.parametrize(
    ("seconds", "up", "words"),
    [
        (0.09, False, "The probe ended after 90 ms, too short for an answer"),
        (0.11, False, "no answer in time"),
        (0.09, True, "no answer in time"),
    ],
)
async def test_only_a_poll_that_had_time_blames_the_appliance(
    clock: SimpleNamespace, seconds: float, words: str, *, up: bool
) -> None:
    source = Slow(clock, seconds, up=up)
    poll = shared(source, floor=LONG)
    reading = await poll.read(clock.now)
    source.go.set()
    await poll.close()
    (error,) = reading.errors
    assert str(error).startswith(words)
    assert reading.duration == pytest.approx(seconds)


async def test_a_probe_that_ends_with_the_poll_begins_no_other() -> None:
    source, deadline = Fake(), soon()
    poll = shared(source)
    readings = await asyncio.gather(*(poll.read(deadline) for _ in range(3)))
    assert source.polls == 1
    assert sorted(reading.shared for reading in readings) == [False, True, True]


Uncollected = Callable[[], list[Reading | SourceError]]


def left_to_the_collector() -> list[Reading | SourceError]:
    """Return the readings and errors that only a garbage collection frees, with all that they refer to."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    gc.set_debug(0)
    found = [each for each in gc.garbage if isinstance(each, Reading | SourceError)]
    gc.garbage.clear()
    return found


@pytest.fixture
def uncollected() -> Iterator[Uncollected]:
    """Full collections are rare, so what failed must not wait for one. Nothing is collected before the call."""
    gc.collect()
    gc.disable()
    yield left_to_the_collector
    gc.enable()


async def test_a_poll_that_nobody_waits_for_leaves_no_garbage(uncollected: Uncollected) -> None:
    poll = shared(Fake())
    waiter = asyncio.create_task(poll.read(far()))
    await asyncio.sleep(0)
    waiter.cancel()
    await asyncio.wait({waiter})
    await poll.close()
    del waiter
    assert uncollected() == []


CUT_PAGE = PAGE[: len(PAGE) // 2]
BROKEN = {
    "cut page": (page(CUT_PAGE), MalformedError),
    "cut answer": (page()[: len(PAGE) // 2], MalformedError),
    "no page": (page(b"<other/>"), MalformedError),
    "no HTTP": (b"no HTTP\r\n\r\n", MalformedError),
    "large header": (HEAD + b"A: b\r\n" * 20_000, TooLargeError),
    "small chunks": (CHUNKED + b"1\r\nx\r\n" * 20_000, TooLargeError),
    "no answer": (b"", UnreachableError),
}


@pytest.mark.parametrize(("answer", "error"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_failed_poll_leaves_no_garbage(
    answer: bytes, error: type[SourceError], uncollected: Uncollected
) -> None:
    """An error keeps the calls that led to it, and these have the reading that keeps the error."""
    server = RawServer(asked_first(broken_off(answer)))
    await server.start()
    (reading,) = await readings(server.port)
    await server.stop()
    assert [type(each) for each in reading.errors] == [error]
    assert uncollected() == []


async def test_a_refused_poll_leaves_no_garbage(uncollected: Uncollected) -> None:
    (reading,) = await readings(free_port(socket.SOCK_STREAM))
    assert [type(each) for each in reading.errors] == [RefusedError]
    assert uncollected() == []


async def test_a_poll_that_ends_in_mid_page_leaves_no_garbage(uncollected: Uncollected) -> None:
    server = RawServer(endless(HEAD + b"Content-Length: 9999\r\n\r\n<", b"", LONG))
    await server.start()
    (reading,) = await readings(server.port, timeout=0.5)
    await server.stop()
    assert [type(each) for each in reading.errors] == [SourceTimeout]
    assert uncollected() == []


def asked_first(answer: Answer) -> Answer:
    """Answer when the request has come: a connection that ends with unread octets is reset, and the answer lost."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await answer(reader, writer)

    return talk


async def readings(port: int, timeout: float = LONG) -> tuple[Reading, ...]:  # noqa: ASYNC109 - as `probe` has it
    """Probe an appliance once that has a status page at this port."""
    appliance = Appliance(
        name="mx1",
        address="127.0.0.1",
        auth="ops",
        credentials=Auth(xml=BasicAuth.model_validate({"username": "a", "password": "b"})),
        stream="default",
        xml=XmlSettings(scheme="http", port=port),
    )
    prober = Prober(appliance, Telemetry())
    result = await prober.probe(timeout)
    await prober.close()
    return result.readings


async def test_an_unexpected_fault_is_an_error_of_its_source() -> None:
    source = Fake(fails=ZeroDivisionError("division by zero"))
    source.go.set()
    reading = await shared(source).read(far())
    assert [error.reason for error in reading.errors] == ["malformed"]
    assert "report" in str(reading.errors[0])


async def test_an_unexpected_fault_quotes_no_data() -> None:
    fault = ValueError("a secret that the appliance sends back")
    source = Fake(fails=fault)
    source.go.set()
    with structlog.testing.capture_logs() as logged:
        reading = await shared(source).read(far())
    assert "ValueError at test_probe.py:" in str(reading.errors[0])
    assert "secret" not in str(reading.errors[0])
    assert [(event["event"], event["exc_info"]) for event in logged] == [("poll failed unexpectedly", fault)]


async def test_closing_waits_for_a_running_poll() -> None:
    source = Fake()
    poll = shared(source)
    waiter = asyncio.create_task(poll.read(far()))
    await source.begun.wait()
    closing = asyncio.create_task(poll.close())
    source.go.set()
    await closing
    assert (await waiter).complete
    assert source.closed == 1


class Odd(Fake):
    """A source with one value that no conversion can read until the third poll, and one of the wrong type."""

    async def poll(self, reading: Reading) -> None:
        self.polls += 1
        await asyncio.sleep(0)
        reading.up = True
        reading.set("workQueueMessages", "many" if self.polls < 3 else 5)
        reading.set_unreadable("openFilesOrSockets", "NULL")


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Odd:
    """Stand in for SNMP."""
    source = Odd()
    monkeypatch.setitem(SOURCES, "snmp", replace(SOURCES["snmp"], create=lambda *_: source))
    return source


async def test_joined_probes_count_a_poll_once(odd: Odd) -> None:
    telemetry = Telemetry()
    prober = Prober(snmp_appliance(161), telemetry)
    await asyncio.gather(*(prober.probe(LONG) for _ in range(3)))
    assert odd.polls == 1
    value = telemetry.registry.get_sample_value
    for item in ("workQueueMessages", "openFilesOrSockets"):
        assert value("ironport_exporter_unknown_values_total", {"item": item}) == 1
    assert value("ironport_exporter_probes_shared_total") == 2


@pytest.mark.usefixtures("odd")
async def test_probes_shared_counts_probes_not_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOURCES, "xml", SOURCES["snmp"])
    telemetry = Telemetry()
    prober = Prober(snmp_appliance(161), telemetry)
    await asyncio.gather(*(prober.probe(LONG) for _ in range(3)))
    assert telemetry.registry.get_sample_value("ironport_exporter_probes_shared_total") == 2


@pytest.mark.usefixtures("odd")
async def test_unreadable_values_are_exported_and_logged_once() -> None:
    prober = Prober(snmp_appliance(161, min_interval=MinInterval(snmp=0)), Telemetry())
    with structlog.testing.capture_logs() as logs:
        texts = [(await prober.probe(LONG)).exposition.text() for _ in range(4)]
    counts = [sample(text, 'ironport_source_unreadable_values{source="snmp"}') for text in texts]
    assert counts == [2, 2, 1, 1]
    values = [entry["values"] for entry in logs if "values" in entry]
    assert values == ["openFilesOrSockets: 'NULL'; workQueueMessages: 'many'", "openFilesOrSockets: 'NULL'"]


Ended = tuple[bool, SourceError | None]
"""Whether a source is up, and what failed."""


class Scripted(Fake):
    """A source whose polls end as listed."""

    def __init__(self, polls: list[Ended]) -> None:
        super().__init__()
        self._polls = iter(polls)

    async def poll(self, reading: Reading) -> None:
        reading.up, error = next(self._polls)
        reading.errors.extend([error] if error else [])


WELL: Ended = (True, None)
PARTIAL: Ended = (True, MalformedError("raidTable: broken"))
DOWN: Ended = (False, RefusedError("closed"))


@pytest.mark.parametrize(
    ("polls", "events"),
    [
        ([WELL, WELL], []),
        ([DOWN], [("warning", "source down")]),
        ([WELL, DOWN, WELL, WELL], [("warning", "source down"), ("info", "source up again")]),
        ([DOWN, DOWN, WELL], [("warning", "source down"), ("debug", "source incomplete"), ("info", "source up again")]),
        ([WELL, PARTIAL, WELL], [("debug", "source incomplete")]),
        ([DOWN, PARTIAL], [("warning", "source down"), ("info", "source up again")]),
    ],
    ids=["well", "down at first", "back again", "still down", "partial", "partly back"],
)
async def test_a_source_that_goes_or_comes_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, polls: list[Ended], events: list[tuple[str, str]]
) -> None:
    source = Scripted(polls)
    monkeypatch.setitem(SOURCES, "snmp", replace(SOURCES["snmp"], create=lambda *_: source))
    prober = Prober(snmp_appliance(161, min_interval=MinInterval(snmp=0)), Telemetry())
    with structlog.testing.capture_logs() as logged:
        results = [await prober.probe(LONG) for _ in polls]
    assert [(event["log_level"], event["event"]) for event in logged] == events
    assert {(event["appliance"], event["source"]) for event in logged} <= {("mx1", "snmp")}
    outcomes = {WELL: "complete", PARTIAL: "partial", DOWN: "failed"}
    assert [result.outcome for result in results] == [outcomes[poll] for poll in polls]


@pytest.mark.parametrize(
    ("beyond", "limited"), [(None, [False, False]), (TargetRule(allow=("*.test",)), [True, False])]
)
async def test_only_the_first_probe_of_a_target_beyond_the_list_is_logged_with_a_limit(
    monkeypatch: pytest.MonkeyPatch, beyond: TargetRule | None, limited: list[bool]
) -> None:
    monkeypatch.setattr("exporter.probe._new_targets_log", structlog.get_logger().bind(limited=True))
    source = Scripted([DOWN, WELL])
    monkeypatch.setitem(SOURCES, "snmp", replace(SOURCES["snmp"], create=lambda *_: source))
    prober = Prober(snmp_appliance(161, min_interval=MinInterval(snmp=0), beyond_list=beyond), Telemetry())
    with structlog.testing.capture_logs() as logged:
        for _ in range(2):
            await prober.probe(LONG)
    assert [event.get("limited", False) for event in logged] == limited


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, 10), ("10", 9.5), ("0.75", 0.25), ("120.5", 120), ("9999", 120), (" 5 ", 4.5)]
)
def test_a_probe_may_take_what_prometheus_waits_less_the_offset(header: str | None, seconds: float) -> None:
    assert probe_timeout(header, 0.5) == seconds


@pytest.mark.parametrize("header", ["", "soon", "nan", "inf", "-inf", "-1", "0", "0.5", "0.25"])
def test_a_wait_that_is_no_number_above_the_offset_is_refused(header: str) -> None:
    with pytest.raises(RequestError, match=f'is "{header}"; it must be a number of seconds above 0.5'):
        probe_timeout(header, 0.5)


def test_the_health_of_a_probe_is_that_of_its_sources() -> None:
    late, broken = SourceTimeout("late"), MalformedError("broken")
    snmp = Reading("snmp", up=True, errors=[late], requests=7, retries=2, duration=0.25, age=3.0)
    xml = Reading("xml", errors=[late, broken], duration=5.0, certificate=Certificate(1.8e9, "ca"))
    health = health_reading([snmp, xml], {"snmp": {("a", ()): "b", ("c", ()): "d"}}, 5.5, 9.5)
    errors: Items = {"source_error": {(source, reason): 0 for source in ("snmp", "xml") for reason in REASONS}}
    errors["source_error"] |= {("snmp", "timeout"): 1, ("xml", "timeout"): 1, ("xml", "malformed"): 1}
    assert health.source == "probe"
    assert health.items == errors | {
        "success": {(): 1},
        "duration": {(): 5.5},
        "deadline": {(): 9.5},
        "source_up": {("snmp",): 1, ("xml",): 0},
        "source_complete": {("snmp",): 0, ("xml",): 0},
        "source_duration": {("snmp",): 0.25, ("xml",): 5.0},
        "source_age": {("snmp",): 3.0, ("xml",): 0.0},
        "source_requests": {("snmp",): 7, ("xml",): 0},
        "source_retries": {("snmp",): 2, ("xml",): 0},
        "source_unreadable_values": {("snmp",): 2, ("xml",): 0},
        "certificate_expiry": {("xml", "ca"): 1.8e9},
    }
    assert health_reading([xml], {}, 1, 1).items["success"] == {(): 0}


def test_the_configuration_adds_what_it_has() -> None:
    now = datetime(2026, 12, 1, tzinfo=UTC)
    assert configured_reading(snmp_appliance(161), now).items == {}
    limited = snmp_appliance(161, connection_limit=300, rated_messages_per_hour=7200, minimum_version="15.5")
    assert configured_reading(limited, now).items == {
        "connection_limit": {(): 300},
        "rated_messages_per_hour": {(): 7200},
        "minimum_version": {(): "15.5"},
    }


def test_a_result_is_kept_without_its_figures() -> None:
    snmp = Reading("snmp", up=True, errors=[SourceTimeout("late")], requests=7, notes=["GET"])
    snmp.set("workQueueMessages", 5)
    snmp.set("sysDescr", "Cisco Model C690, AsyncOS Version: 14.0.0-2, Build Date: 2021")
    snmp.set_unreadable("openFilesOrSockets", "NULL")
    result = probe_result(snmp_appliance(161), [snmp], 0.25, 9.5, datetime(2026, 12, 1, tzinfo=UTC))
    kept = result.without_figures()
    assert (kept.success, kept.outcome, kept.duration, kept.deadline, kept.time) == (
        *(True, "partial", 0.25, 9.5),
        result.time,
    )
    assert (kept.reading("snmp"), kept.reading("xml")) == (replace(snmp, items={}, unreadable={}, notes=[]), None)
    assert [family.name for family, _ in kept.exposition.families] == ["ironport_version_info"]


def sample(fleet_text: bytes, series: str) -> float:
    values = [line.rpartition(" ") for line in fleet_text.decode().splitlines()]
    return next(float(value) for name, _, value in values if name == series)


async def test_a_probe_exports_its_own_health(snmpd: Snmpd) -> None:
    telemetry = Telemetry()
    prober = Prober(snmp_appliance(snmpd.port, rated_messages_per_hour=7200, connection_limit=300), telemetry)
    result = await prober.probe(LONG)
    text = result.exposition.text()
    assert (result.success, result.complete) == (True, True)
    assert prober.last
    assert (prober.last.outcome, prober.last.time) == (result.outcome, result.time)
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


async def test_a_dead_agent_gives_a_timeout_at_the_deadline(snmpd: Snmpd) -> None:
    async with UdpRelay(("127.0.0.1", snmpd.port), silent) as relay:
        prober = Prober(snmp_appliance(relay.port), Telemetry())
        result = await prober.probe(0.4)
        await prober.close()
    text = result.exposition.text()
    assert sample(text, "ironport_probe_success") == 0
    assert sample(text, 'ironport_source_error{reason="timeout",source="snmp"}') == 1
    assert result.duration >= 0.4
