"""A session gets its answers despite loss, delay, copies and wrong datagrams, and counts all of them."""

from __future__ import annotations

import asyncio
import errno
import gc
import itertools
import socket
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from exporter.errors import (
    AuthError,
    MalformedError,
    RefusedError,
    ResolveError,
    ResourceError,
    SourceTimeout,
    TooLargeError,
    UnreachableError,
)
from exporter.lab.simulator.engine import Clock, Engine
from exporter.metrics.reading import Reading
from exporter.sources.snmp import session
from exporter.sources.snmp.ber import Pdu, Reader, VarBindsReader
from exporter.sources.snmp.messages import Codec, CommunityCodec, SnmpRequest
from exporter.sources.snmp.mib import MAIL_OBJECTS
from exporter.sources.snmp.retry import RoundTripTime
from exporter.sources.snmp.session import MAX_IN_FLIGHT, Session
from exporter.sources.snmp.usm import UsmCodec
from exporter.sources.snmp.usm_message import UsmMessage
from exporter.telemetry import Telemetry
from support.appliances import usm
from support.forged import report, with_false_engines
from support.mail_agent import oid
from support.processes import free_port
from support.relay import Datagram, Policy, UdpRelay, corrupted, delayed, doubled, forward, joined_by, lossy, silent
from support.snmpd import COMMUNITY, V3GET, Snmpd, User

QUEUE = SnmpRequest("get", (oid("workQueueMessages"),))
V2C = CommunityCodec(COMMUNITY.encode())
ANSWER = [(oid("workQueueMessages"), 42)]


class Conversation:
    """A session through a relay, and what it counted."""

    def __init__(self, session: Session, relay: UdpRelay, reading: Reading, registry: CollectorRegistry) -> None:
        self.session = session
        self.relay = relay
        self.reading = reading
        self._registry = registry

    def count(self, name: str, **labels: str) -> float | None:
        return self._registry.get_sample_value(f"ironport_exporter_snmp_{name}", labels)

    def rejected(self) -> dict[str, float | None]:
        reasons = ("malformed", "wrong_id", "wrong_identity", "duplicate")
        counts = {reason: self.count("rejected_responses_total", reason=reason) for reason in reasons}
        return {reason: count for reason, count in counts.items() if count}


@asynccontextmanager
async def conversation(
    agent: Snmpd, policy: Policy = forward, codec: Codec | None = None, accept_from: Sequence[str] = ()
) -> AsyncIterator[Conversation]:
    telemetry, reading = Telemetry(), Reading("snmp")
    async with (
        UdpRelay(("127.0.0.1", agent.port), policy) as relay,
        Session.open(relay.host, relay.port, codec or V2C, RoundTripTime(), reading, telemetry, accept_from) as session,
    ):
        yield Conversation(session, relay, reading, telemetry.registry)


@pytest.fixture(params=["v2c", "v3"])
async def codec(request: pytest.FixtureRequest, snmpd: Snmpd) -> Codec:
    """Return a codec that knows the agent: for v3, its engine has been discovered."""
    if request.param == "v2c":
        return V2C
    known = UsmCodec(usm(V3GET))
    async with conversation(snmpd, codec=known) as it:
        await it.session.request(QUEUE)
    return known


async def test_an_answer_is_returned_and_counted(snmpd: Snmpd, codec: Codec) -> None:
    async with conversation(snmpd, codec=codec) as it:
        response = await it.session.request(QUEUE)
    assert response.varbinds == ANSWER
    assert (it.reading.requests, it.reading.retries) == (1, 0)
    assert (it.count("requests_sent_total"), it.count("responses_total")) == (1, 1)
    assert (it.count("late_responses_total"), it.count("requests_recovered_total")) == (0, 0)
    assert it.count("round_trip_seconds_count") == 1


def lose_first(count: int) -> Policy:
    """Lose the first requests, so many."""
    lost: Iterator[list[Datagram]] = iter([[]] * count)
    return lambda datagram: [datagram] if datagram.to == "client" else next(lost, [datagram])


