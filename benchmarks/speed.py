"""What a probe costs: this exporter beside Prometheus' SNMP exporter, over the same agent and in one run.

    python benchmarks/speed.py [--json FILE]
    python benchmarks/speed.py --targets 1,50,500 [--probes N] [--round-trip MS] [--loss PERCENT] [--json FILE]
    python benchmarks/speed.py --profile NAME [--probes N]

Without options, it measures everything that has a goal, and prints each figure beside its goal. This takes about six
minutes.

With `--targets`, it prints only the table of all exporters with so many appliances.

For SNMP v2c, a responder answers with prepared octets, in which only the request id is new. Its answers come from
net-snmp's snmpd, which answers SNMPv3 itself. Pages come from an HTTPS server. Each of them has its own process. All
exporters are asked in turns over connections that stay open, as Prometheus asks: with gzip. Nothing is reused: each
probe polls. The other exporter reads the tables in two ways, by walking each or the whole tree of the appliance. It is
Debian's release and, if Go is on the machine or has built it before, the newest one.

With a round trip or a loss, SNMP packets go through a relay that delays answers and loses requests, and pages are
delayed. A probe may take 8 s.

Per exporter the table has
- the CPU time of its process for one probe, as the kernel counts it,
- the ratio to the cheaper way of the other exporter with the same version of SNMP and as many targets,
- the time in which half and 99 % of the probes were answered, and resident memory.

For the goals of a fleet, this exporter alone is asked for 500 appliances, SNMPv3 and page, as Prometheus asks: each
once in 15 s, with the usual min_interval. How long the event loop is held shows in the time that /-/healthy takes
meanwhile, which another process measures. Then come 20,000 probes as fast as they are answered.

With `--profile` it prints the modules and functions of this exporter that take its time, as cProfile sees them.

The ratios hold for any machine that does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import pstats
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, redirect_stdout
from dataclasses import asdict, dataclass, field, replace
from http.client import HTTPConnection
from io import StringIO
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Literal

import aiohttp
import trustme

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from exporter.sources.snmp import ber  # noqa: E402 - the path comes first
from support.exporter import Exporter  # noqa: E402
from support.mail_agent import Values, mail_values  # noqa: E402
from support.prometheus import SnmpExporter  # noqa: E402
from support.relay import Datagram, UdpRelay, delayed, lossy  # noqa: E402
from support.snmpd import AUTH_PASSPHRASE, COMMUNITY, PRIV_PASSPHRASE, V3GET, Snmpd  # noqa: E402
from support.status_page import render_status, status_items  # noqa: E402
from support.status_server import PASSWORD, USERNAME, Page, StatusServer  # noqa: E402

ROUNDS: Final = 5
"""Each exporter is asked for a fifth of its probes, then the next one."""

DEARER: Final = 3
"""The first probes of an appliance, from which the exporter learns how to ask and what comes. They are not measured."""

NEWEST: Final = "0.30.1"
"""Of the other exporter: what snmp_exporter/go.mod has."""

DEADLINE: Final = "8"
"""Seconds that a probe may take."""

FLEET: Final = 500
INTERVAL: Final = 15.0
"""Seconds in which each appliance of the fleet is asked once."""

MANY_PROBES: Final = 20_000
"""After so many probes of the fleet, memory must be as before."""

AT_A_TIME: Final = 10
"""Probes side by side, if there are so many targets."""

ROWS: Final[dict[str, tuple[int, dict[str, int | str]]]] = {
    "powerSupply": (2, {"Index": 1, "Status": 2, "Redundancy": 1, "Name": "PS"}),
    "": (6, {"degreesCelsius": 40, "temperatureName": "Sensor"}),
    "fan": (8, {"RPMs": 5400, "Name": "FAN"}),
    "key": (
        12,
        {"ExpirationIndex": 1, "Description": "Feature", "IsPerpetual": 2, "SecondsUntilExpire": 28_512_000},
    ),
    "update": (8, {"Index": 1, "ServiceName": "Service", "s": 12_345, "Failures": 6}),
    "raid": (8, {"Index": 1, "Status": 1, "ID": "RAID 1, DISK", "LastError": "No Errors"}),
}
"""The rows of each table of a large appliance, and a value for each column: 165 objects in all."""

LAST_ROWS: Final = ("RAID 1, DISK 8", "FAN 8", "Service 8")
"""What an answer has that brings everything."""

V2C: Final = {"version": "2c", "community": COMMUNITY}
V3: Final = {
    "version": 3,
    "username": V3GET.name,
    "auth": {"protocol": V3GET.auth, "passphrase": AUTH_PASSPHRASE},
    "priv": {"protocol": V3GET.priv, "passphrase": PRIV_PASSPHRASE},
}
XML: Final = {"username": USERNAME, "password": PASSWORD}


@dataclass(slots=True)
class Contestant:
    """An exporter that is measured."""

    name: str
    group: str
    """Ratios are to the cheapest reference of the group."""
    url: str
    pid: int
    queries: Sequence[dict[str, str]]
    """One for each target."""
    is_reference: bool = False
    cpu: list[float] = field(default_factory=list)
    """For a probe of each round, in milliseconds."""
    times: list[float] = field(default_factory=list)
    """For each probe, in milliseconds."""
    failed: int = 0
    """Probes that brought not everything."""


@dataclass(frozen=True, slots=True)
class Network:
    """The way to the appliances."""

    round_trip: float = 0.0
    """In seconds."""
    loss: float = 0.0
    """The share of requests that are lost."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A row of the table; times in milliseconds, memory in MB, and the share of probes that brought everything."""

    targets: int
    exporter: str
    group: str
    """Ratios are to the cheapest reference of the group."""
    is_reference: bool
    cpu: float
    ratio: float
    p50: float
    p99: float
    memory: float
    complete: float


