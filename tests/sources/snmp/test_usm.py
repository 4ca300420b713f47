"""SNMPv3: every protocol, a clear error for every refusal, and recovery within one poll after the agent changed."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from exporter.config import UserAuth
from exporter.errors import AuthError, MalformedError, SourceTimeout
from exporter.lab.simulator.engine import Clock, Engine
from exporter.metrics.reading import Reading
from exporter.sources.snmp.ber import Pdu
from exporter.sources.snmp.collect import SnmpSource
from exporter.sources.snmp.keys import Keys
from exporter.sources.snmp.messages import Rejected, Renewal, SnmpRequest, encode_request
from exporter.sources.snmp.retry import RoundTripTime
from exporter.sources.snmp.session import Session
from exporter.sources.snmp.usm import UsmCodec
from exporter.sources.snmp.usm_message import (
    AUTH_FLAG,
    MAX_COUNT,
    PRIV_FLAG,
    SecurityParameters,
    UsmMessage,
    encode_message,
)
from exporter.telemetry import Telemetry
from support.appliances import snmp_appliance, usm
from support.forged import FALSE_ENGINE, report, with_report
from support.mail_agent import oid
from support.relay import Datagram, Policy, UdpRelay, doubled, forward
from support.snmpd import USERS, V3GET, Snmpd, User

QUEUE = SnmpRequest("get", (oid("workQueueMessages"),))
ANSWER = [(oid("workQueueMessages"), 42)]


@pytest.fixture(scope="module")
def agent_of_all_users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    agent = Snmpd(tmp_path_factory.mktemp("snmpd"), users=USERS)
    yield agent
    agent.stop()


@asynccontextmanager
async def conversation(
    agent: Snmpd, codec: UsmCodec, policy: Policy = forward
) -> AsyncIterator[tuple[Session, Reading, Telemetry]]:
    telemetry, reading = Telemetry(), Reading("snmp")
    async with (
        UdpRelay(("127.0.0.1", agent.port), policy) as relay,
        Session.open(relay.host, relay.port, codec, RoundTripTime(), reading, telemetry) as session,
    ):
        yield session, reading, telemetry


async def ask(agent: Snmpd, codec: UsmCodec, policy: Policy = forward) -> int:
    """Request one object in a new session and check the answer; return the number of packets without resends."""
    async with conversation(agent, codec, policy) as (session, reading, _):
        response = await session.request(QUEUE)
    assert response.varbinds == ANSWER
    return reading.requests - reading.retries


def rejected(telemetry: Telemetry, reason: str) -> float | None:
    return telemetry.registry.get_sample_value("ironport_exporter_snmp_rejected_responses_total", {"reason": reason})


ID = 0x40000000
ENGINE = bytes.fromhex(FALSE_ENGINE)
SHA, PLAIN = User("sha", "SHA"), User("plain")


def answer(
    user: User = SHA,
    boots: int = 7,
    seconds: int = 1000,
    *,
    level: int = AUTH_FLAG,
    message_id: int = ID,
    name: str | None = None,
    engine: bytes = ENGINE,
) -> bytes:
    """Return a response to the request `ID` that has the user's keys."""
    pdu = encode_request(QUEUE, ID).replace(b"\xa0", b"\xa2", 1)
    security = SecurityParameters(engine, boots, seconds, (name or user.name).encode())
    return encode_message(pdu, message_id, level, security, Keys(usm(user), engine))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Stand in for the monotonic clock of codecs."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("exporter.sources.snmp.usm.time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def informed(user: User = SHA, **fields: Any) -> UsmCodec:
    """Return a codec to which a report has named the engine."""
    codec = UsmCodec(usm(user))
    codec.decode(report(4, **fields)).accept()
    return codec


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("boots", "seconds", "accepted"),
    [
        (7, 1000, True),
        (7, 850, True),
        (7, 849, False),
        (6, 1000, False),
        (6, 2000, False),
        (8, 0, True),
        (7, 5000, True),
    ],
)
def test_an_answer_older_than_the_time_window_is_dropped(boots: int, seconds: int, *, accepted: bool) -> None:
    codec = informed()
    codec.decode(answer()).accept()
    with nullcontext() if accepted else pytest.raises(Rejected, match="wrong_identity"):
        codec.decode(answer(boots=boots, seconds=seconds)).accept()


