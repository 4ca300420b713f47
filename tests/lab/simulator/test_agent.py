"""The simulated agents beside net-snmp's tools and this project's own source: both read what the view has, no less."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import CommunityAuth, UserAuth
from exporter.errors import AuthError
from exporter.lab.simulator.agent import LIMIT, Agent, instants
from exporter.lab.simulator.engine_user import EngineUser
from exporter.lab.simulator.faults import SnmpFaults
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.topology import load_topology
from exporter.lab.simulator.view import Transport, View
from exporter.metrics.reading import Reading
from exporter.sources.snmp import ber
from exporter.sources.snmp.collect import SnmpSource
from exporter.sources.snmp.messages import CommunityCodec, Rejected, SnmpRequest, encode_request
from exporter.sources.snmp.mib import MAIL_OBJECTS, SCALARS, TABLES, Oid, Syntax
from exporter.sources.snmp.retry import RoundTripTime
from exporter.sources.snmp.session import Session
from exporter.sources.snmp.usm import UsmCodec
from exporter.sources.snmp.usm_message import AUTH_FLAG, PRIV_FLAG, SecurityParameters, UsmMessage
from exporter.telemetry import Telemetry
from support.appliances import community, snmp_appliance, usm
from support.mail_agent import oid
from support.processes import program
from support.simulated import START, model_at_start
from support.snmpd import COMMUNITY, V3GET, User, snmp_command

ENGINE = bytes.fromhex("80001f8803aabbccddee01")
HARDWARE, VIRTUAL = "mx1", "mx6"
V2C = ["-v2c", "-c", COMMUNITY]
PAIRED = [
    User("noauth"),
    User("md5", "MD5", "DES"),
    User("sha", "SHA"),
    User("sha1", "SHA", "AES192C"),
    User("sha224", "SHA224", "AES"),
    User("sha256", "SHA256", "AES192"),
    User("sha384", "SHA384", "AES256C"),
    User("sha512", "SHA512", "AES256"),
]
"""Users that bring every protocol."""

AUTHS: list[CommunityAuth | UserAuth] = [community(), *(usm(user) for user in (*PAIRED, V3GET))]

QUEUE = SnmpRequest("get", (oid("workQueueMessages"),))
RAID = (*MAIL_OBJECTS, 18)
ID = 0x40000001
USM_STATS = (1, 3, 6, 1, 6, 3, 15, 1, 1)
AUTH_PRIV = AUTH_FLAG | PRIV_FLAG
REPORTABLE = 4
INDEXED = {"powerSupplyTable": 8, "keyExpirationTable": 12, "updateTable": 13, "raidTable": 18}
"""The tables whose index column may be read, with their numbers."""


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_lost_at_random() -> Iterator[None]:
    """Leave the loss that the view makes out of every test but that of loss."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(View, "transport", transport(snmp_loss=0.0))
        yield


def transport(**changes: Any) -> Callable[[View, str], Transport]:
    original = View.transport
    return lambda view, unit: replace(original(view, unit), **changes)


@pytest.fixture(scope="module")
def view() -> View:
    return model_at_start("campus", 60).view


