"""The faults of the exporter's machine, of its operator and of its clients: how each is played, and how it ends."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock

import aiohttp
import pytest
import yaml

from exporter import config
from exporter.errors import ExporterError
from exporter.fleet import Fleet
from exporter.probe import TIMEOUT_HEADER, Prober
from exporter.prometheus.client import Prometheus
from exporter.prometheus.http_config import HttpClientConfig
from exporter.telemetry import Telemetry
from exporter.web.connections import UNREAD
from faults.answers import endless
from faults.appliance import HEAD, Answer, FaultyAppliance, answer_well
from faults.play import Scraped
from support.api_server import ApiServer, answering
from support.exporter import Exporter
from support.prometheus import parsed
from support.status_server import PASSWORD

COPIES: Final = 10
"""How often the fleet has the appliance: as mx1, mx2 and so on."""

HUNG: Final = endless(HEAD + b"Content-Length: 9\r\n\r\n", b"", 60)

CANARY: Final = "s3cr3t canary"
HOSTILE_CONFIGURATIONS: Final = (
    "auths: {lab: {snmp: {version: 3, username: u, auth: {null: SHA}}}}\nappliances: []",
    'auths: {"\\ud800": {}}\nappliances: []',
    "[" * 2_000,
    f"auths: {{lab: {{snmp: {{version: 2c, community: {{{CANARY}: x}}}}}}}}\nappliances: []",
)

REQUEST: Final = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
SLOW_CLIENTS: Final = {
    "send nothing": b"",
    "send half a header": REQUEST[:-2],
    "send half a header after a request": REQUEST + REQUEST[:-2],
    "read no answer": REQUEST * 5,
}


@dataclass(frozen=True, slots=True)
class Scene:
    """An appliance, the configuration `file` that has it as mx1, mx2 and so on, and an exporter that runs with it."""

    file: Path
    appliance: FaultyAppliance
    running: tuple[Exporter, aiohttp.ClientSession] | None
    """The exporter and a client of it; None if the fault needs none."""

    @property
    def exporter(self) -> Exporter:
        assert self.running
        return self.running[0]

    @property
    def client(self) -> aiohttp.ClientSession:
        assert self.running
        return self.running[1]

    @property
    def folder(self) -> Path:
        return self.file.parent

    @property
    def password(self) -> Path:
        """The file with the password of the status page."""
        return self.folder / "password"

    @property
    def pid(self) -> int:
        return self.exporter.process.pid

    async def scrape(self, target: str = "mx1", scrape_timeout: float = 3.5) -> Scraped:
        headers = {TIMEOUT_HEADER: str(scrape_timeout)}
        async with self.client.get("/probe", params={"target": target}, headers=headers) as answer:
            assert answer.status == 200
            return Scraped(parsed(await answer.text()))

    async def reload(self, **headers: str) -> tuple[int, str]:
        async with self.client.post("/-/reload", headers=headers) as answer:
            return answer.status, await answer.text()


@dataclass(frozen=True, slots=True)
class MachineFault:
    """A row: what goes wrong, and how it ends."""

    name: str
    ends: str
    play: Callable[[Scene], Awaitable[None]]
    """Causes the fault, checks what `ends` says, and ends the fault."""
    here: bool = False
    """Whether it is played in this process, without a running exporter."""


async def descriptors_run_out(scene: Scene) -> None:
    assert (await scene.scrape()).complete
    limits = resource.prlimit(scene.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(scene.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    await scene.appliance.web.disconnect()
    _, client = await asyncio.open_connection(*scene.exporter.address.split(":"))  # it has to wait
    scraped = await scene.scrape()
    assert [scraped.ended(source) for source in ("snmp", "xml")] == 2 * ["down: resources"]
    resource.prlimit(scene.pid, resource.RLIMIT_NOFILE, limits)
    assert (await scene.scrape()).complete
    assert scene.exporter.process.output.count("out of system resource") == 1
    client.close()


async def nothing_can_be_written(scene: Scene) -> None:
    resource.prlimit(scene.pid, resource.RLIMIT_FSIZE, (0, 0))
    await scene.appliance.web.stop()
    assert (await scene.scrape()).ended("xml") == "down: refused"
    await scene.appliance.start_web()
    assert (await scene.scrape()).complete
    assert (await scene.reload())[0] == 200


async def nothing_is_written(scene: Scene) -> None:
    assert (await scene.scrape()).complete
    written = [path for path in map(Path.readlink, Path(f"/proc/{scene.pid}/fd").iterdir()) if path.is_file()]
    assert [path.name for path in written] == ["exporter.log"] * len(written)
    assert {path.name for path in scene.folder.iterdir()} == {"exporter.log", "fleet.yml", "password"}


async def clock_steps(scene: Scene) -> None:
    """Step the clock by a day while a probe runs: in this process, because the machine has one clock."""
    fleet = Fleet(config.load(scene.file), Telemetry())
    prober = fleet.probers["mx1"]
    assert (await prober.probe(3.0)).complete
    now = time.time
    for step in (86_400, -86_400):
        with mock.patch("time.time", lambda step=step: now() + step):
            result = await prober.probe(3.0)
        assert result.complete
        assert 0 < result.duration < 3
    await fleet.close()


async def reload_under_load(scene: Scene) -> None:
    scrapes = [
        asyncio.create_task(scene.scrape(f"mx{number}", 8.5)) for number in range(1, COPIES + 1) for _ in range(3)
    ]
    reloads = await asyncio.gather(*(scene.reload() for _ in range(5)))
    assert [status for status, _ in reloads] == [200] * 5
    assert all(scraped.complete for scraped in await asyncio.gather(*scrapes))


async def fleet_is_large(scene: Scene) -> None:
    """Add 5,000 appliances and change all others, and scrape while the configuration is loaded and shown."""
    content = yaml.safe_load(scene.file.read_text())
    content["defaults"]["connection_limit"] = 300
    content["appliances"] += [{"name": f"listed{number}", "address": "127.0.0.1"} for number in range(5_000)]
    scene.file.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper))
    work = asyncio.create_task(reloaded_and_shown(scene))
    scraped = 0
    while not work.done():
        assert (await scene.scrape(f"mx{scraped % COPIES + 1}")).complete
        scraped += 1
    assert await work == (200, 200)
    assert scraped > 1


async def reloaded_and_shown(scene: Scene) -> tuple[int, int]:
    """Return the status of a reload, and then that of /config."""
    status, _ = await scene.reload()
    async with scene.client.get("/config") as answer:
        assert "listed4999" in await answer.text()
        return status, answer.status


async def password_rotates(scene: Scene) -> None:
    scene.appliance.password = "n3w p4ssw0rd"
    assert (await scene.scrape()).ended("xml") == "down: auth"
    scene.password.write_text(scene.appliance.password)
    assert (await scene.reload())[0] == 200
    assert (await scene.scrape()).complete
    scene.appliance.password = PASSWORD
    scene.password.write_text(PASSWORD)
    await scene.reload()


async def configuration_breaks(scene: Scene) -> None:
    right = scene.file.read_text()
    scene.file.write_text("appliances: {")
    assert (await scene.reload())[0] == 500
    assert (await scene.scrape()).complete
    scene.file.write_text(right)
    assert (await scene.reload())[0] == 200


async def secret_is_no_small_file(scene: Scene) -> None:
    for make in (os.mkfifo, to_zero, make_huge):
        scene.password.unlink()
        make(scene.password)
        answer, text = await scene.reload()
        assert (answer, "password_file names a file that cannot be read" in text) == (500, True)
        assert (await scene.scrape()).complete
    scene.password.unlink()
    scene.password.write_text(PASSWORD)
    assert (await scene.reload())[0] == 200


def to_zero(path: Path) -> None:
    """Make a link to a device that never ends."""
    path.symlink_to("/dev/zero")


def make_huge(path: Path) -> None:
    """Make a file that is larger than a secret may be, and takes no room on the disk."""
    path.touch()
    os.truncate(path, 10**9)


async def configuration_is_hostile(scene: Scene) -> None:
    right = scene.file.read_text()
    for broken in HOSTILE_CONFIGURATIONS:
        scene.file.write_text(broken)
        status, text = await scene.reload()
        assert (status, "fleet.yml" in text, CANARY in text) == (500, True, False)
    assert (await scene.scrape()).complete
    assert CANARY not in scene.exporter.process.output
    scene.file.write_text(right)
    assert (await scene.reload())[0] == 200


async def credentials_are_at_risk(scene: Scene) -> None:
    content = yaml.safe_load(scene.file.read_text())
    keys = {name: {"protocol": weak, "passphrase": "long enough"} for name, weak in (("auth", "MD5"), ("priv", "DES"))}
    content["auths"]["weak"] = {"snmp": {"version": 3, "username": "u", **keys}}
    for folder in (scene.folder, *scene.folder.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path(folder.root):
            folder.chmod(folder.stat().st_mode | 0o1)
    scene.password.chmod(0o644)
    scene.file.write_text(yaml.safe_dump(content))
    assert (await scene.reload())[0] == 200
    for risk in ("is http,", "is MD5,", "is DES,", "names a file that everyone on this machine can read"):
        assert risk in scene.exporter.process.output
    assert (await scene.scrape()).complete


async def scrapes_have_no_time(scene: Scene) -> None:
    asked = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await HUNG(reader, writer)

    scene.appliance.answer = count
    began = time.monotonic()
    for _ in range(20):
        assert (await scene.scrape(scrape_timeout=0.52)).ended("xml") == "down: timeout"
    assert 1 <= asked <= 1 + time.monotonic() - began
    scene.appliance.answer = answer_well
    assert (await scene.scrape()).complete


async def request_is_huge(scene: Scene) -> None:
    for path, header in (("/metrics", "a" * 1_000_000), (f"/probe?target={'a' * 100_000}", "")):
        assert await status_of(scene.client, path, header) in (400, 414, 431, 503)
    assert (await scene.scrape()).complete


async def name_leads_to_the_exporter(scene: Scene) -> None:
    folder = scene.folder / "named"
    folder.mkdir()
    content = yaml.safe_load(scene.file.read_text().replace("password_file: password", f"password: {PASSWORD}"))
    exporter = await asyncio.to_thread(Exporter, folder, content, "--web.external-url=https://exporter.example.edu")
    try:
        async with aiohttp.ClientSession(exporter.url) as client:
            for host, status in (("rebound.example", 403), ("exporter.example.edu", 200)):
                async with client.get("/config", headers={"Host": host}) as answer:
                    assert answer.status == status
    finally:
        await asyncio.to_thread(exporter.stop)


async def nobody_reads(scene: Scene) -> None:
    """Ask for the configuration of 1,000 more appliances again and again, as two hundred clients that read nothing."""
    content = yaml.safe_load(scene.file.read_text())
    content["appliances"] += [{"name": f"listed{number}", "address": "127.0.0.1"} for number in range(1_000)]
    scene.file.write_text(yaml.safe_dump(content))
    assert (await scene.reload())[0] == 200
    async with scene.client.get("/config") as answer:
        size = len(await answer.read())
    host, _, port = scene.exporter.address.rpartition(":")
    before = open_files(scene.pid)
    with ExitStack() as clients:
        for _ in range(200):
            client = clients.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((host, int(port)))
            client.sendall(b"GET /config HTTP/1.1\r\nHost: a\r\n\r\n" * 20)
            assert (await asyncio.to_thread(client.recv, 1)) == b"H"
        assert (await scene.scrape()).complete
        assert open_files(scene.pid) - before <= UNREAD / size + 5  # the last ones may still get their first answers
    assert "clients do not read their answers" in scene.exporter.process.output


def open_files(pid: int) -> int:
    """Return how many files and connections a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


