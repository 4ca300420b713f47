"""What lost SNMP packets cost: this exporter's probes beside those of Prometheus' SNMP exporter, in one run.

    python benchmarks/loss.py [PROBES]

An agent (net-snmp's snmpd) behind a relay that loses a share of the packets; each probe has 8 s. Prints, per loss, the
share of complete probes, the time in seconds that half and 99 % of them took, and the packets sent for one probe.
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
from io import StringIO
from pathlib import Path

import structlog

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from exporter.probe import Prober  # noqa: E402
from exporter.sources.snmp.mib import SCALARS  # noqa: E402 - the path comes first
from exporter.telemetry import Telemetry  # noqa: E402
from support.appliances import snmp_appliance  # noqa: E402
from support.prometheus import SnmpExporter  # noqa: E402
from support.relay import UdpRelay, lossy  # noqa: E402
from support.snmpd import Snmpd  # noqa: E402

DEADLINE = 8.0
AT_A_TIME = 20
LOSSES = {"none": (0.0, 0.0), "5 %": (0.05, 0.0), "20 %": (0.2, 0.0), "40 %": (0.4, 0.0), "20 % each way": (0.2, 0.2)}

Probe = Callable[[int], Awaitable[bool]]
"""Probes the agent at a port and says whether everything came."""


async def ours(port: int) -> bool:
    """Probe once, knowing nothing of the agent yet."""
    return (await Prober(snmp_appliance(port), Telemetry()).probe(DEADLINE)).complete


def theirs(exporter: SnmpExporter) -> Probe:
    """Return the probe of Prometheus' SNMP exporter, cut at the deadline like a scrape."""

    async def probe(port: int) -> bool:
        try:
            found = await asyncio.wait_for(asyncio.to_thread(exporter.probe, "127.0.0.1", port), DEADLINE)
        except (TimeoutError, OSError):
            return False
        return len(found) > len(SCALARS)

    return probe


async def measure(agent: Snmpd, probe: Probe, loss: tuple[float, float], probes: int) -> str:
    """Return a row of the table."""
    slots = asyncio.Semaphore(AT_A_TIME)

    async def timed() -> tuple[bool, float]:
        async with slots:
            started = time.monotonic()
            return await probe(relay.port), time.monotonic() - started

    async with UdpRelay(("127.0.0.1", agent.port), lossy(requests=loss[0], answers=loss[1])) as relay:
        results = await asyncio.gather(*(timed() for _ in range(probes)))
        packets = relay.seen["agent"] / probes
    complete = sum(whole for whole, _ in results) / probes
    seconds = sorted(taken for _, taken in results)
    late = seconds[int(0.99 * probes) - 1]
    return f"{complete:8.1%} {statistics.median(seconds):8.2f} {late:8.2f} {packets:8.1f}"


async def main(probes: int) -> None:
    """Print the table."""
    print(f"{'loss':15} {'exporter':14} {'complete':>8} {'half':>8} {'99 %':>8} {'packets':>8}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        agent = await asyncio.to_thread(Snmpd, folder)
        other = await asyncio.to_thread(SnmpExporter, folder)
        for label, loss in LOSSES.items():
            for whose, probe in (("this one", ours), ("snmp_exporter", theirs(other))):
                print(f"{label:15} {whose:14} {await measure(agent, probe, loss, probes)}", flush=True)
        with redirect_stdout(StringIO()):  # their logs
            agent.stop()
            other.stop()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
