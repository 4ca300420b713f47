"""Whether the exporter loses anything or grows in a long run under Prometheus.

    python benchmarks/soak.py [MINUTES]

195 healthy appliances, whose SNMP packets are lost by 10 % each way, and five hostile ones. Prometheus discovers all of
them by /sd and scrapes them every 15 s, for 10 minutes. Once a minute the configuration changes for every appliance and
is reloaded. The exit code is 1 if one of these does not hold:

- Memory, descriptors and asyncio tasks are flat: their medians in the last third are those of the second third.
- The log has no error and no traceback, and every reload succeeded.
- Every scrape was answered and is a probe of the exporter, and none is missing in Prometheus.
- 99.9 % of the probes of healthy appliances are complete.
- The packets that the queries of docs/accounting.md call lost are those that the network lost, within 1 %.
"""

from __future__ import annotations

import asyncio
import io
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from faults.appliance import V2C_LOGIN, XML_LOGIN, FaultyAppliance  # noqa: E402 - the path comes first
from faults.table import FAULTS  # noqa: E402
from support.exporter import Exporter  # noqa: E402
from support.markdown import code_blocks  # noqa: E402
from support.prometheus import Prometheus, get  # noqa: E402
from support.relay import lossy  # noqa: E402
from support.snmpd import Snmpd  # noqa: E402

HEALTHY: Final = 195
LOSS: Final = 0.1
INTERVAL: Final = 15
HOSTILE: Final = (
    "A datagram of 64 KB comes before each answer",
    "`100 Continue` without an end",
    "A page of 150,000 attributes",
    "A page that comes byte by byte",
    "The web server accepts the connection and is silent",
)
"""Rows of docs/faults.md."""

GROWTH: Final = {"memory": 1.05, "descriptors": 1.05, "tasks": 1.25}
"""What the last third of the run may be as a multiple of the second third. Few tasks run, so chance shows in them."""
ENDING: Final = 12
"""Seconds before the end in which Prometheus may abort scrapes, because it makes no more."""
LEAST_COMPLETE: Final = 0.999


@dataclass(frozen=True, slots=True)
class Size:
    """How large the exporter is."""

    memory: float
    """In MB."""
    descriptors: float
    tasks: float


def size(url: str) -> Size:
    metrics = dict(line.rsplit(" ", 1) for line in get(f"{url}/metrics").splitlines() if not line.startswith("#"))
    names = ("process_resident_memory_bytes", "process_open_fds", "ironport_exporter_tasks")
    memory, descriptors, tasks = (float(metrics[name]) for name in names)
    return Size(memory / 1e6, descriptors, tasks)


def fleet(healthy: FaultyAppliance, hostile: Sequence[FaultyAppliance]) -> dict[str, Any]:
    appliances = [entry(f"mx{number}", healthy) for number in range(HEALTHY)]
    appliances += [entry(f"hostile{number}", each) for number, each in enumerate(hostile)]
    defaults = {"auth": "lab", "min_interval": {"snmp": 0, "xml": 0}}
    return {
        "auths": {"lab": {"snmp": V2C_LOGIN, "xml": XML_LOGIN}},
        "defaults": defaults,
        "appliances": appliances,
    }


def entry(name: str, appliance: FaultyAppliance) -> dict[str, Any]:
    return {
        "name": name,
        "address": "127.0.0.1",
        "snmp": {"port": appliance.relay.port},
        "xml": {"scheme": "http", "port": appliance.web.port},
    }


def scrape_config(exporter: Exporter) -> dict[str, Any]:
    jobs = [
        {"job_name": "ironport", "http_sd_configs": [{"url": f"{exporter.url}/sd"}]},
        {"job_name": "ironport-exporter", "static_configs": [{"targets": [exporter.address]}]},
    ]
    times = {"scrape_interval": f"{INTERVAL}s", "scrape_timeout": "10s"}
    return {"global": times, "scrape_configs": jobs}


def reload(exporter: Exporter, content: dict[str, Any], number: int) -> None:
    """Change the configuration of every appliance, and have it loaded."""
    changed = {**content, "defaults": {**content["defaults"], "connection_limit": 300 + number}}
    exporter.file.write_text(yaml.safe_dump(changed))
    with urlopen(Request(f"{exporter.url}/-/reload", method="POST"), timeout=60):
        pass


async def watch(exporter: Exporter, content: dict[str, Any], minutes: float) -> list[Size]:
    """Reload once a minute; return the sizes, every 5 s."""
    sizes: list[Size] = []
    begun = time.monotonic()
    for number in range(1, int(minutes * 12) + 1):
        await asyncio.sleep(max(0.0, begun + 5 * number - time.monotonic()))
        sizes.append(await asyncio.to_thread(size, exporter.url))
        reloads, rest = divmod(number, 12)
        if not rest:
            await asyncio.to_thread(reload, exporter, content, reloads)
            now = sizes[-1]
            print(f"{reloads:3} min  {now.memory:5.0f} MB  {now.descriptors:4.0f} descriptors  {now.tasks:4.0f} tasks")
    return sizes


def growth(sizes: Sequence[Size]) -> dict[str, float]:
    """Return the last third of the run as a multiple of the second third."""
    third = len(sizes) // 3
    return {
        name: statistics.median(getattr(each, name) for each in sizes[2 * third :])
        / statistics.median(getattr(each, name) for each in sizes[third : 2 * third])
        for name in GROWTH
    }


