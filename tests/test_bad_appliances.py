"""For each fault of an appliance, the probe says what is wrong with which source; other appliances are not affected."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from exporter import config
from exporter.fleet import Fleet
from exporter.metrics.reading import Reading
from exporter.probe import Result
from exporter.telemetry import Telemetry
from support.exporter import Exporter
from support.processes import free_port
from support.prometheus import Series, parsed
from support.relay import UdpRelay, silent
from support.snmpd import AUTH_PASSPHRASE, COMMUNITY, PRIV_PASSPHRASE, V3GET, Snmpd
from support.status_page import render_status, status_items
from support.status_server import PASSWORD, USERNAME, Page, StatusServer

SECRETS = ("not the passphrase", "not the community", "not the password", COMMUNITY, PASSWORD, AUTH_PASSPHRASE)
DEADLINE = 4.0
PAGE = render_status(status_items())
GOOD_XML = {"username": USERNAME, "password": PASSWORD}
GOOD_SNMP = {"version": "2c", "community": COMMUNITY}


def v3(auth: str = AUTH_PASSPHRASE, priv: str = PRIV_PASSPHRASE, user: str = V3GET.name) -> dict[str, Any]:
    return {
        "version": 3,
        "username": user,
        "auth": {"protocol": "SHA", "passphrase": auth},
        "priv": {"protocol": "AES", "passphrase": priv},
    }


@dataclass(frozen=True)
class Bad:
    """An appliance with one fault, and what the probe must say."""

    name: str
    source: str
    reason: str
    words: str
    page: Page | None = None
    snmp: dict[str, Any] = field(default_factory=lambda: GOOD_SNMP)
    xml: dict[str, Any] = field(default_factory=lambda: GOOD_XML)
    snmp_port: str = ""
    xml_port: str = ""
    transport: dict[str, Any] = field(default_factory=lambda: {"scheme": "http"})


def page(body: bytes, **answer: Any) -> Page:
    return Page(body, **answer)


BAD = (
    Bad("login-page", "xml", "auth", "login page", page(b"<html><body><form>Password</form></body></html>")),
    Bad("redirect", "xml", "auth", "redirects", page(b"", status=302, headers={"Location": "/login"})),
    Bad("forbidden", "xml", "auth", "403", page(b"", status=403)),
    Bad("password", "xml", "auth", "401", xml={"username": USERNAME, "password": "not the password"}),
    Bad("server-error", "xml", "http_status", "500", page(b"", status=500)),
    Bad("truncated", "xml", "malformed", "/xml/status", page(PAGE[:100])),
    Bad("empty", "xml", "malformed", "/xml/status", page(b"")),
    Bad("other-root", "xml", "malformed", "/xml/status", page(b"<?xml version='1.0'?><wsa/>")),
    Bad(
        "dtd", "xml", "malformed", "document type", page(b'<!DOCTYPE status SYSTEM "x.dtd">' + PAGE.partition(b"?>")[2])
    ),
    Bad(
        "entities",
        "xml",
        "malformed",
        "document type",
        page(b'<!DOCTYPE status [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><status build="&b;"/>'),
    ),
    Bad("ten-megabytes", "xml", "too_large", "bytes", page(PAGE + b" " * 10_000_000)),
    Bad("nested", "xml", "malformed", "nest deeper", page(b"<status>" + b"<a>" * 50_000)),
    Bad("xml-closed", "xml", "refused", "closed", xml_port="closed"),
    Bad("tls-expected", "xml", "tls", "scheme", transport={"tls": {"verify": False}}),
    Bad("community", "snmp", "timeout", "community", snmp={"version": "2c", "community": "not the community"}),
    Bad("silent", "snmp", "timeout", "firewall", snmp_port="silent"),
    Bad("snmp-closed", "snmp", "refused", "closed", snmp_port="closed"),
    Bad("user", "snmp", "auth", "nobody-here", snmp=v3(user="nobody-here")),
    Bad("auth-passphrase", "snmp", "auth", "passphrase under auth", snmp=v3(auth="not the passphrase")),
    Bad("priv-passphrase", "snmp", "timeout", "under priv", snmp=v3(priv="not the passphrase")),
)


@dataclass(frozen=True)
class Probed:
    """The results of one probe of every appliance."""

    results: dict[str, Result]

    def reading(self, name: str, source: str) -> Reading:
        return next(reading for reading in self.results[name].readings if reading.source == source)


@pytest.fixture(scope="module")
def probed(snmpd: Snmpd, tmp_path_factory: pytest.TempPathFactory) -> Probed:
    """Probe every bad appliance and a good one at the same time, as Prometheus would."""
    return asyncio.run(_probe_all(snmpd, tmp_path_factory.mktemp("bad") / "fleet.yml"))


async def _probe_all(snmpd: Snmpd, file: Path) -> Probed:
    async with AsyncExitStack() as parts:
        relay = await parts.enter_async_context(UdpRelay(("127.0.0.1", snmpd.port), silent))
        snmp_ports = {"silent": relay.port, "closed": free_port(socket.SOCK_DGRAM)}
        closed = free_port(socket.SOCK_STREAM)
        auths: dict[str, Any] = {}
        appliances: list[dict[str, Any]] = []
        for bad in (*BAD, Bad("good", "", "", "")):
            server = await parts.enter_async_context(StatusServer())
            if bad.page:
                server.pages["/xml/status"] = bad.page
            auths[bad.name] = {"snmp": bad.snmp, "xml": bad.xml}
            snmp = {"port": snmp_ports.get(bad.snmp_port, snmpd.port)}
            xml = {"port": closed if bad.xml_port == "closed" else server.port, **bad.transport}
            appliances.append({"name": bad.name, "address": "127.0.0.1", "auth": bad.name, "snmp": snmp, "xml": xml})
        appliances.append({"name": "nowhere", "address": "no-such-host.invalid", "auth": "good"})
        file.write_text(yaml.safe_dump({"auths": auths, "appliances": appliances}))
        fleet = Fleet(config.load(file), Telemetry())
        parts.push_async_callback(fleet.close)
        results = await asyncio.gather(*(prober.probe(DEADLINE) for prober in fleet.probers.values()))
        return Probed(dict(zip(fleet.probers, results, strict=True)))


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_each_fault_has_its_reason_and_sentence(bad: Bad, probed: Probed) -> None:
    failed = probed.reading(bad.name, bad.source)
    other = probed.reading(bad.name, "snmp" if bad.source == "xml" else "xml")
    assert ([error.reason for error in failed.errors], failed.up) == ([bad.reason], False)
    assert bad.words in str(failed.errors[0])
    assert (other.complete, probed.results[bad.name].success) == (True, True)
    series = f'ironport_source_error{{reason="{bad.reason}",source="{bad.source}"}} 1.0'
    assert series in probed.results[bad.name].exposition.text().decode().splitlines()


def test_the_others_are_unaffected(probed: Probed) -> None:
    assert probed.results["good"].complete


def test_a_name_without_address_fails_both_sources(probed: Probed) -> None:
    assert not probed.results["nowhere"].success
    for source in ("snmp", "xml"):
        assert [error.reason for error in probed.reading("nowhere", source).errors] == ["resolve"]


def test_figures_of_the_other_source_are_served(probed: Probed) -> None:
    assert b"ironport_work_queue_messages 45.0" in probed.results["silent"].exposition.text()
    assert b"ironport_work_queue_messages 42.0" in probed.results["login-page"].exposition.text()


def test_no_secret_is_in_any_text(probed: Probed) -> None:
    for result in probed.results.values():
        texts = [repr(reading) + "".join(map(str, reading.errors)) for reading in result.readings]
        for secret in SECRETS:
            assert secret not in " ".join(texts) + result.exposition.text().decode()


async def test_an_appliance_that_recovers_is_complete_again(start_snmpd: Callable[..., Snmpd], tmp_path: Path) -> None:
    agent = await asyncio.to_thread(start_snmpd)
    file = tmp_path / "fleet.yml"
    entry = {
        "name": "mx1",
        "address": "127.0.0.1",
        "auth": "ops",
        "snmp": {"port": agent.port},
        "min_interval": {"snmp": 0},
    }
    file.write_text(yaml.safe_dump({"auths": {"ops": {"snmp": v3()}}, "appliances": [entry]}))
    fleet = Fleet(config.load(file), Telemetry())
    prober = fleet.probers["mx1"]
    assert (await prober.probe(8.0)).complete
    await asyncio.to_thread(agent.stop)
    assert not (await prober.probe(8.0)).success
    await asyncio.to_thread(lambda: agent.restart(engine_id="80001f8803000000000077"))
    assert (await prober.probe(8.0)).complete
    await fleet.close()


async def test_the_exporter_stays_up_and_serves_the_others(
    snmpd: Snmpd, start_exporter: Callable[[dict[str, Any]], Exporter]
) -> None:
    bad = ["ten-megabytes", "nested", "entities", "community"]
    async with AsyncExitStack() as parts:
        servers = {name: await parts.enter_async_context(StatusServer()) for name in (*bad, "good")}
        for each in BAD:
            if each.name in bad and each.page:
                servers[each.name].pages["/xml/status"] = each.page
        snmp = {each.name: each.snmp for each in BAD if each.name in bad} | {"good": GOOD_SNMP}
        fleet = {
            "auths": {name: {"snmp": snmp[name], "xml": GOOD_XML} for name in servers},
            "defaults": {"snmp": {"port": snmpd.port}, "min_interval": {"snmp": 0, "xml": 0}},
            "appliances": [
                {"name": name, "address": "127.0.0.1", "auth": name, "xml": {"scheme": "http", "port": server.port}}
                for name, server in servers.items()
            ],
        }
        exporter = await asyncio.to_thread(start_exporter, fleet)
        client = await parts.enter_async_context(aiohttp.ClientSession(exporter.url))

        async def scrape(name: str) -> Series:
            headers = {"X-Prometheus-Scrape-Timeout-Seconds": "3"}
            async with client.get("/probe", params={"target": name}, headers=headers) as answer:
                assert answer.status == 200
                return parsed(await answer.text())

        for _ in range(2):
            pages = dict(zip(servers, await asyncio.gather(*map(scrape, servers)), strict=True))
            for name, page in pages.items():
                complete = [value for (series, _), value in page.items() if series == "ironport_source_complete"]
                assert sum(complete) == (2 if name == "good" else 1)
                assert page["ironport_probe_success", frozenset()] == 1
