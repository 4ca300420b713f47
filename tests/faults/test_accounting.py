"""The queries of docs/accounting.md, asked of a real Prometheus, agree with what the relay saw of every packet."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Any, Final

import pytest

from exporter.metrics.reading import Reading
from exporter.sources.snmp.collect import SnmpSource
from exporter.telemetry import Telemetry
from faults.appliance import V2C_LOGIN
from support.appliances import snmp_appliance, usm
from support.exporter import PROJECT, Exporter
from support.markdown import code_blocks
from support.prometheus import Prometheus, get
from support.relay import Datagram, UdpRelay
from support.snmpd import COMMUNITY, V3GET, Snmpd

PAGE: Final = PROJECT / "docs" / "accounting.md"
UNITS: Final = 10
PACKETS: Final = 16
"""Packets of each appliance until the network is well again."""
LOSS: Final = 0.12
HELD: Final = 0.1
HELD_SECONDS: Final = 0.12
"""The shares of the packets that are lost, and of the answers that are held back, and for how long."""

ID: Final = re.compile(COMMUNITY.encode() + rb"[\xa0-\xa5](?:\x82..|\x81.|.)\x02\x04(.{4})", re.DOTALL)
"""The head of a v2c message up to its request id."""


class Books:
    """A policy that loses packets and holds answers back, and an account of them that knows nothing of the exporter.

    It carries the packets of one appliance. Tries of one request differ in nothing but the request id. While an answer
    is held back, the other answers to its request are lost, and so are those after it: none comes when the poll has
    ended. The fourth try and those after it are carried: every request is answered.
    """

    def __init__(self, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self.kind = False
        """Whether every packet is carried from now on."""
        self._dice = random.Random(seed)
        self._request_of: dict[bytes, bytes] = {}
        self._tries: dict[bytes, list[bytes]] = {}
        """The ids of the tries of each request that waits for its answer."""
        self._held: set[bytes] = set()

    def __call__(self, datagram: Datagram) -> list[Datagram]:
        request_id = _request_id(datagram.data)
        if datagram.to == "agent":
            self._note_try(request_id, datagram.data.replace(request_id, b""))
        request = self._request_of[request_id]
        chance = 1.0 if self.kind or len(self._tries.get(request, ())) > 3 else self._dice.random()
        superfluous = datagram.to == "client" and (request in self._held or request not in self._tries)
        if chance < LOSS or superfluous:
            self.counts["lost"] += 1
            return []
        if datagram.to == "agent":
            return [datagram]
        delay = HELD_SECONDS if chance < LOSS + HELD else 0.0
        self._held.add(request)
        asyncio.get_running_loop().call_later(delay, self._note_answer, request_id)
        return [replace(datagram, delay=delay)]

    def _note_try(self, request_id: bytes, request: bytes) -> None:
        tries = self._tries.setdefault(request, [])
        self.counts["resent"] += bool(tries)
        tries.append(request_id)
        self._request_of[request_id] = request

    def _note_answer(self, request_id: bytes) -> None:
        request = self._request_of[request_id]
        tries = self._tries.pop(request)
        self._held.discard(request)
        self.counts["late"] += request_id != tries[-1]
        self.counts["recovered"] += len(tries) > 1


def _request_id(data: bytes) -> bytes:
    head = ID.search(data)
    assert head
    return head[1]


QUESTIONS: Final = ("lost", "resent", "recovered", "late", "scrapes")
"""What the queries of the page ask, in their order."""


def queries() -> dict[str, str]:
    return dict(zip(QUESTIONS, code_blocks(PAGE, "promql"), strict=True))


def fleet(relays: Sequence[UdpRelay]) -> dict[str, Any]:
    return {
        "auths": {"lab": {"snmp": V2C_LOGIN}},
        "defaults": {"auth": "lab", "min_interval": {"snmp": 0}},
        "appliances": [
            {"name": f"mx{number}", "address": "127.0.0.1", "snmp": {"port": relay.port}}
            for number, relay in enumerate(relays)
        ],
    }


def scrape_config(exporter: Exporter) -> dict[str, Any]:
    """Return a configuration with what /sd answers as static targets: Prometheus asks for others after 5 s only."""
    jobs = [
        {"job_name": "ironport", "static_configs": json.loads(get(f"{exporter.url}/sd"))},
        {"job_name": "ironport-exporter", "scrape_interval": "1s", "static_configs": [{"targets": [exporter.address]}]},
    ]
    return {"global": {"scrape_interval": "3s", "scrape_timeout": "3s"}, "scrape_configs": jobs}


async def test_the_five_queries_agree_with_the_relays(
    snmpd: Snmpd,
    start_exporter: Callable[..., Exporter],
    start_prometheus: Callable[[dict[str, Any]], Prometheus],
) -> None:
    books = [Books(seed) for seed in range(UNITS)]
    async with AsyncExitStack() as parts:
        relays = [await parts.enter_async_context(UdpRelay(("127.0.0.1", snmpd.port), each)) for each in books]
        exporter = await asyncio.to_thread(start_exporter, fleet(relays))
        prometheus = await asyncio.to_thread(start_prometheus, scrape_config(exporter))
        await asyncio.gather(*(relay.until_seen("agent", PACKETS) for relay in relays))
        for each in books:
            each.kind = True
        for question, query in queries().items():
            await asyncio.to_thread(prometheus.until, partial(agrees, prometheus, query, question, books))
    assert min(sum(each.counts[question] for each in books) for question in QUESTIONS[:-1]) > 5


def agrees(prometheus: Prometheus, query: str, question: str, books: Sequence[Books]) -> bool:
    """Whether the figures are the same but for answers that came after the end of a poll: a busy machine has some."""
    counted = sum(each.counts[question] for each in books)
    near = counted if question == "scrapes" else pytest.approx(counted, rel=0.05, abs=2)
    return [value for _, value in prometheus.query(query)] == [near]


async def test_packets_that_teach_the_engine_are_not_lost(snmpd: Snmpd) -> None:
    telemetry, reading = Telemetry(), Reading("snmp")
    await SnmpSource(snmp_appliance(snmpd.port, usm(V3GET)), telemetry).poll(reading)
    sent, answered, reports = (
        telemetry.registry.get_sample_value(f"ironport_exporter_snmp_{name}_total")
        for name in ("requests_sent", "responses", "reports")
    )
    assert reading.complete
    assert (reports, sent) == (1, (answered or 0) + 1)