def test_an_answer_that_brings_no_later_time_sets_no_clock(clock: SimpleNamespace) -> None:
    codec = informed()
    codec.decode(answer()).accept()
    clock.now += 100
    codec.decode(answer()).accept()
    with pytest.raises(Rejected, match="wrong_identity"):
        codec.decode(answer(seconds=949)).accept()
    codec.decode(answer(seconds=950)).accept()


def test_requests_carry_the_time_of_the_engine(clock: SimpleNamespace) -> None:
    codec = informed(boots=b"\x01\x03", seconds=b"\x01\x00")
    assert named(codec)[1:] == (3, 0)
    clock.now += 10.5
    assert named(codec)[1:] == (3, 10)
    codec.decode(answer(boots=4, seconds=MAX_COUNT - 5)).accept()
    clock.now += 10
    assert named(codec)[1:] == (4, MAX_COUNT)


def named(codec: UsmCodec) -> tuple[bytes, int, int]:
    """Return the engine that the next request names, its boots and its time."""
    return UsmMessage.decode(codec.encode(QUEUE, ID)).security[:3]


def test_an_answer_without_a_digest_sets_no_clock() -> None:
    codec = informed(PLAIN, boots=b"\x01\x03", seconds=b"\x01\x05")
    codec.decode(answer(PLAIN, boots=9, seconds=9000, level=0)).accept()
    assert named(codec)[1:] == (3, 5)


@pytest.mark.parametrize(
    "foreign",
    [
        answer(message_id=ID + 1),
        answer(message_id=ID - 1),
        answer(name="shb"),
        answer(name="sgz"),
        answer(level=0),
        answer(level=0, name="sgz"),
        answer(User("sha", "SHA", "AES"), level=AUTH_FLAG | PRIV_FLAG),
        answer(engine=b"another engine"),
        answer(engine=b"another engine", level=0),
    ],
    ids=[
        "later id",
        "earlier id",
        "later name",
        "earlier name",
        "open",
        "open name",
        "private",
        "engine",
        "open engine",
    ],
)
def test_an_answer_from_or_to_somebody_else_is_dropped(foreign: bytes) -> None:
    codec = informed()
    with pytest.raises(Rejected, match="wrong_identity"):
        codec.decode(foreign).accept()
    assert isinstance(codec.decode(answer()).accept(), Pdu)


@pytest.mark.parametrize(
    "foreign",
    [answer(PLAIN, level=0, message_id=ID + 1), answer(PLAIN, level=0, engine=b"another engine"), answer(name="plain")],
    ids=["id", "engine", "signed"],
)
def test_a_user_without_auth_gets_only_answers_of_the_engine(foreign: bytes) -> None:
    codec = informed(PLAIN)
    with pytest.raises(Rejected, match="wrong_identity"):
        codec.decode(foreign).accept()
    assert isinstance(codec.decode(answer(PLAIN, level=0)).accept(), Pdu)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, r"does not accept user sha at the security level authNoPriv \(unsupportedSecLevels\)"),
        (3, r"does not know the user sha \(unknownUserNames\)"),
        (5, r"does not accept the digest of user sha \(wrongDigests\): .* under auth"),
        (6, r"cannot decrypt the requests of user sha \(decryptionErrors\): .* under priv"),
    ],
)
def test_each_refusal_has_its_words(number: int, words: str) -> None:
    with pytest.raises(AuthError, match=words):
        UsmCodec(usm(SHA)).decode(report(number)).accept()


def test_a_report_of_something_else_is_malformed() -> None:
    with pytest.raises(Rejected, match="malformed"):
        UsmCodec(usm(SHA)).decode(report(99)).accept()


def test_a_report_of_a_wrong_time_must_be_signed_by_a_known_engine() -> None:
    for codec in (UsmCodec(usm(SHA)), informed()):
        with pytest.raises(Rejected, match="wrong_identity"):
            codec.decode(report(2)).accept()


OTHER = "80001f880300000001"


def test_other_engines_are_asked_after_three_requests_without_an_answer() -> None:
    codec = informed()
    codec.decode(answer()).accept()
    for message_id in range(2):
        codec.decode(report(4, message_id=message_id, engine_id=OTHER)).accept()
    assert [named(codec)[0] for _ in range(4)] == [ENGINE] * 3 + [bytes.fromhex(OTHER)]
    codec.decode(answer()).accept()
    assert [named(codec)[0] for _ in range(4)] == [ENGINE] * 4


