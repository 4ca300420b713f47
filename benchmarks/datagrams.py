"""What a probe of an SNMP agent costs that answers each request with a burst of datagrams of no use.

    python benchmarks/datagrams.py [PROBES]

Each probe has 2 s. The agent sends its burst 50 times, every 20 ms, after each request. Prints, per kind of burst, the
CPU time of a probe in milliseconds, and the longest time for which the event loop stood still. The first line is an
agent that does not answer.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import structlog

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from exporter.probe import Prober  # noqa: E402 - the path comes first
from exporter.sources.snmp import ber  # noqa: E402
from exporter.telemetry import Telemetry  # noqa: E402
from support.appliances import snmp_appliance  # noqa: E402
from support.snmpd import COMMUNITY  # noqa: E402

TIMEOUT = 2.0
REPEATS, REPEAT_AFTER = 50, 0.02
WATCH_EVERY = 0.01
ROW = bytes.fromhex("2b06010401f9090101010c0102")  # keyDescription of ASYNCOS-MAIL-MIB, less the row
BIG = b"\x30\x82\xff\x00" + b"\x05\x00" * 32_000


def response(request_id: bytes, varbinds: bytes) -> bytes:
    """Return a response of SNMP v2c."""
    numbers = ber.encode(ber.INTEGER, request_id) + ber.encode_integer(0) * 2
    pdu = ber.encode(0xA2, numbers, ber.encode(ber.SEQUENCE, varbinds))
    return ber.encode(ber.SEQUENCE, ber.encode_integer(1), ber.encode(ber.OCTETS, COMMUNITY.encode()), pdu)


def varbind(oid: bytes, value: bytes) -> bytes:
    return ber.encode(ber.SEQUENCE, ber.encode(0x06, oid), value)


LONG = b"".join(varbind(ROW + bytes((number,)), ber.encode(ber.OCTETS, b"x" * 40)) for number in range(120))


Burst = Callable[[bytes], list[bytes]]
KINDS: dict[str, Burst] = {
    "silence": lambda _: [],
    "20 of 64 KB": lambda _: [BIG] * 20,
    "3,000 of 10 octets": lambda _: [b"0123456789"] * 3000,
    "500 with another id": lambda _: [response(b"\x41\x41\x41\x41", LONG)] * 500,
    "500 damaged at their ends": lambda request_id: [response(request_id, LONG)[:-1] + b"\x30\x82"] * 500,
    "500 with a fault in the last value": lambda request_id: [response(request_id, LONG + b"\x30\x00")] * 500,
}
"""What the agent of each kind answers, given the id of a request."""


class Agent(asyncio.DatagramProtocol):
    """Answers with the bursts of one kind."""

    def __init__(self, burst: Burst) -> None:
        self._burst = burst

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, client: Any) -> None:
        at = data.index(b"\x02\x04", data.index(COMMUNITY.encode())) + 2
        self._send(self._burst(data[at : at + 4]), client, REPEATS)

    def _send(self, burst: list[bytes], client: Any, repeats: int) -> None:
        for datagram in burst:
            self._transport.sendto(datagram, client)
        if repeats:
            asyncio.get_running_loop().call_later(REPEAT_AFTER, self._send, burst, client, repeats - 1)


async def serve(pipe: Connection) -> None:
    """Run the agents, and send their ports."""
    loop = asyncio.get_running_loop()
    ports = {}
    for kind, burst in KINDS.items():
        transport, _ = await loop.create_datagram_endpoint(
            lambda burst=burst: Agent(burst),  # type: ignore[misc]  # a default argument
            local_addr=("127.0.0.1", 0),
        )
        ports[kind] = transport.get_extra_info("sockname")[1]
    pipe.send(ports)
    await asyncio.Event().wait()


def run(pipe: Connection) -> None:
    asyncio.run(serve(pipe))


async def longest_stop(stops: list[float]) -> None:
    while True:
        started = time.perf_counter()
        await asyncio.sleep(WATCH_EVERY)
        stops.append(time.perf_counter() - started - WATCH_EVERY)


async def measure(port: int, probes: int) -> tuple[float, float]:
    """Return the CPU time of a probe and the longest stop of the loop, in milliseconds."""
    stops: list[float] = []
    watch = asyncio.create_task(longest_stop(stops))
    prober = Prober(snmp_appliance(port, min_interval={"snmp": 0, "xml": 0}), Telemetry())
    started = time.process_time()
    for _ in range(probes):
        await prober.probe(TIMEOUT)
    used = time.process_time() - started
    watch.cancel()
    with suppress(asyncio.CancelledError):
        await watch
    return 1000 * used / probes, 1000 * max(stops)


def main() -> None:
    """Print a line for each kind."""
    probes = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    pipe, other = multiprocessing.Pipe()
    agents = multiprocessing.get_context("spawn").Process(target=run, args=(other,), daemon=True)
    agents.start()
    print(f"{'':36} {'CPU ms':>8} {'stop ms':>8}")
    for kind, port in pipe.recv().items():
        cpu, stop = asyncio.run(measure(port, probes))
        print(f"{kind:36} {cpu:8.1f} {stop:8.1f}", flush=True)
    agents.terminate()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    main()