async def hung_connection_is_shared(scene: Scene) -> None:
    """Scrape every 0.3 s, so that there is always a scrape that can join the poll of another one."""
    scene.appliance.answer = HUNG
    scrapes = []
    for _ in range(7):
        scrapes.append(asyncio.create_task(scene.scrape(scrape_timeout=1.5)))
        await asyncio.sleep(0.3)
    assert {scraped.ended("xml") for scraped in await asyncio.gather(*scrapes[:-3])} == {"down: timeout"}
    scene.appliance.answer = answer_well
    assert (await scene.scrape(scrape_timeout=3.5)).complete
    await asyncio.gather(*scrapes[-3:])


async def sigterm_in_mid_scrape(scene: Scene) -> None:
    scene.appliance.answer = HUNG
    scrape = asyncio.create_task(scene.scrape(scrape_timeout=1.7))
    await scene.appliance.asked.wait()
    os.kill(scene.pid, signal.SIGTERM)
    assert (await scrape).ended("xml") == "down: timeout"
    assert await asyncio.to_thread(scene.exporter.process.wait, 10) == 0


async def other_site_reloads(scene: Scene) -> None:
    for header, sender in (("Origin", "https://elsewhere.example"), ("Sec-Fetch-Site", "cross-site")):
        status, text = await scene.reload(**{header: sender})
        assert (status, "another web site" in text) == (403, True)
    assert "configuration reloaded" not in scene.exporter.process.output