class Wire(asyncio.DatagramTransport):
    """A transport that keeps what an agent sends."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    def sendto(self, data: Any, addr: Any = None) -> None:
        self.sent.append(bytes(data))


class Direct:
    """An agent without a socket, which answers within the call."""

    def __init__(self, view: View, unit: str = HARDWARE, faults: dict[str, SnmpFaults] | None = None) -> None:
        self.agent = Agent(unit, instants(unit, lambda: view), AUTHS, ENGINE, {} if faults is None else faults)
        self._wire = Wire()
        self.agent.connection_made(self._wire)

    def send(self, datagram: bytes) -> bytes | None:
        self._wire.sent.clear()
        self.agent.datagram_received(datagram, ("127.0.0.1", 1))
        return self._wire.sent[0] if self._wire.sent else None

    def ask(self, request: SnmpRequest, codec: CommunityCodec | UsmCodec | None = None) -> ber.Pdu | None:
        """Return the answer to a request, asked again after each report; None for silence."""
        codec = codec or CommunityCodec(COMMUNITY.encode())
        for _ in range(3):
            datagram = self.send(codec.encode(request, ID))
            if datagram is None:
                return None
            assert len(datagram) <= LIMIT
            answer = codec.decode(datagram).accept()
            if isinstance(answer, ber.Pdu):
                return answer
        raise AssertionError("nothing but reports")


@pytest.fixture(scope="module")
def direct(view: View) -> Direct:
    return Direct(view)


@pytest.fixture
def keyed(direct: Direct) -> UsmCodec:
    """Return a codec that has found the engine."""
    codec = UsmCodec(usm(V3GET))
    assert direct.ask(QUEUE, codec)
    return codec


@pytest.fixture
def now(view: View) -> tuple[int, int]:
    """Return boots and time of the engine."""
    return clock(view, HARDWARE)


@asynccontextmanager
async def running(
    view: Callable[[], View], unit: str = HARDWARE, faults: dict[str, SnmpFaults] | None = None
) -> AsyncIterator[int]:
    """Run an agent and give its port."""
    agent = Agent(unit, instants(unit, view), AUTHS, ENGINE, {} if faults is None else faults)
    try:
        yield await agent.start()
    finally:
        agent.stop()


async def tool(name: str, port: int, options: list[str], *oids: Oid) -> list[str]:
    """Run one of net-snmp's tools and return the lines that it prints, errors too."""
    command = [*snmp_command(name), *options, f"127.0.0.1:{port}", *(dotted(each) for each in oids)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).splitlines()


async def poll(source: SnmpSource) -> Reading:
    reading = Reading("snmp")
    async with asyncio.timeout(30):
        await source.poll(reading)
    return reading


def dotted(name: Oid) -> str:
    return "." + ".".join(map(str, name))


def expected(view: View, unit: str) -> dict[Oid, str]:
    """Return every instance of a unit as net-snmp's tools print it, in lexical order."""
    found: dict[Oid, str] = {
        (1, 3, 6, 1, 2, 1, 1, 2, 0): ".1.3.6.1.4.1.15497.1.1",
        (1, 3, 6, 1, 2, 1, 1, 5, 0): f'"{unit}"',
    }
    scalars = view.snmp_scalars(unit)
    columns = {column for table in TABLES for column in (table.label, *table.columns)}
    for scalar in SCALARS:
        if scalar.name in scalars:
            found[scalar.oid] = printed(scalar.syntax, scalars[scalar.name])
    for name, rows in view.snmp_tables(unit).items():
        for index, row in enumerate(rows, 1):
            for column in columns:
                if column.name in row:
                    found[*column.oid, index] = printed(column.syntax, row[column.name])
            if name in INDEXED:
                found[*MAIL_OBJECTS, INDEXED[name], 1, 1, index] = str(index)
            if name == "raidTable":
                found[*RAID, 1, 4, index] = '"No Errors"'
    return dict(sorted(found.items()))


def printed(syntax: Syntax, value: object) -> str:
    return f'"{value}"' if syntax is Syntax.STRING else str(value)


def lines(values: dict[Oid, str]) -> list[str]:
    return [f"{dotted(name)} {value}" for name, value in values.items()]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("snmpwalk", V2C),
        ("snmpbulkwalk", V2C),
        ("snmpbulkwalk", [*V2C, "-Cr100"]),
        ("snmpwalk", V3GET.options),
        *(("snmpbulkwalk", user.options) for user in PAIRED),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
@pytest.mark.parametrize("unit", [HARDWARE, VIRTUAL])
async def test_a_walk_shows_every_object_in_lexical_order(view: View, name: str, options: list[str], unit: str) -> None:
    async with running(lambda: view, unit) as port:
        *walk, end = await tool(name, port, options, (1,))
    assert walk == lines(expected(view, unit))
    assert "past the end of the MIB tree" in end