def test_any_number_of_false_engines_leaves_the_genuine_one() -> None:
    codec = informed()
    codec.decode(answer()).accept()
    for number in range(200):
        codec.decode(report(4, message_id=number, engine_id=f"80001f8803{number:08x}")).accept()
    assert named(codec)[0] == ENGINE


def test_the_engine_that_most_answers_name_is_asked_and_among_equals_in_turn() -> None:
    codec = informed(message_id=1)
    for message_id in (1, 2):
        codec.decode(report(4, message_id=message_id, engine_id=OTHER)).accept()
    assert named(codec)[0] == bytes.fromhex(OTHER)
    codec.decode(report(4, message_id=2)).accept()
    assert [named(codec)[0] for _ in range(4)] == [ENGINE, bytes.fromhex(OTHER)] * 2


def test_an_engine_that_was_asked_waits_for_the_others() -> None:
    codec = informed(message_id=1)
    assert named(codec)[0] == ENGINE
    again = codec.decode(report(4, message_id=2)).accept()
    assert isinstance(again, Renewal)
    assert "its own engine id" in again.complaint
    other = codec.decode(report(4, message_id=3, engine_id=OTHER)).accept()
    assert isinstance(other, Renewal)
    assert (other.engine_id, "another engine id" in other.complaint) == (bytes.fromhex(OTHER), True)
    with pytest.raises(Rejected, match="duplicate"):
        codec.decode(report(4, message_id=4)).accept()


def test_the_hint_of_silence_tells_whether_the_agent_was_heard() -> None:
    assert "check that SNMP is enabled" in UsmCodec(usm(SHA)).silence_hint
    assert "it has told its engine id" in informed().silence_hint


@pytest.mark.parametrize("octets", [5, 32])
def test_an_engine_id_may_have_5_to_32_octets(octets: int) -> None:
    renewal = UsmCodec(usm(V3GET)).decode(report(4, engine_id="80" * octets)).accept()
    assert isinstance(renewal, Renewal)
    assert renewal.engine_id == b"\x80" * octets


@pytest.mark.parametrize("octets", [0, 4, 33])
def test_an_engine_id_of_another_length_is_not_believed(octets: int) -> None:
    with pytest.raises(Rejected, match="malformed"):
        UsmCodec(usm(V3GET)).decode(report(4, engine_id="80" * octets)).accept()


def test_engines_that_reports_name_take_little_memory() -> None:
    codec = UsmCodec(usm(V3GET))
    for number in range(200):
        codec.decode(report(4, message_id=number, engine_id=FALSE_ENGINE + f"{number:02x}")).accept()
        codec.decode(report(4, message_id=number)).accept()
    assert len(codec._engines) == 64
    assert max(len(engine.named_by) for engine in codec._engines.values()) == 100


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
async def test_every_combination_of_protocols_is_spoken(agent_of_all_users: Snmpd, user: User) -> None:
    codec = UsmCodec(usm(user))
    assert await ask(agent_of_all_users, codec) == 2  # the engine is discovered
    assert await ask(agent_of_all_users, codec) == 1  # and kept


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        (usm(V3GET, auth="not the passphrase"), "wrongDigests.*passphrase under auth"),
        (usm(User("nobody-here", "SHA", "AES")), "does not know the user nobody-here"),
        (usm(User("v3get", "SHA256", "AES")), "wrongDigests"),
    ],
    ids=["auth passphrase", "user name", "auth protocol"],
)
async def test_a_refusal_is_an_auth_error_with_a_hint(snmpd: Snmpd, auth: UserAuth, words: str) -> None:
    async with conversation(snmpd, UsmCodec(auth)) as (session, _, _):
        with pytest.raises(AuthError, match=words):
            await session.request(QUEUE)


async def test_a_refusal_is_told_at_the_deadline(snmpd: Snmpd) -> None:
    codec = UsmCodec(usm(V3GET, auth="not the passphrase"))
    async with UdpRelay(("127.0.0.1", snmpd.port)) as relay:
        reading = Reading("snmp")
        async with Session.open(relay.host, relay.port, codec, RoundTripTime(), reading, Telemetry()) as session:
            request = asyncio.create_task(session.request(QUEUE))
            await relay.until_seen("agent", 3)  # the second try, so that the first one's report has come
            request.cancel()
            await asyncio.wait([request])
    assert [error.reason for error in reading.errors] == ["auth"]