async def too_many_probes(scene: Scene) -> None:
    """Fill the connections with probes of appliances that hang and with requests for pages, as one client.

    asyncio accepts many connections before it shows the first one, so there are open files for all of them.
    """
    resource.prlimit(scene.pid, resource.RLIMIT_NOFILE, (300, 300))
    share = 100  # half of the connections, which are two thirds of the open files
    go_on = asyncio.Event()
    scene.appliance.answer = held_until(go_on)
    paths = [f"/probe?target=mx{number % COPIES + 1}" for number in range(21 * COPIES)] + ["/sd"] * 30
    connector = aiohttp.TCPConnector(limit=0, local_addr=("127.0.0.2", 0))
    async with aiohttp.ClientSession(scene.exporter.url, connector=connector) as flood:
        requests = [asyncio.create_task(status_of(flood, path, scrape_timeout=30)) for path in paths]
        ended = asyncio.as_completed(requests)
        answers = Counter([await next(ended) for _ in range(len(paths) - share)])
        assert answers[503] >= len(paths) - share - 30
        assert await status_of(scene.client, "/sd") == 200
        scraped = await scene.scrape()
        assert (scraped.ended("snmp"), scraped.ended("xml")) == ("complete", "down: timeout")
        go_on.set()
        assert set(await asyncio.gather(*requests)) == {200, 503}
    scene.appliance.answer = answer_well
    assert (await scene.scrape()).complete
    assert "out of system resource" not in scene.exporter.process.output