async def test_each_value_has_the_type_of_the_mib(view: View) -> None:
    words = {
        Syntax.INTEGER: "INTEGER",
        Syntax.GAUGE: "Gauge32",
        Syntax.COUNTER: "Counter32",
        Syntax.TICKS: "Timeticks",
        Syntax.STRING: "STRING",
    }
    columns = [((*column.oid, 1), column.syntax) for table in TABLES for column in (table.label, *table.columns)]
    types = dict([(scalar.oid, scalar.syntax) for scalar in SCALARS] + columns)
    async with running(lambda: view) as port:
        command = [program("snmpget"), "-m", "", "-On", *V2C, f"127.0.0.1:{port}", *map(dotted, types)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    told = [line.split()[:3] for line in done.stdout.splitlines()]
    assert told == [[dotted(name), "=", f"{words[syntax]}:"] for name, syntax in types.items()]


async def test_single_values_are_told(view: View) -> None:
    values = expected(view, HARDWARE)
    first, second, *_ = values
    async with running(lambda: view) as port:
        for options in (V2C, V3GET.options):
            wanted = dict(list(values.items())[:30])
            assert await tool("snmpget", port, options, *wanted) == lines(wanted)
            assert await tool("snmpgetnext", port, options, first) == lines({second: values[second]})


@pytest.mark.parametrize(
    ("unit", "asked", "words"),
    [
        (HARDWARE, (1, 3, 6, 1, 2, 1, 1, 4, 0), "No Such Object"),  # sysContact
        (HARDWARE, (*MAIL_OBJECTS, 9, 1, 1, 1), "No Such Object"),  # temperatureIndex is not accessible
        (HARDWARE, (*MAIL_OBJECTS, 18), "No Such Object"),
        (HARDWARE, (*MAIL_OBJECTS, 11, 1), "No Such Instance"),
        (HARDWARE, (*MAIL_OBJECTS, 11), "No Such Instance"),
        (HARDWARE, (*MAIL_OBJECTS, 18, 1, 2, 99), "No Such Instance"),
        (VIRTUAL, (*MAIL_OBJECTS, 18, 1, 2, 1), "No Such Instance"),
        (VIRTUAL, (*MAIL_OBJECTS, 17, 0), "No Such Object"),  # raidEvents
    ],
)
async def test_what_is_not_there_is_told_apart(view: View, unit: str, asked: Oid, words: str) -> None:
    async with running(lambda: view, unit) as port:
        (line,) = await tool("snmpget", port, V2C, asked)
    assert line.startswith(f"{dotted(asked)} {words}")


@pytest.mark.parametrize("auth", [community(), usm(V3GET)], ids=["v2c", "v3"])
@pytest.mark.parametrize("topology", ["campus", "pair"])
async def test_the_exporter_reads_all_items_of_the_view(topology: str, auth: CommunityAuth | UserAuth) -> None:
    view = Model(load_topology(topology), 2, START).view
    for unit in (unit.name for unit in load_topology(topology).appliances):
        async with running(lambda: view, unit) as port:
            reading = await poll(SnmpSource(snmp_appliance(port, auth), Telemetry()))
        assert reading.complete
        assert reading.items == view.snmp_items(unit)


@pytest.mark.parametrize("auth", [community(), usm(V3GET)], ids=["v2c", "v3"])
async def test_a_reboot_is_followed_within_one_poll(auth: CommunityAuth | UserAuth) -> None:
    model = model_at_start("pair", 60)
    unit = model.fleet.names[0]
    async with running(lambda: model.view, unit) as port:
        source = SnmpSource(snmp_appliance(port, auth), Telemetry())
        before = await poll(source)
        model.begin(parse_scenario(f"reboot,unit={unit}"))
        model.advance(START + 600)
        after = await poll(source)
    assert after.complete
    assert after.items == model.view.snmp_items(unit)
    assert float(after.items["sysUpTime"][()]) < float(before.items["sysUpTime"][()])


def test_engine_boots_and_time_follow_restarts_and_uptime() -> None:
    model = model_at_start("pair", 60)
    unit = model.fleet.names[0]
    first = clock(model.view, unit)
    model.advance(START + 600)
    assert clock(model.view, unit) == (first[0], first[1] + 600)
    model.begin(parse_scenario(f"reboot,unit={unit}"))
    model.advance(START + 1200)
    boots, seconds = clock(model.view, unit)
    assert boots > first[0]
    assert seconds == int(model.view.snmp_scalars(unit)["sysUpTime"]) // 100


def clock(view: View, unit: str) -> tuple[int, int]:
    """Return boots and time of the engine, as its discovery tells them."""
    report = Direct(view, unit).send(UsmCodec(usm(V3GET)).encode(QUEUE, ID))
    assert report
    return opened(report)[1]


def test_a_model_that_leaps_hours_is_followed() -> None:
    model = model_at_start("pair", 60)
    unit, codec = model.fleet.names[0], UsmCodec(usm(V3GET))
    for hour in range(3):
        model.advance(START + hour * 3600)
        response = Direct(model.view, unit).ask(QUEUE, codec)
        assert response
        assert response.varbinds == [(QUEUE.oids[0], model.view.snmp_scalars(unit)["workQueueMessages"])]


@pytest.mark.parametrize(
    "datagram",
    [
        CommunityCodec(b"wrong").encode(QUEUE, ID),
        CommunityCodec(COMMUNITY.encode()).encode(QUEUE, ID).replace(b"\x02\x01\x01", b"\x02\x01\x00", 1),
        CommunityCodec(COMMUNITY.encode()).encode(QUEUE, ID).replace(b"\xa0", b"\xa3", 1),
        CommunityCodec(COMMUNITY.encode()).encode(QUEUE, ID) + b"\x00",
    ],
    ids=["wrong community", "SNMPv1", "SET", "octets behind"],
)
def test_the_agent_is_silent_to_foreign_messages(view: View, datagram: bytes) -> None:
    assert Direct(view).send(datagram) is None


def test_answers_are_not_answered(view: View) -> None:
    direct = Direct(view)
    answer = direct.send(CommunityCodec(COMMUNITY.encode()).encode(QUEUE, ID))
    assert answer
    assert direct.send(answer) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([*V3GET.options, "-A", "another passphrase"], "Authentication failure"),
        ([*V3GET.options, "-a", "SHA-256"], "Authentication failure"),
        (User("nobody", "SHA", "AES").options, "Unknown user name"),
        (User("sha", "SHA", "AES").options, "Unsupported security level"),
        (User("v3get", "SHA").options, "authorizationError"),
        (User("v3get").options, "authorizationError"),
        ([*V3GET.options, "-X", "another passphrase", "-t", "0.2", "-r", "0"], "Timeout"),
    ],
    ids=["passphrase", "protocol", "user", "level above", "level below", "no auth", "privacy passphrase"],
)
async def test_wrong_credentials_are_refused_as_by_any_agent(view: View, options: list[str], words: str) -> None:
    async with running(lambda: view) as port:
        said = await tool("snmpget", port, options, QUEUE.oids[0])
    assert words in " ".join(said)