async def test_a_refusal_names_the_security_level(agent_of_all_users: Snmpd) -> None:
    auth = usm(User("SHA", "SHA", "AES"))
    async with conversation(agent_of_all_users, UsmCodec(auth)) as (session, _, _):
        with pytest.raises(AuthError, match=r"security level authPriv \(unsupportedSecLevels\)"):
            await session.request(QUEUE)


async def test_a_lower_security_level_reads_nothing(snmpd: Snmpd) -> None:
    """net-snmp accepts the user and answers authorizationError."""
    async with conversation(snmpd, UsmCodec(usm(User("v3get")))) as (session, _, _):
        assert (await session.request(QUEUE)).error_status == 16


@pytest.mark.parametrize("number", [1, 3, 5, 6, 99])
async def test_a_forged_refusal_stops_no_genuine_answer(snmpd: Snmpd, number: int) -> None:
    codec = UsmCodec(usm(V3GET))
    await ask(snmpd, codec)
    assert await ask(snmpd, codec, with_report(number)) == 1


@pytest.mark.parametrize("own_engine", [True, False], ids=["own engine", "false engine"])
@pytest.mark.parametrize("number", range(1, 7))
async def test_injected_reports_cost_no_probe(snmpd: Snmpd, number: int, own_engine: bool) -> None:
    inject = with_report(number, engine_id=snmpd.engine_id if own_engine else FALSE_ENGINE)
    async with UdpRelay(("127.0.0.1", snmpd.port), inject) as relay:
        source = SnmpSource(snmp_appliance(relay.port, usm(V3GET)), Telemetry())
        for _ in range(3):
            reading = Reading("snmp")
            await source.poll(reading)
            assert (reading.up, reading.errors) == (True, [])


async def test_a_false_engine_does_not_replace_a_genuine_one(snmpd: Snmpd) -> None:
    codec = UsmCodec(usm(V3GET))
    await ask(snmpd, codec)
    for number in range(20):
        await ask(snmpd, codec, with_report(4, engine_id=FALSE_ENGINE + f"{number:02x}"))
    assert await ask(snmpd, codec) == 1


async def test_a_new_engine_is_found_among_false_ones(start_snmpd: Callable[..., Snmpd]) -> None:
    agent = await asyncio.to_thread(start_snmpd)
    codec = UsmCodec(usm(V3GET))
    await ask(agent, codec)
    await asyncio.to_thread(lambda: agent.restart(engine_id="80001f8803000000000099"))
    await ask(agent, codec, with_report(4))
    assert await ask(agent, codec) == 1


@pytest.mark.parametrize("number", [3, 4, 5])
async def test_an_answer_to_a_later_try_beats_reports(snmpd: Snmpd, number: int) -> None:
    """The genuine answers to the first tries are lost, those of the attacker are not."""
    codec = UsmCodec(usm(V3GET))
    await ask(snmpd, codec)
    injecting, lost = with_report(number), iter(range(3))

    def policy(datagram: Datagram) -> list[Datagram]:
        datagrams = list(injecting(datagram))
        return datagrams[:-1] if datagram.to == "client" and next(lost, None) is not None else datagrams

    await ask(snmpd, codec, policy)


@pytest.mark.parametrize(
    ("boots", "seconds"),
    [(b"\x01\xff", b"\x01\x05"), (b"\x01\x05", b"\x01\xff"), (b"\x09" + b"\x7f" * 9, b"\x01\x05"), (b"\x00", b"\x00")],
    ids=["negative boots", "negative time", "huge boots", "empty numbers"],
)
async def test_an_engine_with_impossible_figures_is_not_believed(snmpd: Snmpd, boots: bytes, seconds: bytes) -> None:
    codec = UsmCodec(usm(V3GET))
    await ask(snmpd, codec, with_report(4, boots=boots, seconds=seconds))
    assert await ask(snmpd, codec) == 1


async def test_learning_the_engine_is_no_try(snmpd: Snmpd) -> None:
    codec = UsmCodec(usm(V3GET))
    for end in ["1 try and 1 packet to learn the engine", "1 try"]:
        async with conversation(snmpd, codec) as (session, reading, _):
            await session.request(QUEUE)
        (note,) = reading.notes
        assert re.fullmatch(rf"GET of 1 objects from [\d.]+: 1 values, {end}, \d+ ms", note)


