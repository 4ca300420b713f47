"""What hostile appliances cost the others: the p99 of healthy probes without and with them, in one run.

    python benchmarks/hostile.py [--rounds N] [--kinds KIND,KIND]

200 appliances with a status page each; 20 of them also have an SNMP agent. In every second block of rounds, these 20
are hung, dripping, endless or costly, and their agents answer each request with a burst of datagrams; in the others,
all are well. Every round scrapes all appliances once, spread over 5 s, with a timeout of 4 s. Prints the p50, p99 and
p99.9 of the 180 healthy probes in milliseconds, how many of them were complete, the processor time and the memory of
the exporter, the ratio of the p99, and how many lines of each level the exporter's log has.

The hostile appliances run at a lower priority, because in truth they are other machines.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import redirect_stdout, suppress
from functools import partial
from io import StringIO
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.exporter import Exporter  # noqa: E402 - the path comes first
from support.snmpd import COMMUNITY, Snmpd  # noqa: E402
from support.web_interface import status_page  # noqa: E402

HEALTHY, HOSTILE = 180, 20
INTERVAL = 5.0
TIMEOUT = "4"

PAGE = status_page()
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def whole(page: bytes) -> bytes:
    """Return an answer with this page."""
    return OK + b"Content-Length: %d\r\n\r\n" % len(page) + page


FEATURES = b"<status>" + b'<feature name="f" time_remaining="1" />' * 30_000 + b"</status>"
ATTRIBUTES = b"<status " + b" ".join(b'a%d="1"' % number for number in range(150_000)) + b"/>"
LARGE = b"<status>" + b'<gauge name="g" a="1" b="2" c="3" d="4" e="5" />' * 990 + b"</status>"

KINDS: dict[str, tuple[bytes, bytes, float]] = {
    "hung": (b"", b"", 1.0),
    "silent after the header": (OK + b"Content-Length: 9\r\n\r\n", b"", 1.0),
    "dripped body": (OK + b"Content-Length: 9999\r\n\r\n", b" ", 0.05),
    "dripped header": (OK, b"A: b\r\n", 0.05),
    "octet by octet": (OK, b"A", 0.0),
    "header without end": (OK, b"A: b\r\n" * 5000, 0.0),
    "100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 5000, 0.0),
    "tiny chunks": (CHUNKED, b"1\r\nx\r\n" * 10_000, 0.0),
    "trailers": (CHUNKED + b"0\r\n", b"A: b\r\n" * 5000, 0.0),
    "large page": (whole(LARGE), b"", 1.0),
    "many elements": (whole(FEATURES), b"", 1.0),
    "many attributes": (whole(ATTRIBUTES), b"", 1.0),
}
"""What each kind sends first, and then again and again after a pause in seconds."""

BURSTS = {
    "large datagrams": [b"\x30\x82\xff\x00" + b"\x05\x00" * 32_000] * 20,
    "small datagrams": [b"\x30\x1a\x02\x01\x01\x04\x01c\xa2\x12\x02\x04\x40\x00\x00\x00" + b"\x02\x01\x00" * 2] * 1000,
}
"""What the agent of each kind answers to one request."""


async def talk_well(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(whole(PAGE))
    writer.close()


def talk_badly(kind: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    first, more, pause = KINDS[kind]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(first)
            while not writer.is_closing() and not reader.at_eof():
                writer.write(more)
                await writer.drain()
                await asyncio.sleep(pause)
        writer.close()

    return talk


class Burst(asyncio.DatagramProtocol):
    """Answers every request with the same datagrams."""

    def __init__(self, datagrams: list[bytes]) -> None:
        self._datagrams = datagrams

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, _: bytes, client: Any) -> None:
        for datagram in self._datagrams:
            self._transport.sendto(datagram, client)


async def serve_good(pipe: Connection) -> None:
    """Run the healthy appliances, and send their port."""
    server = await asyncio.start_server(talk_well, "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


async def serve_bad(pipe: Connection) -> None:
    """Run a hostile appliance of each kind, and send the ports of their pages and agents."""
    os.nice(10)
    loop = asyncio.get_running_loop()
    pages = {kind: await asyncio.start_server(talk_badly(kind), "127.0.0.1", 0) for kind in KINDS}
    agents = {}
    for kind, datagrams in BURSTS.items():
        transport, _ = await loop.create_datagram_endpoint(partial(Burst, datagrams), local_addr=("127.0.0.1", 0))
        agents[kind] = transport
    pipe.send(
        (
            {kind: server.sockets[0].getsockname()[1] for kind, server in pages.items()},
            {kind: transport.get_extra_info("sockname")[1] for kind, transport in agents.items()},
        )
    )
    await asyncio.Event().wait()


def run(serve: Callable[[Connection], Coroutine[None, None, None]], pipe: Connection) -> None:
    asyncio.run(serve(pipe))


def started(serve: Callable[[Connection], Coroutine[None, None, None]]) -> tuple[multiprocessing.Process, Any]:
    """Start a process that serves, and return it with what it sends."""
    pipe, other = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=run, args=(serve, other), daemon=True)
    process.start()
    return process, pipe.recv()  # type: ignore[return-value]


def appliance(name: str, port: int, agent: int | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "address": "127.0.0.1",
        "auth": "page" if agent is None else "both",
        "xml": {"scheme": "http", "port": port},
        "snmp": {"port": agent or 161},
    }


def fleet(good: int, agent: int, pages: dict[str, int], agents: dict[str, int], kinds: list[str]) -> dict[str, Any]:
    """Return healthy appliances, and hostile ones of these kinds: of their page, of their agent, or of both in turn.

    `good` and `agent` are the ports of a healthy page and of a healthy agent.
    """
    xml = {"username": "monitor", "password": "p"}
    bad_pages = [pages[kind] for kind in kinds if kind in pages] or [good]
    bad_agents = [agents[kind] for kind in kinds if kind in agents] or [agent]
    return {
        "auths": {"page": {"xml": xml}, "both": {"xml": xml, "snmp": {"version": "2c", "community": COMMUNITY}}},
        "defaults": {"min_interval": {"snmp": 0, "xml": 0}},
        "appliances": [
            *(appliance(f"good{number}", good) for number in range(HEALTHY)),
            *(appliance(f"well{number}", good, agent) for number in range(HOSTILE)),
            *(
                appliance(f"bad{number}", bad_pages[number % len(bad_pages)], bad_agents[number % len(bad_agents)])
                for number in range(HOSTILE)
            ),
        ],
    }


async def scrape(client: aiohttp.ClientSession, name: str, wait: float) -> tuple[float, bool]:
    """Return the milliseconds that a probe took and whether it was complete."""
    await asyncio.sleep(wait)
    started = time.perf_counter()
    headers = {"X-Prometheus-Scrape-Timeout-Seconds": TIMEOUT}
    async with client.get("/probe", params={"target": name}, headers=headers) as answer:
        text = await answer.text()
    return (time.perf_counter() - started) * 1000, 'source_complete{source="xml"} 1.0' in text


async def measure(url: str, rounds: int, *, hostile: bool) -> tuple[list[float], float]:
    """Return the times of the healthy probes in order, and which share of them was complete."""
    names = [f"good{number}" for number in range(HEALTHY)]
    others = [f"{'bad' if hostile else 'well'}{number}" for number in range(HOSTILE)]
    found: list[tuple[float, bool]] = []
    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=0)) as client:
        for _ in range(rounds):
            spread = [scrape(client, name, INTERVAL * i / HOSTILE) for i, name in enumerate(others)]
            beside = [asyncio.create_task(each) for each in spread]
            found += await asyncio.gather(
                *(scrape(client, name, INTERVAL * i / HEALTHY) for i, name in enumerate(names))
            )
            await asyncio.gather(*beside)
    return sorted(milliseconds for milliseconds, _ in found), sum(whole for _, whole in found) / len(found)


def quantile(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(share * len(times)))]


async def own_figure(url: str, name: str) -> float:
    """Return a figure of the exporter's own process."""
    async with aiohttp.ClientSession(url) as client, client.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name))