async def test_lost_requests_are_sent_again(snmpd: Snmpd, codec: Codec) -> None:
    async with conversation(snmpd, lose_first(2), codec) as it:
        assert (await it.session.request(QUEUE)).varbinds == ANSWER
    assert (it.reading.requests, it.reading.retries) == (3, 2)
    assert (it.count("requests_sent_total"), it.count("requests_resent_total")) == (3, 2)
    assert (it.count("requests_recovered_total"), it.count("requests_unanswered_total")) == (1, 0)
    assert ", 3 tries, " in it.reading.notes[0]


@pytest.mark.parametrize("step", [1, -1], ids=["rising ids", "falling ids"])
async def test_a_late_answer_is_accepted_once(
    snmpd: Snmpd, codec: Codec, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    ids = itertools.count(1000, step)
    monkeypatch.setattr(session, "secrets", SimpleNamespace(randbits=lambda _: next(ids)))
    held: list[Datagram] = []

    def hold_first_answer(datagram: Datagram) -> list[Datagram]:
        if datagram.to == "agent" and held:
            return [replace(held[0])]  # the second try brings the first try's answer
        if datagram.to == "client":
            held.append(datagram)
            return []
        return [datagram]

    async with conversation(snmpd, hold_first_answer, codec) as it:
        assert (await it.session.request(QUEUE)).varbinds == ANSWER
        assert (it.count("responses_total"), it.count("late_responses_total")) == (1, 1)
        it.relay.policy = lambda datagram: [held[0], datagram] if datagram.to == "client" else [datagram]
        await it.session.request(QUEUE)
    assert it.rejected() == {"duplicate": 1}


async def test_copies_of_answers_are_counted_as_duplicates(snmpd: Snmpd, codec: Codec) -> None:
    async with conversation(snmpd, doubled("client"), codec) as it:
        await it.session.request(QUEUE)
        await it.session.request(QUEUE)
    assert it.rejected().keys() == {"duplicate"}


async def test_after_malformed_answers_the_request_is_sent_again(snmpd: Snmpd, codec: Codec) -> None:
    async with conversation(snmpd, corrupted("client", share=0.5, seed=3), codec) as it:
        for _ in range(10):
            assert (await it.session.request(QUEUE)).varbinds == ANSWER
    assert it.rejected().keys() & {"malformed", "wrong_id", "wrong_identity"}
    assert sum(filter(None, it.rejected().values())) == it.reading.retries


async def test_answers_with_an_unknown_id_are_dropped(snmpd: Snmpd) -> None:
    codec = CommunityCodec(COMMUNITY.encode())
    stranger = bytearray(codec.encode(QUEUE, 0x41414141))
    stranger[stranger.index(0xA0)] = 0xA2  # the request becomes a response
    async with conversation(snmpd, joined_by(bytes(stranger))) as it:
        assert (await it.session.request(QUEUE)).varbinds == ANSWER
    assert it.rejected() == {"wrong_id": 1}


async def test_answers_of_another_community_are_dropped(snmpd: Snmpd) -> None:
    codec = CommunityCodec(b"another")
    stranger = bytearray(codec.encode(QUEUE, 0x41414141))
    stranger[stranger.index(0xA0)] = 0xA2
    async with conversation(snmpd, joined_by(bytes(stranger))) as it:
        assert (await it.session.request(QUEUE)).varbinds == ANSWER
    assert it.rejected() == {"wrong_identity": 1}


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return a list that gets every datagram whose variable bindings are read."""
    datagrams: list[bytes] = []
    original = Reader.pdu

    def pdu(reader: Reader, read: VarBindsReader | None = None) -> Pdu:
        datagrams.append(reader.octets)
        return original(reader, read)

    monkeypatch.setattr(Reader, "pdu", pdu)
    return datagrams


BIG = b"\x30\x82\xff\x00" + b"\x05\x00" * 32_000


@pytest.mark.parametrize("data", [BIG, BIG[:8000], b"\x30" * 8000], ids=["64 KB", "8 KB", "nested"])
async def test_rubbish_is_dropped_before_it_is_decoded(
    snmpd: Snmpd, codec: Codec, decoded: list[bytes], data: bytes
) -> None:
    async with conversation(snmpd, joined_by(data), codec) as it:
        assert (await it.session.request(QUEUE)).varbinds == ANSWER
    assert it.rejected() == {"malformed": 1}
    assert data not in decoded


async def test_a_flood_delays_an_answer_only(snmpd: Snmpd) -> None:
    def flood(datagram: Datagram) -> list[Datagram]:
        return [replace(datagram, data=b"x")] * 40 * (datagram.to == "client") + [datagram]

    async with conversation(snmpd, flood) as it:
        assert (await it.session.request(QUEUE)).varbinds == ANSWER
        assert it.reading.retries  # meanwhile nothing is read


async def test_a_flood_of_reports_delays_an_answer_only(snmpd: Snmpd) -> None:
    def flood(datagram: Datagram) -> list[Datagram]:
        if datagram.to == "agent":
            return [datagram]
        forged = replace(datagram, data=report(3, message_id=UsmMessage.peek(datagram.data)))
        return [forged] * 40 + [datagram]

    known = UsmCodec(usm(V3GET))
    async with conversation(snmpd, codec=known) as it:
        await it.session.request(QUEUE)
        it.relay.policy = flood
        assert (await it.session.request(QUEUE)).varbinds == ANSWER
        assert it.reading.retries


ODD_SIZES = {
    "nothing": (QUEUE, 0),
    "more than asked for": (SnmpRequest("next", QUEUE.oids), 2),
    "more than two rows": (SnmpRequest("bulk", QUEUE.oids, 2), 3),
}


def response(request_id: int, count: int) -> bytes:
    """Return a response with so many variable bindings."""
    encoded = bytearray(V2C.encode(SnmpRequest("get", QUEUE.oids * count), request_id))
    encoded[encoded.index(0xA0)] = 0xA2
    return bytes(encoded)


def id_of(datagram: Datagram) -> int:
    request = bytearray(datagram.data)
    request[request.index(COMMUNITY.encode()) + len(COMMUNITY)] = 0xA2
    return V2C.decode(bytes(request)).request_id


@pytest.mark.parametrize(("request_", "count"), ODD_SIZES.values(), ids=ODD_SIZES.keys())
async def test_an_answer_with_too_few_or_too_many_values_is_no_answer(
    snmpd: Snmpd, request_: SnmpRequest, count: int
) -> None:
    def sized(datagram: Datagram) -> list[Datagram]:
        return [Datagram("client", response(id_of(datagram), count))] if datagram.to == "agent" else []

    async with conversation(snmpd, sized) as it:
        with pytest.raises(SourceTimeout):
            await it.session.request(request_, tries=2)
        it.relay.policy = lambda datagram: [Datagram("client", response(id_of(datagram), max(count - 1, 1)))]
        assert await it.session.request(request_)
    assert it.rejected() == {"malformed": 2}


async def test_an_agent_that_refuses_a_request_has_answered(snmpd: Snmpd) -> None:
    async with conversation(snmpd, codec=UsmCodec(usm(User("v3get")))) as it:
        assert (await it.session.request(QUEUE)).error_status == 16
    assert ": error status 16, 1 try and 1 packet to learn the engine, " in it.reading.notes[0]


async def test_round_trips_are_measured_in_seconds_and_shown_in_milliseconds(
    snmpd: Snmpd, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(session, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def quarter(datagram: Datagram) -> list[Datagram]:
        now[0] += 0.25 * (datagram.to == "client")
        return [datagram]

    async with conversation(snmpd, quarter) as it:
        await it.session.request(QUEUE)
    assert it.count("round_trip_seconds_sum") == 0.25
    assert it.reading.notes[0].endswith(": 1 values, 1 try, 250 ms")


async def test_a_wrong_id_is_dropped_before_its_values_are_decoded(snmpd: Snmpd, decoded: list[bytes]) -> None:
    codec = CommunityCodec(COMMUNITY.encode())
    stranger = bytearray(codec.encode(SnmpRequest("get", (oid("workQueueMessages"),) * 200), 0x41414141))
    stranger[stranger.index(0xA0)] = 0xA2
    async with conversation(snmpd, joined_by(bytes(stranger))) as it:
        assert (await it.session.request(QUEUE)).varbinds == ANSWER
    assert it.rejected() == {"wrong_id": 1}
    assert bytes(stranger) not in decoded


async def test_our_own_request_sent_back_is_no_answer(snmpd: Snmpd) -> None:
    def mirror_first(datagram: Datagram) -> list[Datagram]:
        return [replace(datagram, to="client"), datagram] if datagram.to == "agent" else [datagram]

    async with conversation(snmpd, mirror_first) as it:
        assert (await it.session.request(QUEUE)).varbinds == ANSWER
    assert it.rejected() == {"malformed": 1}


async def test_an_answer_about_other_objects_is_no_answer(snmpd: Snmpd) -> None:
    def swap_first(datagram: Datagram) -> list[Datagram]:
        wrong = datagram.data.replace(b"\x01\x01\x01\x0b\x00", b"\x01\x01\x01\x0c\x00")
        return [replace(datagram, data=wrong), datagram] if datagram.to == "client" else [datagram]

    async with conversation(snmpd, swap_first) as it:
        assert (await it.session.request(QUEUE)).varbinds == ANSWER
    assert it.rejected() == {"malformed": 1}


async def test_without_a_better_answer_the_odd_one_counts(snmpd: Snmpd) -> None:
    def swap(datagram: Datagram) -> list[Datagram]:
        return [replace(datagram, data=datagram.data.replace(b"\x01\x01\x01\x0b\x00", b"\x01\x01\x01\x0c\x00"))]

    async with conversation(snmpd, swap) as it:
        ((found, _),) = (await it.session.request(QUEUE)).varbinds
    assert found == (*MAIL_OBJECTS, 12, 0)


async def test_datagrams_from_another_address_never_arrive(snmpd: Snmpd) -> None:
    async with conversation(snmpd, joined_by(b"foreign", foreign=True)) as it:
        assert (await it.session.request(QUEUE)).varbinds == ANSWER
    assert it.rejected() == {}


def from_elsewhere(datagram: Datagram) -> list[Datagram]:
    return [replace(datagram, foreign=datagram.to == "client")]


async def test_answers_from_a_configured_address_count(snmpd: Snmpd, codec: Codec) -> None:
    async with conversation(snmpd, from_elsewhere, codec, accept_from=["127.0.0.1"]) as it:
        assert (await it.session.request(QUEUE)).varbinds == ANSWER
    assert it.reading.requests == 1


@pytest.mark.parametrize("accept_from", [[], ["127.0.0.9"]], ids=["none", "another"])
async def test_answers_from_elsewhere_are_named(snmpd: Snmpd, accept_from: list[str]) -> None:
    async with conversation(snmpd, from_elsewhere, accept_from=accept_from) as it:
        with pytest.raises(SourceTimeout, match=r"come from 127\.0\.0\.1: .* add it to snmp\.accept_from"):
            await it.session.request(QUEUE)
    assert it.rejected() == {"wrong_identity": 5}
    assert it.reading.requests == 5 + (0 if accept_from else 2)  # the first two go through a connected socket


async def test_an_agent_that_was_heard_is_sought_nowhere_else(snmpd: Snmpd) -> None:
    async with conversation(snmpd) as it:
        for _ in range(20):
            await it.session.request(QUEUE)
        it.relay.policy = from_elsewhere
        with pytest.raises(SourceTimeout, match="No answer"):
            await it.session.request(QUEUE, tries=4)
    assert it.rejected() == {}


def open_sockets() -> int:
    """Return how many sockets this process has."""
    links = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(str(link).startswith("socket:") for link in links)


async def test_a_silent_agent_costs_one_more_socket() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        port = agent.getsockname()[1]
        async with Session.open("127.0.0.1", port, V2C, RoundTripTime(), Reading("snmp"), Telemetry()) as opened:
            before = open_sockets()
            with pytest.raises(SourceTimeout):
                await opened.request(QUEUE, tries=2)
            assert open_sockets() == before
            with pytest.raises(SourceTimeout):
                await opened.request(QUEUE, tries=5)
            assert open_sockets() == before + 1


async def test_answers_of_the_agent_beat_those_from_elsewhere(snmpd: Snmpd) -> None:
    lost = iter(range(8))

    def policy(datagram: Datagram) -> list[Datagram]:
        if datagram.to == "agent":
            return [datagram]
        return [replace(datagram, foreign=True)] + ([] if next(lost, None) in range(4) else [datagram])

    async with conversation(snmpd, policy) as it:
        assert (await it.session.request(QUEUE)).varbinds == ANSWER


async def test_no_more_than_three_requests_are_under_way(snmpd: Snmpd) -> None:
    async with conversation(snmpd, silent) as it:
        requests = [asyncio.create_task(it.session.request(QUEUE, tries=1)) for _ in range(9)]
        await it.relay.until_seen("agent", 3)
        assert it.reading.requests == 3
        results = await asyncio.gather(*requests, return_exceptions=True)
    assert all(isinstance(result, SourceTimeout) for result in results)
    assert it.reading.requests == 9


async def test_a_poll_has_a_limit_of_requests(snmpd: Snmpd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MAX_REQUESTS", 3)
    async with conversation(snmpd, lose_first(2)) as it:
        for _ in range(3):
            await it.session.request(QUEUE)
        with pytest.raises(TooLargeError, match="3 requests are not enough"):
            await it.session.request(QUEUE)
    assert it.reading.requests == 5  # tries do not count


async def test_loss_gives_a_request_more_tries(snmpd: Snmpd) -> None:
    async with conversation(snmpd, lose_first(1)) as it:
        await it.session.request(QUEUE)
        it.relay.policy = lose_first(3)
        assert (await it.session.request(QUEUE, tries=2)).varbinds == ANSWER


async def test_a_request_ends_after_its_tries(snmpd: Snmpd) -> None:
    async with conversation(snmpd) as it:
        for _ in range(20):
            await it.session.request(QUEUE)
        it.relay.policy = silent
        with pytest.raises(SourceTimeout, match="4 tries"):
            await it.session.request(QUEUE, tries=4)
    assert (it.reading.requests, it.reading.errors) == (20 + 4, [])
    assert (it.count("requests_unanswered_total"), it.count("requests_recovered_total")) == (1, 0)


async def test_requests_of_a_kind_prove_it_fails_together(snmpd: Snmpd) -> None:
    bulk = SnmpRequest("bulk", QUEUE.oids, 1)
    async with conversation(snmpd) as it:
        await it.session.request(QUEUE)
        it.relay.policy = silent
        requests = [it.session.request(bulk, tries=5) for _ in range(MAX_IN_FLIGHT)]
        results = await asyncio.gather(*requests, return_exceptions=True)
    assert all(isinstance(result, SourceTimeout) for result in results)
    assert it.reading.requests <= 1 + 6 * MAX_IN_FLIGHT  # one alone would have eleven tries


async def test_simultaneous_requests_of_a_kind_share_their_tries(snmpd: Snmpd) -> None:
    """After one answer, loss explains ten tries in a row without one. The eleventh ends a request, then the other."""
    async with conversation(snmpd) as it:
        await it.session.request(QUEUE)
        it.relay.policy = silent
        results = await asyncio.gather(*(it.session.request(QUEUE, tries=1) for _ in range(2)), return_exceptions=True)
    assert all(isinstance(result, SourceTimeout) for result in results)
    assert it.reading.requests == 1 + 12


async def test_reports_of_a_wrong_passphrase_are_counted(snmpd: Snmpd) -> None:
    async with conversation(snmpd, codec=UsmCodec(usm(V3GET, auth="another passphrase"))) as it:
        with pytest.raises(AuthError):
            await it.session.request(QUEUE)
    assert it.count("reports_total") == it.count("requests_sent_total") == 6  # the engine id, and five tries
    assert (it.count("requests_unanswered_total"), it.reading.errors) == (1, [])


def answered(count: int) -> Policy:
    """Answer so many times like an engine that has restarted since its last answer."""
    engine, boots = Engine(b"an engine", [usm(V3GET)]), iter(range(count))

    def policy(datagram: Datagram) -> list[Datagram]:
        boot = next(boots, None)
        answer = None if boot is None else engine.answer(datagram.data, Clock(boot, 0), 1400, lambda *_: None)
        return [Datagram("client", answer)] if answer else []

    return policy


@pytest.mark.parametrize(("answers", "error"), [(3, SourceTimeout), (4, MalformedError)])
async def test_only_more_reports_than_there_is_to_learn_are_a_fault(
    snmpd: Snmpd, answers: int, error: type[Exception]
) -> None:
    """The first try learns the engine id and the time, and a third report is dropped. The second try gets a fourth."""
    async with conversation(snmpd, answered(answers), UsmCodec(usm(V3GET))) as it:
        with pytest.raises(error):
            await it.session.request(QUEUE, tries=3)


async def test_each_try_is_sent_again_for_two_reports_at_most(snmpd: Snmpd) -> None:
    engines = (f"80001f88{count:010x}" for count in itertools.count(1))

    def another_engine(datagram: Datagram) -> list[Datagram]:
        named = report(4, message_id=UsmMessage.peek(datagram.data), engine_id=next(engines))
        return [Datagram("client", named)]

    async with conversation(snmpd, another_engine, UsmCodec(usm(V3GET))) as it:
        with pytest.raises(MalformedError, match="reports another engine id in each answer"):
            await it.session.request(QUEUE, tries=2)
    assert (it.reading.requests, it.reading.retries) == (6, 1)


async def test_the_first_report_shows_the_round_trip(snmpd: Snmpd) -> None:
    round_trip = RoundTripTime()
    async with UdpRelay(("127.0.0.1", snmpd.port), answered(1)) as relay:
        codec, reading, telemetry = UsmCodec(usm(V3GET)), Reading("snmp"), Telemetry()
        async with Session.open(relay.host, relay.port, codec, round_trip, reading, telemetry) as opened:
            with pytest.raises(SourceTimeout):
                await opened.request(QUEUE, tries=1)
    assert round_trip.timeout != RoundTripTime().timeout


@pytest.mark.parametrize("first", [True, False], ids=["before", "behind"])
async def test_false_engines_only_delay_the_first_contact(snmpd: Snmpd, first: bool) -> None:
    async with conversation(snmpd, with_false_engines(8, first=first), UsmCodec(usm(V3GET))) as it:
        assert (await it.session.request(QUEUE)).varbinds == ANSWER


async def test_false_engines_only_delay_the_contact_with_a_new_agent(start_snmpd: Callable[..., Snmpd]) -> None:
    agent, codec = start_snmpd(), UsmCodec(usm(V3GET))
    async with conversation(agent, codec=codec) as it:
        await it.session.request(QUEUE)
    agent.restart(engine_id="80001f8803000000000077")
    async with conversation(agent, with_false_engines(4, first=True), codec) as it:
        assert (await it.session.request(QUEUE)).varbinds == ANSWER


async def test_a_cancelled_request_sends_nothing_more(snmpd: Snmpd) -> None:
    async with conversation(snmpd, silent) as it:
        request = asyncio.create_task(it.session.request(QUEUE))
        await it.relay.until_seen("agent", 1)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        it.relay.policy = forward
        sent = it.reading.requests
        await it.session.request(QUEUE)
    assert it.reading.requests == sent + 1
    assert it.count("requests_unanswered_total") == 1


async def test_a_slow_agent_is_not_flooded(snmpd: Snmpd) -> None:
    async with conversation(snmpd, delayed("client", 0.4)) as it:
        for _ in range(6):
            await it.session.request(QUEUE)
    assert it.reading.retries <= 3  # the timeout adapts after the first answers


async def test_a_port_that_stays_closed_is_refused() -> None:
    port = free_port(socket.SOCK_DGRAM)
    codec, reading = CommunityCodec(b"c"), Reading("snmp")
    async with Session.open("127.0.0.1", port, codec, RoundTripTime(), reading, Telemetry()) as session:
        with pytest.raises(RefusedError, match=f"127.0.0.1 UDP port {port} is closed"):
            await session.request(QUEUE)
    assert reading.requests > 3  # it goes on for a second, as an agent may be restarting


@pytest.mark.parametrize(
    ("host", "error"),
    [("no-such-host.invalid", ResolveError), ("255.255.255.255", UnreachableError)],
)
async def test_an_unreachable_address_is_an_error(host: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=host):
        async with Session.open(host, 161, CommunityCodec(b"c"), RoundTripTime(), Reading("snmp"), Telemetry()):
            pass


@pytest.mark.parametrize(
    ("error", "cause"),
    [(OSError(errno.ENETUNREACH, "No way"), "No way"), (OSError("odd"), "odd")],
    ids=["known", "odd"],
)
async def test_an_error_of_the_network_is_quoted(monkeypatch: pytest.MonkeyPatch, error: OSError, cause: str) -> None:
    def no_socket(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(session, "AgentSocket", no_socket)
    with pytest.raises(UnreachableError, match=rf"127\.0\.0\.1 UDP port 161 cannot be reached \({cause}\): check"):
        async with Session.open("127.0.0.1", 161, V2C, RoundTripTime(), Reading("snmp"), Telemetry()):
            pass


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
async def test_a_lack_of_descriptors_is_no_fault_of_the_appliance(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def no_socket(*_: object, **__: object) -> None:
        raise OSError(number, "none left")

    monkeypatch.setattr(session, "AgentSocket", no_socket)
    with pytest.raises(ResourceError, match=r"127\.0\.0\.1 UDP port 161 was not asked: .* raise its limit"):
        async with Session.open("127.0.0.1", 161, V2C, RoundTripTime(), Reading("snmp"), Telemetry()):
            pass


@pytest.mark.parametrize("order", [1, -1])
async def test_ipv4_is_preferred(snmpd: Snmpd, monkeypatch: pytest.MonkeyPatch, order: int) -> None:
    async def both(*_: object) -> list[tuple[socket.AddressFamily, str]]:
        return [(socket.AF_INET6, "100::1"), (socket.AF_INET, "127.0.0.1")][::order]

    monkeypatch.setattr(session, "addresses", both)
    async with Session.open("mx1", snmpd.port, V2C, RoundTripTime(), Reading("snmp"), Telemetry()) as opened:
        assert (await opened.request(QUEUE, tries=3)).varbinds == ANSWER


async def test_an_address_that_stands_for_this_machine_is_spoken_to(snmpd: Snmpd) -> None:
    codec, reading = CommunityCodec(COMMUNITY.encode()), Reading("snmp")
    async with Session.open("0.0.0.0", snmpd.port, codec, RoundTripTime(), reading, Telemetry()) as session:
        assert (await session.request(QUEUE)).varbinds == ANSWER


async def test_ipv6_is_spoken(snmpd: Snmpd) -> None:
    codec, reading = CommunityCodec(COMMUNITY.encode()), Reading("snmp")
    async with Session.open("::1", snmpd.port, codec, RoundTripTime(), reading, Telemetry()) as session:
        assert (await session.request(QUEUE)).varbinds == ANSWER


async def test_loss_both_ways_costs_time_but_no_answer(snmpd: Snmpd, codec: Codec) -> None:
    async with conversation(snmpd, lossy(requests=0.3, answers=0.3), codec) as it:
        answers = await asyncio.gather(*(it.session.request(QUEUE) for _ in range(50)))
    assert [answer.varbinds for answer in answers] == [ANSWER] * 50
    assert it.reading.retries > 0


async def test_a_session_that_has_ended_needs_no_garbage_collection(snmpd: Snmpd) -> None:
    """Full collections are rare."""
    gc.disable()
    try:
        async with Session.open("127.0.0.1", snmpd.port, V2C, RoundTripTime(), Reading("snmp"), Telemetry()) as session:
            await session.request(QUEUE)
            ended = weakref.ref(session)
        del session
        assert ended() is None
    finally:
        gc.enable()
