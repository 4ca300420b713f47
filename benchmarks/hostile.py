"""What hostile appliances cost the others: the p99 of healthy probes without and with them, in one run.

    python benchmarks/hostile.py [ROUNDS]

200 appliances with a status page each. 20 of them are hung, dripping, endless or costly, and their SNMP agents answer
each request with a burst of large datagrams. Every round scrapes all appliances once, spread over 5 s, with a timeout
of 4 s. Prints the p50 and p99 of the healthy probes in milliseconds, how many of them were complete, and the memory of
the exporter.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.exporter import Exporter  # noqa: E402 - the path comes first
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

KINDS: dict[str, tuple[bytes, bytes, float]] = {
    "hung": (b"", b"", 1.0),
    "silent after the header": (OK + b"Content-Length: 9\r\n\r\n", b"", 1.0),
    "dripped body": (OK + b"Content-Length: 9999\r\n\r\n", b" ", 0.05),
    "dripped header": (OK, b"A: b\r\n", 0.05),
    "header without end": (OK, b"A: b\r\n" * 5000, 0.0),
    "100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 5000, 0.0),
    "tiny chunks": (CHUNKED, b"1\r\nx\r\n" * 10_000, 0.0),
    "trailers": (CHUNKED + b"0\r\n", b"A: b\r\n" * 5000, 0.0),
    "many elements": (whole(FEATURES), b"", 1.0),
    "many attributes": (whole(ATTRIBUTES), b"", 1.0),
}
"""What each kind sends first, and then again and again after a pause in seconds."""

BURST = [b"\x30\x82\xff\x00" + b"\x05\x00" * 32_000] * 20


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
    """Answers every request with large datagrams."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, _: bytes, client: Any) -> None:
        for datagram in BURST:
            self._transport.sendto(datagram, client)


async def serve(pipe: Connection) -> None:
    """Run all appliances, and send their ports."""
    good = await asyncio.start_server(talk_well, "127.0.0.1", 0)
    bad = {kind: await asyncio.start_server(talk_badly(kind), "127.0.0.1", 0) for kind in KINDS}
    agent, _ = await asyncio.get_running_loop().create_datagram_endpoint(Burst, local_addr=("127.0.0.1", 0))
    ports = {kind: server.sockets[0].getsockname()[1] for kind, server in {"good": good, **bad}.items()}
    pipe.send((ports, agent.get_extra_info("sockname")[1]))
    await asyncio.Event().wait()


def run(pipe: Connection) -> None:
    asyncio.run(serve(pipe))


def fleet(ports: dict[str, int], agent: int) -> dict[str, Any]:
    kinds = {f"good{number}": "good" for number in range(HEALTHY)}
    kinds |= {f"bad{number}": list(KINDS)[number % len(KINDS)] for number in range(HOSTILE)}
    xml = {"username": "monitor", "password": "p"}
    return {
        "auths": {"good": {"xml": xml}, "bad": {"xml": xml, "snmp": {"version": "2c", "community": "c"}}},
        "defaults": {"min_interval": {"snmp": 0, "xml": 0}, "snmp": {"port": agent}},
        "appliances": [
            {
                "name": name,
                "address": "127.0.0.1",
                "auth": "good" if kind == "good" else "bad",
                "xml": {"scheme": "http", "port": ports[kind]},
            }
            for name, kind in kinds.items()
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


async def measure(url: str, rounds: int, *, hostile: bool) -> str:
    names = [f"good{number}" for number in range(HEALTHY)]
    bad = [f"bad{number}" for number in range(HOSTILE if hostile else 0)]
    found: list[tuple[float, bool]] = []
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(url, connector=connector) as client:
        for _ in range(rounds):
            others = [asyncio.create_task(scrape(client, name, INTERVAL * i / len(bad))) for i, name in enumerate(bad)]
            found += await asyncio.gather(
                *(scrape(client, name, INTERVAL * i / len(names)) for i, name in enumerate(names))
            )
            await asyncio.gather(*others)
    times = sorted(milliseconds for milliseconds, _ in found)
    complete = sum(whole for _, whole in found) / len(found)
    return f"p50 {times[len(times) // 2]:8.1f}  p99 {times[int(0.99 * len(times))]:8.1f}  complete {complete:7.2%}"


async def memory(url: str) -> float:
    """Return the resident memory of the exporter in MB."""
    async with aiohttp.ClientSession(url) as client, client.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("process_resident_memory_bytes")) / 1e6


def main() -> None:
    """Print a line without and a line with the hostile appliances, twice."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    pipe, other = multiprocessing.Pipe()
    appliances = multiprocessing.get_context("spawn").Process(target=run, args=(other,), daemon=True)
    appliances.start()
    with tempfile.TemporaryDirectory() as folder:
        exporter = Exporter(Path(folder), fleet(*pipe.recv()))
        for hostile in (False, True, False, True):
            line = asyncio.run(measure(exporter.url, rounds, hostile=hostile))
            size = asyncio.run(memory(exporter.url))
            print(f"{'with' if hostile else 'without':8} {line}  memory {size:4.0f} MB", flush=True)
        exporter.stop()
    appliances.terminate()


if __name__ == "__main__":
    main()