def held_until(go_on: asyncio.Event) -> Answer:
    """Answer well, but not before the event."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        await answer_well(reader, writer)

    return answer


async def status_of(client: aiohttp.ClientSession, path: str, scrape_timeout: object = 3.5) -> int:
    """Return the status of an answer, or 503 if the connection was closed instead."""
    try:
        async with client.get(path, headers={TIMEOUT_HEADER: str(scrape_timeout)}) as answer:
            return answer.status
    except aiohttp.ClientError:
        return 503


async def sigterm_among_reloads(scene: Scene) -> None:
    scene.appliance.answer = HUNG
    scrape = asyncio.create_task(scene.scrape(scrape_timeout=1.7))
    await scene.appliance.asked.wait()
    reloads = [asyncio.create_task(scene.reload()) for _ in range(20)]
    await reloads[0]
    os.kill(scene.pid, signal.SIGTERM)
    assert (await scrape).ended("xml") == "down: timeout"
    assert await asyncio.to_thread(scene.exporter.process.wait, 10) == 0
    await asyncio.gather(*reloads, return_exceptions=True)


@asynccontextmanager
async def named_prober(scene: Scene) -> AsyncIterator[Prober]:
    """Probe the appliance by a name in this process, because the machine has one resolver."""
    content = yaml.safe_load(scene.file.read_text())
    file = scene.folder / "named.yml"
    file.write_text(yaml.safe_dump({**content, "appliances": [{"name": "mx1", "address": "mx1.example.edu"}]}))
    fleet = Fleet(config.load(file), Telemetry())
    yield fleet.probers["mx1"]
    await fleet.close()


async def name_is_rebound(scene: Scene) -> None:
    """Let a name of `targets` get another address, in this process, because the machine has one resolver."""
    content = yaml.safe_load(scene.file.read_text())
    file = scene.folder / "targets.yml"
    del content["appliances"]
    content["targets"] = {"allow": ["*.example.edu", "127.0.0.1"], "auth": content["defaults"]["auth"]}
    file.write_text(yaml.safe_dump(content))
    fleet = Fleet(config.load(file), Telemetry())
    prober = fleet.prober("mx1.example.edu")
    assert prober
    for address in ("127.0.0.1", "127.0.0.2", "127.0.0.1"):
        with mock.patch("socket.getaddrinfo", found_at(address)):
            result = await prober.probe(3.0)
        assert result.complete == (address == "127.0.0.1")
        if not result.complete:
            assert {error.reason for reading in result.readings for error in reading.errors} == {"resolve"}
        await scene.appliance.web.disconnect()  # otherwise the kept connection would be used
    await fleet.close()


async def name_server_fails(scene: Scene) -> None:
    async with named_prober(scene) as prober:
        with mock.patch("socket.getaddrinfo", side_effect=socket.gaierror(socket.EAI_AGAIN, "no answer")):
            result = await prober.probe(3.0)
        assert {error.reason for reading in result.readings for error in reading.errors} == {"resolve"}
        with mock.patch("socket.getaddrinfo", found_at("127.0.0.1")):
            assert (await prober.probe(3.0)).complete


async def address_changes(scene: Scene) -> None:
    async with named_prober(scene) as prober:
        for address in ("127.0.0.2", "127.0.0.1"):
            with mock.patch("socket.getaddrinfo", found_at(address)):
                result = await prober.probe(3.0)
            assert result.success == result.complete == (address == "127.0.0.1")


def found_at(address: str) -> Callable[..., list[Any]]:
    """Return a resolver that gives every name this address."""
    look_up = socket.getaddrinfo
    return lambda _host, *arguments, **options: look_up(address, *arguments, **options)


async def server_redirects(_: Scene) -> None:
    """Ask a Prometheus with a password that redirects to another server."""
    with ApiServer(answering("{}")) as other, ApiServer(answering("", 302, Location=f"{other.url}/")) as server:
        client = Prometheus(
            server.url, HttpClientConfig.model_validate({"basic_auth": {"username": "a", "password": "b"}})
        )
        with pytest.raises(ExporterError, match="redirects to another server"):
            await asyncio.to_thread(client.query, "up", time.time())
    assert other.seen == []


async def environment_names_a_proxy(_: Scene) -> None:
    """Ask a Prometheus with a password while the environment names a proxy, as a command of an operator would."""
    login = HttpClientConfig.model_validate({"basic_auth": {"username": "a", "password": "b"}})
    nothing = '{"status": "success", "data": {"resultType": "vector", "result": []}}'
    with ApiServer(answering(nothing)) as server, ApiServer(answering("{}")) as proxy:
        prometheus = Prometheus(server.url.replace("127.0.0.1", "prometheus.example.edu"), login)
        with (
            mock.patch.dict(os.environ, {"http_proxy": proxy.url}),
            mock.patch("socket.getaddrinfo", found_at("127.0.0.1")),
        ):
            await asyncio.to_thread(prometheus.query, "up", time.time())
        assert (len(server.seen), proxy.seen) == (1, [])


async def sigterm_comes_twice(scene: Scene) -> None:
    scene.appliance.answer = HUNG
    scrape = asyncio.create_task(scene.scrape(scrape_timeout=60))
    await scene.appliance.asked.wait()
    os.kill(scene.pid, signal.SIGTERM)
    await asyncio.to_thread(scene.exporter.process.wait_until, lambda: "msg=stopping" in scene.exporter.process.output)
    os.kill(scene.pid, signal.SIGTERM)
    assert await asyncio.to_thread(scene.exporter.process.wait, 10) == 1
    assert "stopped by force" in scene.exporter.process.output
    await asyncio.gather(scrape, return_exceptions=True)


def slow_clients(sent: bytes) -> Callable[[Scene], Awaitable[None]]:
    """Return a fault: more clients than there may be connections send this, and read nothing."""

    async def play(scene: Scene) -> None:
        resource.prlimit(scene.pid, resource.RLIMIT_NOFILE, (300, 300))
        host, _, port = scene.exporter.address.rpartition(":")
        with ExitStack() as clients:
            for _ in range(6):
                for _ in range(50):
                    client = clients.enter_context(socket.create_connection((host, int(port))))
                    client.sendall(sent)
                assert (await scene.scrape()).complete
        assert scene.exporter.process.output.count("too many connections") == 1
        assert "out of system resource" not in scene.exporter.process.output

    return play


async def proxy_is_invented(scene: Scene) -> None:
    headers = {"X-Forwarded-Host": "elsewhere.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}
    async with scene.client.get("/sd", headers=headers) as invented, scene.client.get("/sd") as answer:
        assert await invented.text() == await answer.text()


MACHINE_FAULTS: Final = (
    MachineFault(
        "The exporter has no file descriptors left",
        "Both sources are down (`resources`). The log says once that clients have to wait. After the fault, the next"
        " scrape is complete.",
        descriptors_run_out,
    ),
    MachineFault(
        "The disk is full",
        "Scrapes and reloads work as before. Lines of the log are lost.",
        nothing_can_be_written,
    ),
    MachineFault(
        "The exporter may not write files",
        "It writes none: no file but its log is open, and there is no new one in its folder.",
        nothing_is_written,
    ),
    MachineFault(
        "The clock steps by a day, forwards or backwards",
        "The probe is complete, and its duration is right.",
        clock_steps,
        here=True,
    ),
    MachineFault(
        "The name server fails",
        "Both sources are down (`resolve`). After the fault, the next scrape is complete.",
        name_server_fails,
        here=True,
    ),
    MachineFault("The address of a name changes", "The next scrape uses the new address.", address_changes, here=True),
    MachineFault(
        "A name of `targets` gets an address that `targets` does not allow",
        "Both sources are down (`resolve`): the address gets no credentials. When the name has its old address again,"
        " the next scrape is complete.",
        name_is_rebound,
        here=True,
    ),
    MachineFault(
        "Five reloads while every appliance is scraped three times",
        "Every reload succeeds. Every scrape is complete.",
        reload_under_load,
    ),
    MachineFault(
        "The configuration of 5,000 appliances is reloaded and shown at `/config`",
        "The reload succeeds, and `/config` has all of them. Every scrape meanwhile is complete.",
        fleet_is_large,
    ),
    MachineFault(
        "The password of the status page changes",
        "The status page is down (`auth`). When the new password is in its file, and the exporter has reloaded, the"
        " next scrape is complete.",
        password_rotates,
    ),
    MachineFault(
        "The configuration is broken",
        "The reload is answered with 500 and the problems. The old configuration stays in use.",
        configuration_breaks,
    ),
    MachineFault(
        "The configuration has an empty key, half a character, 2,000 brackets, or a secret where a key belongs",
        "The reload is answered with 500 and an error that does not show the secret. The old configuration stays in"
        " use.",
        configuration_is_hostile,
    ),
    MachineFault(
        "A secrets file is a named pipe, a device or larger than 1 MB",
        "The reload is answered with 500 and an error that names the key. Nothing waits for the pipe. Scrapes are"
        " complete.",
        secret_is_no_small_file,
    ),
    MachineFault(
        "Credentials go over plain HTTP, are protected by MD5 and DES, or are in a file that everyone can read",
        "The log has a warning for each, with the place and what to do. Scrapes are complete.",
        credentials_are_at_risk,
    ),
    MachineFault(
        "Twenty scrapes come one after the other without a pause, each with 20 ms until its deadline",
        "The status page is down (`timeout`) in each of them. The appliance gets one request a second at most. The"
        " next scrape with enough time is complete.",
        scrapes_have_no_time,
    ),
    MachineFault(
        "An answer hangs, and overlapping scrapes share the poll",
        "The status page is down (`timeout`) in each of them. After the fault, the next scrape is complete.",
        hung_connection_is_shared,
    ),
    MachineFault(
        "SIGTERM comes in the middle of a scrape",
        "At its deadline, the scrape is answered with what has come. Then the exporter ends with exit code 0.",
        sigterm_in_mid_scrape,
    ),
    MachineFault(
        "SIGTERM comes while an appliance hangs and twenty reloads wait",
        "At its deadline, the scrape is answered with what has come. The exporter ends within ten seconds with exit"
        " code 0.",
        sigterm_among_reloads,
    ),
    MachineFault(
        "SIGTERM comes twice",
        "The exporter ends at once with exit code 1. The log says that it was stopped by force.",
        sigterm_comes_twice,
    ),
    MachineFault(
        "A page of another web site makes the operator's browser ask for a reload",
        "The request is answered with 403. Nothing is reloaded.",
        other_site_reloads,
    ),
    MachineFault(
        "One client sends more requests than there may be connections, for ten appliances that hang and for pages",
        "A client may have only a share of the connections, and of the probes of an appliance. Its further requests"
        " are answered with 503. Other clients get their answers. After the fault, the next scrape is complete.",
        too_many_probes,
    ),
    *(
        MachineFault(
            f"More clients than there may be connections {how}",
            "Each new connection closes the one that has waited longest for its client. The log says so once. The next"
            " scrape is complete.",
            slow_clients(sent),
        )
        for how, sent in SLOW_CLIENTS.items()
    ),
    MachineFault(
        "Two hundred clients ask for the configuration of 1,000 appliances and read no answer",
        "Unread answers take 16 MB at most: beyond that, the exporter closes connections of the address that leaves"
        " most unread. The log says so. Scrapes are complete.",
        nobody_reads,
    ),
    MachineFault(
        "A client sends a header of 1 MB or a URL of 100 KB",
        "The request is refused. The next scrape is complete.",
        request_is_huge,
    ),
    MachineFault(
        "The name of another web site has the address of the exporter (DNS rebinding)",
        "With `--web.external-url`, the pages for people, such as `/config`, are answered with 403 under this name.",
        name_leads_to_the_exporter,
        here=True,
    ),
    MachineFault(
        "A client that is no trusted proxy sends `X-Forwarded` headers",
        "They have no effect.",
        proxy_is_invented,
    ),
    MachineFault(
        "A command asks a Prometheus that redirects to another server",
        "The command ends with an error. The other server gets neither a request nor the password.",
        server_redirects,
        here=True,
    ),
    MachineFault(
        "The environment of a command names a proxy",
        "The command asks Prometheus directly. The proxy gets neither a request nor the password.",
        environment_names_a_proxy,
        here=True,
    ),
)
