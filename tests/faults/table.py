"""The faults of one appliance and of the network to it: how each is caused, and what must be seen meanwhile."""

from __future__ import annotations

import asyncio
import gzip
import random
import re
import socket
import ssl
import warnings
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import trustme
from pyasn1.codec.ber import encoder
from pyasn1.type import univ

from exporter.sources.snmp import ber
from exporter.sources.snmp.mib import Oid
from exporter.sources.xml import document
from faults.answers import CHUNKED, broken_off, bytes_of, endless, status
from faults.appliance import HEAD, PAGE, Answer, FaultyAppliance, answer_well, api_page, page
from support.forged import with_false_engines, with_report
from support.mail_agent import mail_values, oid
from support.old_tls import answer_hello, in_old_tls, weak_context
from support.relay import Datagram, Policy, corrupted, delayed, doubled, forward, joined_by, lossy, silent
from support.rest_pages import DELIVERY_STATUS, HEALTH, SYSTEM_STATUS, delivery_status, health, system_status
from support.snmpd import COMMUNITY
from support.status_page import Items, render_status, status_items
from support.web_interface import RawServer, Talk, reset

Cause = Callable[[FaultyAppliance], AbstractAsyncContextManager[None]]
"""The fault lasts as long as the context."""

COMPLETE: Final = "complete"
UP: Final = "up"
"""Complete or not: chance decides. Other ends of a source are `incomplete` and `down`, each with its reasons."""

REJECTED: Final = "snmp_rejected_responses_total"
RECOVERED: Final = "snmp_requests_recovered_total"
REPORTS: Final = "snmp_reports_total"
RESENT: Final = "snmp_requests_resent_total"
LATE: Final = "snmp_late_responses_total"


@dataclass(frozen=True, slots=True)
class Fault:
    """A row: a fault of an appliance, and what the scrape meanwhile gives."""

    name: str
    cause: Cause
    snmp: str = COMPLETE
    """How the source ended: `complete`, `up`, `incomplete: reason` or `down: reason`."""
    xml: str = COMPLETE
    rest: str | None = None
    """None: the appliance has no credentials for its REST interface."""
    counted: tuple[str, ...] = ()
    """The exporter's own metrics that rise, without `ironport_exporter_`."""
    figures: Mapping[str, float | None] = field(default_factory=dict)
    """Figures that are served and tell this fault from others, without `ironport_`."""
    version: Literal["2c", "3"] = "2c"
    https: bool = False
    pinned: bool = False
    """Whether the certificate is pinned instead of checked against an authority."""
    legacy_renegotiation: bool = False
    """Whether the configuration allows servers that do not know RFC 5746."""
    own_agent: bool = False
    accept_from: bool = False
    """Whether the agent may answer from any port of its address."""
    direct: bool = False
    """Whether the SNMP packets go past the relay, which hides that the agent's port is closed."""
    timeout: float = 3.5
    """The scrape timeout in seconds."""


def relayed(policy: Callable[[], Policy]) -> Cause:
    """Carry the SNMP packets by this policy."""

    @asynccontextmanager
    async def cause(appliance: FaultyAppliance) -> AsyncIterator[None]:
        appliance.relay.policy = policy()
        yield
        appliance.relay.policy = forward

    return cause


def answered(answer: Answer) -> Cause:
    """Answer the requests for pages so."""

    @asynccontextmanager
    async def cause(appliance: FaultyAppliance) -> AsyncIterator[None]:
        appliance.answer = answer
        yield
        appliance.answer = answer_well

    return cause


def api_answered(answer: Answer, *paths: str) -> Cause:
    """Answer the requests for these paths of the REST interface so, or for all of its paths."""

    @asynccontextmanager
    async def cause(appliance: FaultyAppliance) -> AsyncIterator[None]:
        well = dict(appliance.api)
        appliance.api |= dict.fromkeys(paths or well, answer)
        yield
        appliance.api |= well

    return cause


def jittery(low: float, high: float) -> Policy:
    """Delay each datagram by another time, in seconds, so that they also overtake each other."""
    dice = random.Random(1)
    return lambda datagram: [replace(datagram, delay=dice.uniform(low, high))]