def memory(url: str) -> float:
    """Return the resident memory of the exporter in MB."""
    return asyncio.run(own_figure(url, "process_resident_memory_bytes")) / 1e6


def processor_time(url: str) -> float:
    """Return the seconds of processor time that the exporter has used."""
    return asyncio.run(own_figure(url, "process_cpu_seconds_total"))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4, help="rounds of 5 s in each of the four blocks")
    parser.add_argument("--kinds", default=",".join((*KINDS, *BURSTS)), help="kinds of hostile appliances")
    wanted = parser.parse_args()
    well, good = started(serve_good)
    badly, (pages, agents) = started(serve_bad)
    p99: dict[bool, list[float]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder:
        agent = Snmpd(Path(folder))
        exporter = Exporter(Path(folder), fleet(good, agent.port, pages, agents, wanted.kinds.split(",")))
        asyncio.run(measure(exporter.url, 1, hostile=False))  # the connections are new
        for hostile in (False, True, False, True):
            used = processor_time(exporter.url)
            times, complete = asyncio.run(measure(exporter.url, wanted.rounds, hostile=hostile))
            p99[hostile] += times
            shares = "  ".join(f"p{100 * share:g} {quantile(times, share):7.1f}" for share in (0.5, 0.99, 0.999))
            used = (processor_time(exporter.url) - used) / wanted.rounds
            name = "with" if hostile else "without"
            own = f"processor {used:5.2f} s a round  memory {memory(exporter.url):4.0f} MB"
            print(f"{name:8} {shares}  complete {complete:7.2%}  {own}", flush=True)
        levels = Counter(re.findall(r"level=(\w+)", exporter.process.output))
        with redirect_stdout(StringIO()):  # their logs
            exporter.stop()
            agent.stop()
    without, with_them = (quantile(sorted(p99[hostile]), 0.99) for hostile in (False, True))
    print(f"p99 with hostile appliances: {with_them / without:.2f} of {without:.1f} ms")
    print("lines of the log:", ", ".join(f"{count} {level}" for level, count in levels.items()))
    for process in (well, badly):
        process.terminate()


if __name__ == "__main__":
    main()
