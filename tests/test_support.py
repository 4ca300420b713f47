"""The tests' own parts are what they claim to be: net-snmp's tools and other programs agree with them."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import aiohttp
import pytest

from exporter.sources.snmp.mib import SCALARS, TABLES, Syntax
from support.mail_agent import mail_values, oid
from support.processes import Process, free_port, needs_ipv6, program
from support.prometheus import Prometheus, SnmpExporter, promtool
from support.relay import Policy, UdpRelay, corrupted, delayed, doubled, forward, joined_by, lossy, silent
from support.snmpd import COMMUNITY, UNAUTHORIZED, USERS, V3GET, Snmpd, User, snmp_command, transport
from support.status_page import render_status, status_items
from support.status_server import AUTHORIZATION, PASSWORD, USERNAME, Page, StatusServer

V2C = ["-v2c", "-c", COMMUNITY]


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def walk(agent: Snmpd, options: list[str], host: str = "127.0.0.1") -> list[tuple[str, str]]:
    answer = run(*snmp_command("snmpbulkwalk", *options, "-Cr10", transport(host, agent.port), ".1.3"))
    lines = [line.partition(" ") for line in answer.splitlines() if line.startswith(".")]  # net-snmp may say more
    return [(name, value) for name, _, value in lines if "No more variables" not in value]


def printed(agent: Snmpd) -> list[tuple[str, str]]:
    return [
        (f".{'.'.join(map(str, name))}", f'"{content}"' if isinstance(content, str) else str(content))
        for name, (_, content) in agent.values.items()
    ]


def test_the_agent_has_every_object_in_use(snmpd: Snmpd) -> None:
    read = {each.oid for each in SCALARS} | {
        (*column.oid, 1) for table in TABLES for column in (table.label, *table.columns)
    }
    assert read <= set(snmpd.values)


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
def test_a_bulk_walk_reads_every_value_in_order(snmpd: Snmpd, host: str) -> None:
    assert walk(snmpd, V2C, host) == printed(snmpd)


def test_a_bulk_walk_with_v3_reads_the_same(snmpd: Snmpd) -> None:
    assert walk(snmpd, V3GET.options) == printed(snmpd)


def test_a_user_without_access_is_told_so(snmpd: Snmpd) -> None:
    answer = run(*snmp_command("snmpget", *UNAUTHORIZED.options, f"127.0.0.1:{snmpd.port}", ".1.3.6.1.2.1.1.3.0"))
    assert "authorizationError" in answer


@pytest.fixture(scope="module")
def agent_of_all_users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    agent = Snmpd(tmp_path_factory.mktemp("snmpd"), users=USERS)
    yield agent
    agent.stop()


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
def test_every_combination_of_protocols_answers(agent_of_all_users: Snmpd, user: User) -> None:
    target = f"127.0.0.1:{agent_of_all_users.port}"
    answer = run(*snmp_command("snmpget", *user.options, target, ".1.3.6.1.4.1.15497.1.1.1.11.0"))
    assert answer == ".1.3.6.1.4.1.15497.1.1.1.11.0 42\n"


def test_the_agent_answers_the_changed_values(
    start_snmpd: Callable[..., Snmpd],
) -> None:
    latin = 'caf\u00e9 "1" \\'.encode("latin-1")
    values = mail_values({("fanRPMs", 2): 0, ("fanName", 2): latin, ("fanName", 1): 'a "b" \\ #c'})
    del values[oid("fanName", 3)]
    values[oid("fipsMode")] = (Syntax.GAUGE, 55)
    agent = start_snmpd(values=values)
    answers = dict(walk(agent, [*V2C, "-Ox"]))
    fan = ".1.3.6.1.4.1.15497.1.1.1.10.1"
    assert answers[f"{fan}.2.2"] == "0"
    assert bytes.fromhex(answers[f"{fan}.3.1"].strip('" ')) == b'a "b" \\ #c'
    assert bytes.fromhex(answers[f"{fan}.3.2"].strip('" ')) == latin
    assert f"{fan}.3.3" not in answers
    fips = run("snmpget", *V2C, "-m", "", f"127.0.0.1:{agent.port}", ".1.3.6.1.4.1.15497.1.1.1.23.0")
    assert fips.strip().endswith("Gauge32: 55")


def test_a_restarted_agent_counts_its_boots(start_snmpd: Callable[..., Snmpd]) -> None:
    agent = start_snmpd()
    boots = agent.boots
    agent.values[oid("workQueueMessages")] = (Syntax.GAUGE, 77)
    agent.restart()
    assert agent.boots == boots + 1
    assert (".1.3.6.1.4.1.15497.1.1.1.11.0", "77") in walk(agent, V3GET.options)
    agent.restart(forget=True)
    assert agent.boots == 1


def test_a_replaced_agent_has_another_engine(start_snmpd: Callable[..., Snmpd]) -> None:
    agent = start_snmpd()
    assert agent.engine_id.upper() in packets(agent)
    agent.restart(engine_id="80001f8803aabbccddee02")
    assert "80001F8803AABBCCDDEE02" in packets(agent)
    assert agent.boots == 1
    assert walk(agent, V3GET.options) == printed(agent)


def packets(agent: Snmpd) -> str:
    """Return what net-snmp sends and receives to read one object as the v3 user, in hexadecimal."""
    dump = run(*snmp_command("snmpget", *V3GET.options, "-d", f"127.0.0.1:{agent.port}", ".1.3.6.1.2.1.1.3.0"))
    lines = re.findall(r"^\d{4}: (.{50})", dump, re.MULTILINE)
    return re.sub(r"\s", "", "".join(lines))


async def test_a_stopped_agent_closes_its_port(start_snmpd: Callable[..., Snmpd]) -> None:
    agent = start_snmpd()
    agent.stop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect(("127.0.0.1", agent.port))
        client.send(b"x")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.get_running_loop().sock_recv(client, 1)


class Echo(asyncio.DatagramProtocol):
    """An agent that sends everything back."""

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # it is one
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.transport.sendto(data, address)


@asynccontextmanager
async def relayed(policy: Policy) -> AsyncIterator[tuple[UdpRelay, socket.socket]]:
    """Put a relay with `policy` in front of an echo, and a connected client before it."""
    loop = asyncio.get_running_loop()
    echo, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    async with UdpRelay(echo.get_extra_info("sockname"), policy) as relay:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect((relay.host, relay.port))
            yield relay, client
    echo.close()


async def exchange(client: socket.socket, data: bytes, answers: int = 1) -> list[bytes]:
    await asyncio.get_running_loop().sock_sendall(client, data)
    return [await receive(client) for _ in range(answers)]


async def receive(client: socket.socket) -> bytes:
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 65535), 10)


async def test_a_connected_client_sees_the_relays_answers() -> None:
    async with relayed(forward) as (relay, client):
        assert await exchange(client, b"one") == [b"one"]
        assert relay.seen == relay.sent == {"agent": 1, "client": 1}


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
async def test_net_snmp_reads_the_agent_through_the_relay(snmpd: Snmpd, host: str) -> None:
    async with UdpRelay((host, snmpd.port)) as relay:
        target = transport(relay.host, relay.port)
        answer = await asyncio.to_thread(run, *snmp_command("snmpget", *V2C, target, ".1.3.6.1.2.1.1.3.0"))
    assert answer == ".1.3.6.1.2.1.1.3.0 8640123\n"


async def test_the_relay_loses_the_same_share_again() -> None:
    async def arrivals(seed: int) -> list[bytes]:
        arrived = []
        async with relayed(lossy(requests=0.4, seed=seed)) as (relay, client):
            for number in range(1000):
                passed = relay.sent["agent"]
                await exchange(client, str(number).encode(), answers=0)
                await relay.until_seen("agent", number + 1)
                if relay.sent["agent"] > passed:
                    arrived.append(await receive(client))
        return arrived

    arrived = await arrivals(1)
    assert 550 < len(arrived) < 650
    assert await arrivals(1) == arrived
    assert await arrivals(2) != arrived


async def test_the_relay_loses_answers_apart_from_requests() -> None:
    async with relayed(lossy(answers=1.0)) as (relay, client):
        await exchange(client, b"lost", answers=0)
        await relay.until_seen("client", 1)
        assert relay.sent == {"agent": 1}


async def test_the_relay_doubles_delays_and_corrupts() -> None:
    async with relayed(doubled("client")) as (relay, client):
        assert await exchange(client, b"two", answers=2) == [b"two", b"two"]
        relay.policy = delayed("client", 0.05)
        await exchange(client, b"late", answers=0)
        await relay.until_seen("client", 2)
        relay.policy = forward
        assert await exchange(client, b"early", answers=2) == [b"early", b"late"]
        relay.policy = corrupted("agent")
        (changed,) = await exchange(client, b"whole message")
        assert len(changed) < len(b"whole message")


async def test_the_relay_adds_datagrams_of_its_own() -> None:
    async with relayed(joined_by(b"extra")) as (relay, client):
        assert await exchange(client, b"one", answers=2) == [b"extra", b"one"]
        relay.policy = joined_by(b"extra", foreign=True)
        assert await exchange(client, b"two") == [b"two"]
        assert relay.sent["client"] == 4


async def test_a_policy_may_answer_without_the_agent() -> None:
    async with relayed(lambda datagram: [replace(datagram, to="client", data=b"own")]) as (relay, client):
        assert await exchange(client, b"one") == [b"own"]
        assert relay.sent == {"client": 1}


async def test_a_silent_relay_hears_everything_and_says_nothing() -> None:
    async with relayed(silent) as (relay, client):
        await exchange(client, b"one", answers=0)
        await relay.until_seen("agent", 1)
        assert not relay.sent


def test_the_rendered_page_holds_every_item() -> None:
    items = status_items({"system/status": 'off "line" <&> \u00e9'})
    page = render_status(items)
    root = ElementTree.fromstring(page)
    found = {f"status/{name}": text for name, text in root.attrib.items()}
    for element in root:
        found |= {f"{element.tag}/{name}": text for name, text in element.attrib.items()}
        for entry in element:
            name = entry.attrib.pop("name")
            found |= {f"{element.tag}/{name}/{key}": text for key, text in entry.attrib.items()}
    assert found == {path: str(content) for path, content in items.items()}
    assert b"\xe9" in page


def test_the_sums_of_a_real_page_hold() -> None:
    items = status_items()
    for span in ("reset", "uptime", "lifetime"):

        def counter(name: str, span: str = span) -> int:
            return int(items[f"counters/{name}/{span}"])

        reasons = ("dns", "5xx", "filter", "expired", "other")
        assert counter("hard_bounced_recips") == sum(counter(f"{reason}_hard_bounced_recips") for reason in reasons)
        results = ("hard_bounced_recips", "delivered_recips", "deleted_recips")
        assert counter("completed_recips") == sum(map(counter, results))
    waiting = [int(items[f"gauges/{name}_recips/current"]) for name in ("unattempted", "attempted", "active")]
    assert waiting[0] + waiting[1] == waiting[2]


async def fetch(server: StatusServer, path: str, ssl_: Any = True, login: str = AUTHORIZATION) -> tuple[int, bytes]:
    headers = {"Authorization": login}
    url = f"{server.scheme}://{server.host}:{server.port}{path}"
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url, ssl=ssl_) as answer:
        return answer.status, await answer.read()


async def test_the_status_server_serves_over_verified_tls(status_server: StatusServer, ca_file: Path) -> None:
    context = ssl.create_default_context(cafile=ca_file)
    assert await fetch(status_server, "/xml/status", context) == (200, render_status(status_items()))
    pin = aiohttp.Fingerprint(bytes.fromhex(status_server.fingerprint_sha256))
    assert (await fetch(status_server, "/xml/topin", pin))[0] == 404
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await fetch(status_server, "/xml/status")
    assert status_server.requests == {"/xml/status": 1, "/xml/topin": 1}


async def test_the_status_server_can_misbehave() -> None:
    pages = {
        "/html": Page(b"<html>", content_type="text/html"),
        "/moved": Page(b"", status=503, headers={"Retry-After": "9"}),
        "/slow": Page(b"", delay=3600),
    }
    async with StatusServer(pages=pages) as server:
        assert await fetch(server, "/html") == (200, b"<html>")
        assert await fetch(server, "/moved") == (503, b"")
        assert (await fetch(server, "/html", login="Basic eDp5"))[0] == 401
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(fetch(server, "/slow"), 0.1)
        assert server.requests["/slow"] == 1
    with pytest.raises(aiohttp.ClientConnectorError):
        await fetch(server, "/html")


@pytest.mark.parametrize("user", [None, V3GET], ids=["v2c", "v3"])
def test_the_snmp_exporter_reads_the_agents_numbers(
    snmpd: Snmpd, start_snmp_exporter: Callable[..., SnmpExporter], user: User | None
) -> None:
    series = start_snmp_exporter(user).probe("127.0.0.1", snmpd.port)
    for each in SCALARS:
        _, content = snmpd.values[each.oid]
        labels = {each.name: content} if isinstance(content, str) else {}
        assert series[each.name, frozenset(labels.items())] == (1 if labels else content)
    for table in TABLES:
        for column in table.columns:
            expected = {
                (
                    column.name,
                    frozenset({("index", str(name[-1])), ("name", snmpd.values[*table.label.oid, name[-1]][1])}),
                ): content
                for name, (_, content) in snmpd.values.items()
                if name[:-1] == column.oid
            }
            assert {key: number for key, number in series.items() if key[0] == column.name} == expected


def test_promtool_complains_only_of_a_bad_page() -> None:
    good = promtool("check", "metrics", stdin="# HELP mails_total Mails.\n# TYPE mails_total counter\nmails_total 1\n")
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    bad = promtool("check", "metrics", stdin="# TYPE mails_total gauge\nmails_total 1\n")
    assert bad.returncode != 0
    assert "mails_total" in bad.stdout + bad.stderr


async def test_prometheus_scrapes_and_answers_queries(
    start_prometheus: Callable[[Mapping[str, Any]], Prometheus],
) -> None:
    page = "mails_total 7\n"
    async with StatusServer(pages={"/metrics": Page(page.encode(), content_type="text/plain")}) as server:
        job = {
            "job_name": "mail",
            "scrape_interval": "1s",
            "basic_auth": {"username": USERNAME, "password": PASSWORD},
            "static_configs": [{"targets": [f"{server.host}:{server.port}"]}],
        }
        prometheus = await asyncio.to_thread(start_prometheus, {"scrape_configs": [job]})
        ((labels, mails),) = await asyncio.to_thread(prometheus.until, lambda: prometheus.query("mails_total"))
        assert (labels["job"], mails) == ("mail", 7)
        (target,) = await asyncio.to_thread(prometheus.targets)
        assert target["health"] == "up"


def test_a_missing_program_skips_and_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("support.processes.SYSTEM_FOLDERS", "/nonexistent")
    with pytest.raises(
        pytest.skip.Exception, match="promtool is not installed; Debian has it in the package prometheus"
    ):
        program("promtool")


def test_two_processes_are_never_given_the_same_port() -> None:
    script = "from support.processes import free_port; print(*(free_port(1) for _ in range(300)))"
    theirs = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    ours = {free_port(socket.SOCK_STREAM) for _ in range(300)}
    assert ours.isdisjoint(map(int, theirs.stdout.split()))


def test_a_port_in_use_is_not_given() -> None:
    port = free_port(socket.SOCK_STREAM)
    with socket.socket() as server:
        server.bind(("127.0.0.1", port))
        assert port not in {free_port(socket.SOCK_STREAM) for _ in range(300)}


def test_a_program_that_ends_fails_the_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process = Process([sys.executable, "-c", "print('no such file')"], tmp_path / "log")
    with pytest.raises(pytest.fail.Exception):
        process.wait_until(lambda: False)
    assert "no such file" in capsys.readouterr().out


def test_a_test_that_leaves_something_open_fails(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    pytester.makepyfile(
        """
        import asyncio, pytest, socket, subprocess
        kept = []

        def test_socket():
            kept.append(socket.socket())

        def test_child():
            kept.append(subprocess.Popen(["cat"], stdin=subprocess.PIPE))

        async def test_task():
            kept.append(asyncio.create_task(asyncio.sleep(60)))

        @pytest.fixture
        async def begun():
            kept.append(asyncio.create_task(asyncio.sleep(60)))

        def test_task_of_a_fixture(begun):
            pass

        async def fail():
            1 / 0

        async def test_unseen_in_a_callback():
            asyncio.get_running_loop().call_soon(lambda: 1 / 0)
            await asyncio.sleep(0)

        async def test_unseen_in_a_task():
            await asyncio.wait({asyncio.create_task(fail())})

        async def test_unseen_in_a_task_of_a_cycle():
            holder = {"task": asyncio.create_task(fail())}
            holder["self"] = holder
            await asyncio.wait({holder["task"]})

        async def test_clean():
            await asyncio.create_task(asyncio.sleep(0))
            socket.socket().close()
            subprocess.run(["true"])
        """
    )
    monkeypatch.setenv("PYTHONPATH", str(request.config.rootpath / "tests"))
    options = ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"]
    result = pytester.runpytest_subprocess("-p", "support.leaks", *options)
    result.assert_outcomes(passed=8, errors=7)
    for said in ("left open: socket:*", "left open: process *", "left running: *", "raised where nobody looks: *"):
        result.stdout.fnmatch_lines(f"*{said}*")
