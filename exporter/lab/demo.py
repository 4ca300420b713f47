"""The whole monitoring on one machine: a simulated fleet, the exporter, Prometheus and Alertmanager, until Ctrl-C.

Everything listens on free loopback ports and lives in a temporary folder. What runs where also stands in a state file,
by which `demo attack` finds the fleet.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import aiohttp
import yaml

from exporter.errors import ExporterError
from exporter.lab.history import progress
from exporter.lab.history.backfill import backfill
from exporter.lab.history.sampling import JOB
from exporter.lab.simulator import command, control, timeline, topology
from exporter.lab.simulator.live import LiveFleet
from exporter.lab.simulator.model import Model
from exporter.prometheus import rule_files

_TOPOLOGY: Final = "campus"
_SEED: Final = 1
_SCRAPE_INTERVAL: Final = "30s"
_START_LIMIT: Final = 60.0
"""Seconds within which a program must answer; generous, for a busy machine."""

_PROMETHEUS: Final = ("prometheus", "promtool")
_ALERTMANAGER: Final = ("alertmanager", "prometheus-alertmanager")  # the latter is Debian's name
_WITHOUT_PROMETHEUS: Final = (
    "Prometheus and its history are left out: prometheus and promtool are not on the PATH (Debian: apt install "
    "prometheus). The exporter can be scraped all the same."
)
_WITHOUT_ALERTMANAGER: Final = (
    "Alertmanager is left out: it is not on the PATH (Debian: apt install prometheus-alertmanager). "
    "Prometheus shows the alerts on its page /alerts."
)


@dataclass(frozen=True, slots=True)
class Addresses:
    """What runs where; None for what was left out."""

    exporter: str
    prometheus: str | None
    alertmanager: str | None
    simulator: str
    fleet_file: str


def attack(scenario: str, state: Path | None) -> int:
    """Start a scenario in the demo that runs; raises RequestError for a scenario that is none, or ExporterError."""
    timeline.parse_scenario(scenario)
    state = state or _default_state()
    try:
        addresses = json.loads(state.read_text())
        with urlopen(Request(f"{addresses['simulator']}/scenarios", scenario.encode()), timeout=10) as answer:  # noqa: S310 - http
            begun = json.load(answer)
    except HTTPError as error:
        with error:
            raise ExporterError(error.read().decode().strip()) from None
    except (OSError, ValueError, KeyError) as error:
        raise ExporterError(f"No demo answers (its addresses were in {state}): start one with `demo`.") from error
    minutes = (begun["end"] - begun["begin"]) / 60
    _print(f"{begun['scenario']} on {', '.join(begun['units'])} for {minutes:.0f} min, number {begun['number']}.")
    for what in ("alertmanager", "prometheus"):
        if addresses[what]:
            _print(f"Watch {addresses[what]}{'/alerts' if what == 'prometheus' else ''}")
    return 0


def start(history: str, state: Path | None) -> int:
    """Run the demo until SIGTERM or SIGINT and return the exit code; raises RequestError, ExporterError."""
    past = timeline.checked_duration(history, "history")
    state = state or _default_state()
    signal.signal(signal.SIGTERM, _interrupt)  # the temporary folder goes, whatever ends the demo
    with tempfile.TemporaryDirectory(prefix="ironport-demo-") as name, _stated(state):
        folder = Path(name)
        model = _past(folder, past)
        asyncio.run(_present(model, folder, state))
    return 0


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def _stated(state: Path) -> Iterator[None]:
    """Make sure that the state file can be written, and that it is gone afterwards."""
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_text("{}")
    except OSError as error:
        raise ExporterError(f"Cannot write {state}: {error.strerror}. Choose another file with --state.") from error
    try:
        yield
    finally:
        state.unlink(missing_ok=True)


def _past(folder: Path, seconds: float) -> Model:
    """Return the fleet as it is now, with its history in the folder `data` where there is a Prometheus."""
    shape = topology.load_topology(_TOPOLOGY)
    if not all(map(shutil.which, _PROMETHEUS)):
        _say(_WITHOUT_PROMETHEUS)
        return Model(shape, _SEED, time.time())
    if not seconds:
        return Model(shape, _SEED, time.time())
    files = rule_files.project_rules()
    rules = [rule for rule in rule_files.read_rules(files) if rule.record] if files else []
    _say(f"writing {seconds / 86400:.3g} days of history")
    return backfill(
        shape,
        seed=_SEED,
        seconds=seconds,
        end=time.time(),
        out=folder / "data",
        rules=rules,
        progress=progress.show,
    )


async def _present(model: Model, folder: Path, state: Path) -> None:
    """Run everything until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(ending, stopped.set)
    async with AsyncExitStack() as parts:
        fleet = await parts.enter_async_context(LiveFleet(model))
        simulator = await parts.enter_async_context(control.serving(fleet, "127.0.0.1", 0))
        running = asyncio.create_task(command.until(stopped, fleet.run()))
        starting = asyncio.create_task(_start(parts, fleet, simulator, folder))
        await asyncio.wait({running, starting}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            starting.cancel()
            with suppress(asyncio.CancelledError):
                await starting
        else:
            _announce(starting.result(), state)
        await running
        _say("ending")


async def _start(parts: AsyncExitStack, fleet: LiveFleet, simulator: str, folder: Path) -> Addresses:
    """Start the exporter and, where they are installed, Prometheus and Alertmanager; each ends with `parts`."""
    fleet_file = folder / "fleet.yml"
    fleet_file.write_text(fleet.fleet_file())
    exporter = _free_address()
    serve = ["serve", "--config.file", str(fleet_file), "--web.listen-address", exporter]
    await parts.enter_async_context(_program([sys.executable, "-m", "exporter", *serve], exporter, folder, "exporter"))
    alertmanager = await _start_alertmanager(parts, folder)
    prometheus = await _start_prometheus(parts, folder, exporter, alertmanager)
    return Addresses(
        f"http://{exporter}",
        prometheus and f"http://{prometheus}",
        alertmanager and f"http://{alertmanager}",
        simulator,
        str(fleet_file),
    )


async def _start_alertmanager(parts: AsyncExitStack, folder: Path) -> str | None:
    path = next(filter(None, map(shutil.which, _ALERTMANAGER)), None)
    alerts = rule_files.alerts_folder()
    if path is None or alerts is None:
        _say(_WITHOUT_ALERTMANAGER)
        return None
    address = _free_address()
    arguments = [
        f"--config.file={alerts / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    ]
    await parts.enter_async_context(_program([path, *arguments], address, folder, "alertmanager"))
    return address


async def _start_prometheus(parts: AsyncExitStack, folder: Path, exporter: str, alertmanager: str | None) -> str | None:
    if not all(map(shutil.which, _PROMETHEUS)):
        return None
    address, file = _free_address(), folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(_prometheus_config(exporter, alertmanager), sort_keys=False))
    arguments = [
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    await parts.enter_async_context(_program(["prometheus", *arguments], address, folder, "prometheus"))
    return address


def _prometheus_config(exporter: str, alertmanager: str | None) -> dict[str, Any]:
    files = rule_files.project_rules()
    return {
        "global": {"scrape_interval": _SCRAPE_INTERVAL, "evaluation_interval": _SCRAPE_INTERVAL},
        "rule_files": [files] if files else [],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []},
        "scrape_configs": [
            {"job_name": JOB, "http_sd_configs": [{"url": f"http://{exporter}/sd"}]},
            {"job_name": f"{JOB}-exporter", "static_configs": [{"targets": [exporter]}]},
        ],
    }


@asynccontextmanager
async def _program(arguments: Sequence[str], address: str, folder: Path, name: str) -> AsyncIterator[None]:
    """Run a program that answers /-/ready at its address; raises ExporterError with its last words if it does not."""
    _say(f"starting {name}")
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        await _until_ready(child, f"http://{address}/-/ready", name, log)
        yield
    finally:
        await _end(child)


async def _until_ready(child: asyncio.subprocess.Process, url: str, name: str, log: Path) -> None:
    limit = time.monotonic() + _START_LIMIT
    async with aiohttp.ClientSession() as client:
        while child.returncode is None and time.monotonic() < limit:
            with suppress(aiohttp.ClientError):
                async with client.get(url) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)
    raise ExporterError(f"{name} did not start: {_last_line(log)}")


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), 15)
    except TimeoutError:
        child.kill()
        await child.wait()