@pytest.mark.parametrize(
    ("boots", "seconds", "accepted"),
    [(0, 0, True), (0, 150, True), (0, -150, True), (0, 151, False), (0, -151, False), (1, 0, False), (-1, 0, False)],
)
def test_only_messages_in_the_time_window_are_answered(
    direct: Direct, now: tuple[int, int], keyed: UsmCodec, boots: int, seconds: int, accepted: bool
) -> None:
    answer = direct.send(sealed((now[0] + boots, now[1] + seconds)))
    assert answer
    if accepted:
        assert isinstance(keyed.decode(answer).accept(), ber.Pdu)
        return
    flags, told, pdu = opened(answer)
    assert (flags, told, pdu.kind) == (AUTH_FLAG, now, ber.REPORT)
    assert pdu.varbinds[0][0] == (*USM_STATS, 2, 0)


def test_the_report_of_a_wrong_time_is_signed(direct: Direct, now: tuple[int, int], keyed: UsmCodec) -> None:
    answer = direct.send(sealed((now[0] + 1, 0)))
    assert answer
    keyed.decode(answer).accept()  # which checks the digest
    with pytest.raises(Rejected):
        keyed.decode(answer[:-1] + bytes((answer[-1] ^ 1,))).accept()


def test_reports_are_counted(direct: Direct, now: tuple[int, int]) -> None:
    reports = [direct.send(sealed(now, name=b"nobody")) for _ in range(2)]
    first, second = (dict(opened(report)[2].varbinds)[*USM_STATS, 3, 0] for report in reports if report)
    assert isinstance(first, int)
    assert second == first + 1


def test_what_wants_no_report_gets_none(direct: Direct, now: tuple[int, int]) -> None:
    assert direct.send(sealed((now[0] + 1, 0), flags=AUTH_PRIV)) is None
    assert direct.send(sealed(now, flags=AUTH_PRIV))


