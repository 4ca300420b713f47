"""What lost SNMP packets cost: this exporter's probes beside those of Prometheus' SNMP exporter, in one run.

    python benchmarks/loss.py [PROBES]

An agent (net-snmp's snmpd) behind a relay that loses a share of the packets and delays the answers; each probe has 8 s.
Prints, per network, the share of complete probes, the time in seconds that half and 99 % of them took, and the packets
sent for one probe. The other exporter makes a tenth of the probes, because most of them take all of the 8 s.

The last column has the shares to reach. With 2,000 probes, the default, one probe is 0.05 %. The run takes six minutes.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import structlog
from aiohttp import ClientError, ClientSession

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from exporter.probe import Prober  # noqa: E402
from exporter.sources.snmp.mib import SCALARS  # noqa: E402 - the path comes first
from exporter.telemetry import Telemetry  # noqa: E402
from support.appliances import snmp_appliance  # noqa: E402
from support.prometheus import SnmpExporter, parsed  # noqa: E402
from support.relay import Policy, UdpRelay, delayed, lossy  # noqa: E402
from support.snmpd import Snmpd  # noqa: E402

DEADLINE = 8.0
AT_A_TIME = 50

Probe = Callable[[int], Awaitable[bool]]
"""Probes the agent at a port and says whether everything came."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network that loses these shares of the requests and of the answers."""

    label: str
    requests: float = 0.0
    answers: float = 0.0
    round_trip: float = 0.02
    """In seconds."""
    goal: float | None = None
    """The share of this exporter's probes that must be complete."""

    def policy(self) -> Policy:
        """Return a relay's policy that acts as this network."""
        lose, delay = lossy(requests=self.requests, answers=self.answers), delayed("client", self.round_trip)
        return lambda datagram: [late for kept in lose(datagram) for late in delay(kept)]


NETWORKS = (
    Network("none", goal=1.0),
    Network("5 %", 0.05, goal=0.999),
    Network("5 %, 200 ms", 0.05, round_trip=0.2, goal=0.999),
    Network("20 %", 0.2, goal=0.999),
    Network("20 % each way", 0.2, 0.2),
    Network("40 %", 0.4, goal=0.999),
    Network("60 %", 0.6, goal=0.96),
)


async def ours(port: int) -> bool:
    """Probe once, knowing nothing of the agent yet."""
    return (await Prober(snmp_appliance(port), Telemetry()).probe(DEADLINE)).complete


def theirs(exporter: SnmpExporter, client: ClientSession) -> Probe:
    """Return the probe of Prometheus' SNMP exporter, cut at the deadline like a scrape."""

    async def probe(port: int) -> bool:
        query = {"target": f"127.0.0.1:{port}", "module": "ironport"}
        try:
            async with asyncio.timeout(DEADLINE), client.get(f"{exporter.url}/snmp", params=query) as answer:
                return answer.ok and len(parsed(await answer.text())) > len(SCALARS)
        except (TimeoutError, ClientError):
            return False

    return probe


async def measure(agent: Snmpd, probe: Probe, network: Network, probes: int) -> str:
    """Return the figures of a row of the table."""
    slots = asyncio.Semaphore(AT_A_TIME)

    async def timed() -> tuple[bool, float]:
        async with slots:
            started = time.monotonic()
            return await probe(relay.port), time.monotonic() - started

    async with UdpRelay(("127.0.0.1", agent.port), network.policy()) as relay:
        results = await asyncio.gather(*(timed() for _ in range(probes)))
        packets = relay.seen["agent"] / probes
    complete = sum(whole for whole, _ in results) / probes
    seconds = sorted(taken for _, taken in results)
    late = seconds[int(0.99 * probes) - 1]
    return f"{complete:9.2%} {statistics.median(seconds):8.2f} {late:8.2f} {packets:8.1f}"


async def compare(agent: Snmpd, other: SnmpExporter, probes: int) -> None:
    """Print the table."""
    print(f"{'requests lost':15} {'exporter':14} {'complete':>9} {'half':>8} {'99 %':>8} {'packets':>8} {'goal':>8}")
    async with ClientSession() as client:
        for network in NETWORKS:
            figures = await measure(agent, ours, network, probes)
            goal = f"{network.goal:8.1%}" if network.goal else ""
            print(f"{network.label:15} {'this one':14} {figures} {goal}", flush=True)
            figures = await measure(agent, theirs(other, client), network, max(1, probes // 10))
            print(f"{network.label:15} {'snmp_exporter':14} {figures}", flush=True)


async def main(probes: int) -> None:
    """Start the agent and the other exporter, and compare."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        agent = await asyncio.to_thread(Snmpd, folder)
        other = await asyncio.to_thread(SnmpExporter, folder)
        try:
            await compare(agent, other, probes)
        finally:
            with redirect_stdout(StringIO()):  # their logs
                agent.stop()
                other.stop()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