@dataclass(frozen=True, slots=True)
class Goal:
    """What was measured, and how much it may be."""

    what: str
    measured: float
    limit: float

    def __str__(self) -> str:
        result = "reached" if self.measured <= self.limit else "not reached"
        return f"{self.what:72} {self.measured:8.2f} {self.limit:8.2f}   {result}"


def large_appliance() -> Values:
    """Return the values of an appliance with as many rows as a large one has."""
    return mail_values(
        {
            (prefix + column, row): f"{content} {row}" if isinstance(content, str) else content
            for prefix, (count, columns) in ROWS.items()
            for row in range(1, count + 1)
            for column, content in columns.items()
        }
    )


def respond(snmpd_port: int, pipe: Connection) -> None:
    """Answer SNMP v2c on a free port, which is sent through the pipe, as snmpd has answered the same request before."""
    server, agent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    server.bind(("127.0.0.1", 0))
    agent.connect(("127.0.0.1", snmpd_port))
    pipe.send(server.getsockname()[1])
    known: dict[tuple[int, bytes], bytes] = {}
    while True:
        datagram, client = server.recvfrom(2048)
        head, tag, request_id, rest = taken_apart(datagram)
        if (tag, rest) not in known:
            agent.send(datagram)
            known[tag, rest] = taken_apart(agent.recv(65507))[3]
        response = ber.encode(0xA0 | ber.RESPONSE, request_id, known[tag, rest])
        server.sendto(ber.encode(ber.SEQUENCE, head, response), client)


def taken_apart(datagram: bytes) -> tuple[bytes, int, bytes, bytes]:
    """Return version and community, the tag of the PDU, the request id, and what is behind it."""
    message = ber.message_fields(datagram)
    start = message.at
    message.integer()
    message.octet_string()
    tag = datagram[message.at]
    head, pdu = datagram[start : message.at], message.enter(tag)
    start = pdu.at
    pdu.integer()
    return head, tag, datagram[start : pdu.at], pdu.rest()


def serve_page(delay: float, pipe: Connection) -> None:
    """Serve a status page by HTTPS after a delay in seconds, and send its port through the pipe."""

    async def serve() -> None:
        pages = {"/xml/status": Page(render_status(status_items()), delay=delay)}
        async with StatusServer(trustme.CA(), pages) as server:
            pipe.send(server.port)
            await asyncio.Event().wait()

    asyncio.run(serve())