def test_another_context_is_met_with_silence(direct: Direct, now: tuple[int, int]) -> None:
    assert direct.send(sealed(now, context=b"another engine")) is None


def test_an_unknown_engine_is_told_whose_it_is(direct: Direct, now: tuple[int, int]) -> None:
    answer = direct.send(sealed(now, engine_id=b"another engine"))
    assert answer
    flags, told, pdu = opened(answer)
    assert (flags, told, pdu.varbinds[0][0]) == (0, now, (*USM_STATS, 4, 0))


def sealed(
    now: tuple[int, int],
    name: bytes = b"v3get",
    flags: int = AUTH_PRIV | REPORTABLE,
    engine_id: bytes = ENGINE,
    context: bytes = ENGINE,
) -> bytes:
    """Return a request of the user v3get at an engine's boots and time, about the objects of the engine `context`."""
    user = EngineUser(usm(V3GET), ENGINE)
    scoped = ber.encode(ber.SEQUENCE, octets(context), octets(b""), encode_request(QUEUE, ID))
    encrypted, salt = user.encrypt(*now, scoped)
    header = [ber.encode_integer(ID), ber.encode_integer(65507), octets(bytes((flags,))), ber.encode_integer(3)]
    security = SecurityParameters(engine_id, *now, name, bytes(user.digest_length), salt).encode()
    message = [ber.encode_integer(3), ber.encode(ber.SEQUENCE, *header), octets(security), octets(encrypted)]
    return user.sign(ber.encode(ber.SEQUENCE, *message))


def octets(content: bytes) -> bytes:
    return ber.encode(ber.OCTETS, content)


def opened(report: bytes) -> tuple[int, tuple[int, int], ber.Pdu]:
    """Return flags, the boots and time, and the PDU of a report."""
    message = UsmMessage.decode(report)
    return message.flags, (message.security.boots, message.security.time), message.pdu(None)


async def test_the_exporter_reports_which_key_is_wrong(view: View) -> None:
    async with (
        running(lambda: view) as port,
        Session.open(
            "127.0.0.1",
            port,
            UsmCodec(usm(V3GET, auth="another passphrase")),
            RoundTripTime(),
            Reading("snmp"),
            Telemetry(),
        ) as session,
    ):
        with pytest.raises(AuthError, match="wrongDigests"):
            await session.request(QUEUE)


@pytest.mark.parametrize("codec", [CommunityCodec(COMMUNITY.encode()), UsmCodec(usm(V3GET))], ids=["v2c", "v3"])
def test_an_answer_fits_one_packet(view: View, codec: CommunityCodec | UsmCodec) -> None:
    """GETBULK is cut, GET is tooBig; `Direct.ask` looks at the size."""
    bulk = Direct(view).ask(SnmpRequest("bulk", ((1, 3),), 1000), codec)
    assert bulk
    assert 30 < len(bulk.varbinds) < len(expected(view, HARDWARE))
    assert [name for name, _ in bulk.varbinds] == list(expected(view, HARDWARE))[: len(bulk.varbinds)]
    get = Direct(view).ask(SnmpRequest("get", tuple(expected(view, HARDWARE))), codec)
    assert get
    assert (get.error_status, get.varbinds) == (1, [])


def test_a_bulk_beyond_the_end_is_one_row(view: View) -> None:
    response = Direct(view).ask(SnmpRequest("bulk", ((1, 4), (2, 1)), 20))
    assert response
    assert response.varbinds == [((1, 4), None), ((2, 1), None)]


def test_non_repeaters_come_once() -> None:
    model = model_at_start("pair", 60)
    datagram = CommunityCodec(COMMUNITY.encode()).encode(
        SnmpRequest("bulk", ((1, 3, 6, 1, 2, 1, 1, 3), MAIL_OBJECTS), 2), ID
    )
    answer = Direct(model.view, model.fleet.names[0]).send(
        datagram.replace(b"\x02\x01\x00\x02\x01\x02", b"\x02\x01\x01\x02\x01\x02")
    )
    assert answer
    response = CommunityCodec(COMMUNITY.encode()).decode(answer).accept()
    assert isinstance(response, ber.Pdu)
    names = [name for name, _ in response.varbinds]
    assert names == [(1, 3, 6, 1, 2, 1, 1, 3, 0), (*MAIL_OBJECTS, 1, 0), (*MAIL_OBJECTS, 2, 0)]


