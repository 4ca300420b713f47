"""Playing the faults of the table against one exporter process that has an appliance for each, and healthy ones."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import aiohttp
import trustme

from exporter.probe import TIMEOUT_HEADER
from faults.appliance import V2C_LOGIN, V3_LOGIN, XML_LOGIN, FaultyAppliance
from faults.table import COMPLETE, Fault, relayed
from support.exporter import Exporter
from support.prometheus import Series, parsed
from support.relay import forward
from support.snmpd import Snmpd
from support.status_server import fingerprint

NEIGHBOURS: Final = tuple(Fault(f"healthy {number}", relayed(lambda: forward)) for number in range(10))
"""Healthy appliances: several, because only a few probes of one appliance may run at the same time."""

AT_A_TIME: Final = 30
"""So many faults are played at a time: more would take the processor from each other, and be late."""

SNMP_LOGINS: Final = {"2c": V2C_LOGIN, "3": V3_LOGIN}

WORK_QUEUE: Final = {"xml": 45, "snmp": 42, "rest": 46}
"""The figure that all sources have, as the fake appliance gives it; the page is preferred."""


@dataclass(frozen=True, slots=True)
class Scraped:
    """What a scrape gave."""

    series: Series = field(repr=False)

    def ended(self, source: str) -> str | None:
        """Return how a source ended, in the words of the table; None if it is not configured."""
        if ("ironport_source_up", frozenset({("source", source)})) not in self.series:
            return None
        up, complete = (
            self.series[f"ironport_source_{word}", frozenset({("source", source)})] for word in ("up", "complete")
        )
        if complete:
            return COMPLETE
        return f"{'incomplete' if up else 'down'}: {', '.join(self._reasons(source))}"

    def _reasons(self, source: str) -> list[str]:
        return [
            dict(of)["reason"]
            for (name, of), value in self.series.items()
            if name == "ironport_source_error" and ("source", source) in of and value
        ]

    @property
    def complete(self) -> bool:
        return all(self.ended(source) in (COMPLETE, None) for source in WORK_QUEUE)

    def figure(self, name: str) -> float | None:
        """Return a figure by its name and labels as in the text format, without `ironport_`."""
        name, _, labels = name.partition("{")
        return self.series.get((f"ironport_{name}", frozenset(re.findall(r'(\w+)="([^"]*)"', labels))))


@dataclass(frozen=True, slots=True)
class Played:
    """The scrapes before, during and after a fault, and what it counted."""

    before: Scraped
    meanwhile: Scraped
    neighbour: Scraped
    """A healthy appliance, at the same time."""
    after: Scraped
    risen: frozenset[str]
    """The exporter's own series that have risen, without `ironport_exporter_`."""


@dataclass(frozen=True, slots=True)
class Night:
    """All faults, played, by their names."""

    played: dict[str, Played] = field(repr=False)
    log: str = field(repr=False)
    tasks_left: float
    """How many asyncio tasks the exporter has more than before."""


class Stage:
    """A running exporter and its appliances: healthy ones, and one for each fault."""

    def __init__(self, url: str, client: aiohttp.ClientSession, appliances: Mapping[str, FaultyAppliance]) -> None:
        self._url = url
        self._neighbours = cycle(NEIGHBOURS)
        self._client = client
        self._appliances = appliances

    async def play(self, fault: Fault) -> Played:
        """Scrape the fault's appliance before, during and after the fault."""
        before = await self._scrape(fault)
        counts = await own_metrics(self._url)
        async with fault.cause(self._appliances[fault.name]):
            meanwhile, neighbour = await asyncio.gather(self._scrape(fault), self._scrape(next(self._neighbours)))
        risen = {name for name, count in (await own_metrics(self._url)).items() if count > counts.get(name, 0.0)}
        return Played(before, meanwhile, neighbour, await self._scrape(fault), frozenset(risen))

    async def _scrape(self, fault: Fault) -> Scraped:
        headers = {TIMEOUT_HEADER: str(fault.timeout)}
        async with self._client.get("/probe", params={"target": fault.name}, headers=headers) as answer:
            assert answer.status == 200
            return Scraped(parsed(await answer.text()))