def relay(port: int, network: Network, pipe: Connection) -> None:
    """Relay UDP to a port as a network does, and send the relay's own port through the pipe."""
    lose, delay = lossy(requests=network.loss), delayed("client", network.round_trip)

    def policy(datagram: Datagram) -> list[Datagram]:
        return [late for kept in lose(datagram) for late in delay(kept)]

    async def serve() -> None:
        async with UdpRelay(("127.0.0.1", port), policy) as running:
            pipe.send(running.port)
            await asyncio.Event().wait()

    asyncio.run(serve())


def started(stack: ExitStack, serve: Callable[..., None], *arguments: object) -> int:
    """Start a process that serves until the stack is closed, and return its port."""
    pipe, other = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(*arguments, other), daemon=True)
    process.start()
    stack.callback(process.terminate)
    return int(pipe.recv())


def fleet(targets: int, port: int, snmp: dict[str, Any], page: int | None = None) -> dict[str, Any]:
    """Return the configuration of so many appliances, all at one address."""
    xml = {"xml": {"port": page, "tls": {"verify": False}}} if page else {}
    return {
        "auths": {"ops": {"snmp": snmp, **({"xml": XML} if page else {})}},
        "defaults": {
            "auth": "ops",
            "snmp": {"port": port},
            "min_interval": {"snmp": 0, "xml": 0},
            **xml,
        },
        "appliances": [{"name": f"mx{number}", "address": "127.0.0.1"} for number in range(targets)],
    }


class Field:
    """The agents and the page, and exporters that read them; all end with the stack."""

    def __init__(self, stack: ExitStack, network: Network = Network()) -> None:
        self._stack = stack
        snmpd = Snmpd(self.folder("snmpd"), large_appliance())
        stack.callback(snmpd.stop)
        self._v3 = snmpd.port
        self._v2c = started(stack, respond, snmpd.port)
        self._page = started(stack, serve_page, network.round_trip)
        if network != Network():
            self._v3, self._v2c = (started(stack, relay, port, network) for port in (self._v3, self._v2c))
        self.configurations: dict[str, Callable[[int], dict[str, Any]]] = {
            "v2c": lambda targets: fleet(targets, self._v2c, V2C),
            "v2c and page": lambda targets: fleet(targets, self._v2c, V2C, self._page),
            "v3": lambda targets: fleet(targets, self._v3, V3),
            "v3 and page": lambda targets: fleet(targets, self._v3, V3, self._page),
        }

    def folder(self, name: str) -> Path:
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix=name)))

    def contestants(self, targets: int, names: Sequence[str] = ()) -> Iterator[Contestant]:
        """Start the exporters; given names of configurations, only these, and Debian's release of the other one."""
        newest = None if names else newest_snmp_exporter()
        names = names or list(self.configurations)
        for version, user, port in (("v2c", None, self._v2c), ("v3", V3GET, self._v3)):
            if version not in " ".join(names).split():
                continue
            for release, program in (("", None), *([(f" {NEWEST}", newest)] if newest else [])):
                other = SnmpExporter(self.folder("other"), user, program)
                self._stack.callback(other.stop)
                for module, way in (("ironport", "tables"), ("ironport_tree", "tree")):
                    query = {"target": f"127.0.0.1:{port}", "module": module, "auth": "ops"}
                    name = f"snmp_exporter{release}, {version}, {way}"
                    yield Contestant(name, version, f"{other.url}/snmp", other.pid, [query] * targets, not release)
        for name in names:
            ours = Exporter(self.folder("ours"), self.configurations[name](targets))
            self._stack.callback(ours.stop)
            queries = [{"target": f"mx{number}"} for number in range(targets)]
            yield Contestant(f"this one, {name}", name.split()[0], f"{ours.url}/probe", ours.process.pid, queries)


async def ask(client: aiohttp.ClientSession, contestant: Contestant, probes: int, at_a_time: int = AT_A_TIME) -> None:
    """Probe so many times, the targets in turn, and note the times."""
    queries = iter([contestant.queries[number % len(contestant.queries)] for number in range(probes)])

    async def worker() -> None:
        for query in queries:
            begun = time.perf_counter()
            async with client.get(contestant.url, params=query) as answer:
                text = await answer.text()
            contestant.failed += not (answer.ok and all(row in text for row in LAST_ROWS))
            contestant.times.append((time.perf_counter() - begun) * 1000)

    await asyncio.gather(*(worker() for _ in range(min(AT_A_TIME, len(contestant.queries)))))