def from_elsewhere(datagram: Datagram) -> list[Datagram]:
    """Let every answer come from another address than the one that was asked."""
    return [replace(datagram, foreign=True) if datagram.to == "client" else datagram]


def rewritten(change: Callable[[bytes], bytes], times: int | None = None) -> Policy:
    """Change the octets of every answer, or of so many answers."""
    changed = 0

    def policy(datagram: Datagram) -> list[Datagram]:
        nonlocal changed
        if datagram.to == "agent" or changed == times:
            return [datagram]
        changed += 1
        return [replace(datagram, data=change(datagram.data))]

    return policy


def general_error(answer: bytes) -> bytes:
    """Return a v2c answer with the error status genErr and the error index 0."""
    head = rb"(\xa2.{1,3}?\x02\x04.{4}\x02\x01)\x00"
    changed, times = re.subn(head, b"\\1\x05", answer, count=1, flags=re.DOTALL)
    assert times == 1
    return changed


def other_object(answer: bytes) -> bytes:
    """Return an answer that names another object in the place of raidEvents."""
    return answer.replace(octets(oid("raidEvents")), octets((*oid("raidEvents")[:-2], 127, 0)))


def swapped_fans(answer: bytes) -> bytes:
    """Return an answer in which the first two fans have changed places."""
    return _swapped(_swapped(answer, "fanRPMs"), "fanName")


def _swapped(answer: bytes, column: str) -> bytes:
    first, second = octets(oid(column, 1)), octets(oid(column, 2))
    return second.join(part.replace(second, first) for part in answer.split(first))


def repeated_fans(answer: bytes) -> bytes:
    """Return an answer in which the second fan is the first again."""
    for column in ("fanRPMs", "fanName"):
        answer = answer.replace(octets(oid(column, 2)), octets(oid(column, 1)))
    return answer


def octets(identifier: Oid) -> bytes:
    """Return the content of an object identifier in BER."""
    encoded: bytes = encoder.encode(univ.ObjectIdentifier(identifier))
    return encoded[2:]


def without_getbulk(table: str) -> Policy:
    """Lose every GETBULK of a table."""
    begin = octets(oid(table))
    getbulk = COMMUNITY.encode() + b"\xa5"
    return lambda datagram: [] if getbulk in datagram.data and begin in datagram.data else [datagram]


def row_by_row(datagram: Datagram) -> list[Datagram]:
    """Answer each GETBULK with one row of its first column, which never ends."""
    getbulk = COMMUNITY.encode() + b"\xa5"
    if getbulk not in datagram.data:
        return [datagram]
    request = _v2c_pdu(datagram.data)
    (*column, row), _ = request.varbinds[0]
    if len(column) < len(oid("fanName", 1)) - 1:
        column, row = [*column, row], 0
    name = ber.encode(ber.OID, octets((*column, row + 1)))
    binding = ber.encode(ber.SEQUENCE, name, ber.encode_integer(1))
    return [Datagram("client", response(request.request_id, binding=binding))]


def _v2c_pdu(datagram: bytes) -> ber.Pdu:
    message = ber.message_fields(datagram)
    message.integer(), message.octet_string()
    return message.pdu()


def response(request_id: int, community: str = COMMUNITY, binding: bytes = b"") -> bytes:
    """Return a v2c answer without values, or with one variable binding."""
    head = [ber.encode_integer(number) for number in (request_id, 0, 0)]
    pdu = ber.encode(0xA2, *head, ber.encode(ber.SEQUENCE, binding))
    return ber.encode(ber.SEQUENCE, ber.encode_integer(1), ber.encode(ber.OCTETS, community.encode()), pdu)


@asynccontextmanager
async def agent_stopped(appliance: FaultyAppliance) -> AsyncIterator[None]:
    await asyncio.to_thread(appliance.agent.stop)
    yield
    await asyncio.to_thread(appliance.agent.start)


@asynccontextmanager
async def agent_replaced(appliance: FaultyAppliance) -> AsyncIterator[None]:
    await asyncio.to_thread(lambda: appliance.agent.restart(engine_id="80001f8803000000000077"))
    yield