async def own_metrics(url: str) -> dict[str, float]:
    """Return the exporter's own metrics as the table names them."""
    async with aiohttp.ClientSession(url) as client, client.get("/metrics") as answer:
        lines = re.findall(r"^ironport_exporter_(\S+) (\S+)$", await answer.text(), re.MULTILINE)
    return {name: float(value) for name, value in lines}


async def play_all(faults: Sequence[Fault], start_agent: Callable[[], Snmpd], folder: Path) -> Night:
    """Play the faults. `start_agent` gives the appliances an SNMP agent."""
    authority = trustme.CA()
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    agent = await asyncio.to_thread(start_agent)
    async with AsyncExitStack() as parts:
        appliances: dict[str, FaultyAppliance] = {}
        for fault in (*NEIGHBOURS, *faults):
            own = await asyncio.to_thread(start_agent) if fault.own_agent else agent
            appliance = FaultyAppliance(own, authority if fault.https else None)
            appliances[fault.name] = await parts.enter_async_context(appliance)
        fleet = faulty_fleet([entry(fault, appliances[fault.name], ca_file) for fault in (*NEIGHBOURS, *faults)])
        exporter = await asyncio.to_thread(Exporter, folder, fleet, "--log.level=debug")
        parts.push_async_callback(asyncio.to_thread, exporter.stop)
        before = await idle_tasks(exporter.url)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(exporter.url, connector=connector) as client:
            played = await play_each(Stage(exporter.url, client, appliances), faults)
        return Night(played, exporter.process.output, await idle_tasks(exporter.url) - before)


async def play_each(stage: Stage, faults: Sequence[Fault]) -> dict[str, Played]:
    """Play several faults at a time, then one by one those that count: the exporter counts for all appliances."""
    together = [fault for fault in faults if not fault.counted]
    places = asyncio.Semaphore(AT_A_TIME)

    async def play(fault: Fault) -> Played:
        async with places:
            return await stage.play(fault)

    results = await asyncio.gather(*map(play, together))
    played = dict(zip((fault.name for fault in together), results, strict=True))
    return played | {fault.name: await stage.play(fault) for fault in faults if fault.counted}


async def idle_tasks(url: str) -> float:
    """Return how many asyncio tasks the exporter has for a client that has just come."""
    return (await own_metrics(url))["tasks"]


def faulty_fleet(appliances: list[dict[str, Any]]) -> dict[str, Any]:
    auths = {version: {"snmp": login, "xml": XML_LOGIN} for version, login in SNMP_LOGINS.items()}
    return {
        "auths": auths | {"rest": {**auths["2c"], "rest": XML_LOGIN}},
        "defaults": {"min_interval": {"snmp": 0, "xml": 0, "rest": 0}},
        "appliances": appliances,
    }


def entry(fault: Fault, appliance: FaultyAppliance, ca_file: Path) -> dict[str, Any]:
    """Return an appliance of fleet.yml."""
    xml: dict[str, Any] = {"scheme": "http", "port": appliance.web.port}
    if appliance.certificate:
        trust = (
            {"fingerprint_sha256": fingerprint(appliance.certificate)} if fault.pinned else {"ca_file": str(ca_file)}
        )
        xml |= {"scheme": "https", "tls": trust | {"legacy_renegotiation": fault.legacy_renegotiation}}
    return {
        "name": fault.name,
        "address": "127.0.0.1",
        "auth": "rest" if fault.rest else fault.version,
        "snmp": {
            "port": appliance.agent.port if fault.direct else appliance.relay.port,
            "accept_from": ["127.0.0.1"] if fault.accept_from else [],
        },
        "xml": xml,
        "rest": {"scheme": "http", "port": appliance.web.port},
    }