async def compare(contestants: Sequence[Contestant], probes: int) -> None:
    """Ask the exporters in turns."""
    headers = {"Accept-Encoding": "gzip", "X-Prometheus-Scrape-Timeout-Seconds": DEADLINE}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as client:
        for each in contestants:
            await ask(client, each, max(20, DEARER * len(each.queries)))
            each.times.clear()
            each.failed = 0
        for _ in range(ROUNDS):
            for each in contestants:
                before = cpu_seconds(each.pid)
                await ask(client, each, probes // ROUNDS)
                each.cpu.append((cpu_seconds(each.pid) - before) * 1000 / (probes // ROUNDS))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of all threads of a process, from the kernel's clock of that process."""
    return time.clock_gettime(~pid << 3 | 2)


def memory(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def figures(contestants: Sequence[Contestant]) -> Iterator[Figures]:
    for each in contestants:
        cost, kind = statistics.median(each.cpu), (each.group, len(each.queries))
        same = [other for other in contestants if (other.group, len(other.queries)) == kind]
        reference = min(statistics.median(other.cpu) for other in same if other.is_reference)
        times = sorted(each.times)
        late = times[min(len(times) - 1, int(0.99 * len(times)))]
        yield Figures(
            targets=len(each.queries),
            exporter=each.name,
            group=each.group,
            is_reference=each.is_reference,
            cpu=cost,
            ratio=cost / reference,
            p50=statistics.median(times),
            p99=late,
            memory=memory(each.pid),
            complete=1 - each.failed / len(times),
        )


def measure(probes: int, network: Network, names: Sequence[str] = (), targets: Sequence[int] = (1,)) -> list[Figures]:
    """Return the figures of all exporters with each number of targets, or of those with some configurations."""
    with redirect_stdout(StringIO()), ExitStack() as stack:  # their logs
        field = Field(stack, network)
        contestants = [each for number in targets for each in field.contestants(number, names)]
        asyncio.run(compare(contestants, max(probes, max(targets) * ROUNDS)))
        return list(figures(contestants))


def start() -> tuple[float, float]:
    """Return seconds from the start to the first answer, and the memory in MB before it."""
    with redirect_stdout(StringIO()), ExitStack() as stack:
        field = Field(stack)
        configuration = field.configurations["v2c"](1)
        begun = time.perf_counter()
        ours = Exporter(field.folder("ours"), configuration)
        stack.callback(ours.stop)
        idle = memory(ours.process.pid)
        contestant = Contestant("", "", f"{ours.url}/probe", ours.process.pid, [{"target": "mx0"}])
        asyncio.run(_first(contestant))
        return time.perf_counter() - begun, idle


async def _first(contestant: Contestant) -> None:
    async with aiohttp.ClientSession() as client:
        await ask(client, contestant, 1)


def newest_snmp_exporter() -> Path | None:
    """Return the newest release of the other exporter, which is built once; None without Go."""
    cache = os.environ.get("IRONPORT_EXPORTER_TEST_CACHE") or Path.home() / ".cache" / "ironport-exporter-tests"
    program = Path(cache) / f"snmp_exporter-{NEWEST}"
    if not program.exists() and shutil.which("go"):
        folder = ROOT / "benchmarks" / "snmp_exporter"
        subprocess.run(["go", "build", "-C", folder, "-o", program, "github.com/prometheus/snmp_exporter"], check=True)
    return program if program.exists() else None


async def ask_evenly(client: aiohttp.ClientSession, contestant: Contestant, probes: int) -> None:
    """Probe as Prometheus does: each target once in an interval, evenly spread."""
    begun, running = time.perf_counter(), set[asyncio.Task[None]]()
    for number in range(probes):
        await asyncio.sleep(begun + number * INTERVAL / len(contestant.queries) - time.perf_counter())
        one = replace(contestant, queries=[contestant.queries[number % len(contestant.queries)]])
        running.add(asyncio.create_task(ask(client, one, 1)))
        running = {task for task in running if not task.done()}
    await asyncio.gather(*running)


def watch(address: str, pipe: Connection) -> None:
    """Ask for /-/healthy 20 times a second until something comes by the pipe; send the times in milliseconds back."""
    connection, times = HTTPConnection(address), []
    while not pipe.poll(0.05):
        begun = time.perf_counter()
        connection.request("GET", "/-/healthy")
        connection.getresponse().read()
        times.append((time.perf_counter() - begun) * 1000)
    pipe.send(sorted(times))


async def fleet_goals(ours: Exporter) -> list[Goal]:
    """Return what a fleet costs that is asked as Prometheus asks."""
    queries = [{"target": f"mx{number}"} for number in range(FLEET)]
    contestant = Contestant("", "", f"{ours.url}/probe", ours.process.pid, queries)
    headers = {"Accept-Encoding": "gzip"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as client:
        await ask_evenly(client, contestant, FLEET)
        pipe, other = multiprocessing.Pipe()
        watcher = multiprocessing.get_context("spawn").Process(target=watch, args=(ours.address, other))
        watcher.start()
        before, begun = cpu_seconds(contestant.pid), time.perf_counter()
        await ask_evenly(client, contestant, 4 * FLEET)
        share = (cpu_seconds(contestant.pid) - before) / (time.perf_counter() - begun)
        pipe.send("stop")
        times: list[float] = await asyncio.to_thread(pipe.recv)
        watcher.join()
        asked = memory(contestant.pid)
        await ask(client, contestant, MANY_PROBES)
    fleet_of = f"{FLEET} appliances, v3 and page"
    return [
        Goal(f"{fleet_of}: share of a core", share, 0.2),
        Goal(f"{fleet_of}: 99 % of answers of /-/healthy, ms", times[int(0.99 * len(times))], 10),
        Goal(f"{fleet_of}: memory, MB", asked, 100),
        Goal(f"{fleet_of}: memory after {MANY_PROBES:,} probes more, MB", memory(contestant.pid), 100),
    ]


def measure_fleet() -> list[Goal]:
    with redirect_stdout(StringIO()), ExitStack() as stack:
        field = Field(stack)
        configuration = field.configurations["v3 and page"](FLEET)
        del configuration["defaults"]["min_interval"]
        ours = Exporter(field.folder("ours"), configuration)
        stack.callback(ours.stop)
        return asyncio.run(fleet_goals(ours))


def goals(rows: list[Figures]) -> Iterator[Goal]:
    """Yield each goal when it is measured, and add the figures behind them to `rows`."""
    first_answer, idle = start()
    yield Goal("first answer after the start, s", first_answer, 1)
    yield Goal("idle memory, v2c, MB", idle, 45)
    rows += (one := measure(1000, Network()))
    for name, limit in (("v2c", 1.0), ("v3", 1.1), ("v2c and page", 1.6), ("v3 and page", 1.6)):
        yield Goal(f"CPU per probe, {name}: to snmp_exporter", row_of(one, name).ratio, limit)
    yield Goal("p50 at loopback, v2c: to snmp_exporter", row_of(one, "v2c").p50 / least(one, "p50"), 1.5)
    rows += (slow := measure(60, Network(0.02), ["v2c"]))
    yield Goal("p50 at 20 ms round trip, v2c: to snmp_exporter", row_of(slow, "v2c").p50 / least(slow, "p50"), 0.5)
    rows += (lossy := measure(200, Network(0.02, 0.05), ["v2c"], [10]))
    yield Goal("p99 at 5 % loss, v2c: to snmp_exporter", row_of(lossy, "v2c", 10).p99 / least(lossy, "p99"), 0.1)
    names = ["v2c", "v2c and page"]
    rows += (many := measure(2500, Network(), names, [50, FLEET]))
    for name in names:
        ratio = row_of(many, name, FLEET).cpu / row_of(many, name, 50).cpu
        yield Goal(f"CPU per probe, {name}: {FLEET} to 50", ratio, 1.1)
    yield from measure_fleet()


def row_of(rows: Sequence[Figures], name: str, targets: int = 1) -> Figures:
    return next(row for row in rows if (row.exporter, row.targets) == (f"this one, {name}", targets))


def least(rows: Sequence[Figures], figure: Literal["p50", "p99"]) -> float:
    """Return the figure of the faster way of Debian's release of the other exporter, with v2c."""
    return min(getattr(row, figure) for row in rows if row.is_reference and row.group == "v2c")


def machine() -> str:
    """Return what the figures depend on."""
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    other = shutil.which("prometheus-snmp-exporter") or ""
    version = subprocess.run([other, "--version"], capture_output=True, text=True, check=False)
    words = (version.stdout + version.stderr).split()
    return f"{model.partition(': ')[2]}, Python {platform.python_version()}, snmp_exporter {words[2]}"


def profile(name: str, probes: int) -> None:
    """Print where one configuration's time goes, by module and by function."""
    with ExitStack() as stack:
        with redirect_stdout(StringIO()):
            found = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "profile"
            field = Field(stack)
            python = (sys.executable, "-m", "cProfile", "-o", str(found))
            ours = Exporter(field.folder("ours"), field.configurations[name](1), python=python)
            contestant = Contestant("", "", f"{ours.url}/probe", ours.process.pid, [{"target": "mx0"}])
            asyncio.run(compare([contestant], probes))
            ours.stop()
        stats = pstats.Stats(str(found))
        print_modules(stats, probes)
        stats.sort_stats("tottime").print_stats(40)


def print_modules(stats: pstats.Stats, probes: int) -> None:
    own: defaultdict[str, float] = defaultdict(float)
    for (file, _, _), (_, _, seconds, _, _) in stats.stats.items():  # type: ignore[attr-defined]  # typeshed leaves it out
        own[module(file)] += seconds
    print(f"{'module':40} {'ms per probe, under cProfile':>30}")
    for name, seconds in sorted(own.items(), key=lambda each: -each[1])[:25]:
        print(f"{name:40} {seconds * 1000 / probes:30.3f}")


def module(file: str) -> str:
    """Return the module of ours, or the package of others, to which a file belongs."""
    if file == "~":
        return "built-in functions, system calls"
    if str(ROOT / "exporter") in file:
        return str(Path(file).relative_to(ROOT))
    return file.partition("site-packages/")[2].partition("/")[0] or file.rpartition("python3")[2]


def print_table(rows: Sequence[Figures]) -> None:
    titles = "".join(f"{title:>9}" for title in ("p50, ms", "p99, ms", "MB", "complete"))
    print(f"{'targets':7} {'exporter':32} {'CPU, ms':>8} {'ratio':>6}{titles}")
    for row in rows:
        print(
            f"{row.targets:7} {row.exporter:32} {row.cpu:8.2f} {row.ratio:6.2f} {row.p50:8.1f} {row.p99:8.1f}"
            f" {row.memory:8.0f} {row.complete:9.1%}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--targets", help="print only the table of all exporters with so many appliances, as 1,50,500")
    parser.add_argument("--probes", type=int, default=1000, help="probes of each exporter")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("--round-trip", type=float, default=0, help="milliseconds to the appliances and back")
    parser.add_argument("--loss", type=float, default=0, help="percentage of SNMP requests that are lost")
    parser.add_argument("--profile", choices=("v2c", "v2c and page", "v3"), help="profile this configuration instead")
    wanted = parser.parse_args()
    if wanted.profile:
        profile(wanted.profile, wanted.probes)
        return
    rows: list[Figures] = []
    measured: list[Goal] = []
    print(machine())
    if wanted.targets:
        network = Network(wanted.round_trip / 1000, wanted.loss / 100)
        rows += measure(wanted.probes, network, targets=[*map(int, wanted.targets.split(","))])
    else:
        print(f"{'':72} {'measured':>8} {'at most':>8}")
        for goal in goals(rows):
            print(goal, flush=True)
            measured.append(goal)
    print_table(rows)
    if wanted.json:
        document = {"machine": machine(), "goals": [*map(asdict, measured)], "probes": [*map(asdict, rows)]}
        wanted.json.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
