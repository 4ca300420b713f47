"""What slow clients of the exporter's port cost its scrapes: the p99 without and with them, in one run.

    python benchmarks/slow_clients.py [--clients N] [--rounds N] [--listed N]

50 appliances are scraped every 2 s. In every second block of rounds, 500 other clients have connections to the port.
Each is slow in one way: it sends nothing, half a header, a header octet by octet, half a header after a whole request,
or it reads none of twenty answers. It connects again every 12 s. Prints the p50, p99 and p99.9 of the scrapes in
milliseconds, how many of them were complete, the memory of the exporter, and the ratio of the median p99.

The slow clients run at a lower priority, because in truth they are on other machines. If there are more of them than
the exporter may have connections (two thirds of `ulimit -n`), each new connection takes the place of an old one.

`--listed` adds appliances that are never scraped: they make the pages large that nobody reads. With 5,000 of them,
/config has 1.3 MB.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from itertools import cycle, islice
from pathlib import Path
from statistics import median

import aiohttp
from hostile import appliance, memory, quantile, scrape, serve_good, started

from support.exporter import Exporter

APPLIANCES = 50
INTERVAL = 2.0
WHOLE = b"GET /config HTTP/1.1\r\nHost: a\r\n\r\n"
HALF = WHOLE[:-2]

KINDS = {
    "nothing": (b"", b""),
    "half a header": (HALF, b""),
    "dripped header": (HALF, b"A"),
    "half a header after a request": (WHOLE + HALF, b""),
    "reads nothing": (WHOLE * 20, b""),
}
"""What each kind sends first, and then twice a second."""


async def be_slow(kind: str, host: str, port: int) -> None:
    first, more = KINDS[kind]
    loop = asyncio.get_running_loop()
    await asyncio.sleep(random.uniform(0, 2))
    while True:
        with suppress(OSError), socket.socket() as client:
            client.setblocking(False)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await loop.sock_connect(client, (host, port))
            await loop.sock_sendall(client, first)
            for _ in range(24):
                await asyncio.sleep(0.5)
                await loop.sock_sendall(client, more)
        await asyncio.sleep(0.1)


async def all_slow(clients: int, address: str) -> None:
    host, _, port = address.rpartition(":")
    await asyncio.gather(*(be_slow(kind, host, int(port)) for kind in islice(cycle(KINDS), clients)))


def run(clients: int, address: str) -> None:
    os.nice(10)
    asyncio.run(all_slow(clients, address))


@contextmanager
def slow_clients(clients: int, address: str) -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(target=run, args=(clients, address), daemon=True)
    process.start()
    yield
    process.terminate()
    process.join()


async def measure(url: str, rounds: int) -> tuple[list[float], float]:
    """Return the times of the scrapes in order, and which share of them was complete."""
    found: list[tuple[float, bool]] = []
    async with aiohttp.ClientSession(url) as client:
        for _ in range(rounds):
            spread = (scrape(client, f"mx{i}", INTERVAL * i / APPLIANCES) for i in range(APPLIANCES))
            found += await asyncio.gather(*spread)
    return sorted(milliseconds for milliseconds, _ in found), sum(whole for _, whole in found) / len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=500, help="how many clients are slow")
    parser.add_argument("--listed", type=int, default=0, help="how many appliances are only in the configuration")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of 2 s in each of the eight blocks")
    wanted = parser.parse_args()
    well, port = started(serve_good)
    fleet = {
        "auths": {"page": {"xml": {"username": "monitor", "password": "p"}}},
        "defaults": {"min_interval": {"xml": 0}},
        "appliances": [appliance(f"mx{number}", port) for number in range(APPLIANCES + wanted.listed)],
    }
    p99: dict[bool, list[float]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder:
        exporter = Exporter(Path(folder), fleet)
        asyncio.run(measure(exporter.url, 1))  # the connections are new
        for slow in (False, True) * 4:
            with slow_clients(wanted.clients, exporter.address) if slow else nullcontext():
                times, complete = asyncio.run(measure(exporter.url, wanted.rounds))
            p99[slow].append(quantile(times, 0.99))
            shares = "  ".join(f"p{100 * share:g} {quantile(times, share):7.1f}" for share in (0.5, 0.99, 0.999))
            size = memory(exporter.url)
            name = "with" if slow else "without"
            print(f"{name:8} {shares}  complete {complete:7.2%}  memory {size:4.0f} MB", flush=True)
        exporter.stop()
    without, with_them = median(p99[False]), median(p99[True])
    print(f"p99 with slow clients: {with_them / without:.2f} of {without:.1f} ms")
    well.terminate()


if __name__ == "__main__":
    main()
