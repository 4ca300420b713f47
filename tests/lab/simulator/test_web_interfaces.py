from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator

import aiohttp
import pytest

from exporter.config import BasicAuth
from exporter.lab.simulator.faults import Answer, XmlFaults
from exporter.lab.simulator.releases import generation
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.web_interfaces import WebInterfaces
from support.simulated import model_at_start

LOGIN = BasicAuth.model_validate({"username": "monitor", "password": "s3cret"})


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


AUTHORIZED = {"Authorization": basic("monitor", "s3cret")}


class Site:
    """The web interfaces of a ring of two, with a client that keeps its connections."""

    def __init__(self, client: aiohttp.ClientSession) -> None:
        self.model = model_at_start("pair")
        self.faults: dict[str, XmlFaults] = {}
        units = {unit.name: generation(unit.asyncos) for unit in self.model.fleet.topology.appliances}
        self.interfaces = WebInterfaces(units, lambda: self.model.view, LOGIN, None, self.faults)
        self.client = client
        self.ports: dict[str, int] = {}

    def url(self, unit: str, page: str = "status") -> str:
        return f"http://127.0.0.1:{self.ports[unit]}/xml/{page}"

    async def get(self, unit: str, page: str = "status") -> tuple[int, str]:
        async with self.client.get(self.url(unit, page), headers=AUTHORIZED) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with aiohttp.ClientSession() as client:
        site = Site(client)
        site.ports = await site.interfaces.start()
        yield site
        await site.interfaces.stop()


async def test_every_unit_answers_on_its_own_port(site: Site) -> None:
    assert len(set(site.ports.values())) == 2
    for unit in site.ports:
        status, page = await site.get(unit)
        assert status == 200
        assert f'hostname="{unit}.' in page


@pytest.mark.parametrize("auth", ["", basic("monitor", "wrong"), basic("other", "s3cret"), "Bearer s3cret"])
async def test_a_missing_login_gets_401_and_the_realm(site: Site, auth: str) -> None:
    async with site.client.get(site.url("ring1"), headers={"Authorization": auth}) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="IronPort Web Interface"'


@pytest.mark.parametrize(("page", "status"), [("dnsstatus", 200), ("tophosts", 200), ("topin", 200), ("nothing", 404)])
async def test_the_pages_are_those_that_the_model_has(site: Site, page: str, status: int) -> None:
    assert (await site.get("ring1", page))[0] == status


async def test_units_without_rest_do_not_know_its_pages(site: Site) -> None:
    url = site.url("ring1").replace("/xml/status", "/esa/api/v2.0/health")
    async with site.client.get(url, headers=AUTHORIZED) as answer:
        assert answer.status == 404


async def test_a_dead_interface_returns_on_its_port(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.ports["ring1"])
    writer.write(b"GET /xml/status HTTP/1.1\r\nHost: ring1\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    site.faults["ring1"] = XmlFaults(dead=True)
    await site.interfaces.refresh()
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    with pytest.raises(aiohttp.ClientConnectorError):
        await site.get("ring1")
    assert (await site.get("ring2"))[0] == 200
    site.faults.clear()
    await site.interfaces.refresh()
    assert (await site.get("ring1"))[0] == 200


async def test_a_dead_unit_keeps_its_port_from_others(site: Site) -> None:
    site.model.begin(parse_scenario("unit-down,unit=ring1"))
    site.model.advance()
    await site.interfaces.refresh()
    with pytest.raises(OSError, match="in use"):
        await asyncio.start_server(lambda *_: None, "127.0.0.1", site.ports["ring1"])


async def test_a_closed_connection_is_not_announced(site: Site) -> None:
    """With the fault `closing`, the answer says keep-alive as ever, and the connection ends after it."""
    site.faults["ring1"] = XmlFaults(closing=True)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.ports["ring1"])
    writer.write(b"GET /xml/status HTTP/1.1\r\nHost: ring1\r\n\r\n")
    answer = await reader.read()  # to its end, which only a closed connection has
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"connection: close" not in answer.lower()


async def test_connections_stay_open_without_the_fault(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.ports["ring1"])
    for _ in range(2):
        writer.write(b"GET /xml/status HTTP/1.1\r\nHost: ring1\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 401")
        await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split()[0]))
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("answer", "status", "part"), [("login", 200, "<html>"), ("truncated", 200, "<status "), ("error", 500, "")]
)
async def test_wrong_answers(site: Site, answer: Answer, status: int, part: str) -> None:
    site.faults["ring1"] = XmlFaults(answer=answer)
    got, page = await site.get("ring1")
    assert got == status
    assert part in page
    assert "</status>" not in page


async def test_a_refused_password_gets_401(site: Site) -> None:
    site.model.begin(parse_scenario("auth-failure,unit=ring2"))
    site.model.advance()
    assert (await site.get("ring2"))[0] == 401
    assert (await site.get("ring1"))[0] == 200
