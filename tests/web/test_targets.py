"""Credentials of targets beyond the list go to no address that is not allowed, whatever the DNS says and when."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from exporter import config, fleet, log
from exporter.fleet import Fleet
from exporter.telemetry import Telemetry
from exporter.web.access import Access
from exporter.web.application import http_application
from exporter.web.live_web_config import LiveWebConfig
from exporter.web.reload import Reloader
from exporter.web.server import listening
from exporter.web.settings import ListenAddress, ServerSettings
from support import logs
from support.snmpd import COMMUNITY, Snmpd
from support.status_server import PASSWORD, USERNAME, StatusServer

restore = pytest.fixture(logs.restored)

NAME = "a.mx.test"
INSIDE, OUTSIDE = "127.0.0.1", "127.0.0.2"

Get = Callable[[str], Awaitable[tuple[int, str]]]


class Trap(asyncio.DatagramProtocol):
    """Listens at the ports of the appliance, but on an address that is not allowed; `reached` counts what comes."""

    def __init__(self, snmp_port: int, xml_port: int) -> None:
        self._ports = snmp_port, xml_port
        self.reached = 0

    async def __aenter__(self) -> Trap:
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: self, (OUTSIDE, self._ports[0]))
        self._tcp = await asyncio.start_server(self._accept, OUTSIDE, self._ports[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._udp.close()
        self._tcp.close()

    def datagram_received(self, *_: object) -> None:
        self.reached += 1

    async def _accept(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached += 1
        writer.close()


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the addresses of NAME, one for each lookup; the last one stays."""
    answers = [INSIDE]
    genuine = socket.getaddrinfo

    def look_up(host: str, *arguments: Any, **more: Any) -> Any:
        if host == NAME:
            host = answers.pop(0) if len(answers) > 1 else answers[0]
        return genuine(host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return answers


@pytest.fixture
async def appliance(snmpd: Snmpd) -> AsyncIterator[tuple[int, int]]:
    """Run an appliance on the allowed address; gives its ports for SNMP and for the status page."""
    async with StatusServer() as server:
        yield snmpd.port, server.port


@pytest.fixture
async def trap(appliance: tuple[int, int]) -> AsyncIterator[Trap]:
    async with Trap(*appliance) as trap:
        yield trap


@pytest.fixture
async def running(appliance: tuple[int, int], tmp_path: Path) -> AsyncIterator[tuple[Get, Fleet]]:
    """Run the server with a configuration that only has targets."""
    file = tmp_path / "fleet.yml"
    snmp_port, xml_port = appliance
    file.write_text(f"""
auths:
  ops:
    snmp: {{version: 2c, community: {COMMUNITY}}}
    xml: {{username: {USERNAME}, password: {PASSWORD}}}
defaults: {{snmp: {{port: {snmp_port}}}, xml: {{scheme: http, port: {xml_port}}}, min_interval: {{snmp: 0, xml: 0}}}}
targets: {{allow: ["{INSIDE}", "*.mx.test"], auth: ops}}
""")
    loaded = config.try_load(file)
    assert loaded.config, loaded.problems
    telemetry, address = Telemetry(), ListenAddress("127.0.0.1", 0)
    async with AsyncExitStack() as parts:
        probed = Fleet(loaded.config, telemetry)
        parts.push_async_callback(probed.close)
        reloader = Reloader(probed, telemetry, (file,), loaded.files)
        live = LiveWebConfig(None, telemetry)
        application = http_application(probed, telemetry, reloader, Access(live), ServerSettings((file,), (address,)))
        (bound,) = await parts.enter_async_context(listening(application, [address], live.tls))
        client = await parts.enter_async_context(aiohttp.ClientSession(f"http://{bound}"))

        async def get(path: str) -> tuple[int, str]:
            async with client.get(path) as answer:
                return answer.status, await answer.text()

        yield get, probed


BOTH_UP = ('ironport_source_up{source="snmp"} 1', 'ironport_source_up{source="xml"} 1')
BOTH_REFUSED = tuple(f'ironport_source_error{{reason="resolve",source="{source}"}} 1' for source in ("snmp", "xml"))


@pytest.mark.parametrize("target", [INSIDE, NAME, NAME.upper()])
async def test_an_allowed_target_is_probed(running: tuple[Get, Fleet], dns: list[str], target: str) -> None:
    get, _ = running
    status, text = await get(f"/probe?target={target}")
    assert status == 200
    assert all(f"\n{line}.0\n" in text for line in BOTH_UP)
    assert await get("/sd") == (200, "[]")
    assert (await get("/"))[0] == 200


@pytest.mark.parametrize("target", ["192.0.2.1", OUTSIDE, "mx.test", "localhost", f"{INSIDE}:80", f"{NAME}.evil.test"])
async def test_a_target_that_is_not_allowed_is_a_bad_request(running: tuple[Get, Fleet], target: str) -> None:
    get, _ = running
    status, text = await get(f"/probe?target={target}")
    assert status == 400
    assert "targets.allow" in text


async def test_no_credentials_go_where_the_dns_changed_to(
    running: tuple[Get, Fleet], dns: list[str], trap: Trap
) -> None:
    get, _ = running
    dns[:] = [INSIDE, INSIDE, OUTSIDE]  # each source looks it up once, and finds the other address in the next poll
    await get(f"/probe?target={NAME}")
    status, text = await get(f"/probe?target={NAME}")
    assert status == 200
    assert BOTH_REFUSED[0] in text
    assert trap.reached == 0
    _, debug = await get(f"/probe?target={NAME}&debug=true")
    assert f"{NAME} has the address {OUTSIDE}, to which targets.allow lets no credentials go" in debug


async def test_the_address_that_was_checked_is_connected_to(
    running: tuple[Get, Fleet], dns: list[str], trap: Trap
) -> None:
    get, _ = running
    dns[:] = [INSIDE, OUTSIDE] * 20
    for _ in range(10):
        assert (await get(f"/probe?target={NAME}"))[0] == 200
    assert trap.reached == 0


async def test_a_name_that_leads_outside_is_refused_by_both_sources(
    running: tuple[Get, Fleet], dns: list[str], trap: Trap
) -> None:
    get, _ = running
    dns[:] = [OUTSIDE]
    _, text = await get(f"/probe?target={NAME}")
    assert all(line in text for line in BOTH_REFUSED)
    assert trap.reached == 0


async def test_the_least_recently_used_target_makes_room(
    running: tuple[Get, Fleet], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, probed = running
    monkeypatch.setattr(fleet, "MOST_TARGETS", 2)
    first, second = probed.prober("a.mx.test"), probed.prober("b.mx.test")
    assert probed.prober("a.mx.test") is first
    third = probed.prober("c.mx.test")
    assert probed.prober("a.mx.test") is first
    assert probed.prober("c.mx.test") is third
    assert probed.prober("b.mx.test") is not second


async def test_a_reload_keeps_targets_that_are_allowed_still(running: tuple[Get, Fleet], tmp_path: Path) -> None:
    _, probed = running
    first, second = probed.prober("a.mx.test"), probed.prober(INSIDE)
    file = tmp_path / "fleet.yml"
    await probed.apply(config.load(file))
    assert (probed.prober("a.mx.test"), probed.prober(INSIDE)) == (first, second)
    file.write_text(file.read_text().replace(PASSWORD, "another"))
    await probed.apply(config.load(file))
    assert probed.prober("a.mx.test") is not first
    file.write_text(file.read_text().replace(', "*.mx.test"', ""))
    await probed.apply(config.load(file))
    assert probed.prober("a.mx.test") is None


async def test_new_targets_are_logged_once_a_minute(
    running: tuple[Get, Fleet],
    capsys: pytest.CaptureFixture[str],
    restore: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    get, _ = running
    log.setup()
    # Another test may have used the exporter's logger within the last minute.
    monkeypatch.setattr("exporter.probe._new_targets_log", log.once_a_minute("test_targets.new_targets"))
    for number in range(5):
        assert (await get(f"/probe?target=new{number}.mx.test"))[0] == 200
    assert capsys.readouterr().err.count('msg="source down"') == 1