def value(prometheus: Prometheus, query: str) -> float:
    """Return the value of a query; 0 if it finds nothing."""
    return sum(found for _, found in prometheus.query(query))


@dataclass(frozen=True, slots=True)
class Check:
    """Something that must hold."""

    what: str
    found: float
    least: float
    most: float

    @property
    def holds(self) -> bool:
        return self.least <= self.found <= self.most

    def __str__(self) -> str:
        wanted = f"{self.least:g}" if self.least == self.most else f"{self.least:g} to {self.most:g}"
        return f"{'ok ' if self.holds else 'BAD'} {self.what}: {self.found:g} ({wanted})"


def size_checks(sizes: Sequence[Size]) -> Iterator[Check]:
    for name, times in growth(sizes).items():
        yield Check(f"{name}, last third to second third", times, 0, GROWTH[name])


def log_checks(log: str, minutes: float) -> Iterator[Check]:
    yield Check("errors in the log", len(re.findall(r"level=(?:error|critical)|Traceback", log)), 0, 0)
    yield Check("reloads in the log", log.count("configuration reloaded"), int(minutes), int(minutes))


def scrape_checks(prometheus: Prometheus, minutes: float, end: float) -> Iterator[Check]:
    """Yield what must hold of the scrapes until `end`, in Unix time."""
    window = f"[{round(minutes * 60 + 600)}s]"
    up, before = f'up{{job="ironport"}}{window}', f'up{{job="ironport"}}{window} @ {end - ENDING}'
    complete = f'ironport_source_complete{{instance=~"mx.*"}}{window}'
    scrapes, answered = (value(prometheus, f"sum({function}_over_time({before}))") for function in ("count", "sum"))
    fewest, most = (value(prometheus, f"{function}(count_over_time({before}))") for function in ("min", "max"))
    share = value(prometheus, f"avg(avg_over_time({complete}))")
    all_answered = value(prometheus, f"sum(sum_over_time({up}))")
    yield Check("answered scrapes", answered, scrapes, scrapes)
    yield Check("fewest scrapes of a target", fewest, most - 1, most)
    yield Check("most scrapes of a target", most, minutes * 60 / INTERVAL - 3, minutes * 60 / INTERVAL + 1)
    probes = value(prometheus, "sum(ironport_exporter_probes_total)")
    yield Check("probes of the exporter", probes, all_answered, all_answered)
    yield Check("complete, share of the polls of healthy appliances", share, LEAST_COMPLETE, 1)


def packet_checks(prometheus: Prometheus, lost: int) -> Iterator[Check]:
    query, *_ = code_blocks(ROOT / "docs" / "accounting.md", "promql")
    yield Check("packets lost, as docs/accounting.md finds them", value(prometheus, query), 0.99 * lost, 1.01 * lost)


async def run(folder: Path, minutes: float, parts: AsyncExitStack) -> list[Check]:
    agent = await asyncio.to_thread(Snmpd, folder)
    parts.push_async_callback(asyncio.to_thread, agent.stop)
    healthy, *hostile = [await parts.enter_async_context(FaultyAppliance(agent)) for _ in range(1 + len(HOSTILE))]
    content = fleet(healthy, hostile)
    exporter = await asyncio.to_thread(Exporter, folder, content)
    parts.push_async_callback(asyncio.to_thread, exporter.stop)
    prometheus = await asyncio.to_thread(Prometheus, folder, scrape_config(exporter))
    parts.push_async_callback(asyncio.to_thread, prometheus.stop)
    rows = {fault.name: fault for faults in FAULTS.values() for fault in faults}
    for name, appliance in zip(HOSTILE, hostile, strict=True):
        await parts.enter_async_context(rows[name].cause(appliance))
    healthy.relay.policy = lossy(requests=LOSS, answers=LOSS)
    sizes = await watch(exporter, content, minutes)
    end = time.time()
    await asyncio.to_thread(prometheus.reload, without_scrapes(scrape_config(exporter)))
    await asyncio.sleep(2 * INTERVAL)
    lost = healthy.relay.seen.total() - healthy.relay.sent.total()
    scraped = await asyncio.to_thread(lambda: list(scrape_checks(prometheus, minutes, end)))
    packets = await asyncio.to_thread(lambda: list(packet_checks(prometheus, lost)))
    return [*size_checks(sizes), *log_checks(exporter.process.output, minutes), *scraped, *packets]


def without_scrapes(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration with the exporter's own metrics alone, so that every probe comes to its end."""
    return {**config, "scrape_configs": config["scrape_configs"][1:]}


async def soak(minutes: float) -> list[Check]:
    parts = AsyncExitStack()
    with tempfile.TemporaryDirectory() as folder:
        try:
            return await run(Path(folder), minutes, parts)
        finally:
            with redirect_stdout(io.StringIO()):  # the logs of all programs
                await parts.aclose()


def main() -> None:
    """Print the size of the exporter each minute, and then every check."""
    found = asyncio.run(soak(float(sys.argv[1]) if len(sys.argv) > 1 else 10))
    print(*found, sep="\n")
    sys.exit(not all(check.holds for check in found))


if __name__ == "__main__":
    main()