async def test_a_learned_engine_leaves_all_tries(snmpd: Snmpd) -> None:
    def answer_engine_only(datagram: Datagram) -> list[Datagram]:
        return [datagram] if UsmMessage.decode(datagram.data).level == 0 else []

    async with conversation(snmpd, UsmCodec(usm(V3GET)), answer_engine_only) as (session, reading, _):
        with pytest.raises(SourceTimeout, match="in 2 tries"):
            await session.request(QUEUE, tries=2)
    assert (reading.requests, reading.retries) == (3, 1)


async def test_a_rebooted_agent_costs_one_packet(start_snmpd: Callable[..., Snmpd]) -> None:
    agent = await asyncio.to_thread(start_snmpd)
    codec = UsmCodec(usm(V3GET))
    await ask(agent, codec)
    boots = agent.boots
    await asyncio.to_thread(agent.restart)
    assert agent.boots > boots
    assert await ask(agent, codec) == 2
    assert await ask(agent, codec) == 1


async def test_boots_that_fell_back_are_followed(start_snmpd: Callable[..., Snmpd]) -> None:
    agent = await asyncio.to_thread(start_snmpd)
    codec = UsmCodec(usm(V3GET))
    await asyncio.to_thread(agent.restart)
    await ask(agent, codec)
    await asyncio.to_thread(lambda: agent.restart(forget=True))
    assert await ask(agent, codec) == 2


async def test_a_replaced_agent_costs_one_packet(start_snmpd: Callable[..., Snmpd]) -> None:
    agent = await asyncio.to_thread(start_snmpd)
    codec = UsmCodec(usm(V3GET))
    await ask(agent, codec)
    await asyncio.to_thread(lambda: agent.restart(engine_id="80001f8803000000000099"))
    assert await ask(agent, codec) == 2
    assert await ask(agent, codec) == 1


async def test_a_clock_that_is_off_is_set_right(snmpd: Snmpd, monkeypatch: pytest.MonkeyPatch) -> None:
    codec = UsmCodec(usm(V3GET))
    await ask(snmpd, codec)
    ahead = SimpleNamespace(monotonic=lambda: time.monotonic() + 1000)
    with monkeypatch.context() as later:
        later.setattr("exporter.sources.snmp.usm.time", ahead)
        assert await ask(snmpd, codec) == 2


async def test_an_answer_whose_digest_is_wrong_is_dropped(snmpd: Snmpd) -> None:
    def spoil_first(datagram: Datagram) -> list[Datagram]:
        if datagram.to == "agent":
            return [datagram]
        spoiled = datagram.data[:-1] + bytes([datagram.data[-1] ^ 1])
        return [replace(datagram, data=spoiled), datagram]

    codec = UsmCodec(usm(V3GET))
    await ask(snmpd, codec)
    async with conversation(snmpd, codec, spoil_first) as (session, _, telemetry):
        assert (await session.request(QUEUE)).varbinds == ANSWER
    assert rejected(telemetry, "wrong_identity") == 1


@pytest.mark.parametrize("length", [0, 1, 11, 13, 24])
def test_a_digest_of_another_length_is_wrong(length: int) -> None:
    """Accepting a digest that is cut short would let anybody guess it."""
    keys = Keys(usm(User("sha", "SHA")), b"an engine")
    security = SecurityParameters(b"an engine", 1, 1, b"sha", bytes(length))
    pdu = encode_request(QUEUE, 0x40000000)
    unsigned = encode_message(pdu, 0x40000000, AUTH_FLAG, security)
    signed = unsigned.replace(bytes(length), keys.digest(unsigned)[:length].ljust(length, b"x"), 1)
    with pytest.raises(Rejected):
        UsmMessage.decode(signed).authenticate(keys)


