"""How much CPU time a live simulated fleet needs while it is scraped.

    python benchmarks/simulator.py [UNITS] [INTERVAL] [v3|v2c] [http]

UNITS units (500) run in their own process, as with `ironport-exporter simulate --units`. This process probes each unit
with the real exporter every INTERVAL seconds (30), spread evenly like the scrapes of Prometheus. It uses SNMPv3 and
HTTPS unless `v2c` or `http` is given. The first round has all handshakes and discoveries, and is counted separately.

For each round it prints:
- the CPU time of the fleet, as a share of one core,
- the CPU time of the exporter, likewise,
- the longest time that the control page took to answer, which shows how long a step of the model blocks it,
- the number of probes that were not complete.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from exporter import config  # noqa: E402 - the path comes first
from exporter.fleet import Fleet  # noqa: E402
from exporter.lab.simulator.command import allow_files  # noqa: E402
from exporter.probe import Prober  # noqa: E402
from exporter.telemetry import Telemetry  # noqa: E402

ROUNDS = 3
TIMEOUT = 9.5
TICK = 0.05
"""Seconds between two looks at the control."""


@dataclass(slots=True)
class Round:
    """What a round of probes saw; `slowest` in seconds, `failed` by source and reason."""

    probes: int = 0
    slowest: float = 0.0
    failed: Counter[str] = field(default_factory=Counter)


@contextmanager
def simulated(units: int, options: list[str], folder: Path) -> Iterator[tuple[int, str, Path]]:
    """Run the fleet; give its process id, the URL of its control and its fleet file."""
    file = folder / "fleet.yml"
    command = [sys.executable, "-m", "exporter", "simulate", "--units", str(units), "--fleet.file", str(file), *options]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as child:
        try:
            line = child.stderr.readline() if child.stderr else ""
            control = re.search(r"control=(\S+)", line)
            if control is None:
                sys.exit(line)
            yield child.pid, control[1], file
        finally:
            child.terminate()


def cpu(process: int) -> float:
    """Return the CPU time of a process so far, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def probe(prober: Prober, at: float, seen: Round) -> None:
    """Probe one unit at its time on the monotonic clock."""
    await asyncio.sleep(max(0.0, at - time.monotonic()))
    result = await prober.probe(TIMEOUT)
    seen.probes += 1
    seen.failed.update(f"{reading.source} {error.reason}" for reading in result.readings for error in reading.errors)


async def watch(control: str, seen: Round) -> None:
    """Ask the control over and over for something small."""
    async with aiohttp.ClientSession(control) as client:
        while True:
            started = time.monotonic()
            async with client.get("/scenarios") as answer:
                await answer.read()
            seen.slowest = max(seen.slowest, time.monotonic() - started)
            await asyncio.sleep(TICK)


async def measure(file: Path, process: int, control: str, interval: float) -> None:
    """Probe the fleet in rounds and print what each cost."""
    fleet = Fleet(config.load(file), Telemetry())
    for number in range(ROUNDS + 1):
        seen, begun = Round(), time.monotonic()
        before = cpu(process), time.process_time()
        watching = asyncio.create_task(watch(control, seen))
        waits = (begun + interval * place / len(fleet.probers) for place in range(len(fleet.probers)))
        await asyncio.gather(
            *(probe(prober, at, seen) for prober, at in zip(fleet.probers.values(), waits, strict=True))
        )
        await asyncio.sleep(max(0.0, begun + interval - time.monotonic()))
        took = time.monotonic() - begun
        theirs, ours = (cpu(process) - before[0]) / took, (time.process_time() - before[1]) / took
        watching.cancel()
        failed = ", ".join(f"{count} {what}" for what, count in seen.failed.items()) or "none"
        print(
            f"{'first round' if number == 0 else f'round {number}'}: {seen.probes} probes in {took:.1f} s;"
            f" fleet {theirs:.0%} of a core, exporter {ours:.0%};"
            f" slowest control answer {seen.slowest * 1000:.0f} ms; errors: {failed}"
        )
    await fleet.close()


def main(arguments: list[str]) -> None:
    """Measure as the arguments say."""
    units, interval, version, scheme = [*arguments, *("500", "30", "v3", "https")[len(arguments) :]]
    options = ["--snmp", version, *(["--http"] if scheme == "http" else [])]
    allow_files()
    with (
        tempfile.TemporaryDirectory() as folder,
        simulated(int(units), options, Path(folder)) as (process, control, file),
    ):
        asyncio.run(measure(file, process, control, float(interval)))


if __name__ == "__main__":
    main(sys.argv[1:])