@asynccontextmanager
async def agent_replaced_and_forged(appliance: FaultyAppliance) -> AsyncIterator[None]:
    appliance.relay.policy = with_false_engines(4, first=True)
    async with agent_replaced(appliance):
        yield
    appliance.relay.policy = forward


def with_fans(rows: Collection[int]) -> Cause:
    """Restart the agent with these rows in one of its tables; from 4 on they have no names."""

    @asynccontextmanager
    async def cause(appliance: FaultyAppliance) -> AsyncIterator[None]:
        columns = ("fanRPMs", "fanName")
        all_rows = mail_values({(name, row): 1 for name in columns for row in rows if row > 3})
        missing = {oid(name, row) for name in columns for row in (1, 2, 3) if row not in rows}
        values = {identifier: value for identifier, value in all_rows.items() if identifier not in missing}
        await asyncio.to_thread(lambda: appliance.agent.restart(values=values))
        yield
        await asyncio.to_thread(lambda: appliance.agent.restart(values=mail_values()))

    return cause


@asynccontextmanager
async def agent_rebooted(appliance: FaultyAppliance) -> AsyncIterator[None]:
    await asyncio.to_thread(appliance.agent.restart)
    yield


@asynccontextmanager
async def agent_reboots_meanwhile(appliance: FaultyAppliance) -> AsyncIterator[None]:
    """Restart the agent when it has answered the first request of the poll."""
    restarts: list[asyncio.Task[None]] = []

    def policy(datagram: Datagram) -> list[Datagram]:
        if datagram.to == "client" and not restarts:
            restarts.append(asyncio.create_task(asyncio.to_thread(appliance.agent.restart)))
        return [datagram]

    appliance.relay.policy = policy
    yield
    await asyncio.gather(*restarts)
    appliance.relay.policy = forward


@asynccontextmanager
async def community_changed(appliance: FaultyAppliance) -> AsyncIterator[None]:
    appliance.agent.community = "another"
    await asyncio.to_thread(appliance.agent.restart)
    yield
    appliance.agent.community = COMMUNITY
    await asyncio.to_thread(appliance.agent.restart)


@asynccontextmanager
async def web_port_closed(appliance: FaultyAppliance) -> AsyncIterator[None]:
    await appliance.web.stop()
    yield
    await appliance.start_web()


@asynccontextmanager
async def connections_dropped(appliance: FaultyAppliance) -> AsyncIterator[None]:
    await appliance.web.disconnect()
    yield


def certified(issue: Callable[[trustme.CA], trustme.LeafCert | None]) -> Cause:
    """Present another certificate, or none; `issue` gets the authority that the exporter trusts."""

    @asynccontextmanager
    async def cause(appliance: FaultyAppliance) -> AsyncIterator[None]:
        first = appliance.certificate
        assert appliance.authority
        await appliance.present(issue(appliance.authority))
        yield
        await appliance.present(first)

    return cause