def test_the_loss_has_its_share_and_repeats(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(View, "transport", transport(snmp_loss=0.2))

    def heard() -> Iterator[bool]:
        direct = Direct(view, faults={HARDWARE: SnmpFaults(loss=0.5)})
        return (direct.ask(QUEUE) is not None for _ in range(1000))

    first = list(heard())
    assert 350 < sum(first) < 450
    assert first == list(heard())


def test_faults_can_be_switched_while_the_agent_runs(view: View) -> None:
    faults: dict[str, SnmpFaults] = {"mx2": SnmpFaults(dead=True)}
    direct = Direct(view, faults=faults)
    assert direct.ask(QUEUE)
    faults[HARDWARE] = SnmpFaults(dead=True)
    assert direct.ask(QUEUE) is None
    del faults[HARDWARE]
    assert direct.ask(QUEUE)


def test_a_dead_agent_of_the_view_is_silent(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(View, "transport", transport(snmp=False))
    assert Direct(view).ask(QUEUE) is None


def test_broken_objects_give_a_general_error(view: View) -> None:
    direct = Direct(view, faults={HARDWARE: SnmpFaults(broken=QUEUE.oids)})
    response = direct.ask(SnmpRequest("get", (oid("sysUpTime"), *QUEUE.oids)))
    assert response
    assert (response.error_status, response.error_index) == (5, 2)
    response = direct.ask(SnmpRequest("get", (oid("sysUpTime"),)))
    assert response
    assert response.error_status == 0


async def test_a_late_answer_comes(view: View) -> None:
    async with running(lambda: view, faults={HARDWARE: SnmpFaults(delay=0.1)}) as port:
        loop = asyncio.get_running_loop()
        started = loop.time()
        reading = await poll(SnmpSource(snmp_appliance(port), Telemetry()))
    assert reading.complete
    assert loop.time() - started > 0.1


async def test_a_raid_table_without_getbulk_is_read(view: View) -> None:
    async with running(lambda: view, faults={HARDWARE: SnmpFaults(deaf_to_bulk=(RAID,))}) as port:
        reading = await poll(SnmpSource(snmp_appliance(port), Telemetry()))
    assert reading.complete
    assert reading.items == view.snmp_items(HARDWARE)
    assert any("raidTable: GETBULK failed" in note for note in reading.notes)


@pytest.fixture(scope="module")
def requests(direct: Direct) -> list[bytes]:
    """Return valid datagrams of each kind and version."""
    codecs: list[CommunityCodec | UsmCodec] = [
        CommunityCodec(COMMUNITY.encode()),
        *(UsmCodec(usm(user)) for user in (User("noauth"), V3GET)),
    ]
    for codec in codecs:
        assert direct.ask(QUEUE, codec)
    kinds = [QUEUE, SnmpRequest("next", (MAIL_OBJECTS,)), SnmpRequest("bulk", (RAID, MAIL_OBJECTS), 5)]
    return [codec.encode(kind, ID) for codec in codecs for kind in kinds]


@given(st.binary(max_size=300))
def test_any_octets_are_ignored(direct: Direct, octets: bytes) -> None:
    assert direct.send(octets) is None


@given(st.data())
def test_a_cut_datagram_is_ignored(direct: Direct, requests: list[bytes], data: st.DataObject) -> None:
    datagram = data.draw(st.sampled_from(requests))
    length = data.draw(st.integers(0, len(datagram) - 1))
    assert direct.send(datagram[:length]) is None


@given(st.data())
def test_a_damaged_datagram_does_no_harm(direct: Direct, requests: list[bytes], data: st.DataObject) -> None:
    datagram = data.draw(st.sampled_from(requests))
    place = data.draw(st.integers(0, len(datagram) - 1))
    octet = data.draw(st.integers(0, 255))
    answer = direct.send(datagram[:place] + bytes((octet,)) + datagram[place + 1 :])
    assert answer is None or len(answer) <= LIMIT
    assert direct.ask(QUEUE)


def test_the_agent_shows_no_secret(view: View) -> None:
    agent = Direct(view).agent
    assert COMMUNITY not in f"{agent!r} {vars(agent)['_engine']!r}"