def _free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def _last_line(log: Path) -> str:
    return (log.read_text(errors="replace").strip().splitlines() or ["it says nothing"])[-1]


def _announce(addresses: Addresses, state: Path) -> None:
    state.write_text(json.dumps(asdict(addresses), indent=2) + "\n")
    _print(_block(addresses, state))


def _block(addresses: Addresses, state: Path) -> str:
    rows = {
        "Exporter": addresses.exporter,
        "Prometheus": addresses.prometheus and f"{addresses.prometheus}/alerts",
        "Alertmanager": addresses.alertmanager,
        "Simulated fleet": addresses.simulator,
        "fleet.yml": addresses.fleet_file,
        "State": str(state),
    }
    lines = [f"  {name:16} {where or 'left out, see above'}" for name, where in rows.items()]
    attack = f"{_ourselves()} demo attack jabberer{'' if state == _default_state() else f' --state {state}'}"
    return "\n".join(
        [
            "",
            f"The demo runs: the simulated fleet {_TOPOLOGY}, scraped every {_SCRAPE_INTERVAL}.",
            "",
            *lines,
            "",
            "Start an attack from another terminal, or on the page of the simulated fleet:",
            "",
            f"  {attack}",
            f"  {attack.replace('jabberer', 'flood')}",
            "",
            "Ctrl-C ends everything and leaves nothing behind.",
            "",
        ]
    )


def _default_state() -> Path:
    """Return where the state file is unless told otherwise (XDG base directories)."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "ironport-exporter" / "demo.json"


def _ourselves() -> str:
    """Return how this program was called, so that what is printed can be pasted."""
    return "python -m exporter" if Path(sys.argv[0]).name == "__main__.py" else sys.argv[0]


def _say(text: str) -> None:
    print(f"==> {text}", file=sys.stderr, flush=True)  # noqa: T201 - progress


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what the command is for