def expired(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("127.0.0.1", not_before=PAST - timedelta(days=30), not_after=PAST)


def renewed(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert("127.0.0.1")


def of_another_authority(_: trustme.CA) -> trustme.LeafCert:
    return renewed(trustme.CA())


def no_certificate(_: trustme.CA) -> None:
    return None


def secured(tls: Callable[[FaultyAppliance], ssl.SSLContext]) -> Cause:
    """Speak TLS with this context."""

    @asynccontextmanager
    async def cause(appliance: FaultyAppliance) -> AsyncIterator[None]:
        context = await asyncio.to_thread(tls, appliance)
        await appliance.web.stop()
        await appliance.web.start(context)
        yield
        await appliance.present(appliance.certificate)

    return cause


def offering(version: ssl.TLSVersion, ciphers: str) -> Cause:
    """Speak no newer TLS than this, with these ciphers only."""

    def tls(appliance: FaultyAppliance) -> ssl.SSLContext:
        assert appliance.certificate
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        appliance.certificate.configure_cert(context)
        context.set_ciphers(ciphers)
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # old appliances use old versions
            context.minimum_version = context.maximum_version = version
        return context

    return secured(tls)


def weakly_certified(bits: int, digest: str) -> Cause:
    """Present a certificate of the right authority, with a key of so many bits, signed with this digest."""

    def tls(appliance: FaultyAppliance) -> ssl.SSLContext:
        assert appliance.authority
        return weak_context(appliance.authority, bits, digest)

    return secured(tls)


def without_safe_renegotiation(talk: Callable[[FaultyAppliance], Talk]) -> Cause:
    """Let a server that does not know RFC 5746 talk so."""

    @asynccontextmanager
    async def cause(appliance: FaultyAppliance) -> AsyncIterator[None]:
        await appliance.web.stop()
        old = RawServer(talk(appliance))
        old.port = appliance.web.port
        await old.start()
        yield
        await old.stop()
        await appliance.start_web()

    return cause


def only_hello(_: FaultyAppliance) -> Talk:
    return answer_hello


def pages_in_old_tls(appliance: FaultyAppliance) -> Talk:
    assert appliance.certificate
    return in_old_tls(appliance.certificate, appliance.talk)


def unattended(waiting: int) -> Cause:
    """Let the web server accept no connection, while so many other clients wait: two fill the queue of the kernel."""

    @asynccontextmanager
    async def cause(appliance: FaultyAppliance) -> AsyncIterator[None]:
        await appliance.web.stop()
        with ExitStack() as sockets:
            address = ("127.0.0.1", appliance.web.port)
            sockets.enter_context(socket.create_server(address, backlog=0))
            for _ in range(waiting):
                client = sockets.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(address)
            yield
        await appliance.start_web()

    return cause


@asynccontextmanager
async def connection_forgotten(appliance: FaultyAppliance) -> AsyncIterator[None]:
    """Let the connection that asks first go unanswered, as if a firewall had forgotten it."""
    forgotten: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not forgotten:
            forgotten.append(writer)
        await (DEAD if writer in forgotten else answer_well)(reader, writer)

    appliance.answer = answer
    yield
    appliance.answer = answer_well


async def answer_reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    reset(writer)


def odd_counts() -> bytes:
    """Return the status page with counts that are no counts."""
    odd: Items = {
        "gauges/conn_in/current": -5,
        "gauges/kbytes_used/current": "1e308",
        "gauges/conn_out/current": "Arabic",
    }
    return render_status(status_items(odd)).replace(b'"Arabic"', b'"&#1636;&#1634;"')


def largest_page() -> bytes:
    """Return the status page with as many further elements and attributes as are read."""
    more = document.ELEMENT_LIMIT - len(document.parse(PAGE).elements)
    attributes = document.ATTRIBUTE_LIMIT - PAGE.count(b"=") - more
    first = b'<more a="1" ' + b" ".join(b'a%d="1"' % number for number in range(attributes)) + b"/>"
    return PAGE.replace(b"</status>", first + b'<more a="1"/>' * (more - 1) + b"</status>")


def halved_counters() -> bytes:
    """Return the status page after the appliance was set up anew: its counters have begun again."""
    return render_status(status_items({"counters/inj_msgs/lifetime": 12}))


DEAD: Final = endless(b"", b"", 60.0)
LENGTH_AGAIN: Final = b"\r\nContent-Length: %d\r\n\r\n" % len(PAGE)
FEATURES: Final = b"<status>" + b'<feature name="f" time_remaining="1" />' * 30_000 + b"</status>"
ATTRIBUTES: Final = b"<status " + b" ".join(b'a%d="1"' % number for number in range(150_000)) + b"/>"
JSON_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + b'{"data": {"resultSet": ['
DESTINATION: Final = b'{"destination_domain": "a.example", "active_recipients": 1},'
DESTINATIONS: Final = [(f"{number}.example", "Active", 7, 1, 0, 0, 0) for number in range(5_000)]
WORDY_COUNTS: Final = {"gauges/conn_in/current": "1,234", "gauges/cpu_utilization/current": "14%"}
LARGE: Final = b"\x30\x82\xff\x00" + b"\x05\x00" * 32_000
BOMB: Final = gzip.compress(b"<status>" + b" " * 50_000_000, 1)
PAST: Final = datetime.now(UTC) - timedelta(days=1)

SNMP_FAULTS: Final = (
    Fault("The agent does not answer", relayed(lambda: silent), snmp="down: timeout", counted=(RESENT,)),
    Fault("The agent's port is closed", agent_stopped, snmp="down: refused", own_agent=True, direct=True),
    Fault("The agent has a new community", community_changed, snmp="down: timeout", own_agent=True),
    Fault(
        "10 % of the packets are lost each way",
        relayed(lambda: lossy(requests=0.1, answers=0.1, seed=55)),  # the first request is lost
        counted=(RESENT, RECOVERED),
    ),
    Fault(
        "20 % of the packets are lost each way",
        relayed(lambda: lossy(requests=0.2, answers=0.2)),
        version="3",
        counted=(RESENT, RECOVERED),
        timeout=8.5,
    ),
    Fault(
        "40 % of the requests are lost", relayed(lambda: lossy(requests=0.4)), counted=(RESENT, RECOVERED), timeout=8.5
    ),
    Fault(
        "40 % of the answers are lost",
        relayed(lambda: lossy(answers=0.4, seed=31)),  # the first answer is lost
        counted=(RESENT, RECOVERED),
        timeout=8.5,
    ),
    Fault("60 % of the requests are lost", relayed(lambda: lossy(requests=0.6)), snmp=UP, timeout=8.5),
    Fault(
        "60 % of the packets are lost each way",
        relayed(lambda: lossy(requests=0.6, answers=0.6, seed=1)),  # the first answer comes after the second try
        snmp=UP,
        timeout=8.5,
    ),
    Fault("Answers come 300 ms late", relayed(lambda: delayed("client", 0.3)), counted=(LATE,)),
    Fault("Packets are delayed by up to 80 ms and overtake each other", relayed(lambda: jittery(0.0, 0.08))),
    Fault(
        "Every request arrives twice",
        relayed(lambda: doubled("agent")),
        counted=(f'{REJECTED}{{reason="duplicate"}}',),
    ),
    Fault(
        "Every answer arrives twice",
        relayed(lambda: doubled("client")),
        counted=(f'{REJECTED}{{reason="duplicate"}}',),
    ),
    Fault("One answer is genErr with error index 0", relayed(lambda: rewritten(general_error, times=1))),
    Fault(
        "An answer has another object in place of a requested one",
        relayed(lambda: rewritten(other_object)),
        snmp="incomplete: malformed",
        timeout=8.5,
    ),
    Fault(
        "The rows of a table are in a wrong order",
        relayed(lambda: rewritten(swapped_fans)),
        figures={'fan_speed_rpm{fan="FAN 1"}': 5400, 'fan_speed_rpm{fan="FAN 2"}': 5280},
    ),
    Fault(
        "The first row of a table is missing",
        with_fans((2, 3)),
        figures={'fan_speed_rpm{fan="FAN 1"}': None, 'fan_speed_rpm{fan="FAN 2"}': 5280},
        own_agent=True,
    ),
    Fault("A table has 128 rows", with_fans(range(1, 129)), own_agent=True, timeout=8.5),
    Fault(
        "A walk of a table repeats its rows", relayed(lambda: rewritten(repeated_fans)), snmp="incomplete: malformed"
    ),
    Fault(
        "Each answer to GETBULK brings one value, and tables do not end",
        relayed(lambda: row_by_row),
        snmp="incomplete: too_large",
        timeout=20.5,
    ),
    Fault(
        "A table has more than 128 rows",
        with_fans(range(1, 132)),
        snmp="incomplete: too_large",
        own_agent=True,
        figures={'fan_speed_rpm{fan="1 (128)"}': 1, 'fan_speed_rpm{fan="1 (129)"}': None},
        timeout=8.5,
    ),
    Fault(
        "Requests for one table with GETBULK are no longer answered",
        relayed(lambda: without_getbulk("raidStatus")),
        snmp="incomplete: timeout",
    ),
    Fault("Somebody sends reports of a wrong passphrase", relayed(lambda: with_report(5)), version="3"),
    Fault("Somebody sends reports of another time", relayed(lambda: with_report(2)), version="3"),
    Fault("Somebody sends reports of another engine", relayed(lambda: with_report(4)), version="3"),
    Fault(
        "Every second answer is corrupted",
        relayed(lambda: corrupted("client", share=0.5)),
        counted=(f'{REJECTED}{{reason="malformed"}}', RESENT),
    ),
    Fault("Every answer is corrupted", relayed(lambda: corrupted("client")), snmp="down: timeout", counted=(RESENT,)),
    Fault("The agent answers from another address", relayed(lambda: from_elsewhere), snmp="down: timeout"),
    Fault(
        "The agent answers from another port, and `accept_from` names its address",
        relayed(lambda: from_elsewhere),
        accept_from=True,
    ),
    Fault(
        "Somebody sends answers from another address",
        relayed(lambda: joined_by(response(0x40000001), foreign=True)),
    ),
    Fault(
        "Somebody sends answers with a guessed id",
        relayed(lambda: joined_by(response(0x40000001))),
        counted=(f'{REJECTED}{{reason="wrong_id"}}',),
    ),
    Fault(
        "Somebody sends answers with another community",
        relayed(lambda: joined_by(response(0x40000001, "guess"))),
        counted=(f'{REJECTED}{{reason="wrong_identity"}}',),
    ),
    Fault(
        "A datagram of 64 KB comes before each answer",
        relayed(lambda: joined_by(LARGE)),
        counted=(f'{REJECTED}{{reason="malformed"}}',),
        timeout=8.5,
    ),
    Fault("The agent restarts between two polls", agent_rebooted, counted=(REPORTS,), version="3", own_agent=True),
    Fault(
        "The agent restarts in the middle of a poll",
        agent_reboots_meanwhile,
        version="3",
        own_agent=True,
        timeout=8.5,
    ),
    Fault("The agent has a new engine id", agent_replaced, counted=(REPORTS,), version="3", own_agent=True),
    Fault(
        "The agent has a new engine id, and somebody sends reports of four others",
        agent_replaced_and_forged,
        counted=(REPORTS,),
        version="3",
        own_agent=True,
        timeout=8.5,
    ),
)

HTTP_FAULTS: Final = (
    Fault("The web server accepts the connection and is silent", answered(DEAD), xml="down: timeout"),
    Fault("The web server's machine does not answer attempts to connect", unattended(waiting=2), xml="down: timeout"),
    Fault(
        "Silence after the header", answered(endless(HEAD + b"Content-Length: 9\r\n\r\n", b"", 60)), xml="down: timeout"
    ),
    Fault(
        "A page that comes byte by byte",
        answered(endless(HEAD + b"Content-Length: 9999\r\n\r\n", b" ", 0.1)),
        xml="down: timeout",
    ),
    Fault("A header that comes line by line", answered(endless(HEAD, b"A: b\r\n", 0.1)), xml="down: timeout"),
    Fault("A header of more than 64 KB", answered(endless(HEAD + b"A: ", b"a" * 10_000, 0)), xml="down: too_large"),
    Fault("A header without an end", answered(endless(HEAD, b"A: b\r\n" * 1000, 0)), xml="down: too_large"),
    Fault(
        "`100 Continue` without an end",
        answered(endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, 0)),
        xml="down: malformed",
    ),
    Fault(
        "A page without an end",
        answered(endless(CHUNKED, b"1000\r\n" + b" " * 0x1000 + b"\r\n", 0)),
        xml="down: too_large",
    ),
    Fault(
        "A page in chunks of one byte, without an end",
        answered(endless(CHUNKED, b"1\r\nx\r\n" * 1000, 0)),
        xml="down: too_large",
    ),
    Fault(
        "A trailer without an end", answered(endless(CHUNKED + b"0\r\n", b"A: b\r\n" * 1000, 0)), xml="down: malformed"
    ),
    Fault(
        "A page that is 50 MB when it is unpacked",
        answered(bytes_of(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB)),
        xml="down: too_large",
    ),
    Fault("A page of 30,000 elements", answered(bytes_of(page(FEATURES))), xml="down: too_large"),
    Fault("A page of 150,000 attributes", answered(bytes_of(page(ATTRIBUTES))), xml="down: too_large"),
    Fault("The connection is reset instead of an answer", answered(answer_reset), xml="down: unreachable"),
    Fault(
        "The connection ends in the middle of the page",
        answered(broken_off(page()[:-300])),
        xml="incomplete: malformed",
    ),
    Fault(
        "The end of the page does not come in time",
        answered(endless(page()[:-300], b"", 60)),
        xml="incomplete: timeout",
    ),
    Fault("A page that ends in the middle", answered(bytes_of(page(PAGE[:-300]))), xml="incomplete: malformed"),
    Fault(
        "A page with bytes of another encoding, a bare `&` and text around it",
        answered(bytes_of(page(b"busy\n" + PAGE.replace(b"Anti-Spam", b"Anti-Sp\xe4m & more") + b"\nbusy"))),
    ),
    Fault("The appliance has closed the kept-alive connection", connections_dropped),
    Fault("A firewall has forgotten the kept-alive connection", connection_forgotten),
    Fault(
        "The web server's port is closed",
        web_port_closed,
        xml="down: refused",
        figures={'feature_key_perpetual{feature="Incoming Mail Handling"}': 1},
    ),
    Fault("A page of 1,000 elements with 6,000 attributes", answered(bytes_of(page(largest_page())))),
    Fault("A header of 60 KB", answered(bytes_of(page().replace(b"\r\n", b"\r\nA: " + b"a" * 60_000 + b"\r\n", 1)))),
    Fault(
        "Values with thousands separators or a percent sign",
        answered(bytes_of(page(render_status(status_items(WORDY_COUNTS))))),
        figures={'connections{direction="in"}': 1234, 'cpu_utilization_ratio{process="mail"}': 0.14},
    ),
    Fault(
        "A count is negative, too large for a number, or in digits of another script",
        answered(bytes_of(page(odd_counts()))),
        counted=tuple(
            f'unknown_values_total{{item="gauges/{name}/current"}}' for name in ("conn_in", "conn_out", "kbytes_used")
        ),
        figures={
            'connections{direction="in"}': None,
            'connections{direction="out"}': None,
            "queue_used_bytes": None,
        },
    ),
    Fault(
        "A value that cannot be read",
        answered(bytes_of(page(render_status(status_items({"gauges/conn_in/current": "N/A"}))))),
        counted=('unknown_values_total{item="gauges/conn_in/current"}',),
    ),
    Fault(
        "The header has Content-Length twice",
        answered(bytes_of(page().replace(b"\r\n\r\n", LENGTH_AGAIN, 1))),
    ),
    Fault(
        "A line of the header has no colon",
        answered(bytes_of(page().replace(b"\r\n\r\n", b"\r\nodd\r\n\r\n", 1))),
    ),
    Fault("The answer is not HTTP", answered(broken_off(b"SSH-2.0-OpenSSH_9.2\r\n")), xml="down: malformed"),
    Fault(
        "The page is the login page", answered(bytes_of(page(b"<html><form>Password</form></html>"))), xml="down: auth"
    ),
    Fault("A redirect to the login page", answered(status(302, "Found", "Location: /login")), xml="down: auth"),
    Fault(
        "The password is refused",
        answered(status(401, "Unauthorized")),
        xml="down: auth",
        counted=('xml_requests_total{code="401"}',),
    ),
    Fault(
        "The server has an error",
        answered(status(500, "Error")),
        xml="down: http_status",
        counted=('xml_requests_total{code="500"}',),
    ),
    Fault(
        "The appliance's counters are reset",
        answered(bytes_of(page(halved_counters()))),
        figures={"messages_injected_total": 12},
    ),
)

REST_FAULTS: Final = (
    Fault(
        "The REST interface works, and the status page fails",
        answered(status(500, "Error")),
        xml="down: http_status",
        rest=COMPLETE,
    ),
    Fault("The release has no REST interface", api_answered(status(404, "Not Found")), rest="down: http_status"),
    Fault(
        "The REST interface refuses the password",
        api_answered(status(401, "Unauthorized")),
        rest="down: auth",
        counted=('rest_requests_total{code="401"}',),
    ),
    Fault("The user's role may not read the REST interface", api_answered(status(403, "Forbidden")), rest="down: auth"),
    Fault(
        "The REST interface redirects to the login page",
        api_answered(status(302, "Found", "Location: /login")),
        rest="down: auth",
    ),
    Fault(
        "The REST interface answers with the login page",
        api_answered(api_page(b"<html><form>Password</form></html>")),
        rest="down: auth",
    ),
    Fault(
        "The result set is empty",
        api_answered(api_page(b'{"data": {"resultSet": {}}}'), SYSTEM_STATUS),
        rest="incomplete: malformed",
    ),
    Fault(
        "Every answer of the REST interface has another form than expected",
        api_answered(api_page(b'{"data": [1]}')),
        rest="down: malformed",
    ),
    Fault(
        "An answer of the REST interface ends in the middle",
        api_answered(api_page(system_status()[:-20]), SYSTEM_STATUS),
        rest="incomplete: malformed",
    ),
    Fault(
        "An answer of the REST interface does not end in time",
        api_answered(endless(JSON_HEAD, b"", 60), DELIVERY_STATUS),
        rest="incomplete: timeout",
    ),
    Fault(
        "The list of destinations never ends",
        api_answered(endless(JSON_HEAD, DESTINATION * 1000, 0.0), DELIVERY_STATUS),
        rest="incomplete: too_large",
        timeout=8.5,
    ),
    Fault(
        "An answer of the REST interface is nested 100,000 levels deep",
        api_answered(api_page(b'{"data": ' + b"[" * 100_000), HEALTH),
        rest="incomplete: too_large",
    ),
    Fault(
        "An answer of the REST interface has 100,000 values",
        api_answered(api_page(b'{"data": [' + b"1," * 100_000 + b"1]}"), HEALTH),
        rest="incomplete: too_large",
    ),
    Fault(
        "The appliance has 5,000 destinations",
        api_answered(api_page(delivery_status(DESTINATIONS)), DELIVERY_STATUS),
        rest=COMPLETE,
        figures={'destination_active_recipients{destination="other",class=""}': 4_980 * 7},
    ),
    Fault(
        "A value of the REST interface that cannot be read",
        api_answered(api_page(health({"percentage_swap_utilization": "N/A"})), HEALTH),
        rest=COMPLETE,
        counted=('unknown_values_total{item="health/percentage_swap_utilization"}',),
    ),
)

TLS_FAULTS: Final = (
    Fault("The certificate has expired", certified(expired), xml="down: tls", https=True),
    Fault(
        "The certificate was issued by an unknown authority",
        certified(of_another_authority),
        xml="down: tls",
        https=True,
    ),
    Fault("The certificate was renewed by the same authority", certified(renewed), https=True),
    Fault("The pinned certificate was renewed", certified(renewed), xml="down: tls", https=True, pinned=True),
    Fault("The TLS handshake is never answered", unattended(waiting=0), xml="down: timeout", https=True),
    Fault(
        "The server speaks TLS 1.1 at most",
        offering(ssl.TLSVersion.TLSv1_1, "DEFAULT:@SECLEVEL=0"),
        xml="down: tls",
        https=True,
    ),
    Fault(
        "The server has no cipher that is strong enough",
        offering(ssl.TLSVersion.TLSv1_2, "AES128-SHA:@SECLEVEL=0"),
        xml="down: tls",
        https=True,
    ),
    Fault("The certificate has a key of 1,024 bits", weakly_certified(1024, "sha256"), xml="down: tls", https=True),
    Fault("The certificate is signed with SHA-1", weakly_certified(2048, "sha1"), xml="down: tls", https=True),
    Fault(
        "The server cannot renegotiate safely (RFC 5746)",
        without_safe_renegotiation(only_hello),
        xml="down: tls",
        https=True,
    ),
    Fault(
        "The server cannot renegotiate safely, and `legacy_renegotiation` allows it",
        without_safe_renegotiation(pages_in_old_tls),
        https=True,
        legacy_renegotiation=True,
    ),
    Fault("The HTTPS port speaks plain HTTP", certified(no_certificate), xml="down: tls", https=True),
)

FAULTS: Final = {
    "SNMP": SNMP_FAULTS,
    "Status pages": HTTP_FAULTS,
    "REST interface": REST_FAULTS,
    "TLS": TLS_FAULTS,
}
"""The rows by the heading above them."""