async def test_an_answer_with_less_security_is_dropped(agent_of_all_users: Snmpd) -> None:
    """Somebody without the keys cannot answer in the agent's place."""
    codec = UsmCodec(usm(User("SHA-AES", "SHA", "AES")))
    await ask(agent_of_all_users, codec)
    plain = UsmCodec(usm(User("noauth")))
    await ask(agent_of_all_users, plain)

    def forge(datagram: Datagram) -> list[Datagram]:
        if datagram.to == "client":
            return [datagram]
        forged = bytearray(plain.encode(QUEUE, UsmMessage.peek(datagram.data)))
        forged[forged.rindex(0xA0, 0, len(forged) - 20)] = 0xA2
        return [Datagram("client", bytes(forged)), datagram]

    async with conversation(agent_of_all_users, codec, forge) as (session, _, telemetry):
        assert (await session.request(QUEUE)).varbinds == ANSWER
    assert rejected(telemetry, "wrong_identity") == 1


async def test_a_request_sent_back_is_dropped(snmpd: Snmpd) -> None:
    """Our own keys have signed it: only its PDU type differs from an answer's."""

    def echo_first(datagram: Datagram) -> list[Datagram]:
        return [datagram, replace(datagram, to="client")] if datagram.to == "agent" else [datagram]

    codec = UsmCodec(usm(V3GET))
    await ask(snmpd, codec)
    async with conversation(snmpd, codec, echo_first) as (session, _, telemetry):
        assert (await session.request(QUEUE)).varbinds == ANSWER
        await session.request(QUEUE)
    assert rejected(telemetry, "malformed")


async def test_the_first_requests_may_be_simultaneous(snmpd: Snmpd) -> None:
    async with conversation(snmpd, UsmCodec(usm(V3GET))) as (session, _, _):
        answers = await asyncio.gather(*(session.request(QUEUE) for _ in range(6)))
    assert [answer.varbinds for answer in answers] == [ANSWER] * 6


async def test_copies_of_reports_do_no_harm(snmpd: Snmpd) -> None:
    assert await ask(snmpd, UsmCodec(usm(V3GET)), doubled("client")) == 2


async def test_a_loop_of_new_engines_is_given_up(snmpd: Snmpd) -> None:
    count = iter(range(1000))

    def another_engine(datagram: Datagram) -> list[Datagram]:
        """Put yet another engine id into each report."""
        if datagram.to == "agent":
            return [datagram]
        engine = bytes.fromhex(snmpd.engine_id)
        return [replace(datagram, data=datagram.data.replace(engine, engine[:-2] + next(count).to_bytes(2, "big")))]

    async with conversation(snmpd, UsmCodec(usm(V3GET)), another_engine) as (session, _, _):
        with pytest.raises(MalformedError, match="reports another engine id in each answer"):
            await session.request(QUEUE)


async def test_a_loop_of_unknown_engines_is_given_up(snmpd: Snmpd) -> None:
    def unknown_engine(datagram: Datagram) -> list[Datagram]:
        return [Datagram("client", report(4, message_id=UsmMessage.peek(datagram.data)))]

    async with conversation(snmpd, UsmCodec(usm(V3GET)), unknown_engine) as (session, _, _):
        with pytest.raises(MalformedError, match="does not accept its own engine id"):
            await session.request(QUEUE)


async def test_a_loop_of_wrong_times_is_given_up(snmpd: Snmpd) -> None:
    engine, boots = Engine(b"an engine", [usm(V3GET)]), iter(range(1000))

    def another_time(datagram: Datagram) -> list[Datagram]:
        """Answer like an engine that has restarted since its last answer."""
        answer = engine.answer(datagram.data, Clock(next(boots), 0), 1400, lambda *_: None)
        return [Datagram("client", answer)] if answer else []

    async with conversation(snmpd, UsmCodec(usm(V3GET)), another_time) as (session, _, _):
        with pytest.raises(MalformedError, match="does not accept the time that it reports itself"):
            await session.request(QUEUE)


async def test_no_two_packets_share_an_initialisation_vector(snmpd: Snmpd) -> None:
    codec = UsmCodec(usm(V3GET))
    await ask(snmpd, codec)
    packets = {codec.encode(QUEUE, 0x40000000) for _ in range(100)}
    assert len(packets) == 100


async def test_secrets_are_in_no_text(snmpd: Snmpd) -> None:
    auth = usm(V3GET, auth="hidden passphrase")
    codec = UsmCodec(auth)
    async with conversation(snmpd, codec) as (session, reading, _):
        with pytest.raises(AuthError) as refused:
            await session.request(QUEUE)
    assert "hidden" not in f"{refused.value} {auth!r} {codec!r} {reading!r}"
