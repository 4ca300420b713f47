"""What a poll of the REST interface costs by the number of destinations that the appliance has.

    python benchmarks/destinations.py [POLLS]

Prints, per number of destinations: the size of their list; the CPU time of a poll with its fusing and its text; the
longest time for which one callback of a poll held the event loop; the series of destinations; the memory of the process
after the polls. Times are the median of all polls, with the shortest in parentheses: they are CPU time, but other
processes still slow them by taking the processor's caches.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import statistics
import sys
import time
from asyncio.events import Handle
from multiprocessing.connection import Connection
from pathlib import Path

import trustme

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from exporter.config import Appliance, Auth, BasicAuth, RestSettings  # noqa: E402 - the path comes first
from exporter.metrics.fusion import fuse  # noqa: E402
from exporter.metrics.reading import Reading  # noqa: E402
from exporter.sources.rest.collect import RestSource  # noqa: E402
from exporter.telemetry import Telemetry  # noqa: E402
from support.rest_pages import delivery_status, rest_pages  # noqa: E402
from support.status_server import PASSWORD, USERNAME, StatusServer  # noqa: E402

NUMBERS = (0, 100, 1000, 5000)


def destinations(number: int) -> bytes:
    """Return a list of destinations, a quarter of which have recipients that wait."""
    rows = [
        (
            f"d{each}.example{each % 97}.edu",
            "Active",
            each % 500 if each % 4 == 0 else 0,
            each * 7,
            each,
            each,
            each % 5,
        )
        for each in range(number)
    ]
    return delivery_status(rows)


async def serve(number: int, pipe: Connection) -> None:
    async with StatusServer(trustme.CA(), rest_pages(delivery_status=destinations(number))) as server:
        pipe.send(server.port)
        await asyncio.Event().wait()


def run(number: int, pipe: Connection) -> None:
    asyncio.run(serve(number, pipe))


def appliance(port: int) -> Appliance:
    user = BasicAuth.model_validate({"username": USERNAME, "password": PASSWORD})
    return Appliance(
        name="mx1",
        address="127.0.0.1",
        auth="ops",
        stream="default",
        credentials=Auth(rest=user),
        destinations={"clients": ("uni-a.edu", "*.uni-b.edu"), "internal": ("d7.example7.edu",)},
        rest=RestSettings.model_validate({"port": port, "tls": {"verify": False}}),
    )


async def measure(port: int, polls: int, holds: list[float]) -> tuple[str, str, int]:
    """Return the CPU time of a poll and its longest hold of the event loop in milliseconds, and the series."""
    source = RestSource(appliance(port), Telemetry())
    await source.poll(Reading("rest"))  # reads the certificates, connects
    times, longest = [], []
    for _ in range(polls):
        holds.clear()
        before = time.process_time()
        reading = Reading("rest")
        await source.poll(reading)
        await asyncio.sleep(0)  # the next step is another callback
        text = fuse([reading]).text()
        times.append(time.process_time() - before)
        longest.append(max(holds))
        assert not reading.errors, reading.errors
    await source.close()
    return milliseconds(times), milliseconds(longest), text.count(b"\nironport_destination_")


def milliseconds(times: list[float]) -> str:
    return f"{statistics.median(times) * 1000:.1f} ({min(times) * 1000:.1f})"


def watched_holds() -> list[float]:
    """Return a list to which the CPU time of every callback of the event loop is added from now on, in seconds."""
    holds: list[float] = []
    run_callback = Handle._run

    def watched(handle: Handle) -> None:
        before = time.thread_time()
        run_callback(handle)
        holds.append(time.thread_time() - before)

    Handle._run = watched  # type: ignore[method-assign]
    return holds


def memory() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    polls = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    holds = watched_holds()
    gc.freeze()  # as the exporter does
    print(f"{'destinations':>12} {'list, KB':>9} {'CPU, ms':>12} {'hold, ms':>12} {'series':>7} {'memory, MB':>11}")
    for number in NUMBERS:
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.get_context("spawn").Process(target=run, args=(number, theirs), daemon=True)
        server.start()
        cpu, hold, series = asyncio.run(measure(ours.recv(), polls, holds))
        server.kill()
        size = len(destinations(number)) / 1000
        print(f"{number:12} {size:9.0f} {cpu:>12} {hold:>12} {series:7} {memory():11.0f}")


if __name__ == "__main__":
    main()
