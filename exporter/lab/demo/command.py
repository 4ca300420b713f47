"""What `ironport-exporter demo` does: it runs everything until Ctrl-C, on free loopback ports in a temporary folder."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Final, get_args
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from exporter.errors import ExporterError
from exporter.lab.demo import monitoring, state_file
from exporter.lab.demo.state_file import Addresses
from exporter.lab.history.backfill import backfill
from exporter.lab.simulator import command, control, scenario_text, topology
from exporter.lab.simulator.live import LiveFleet
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.status_items import PageName
from exporter.prometheus import progress, rule_files

_TOPOLOGY: Final = "campus"
_SEED: Final = 1

_STEP: Final = 15
"""Seconds from one state of the fleet to the next.

Each interval between two scrapes must hold the same number of steps. If the fleet moved once in 60 s under scrapes
every 30 s, every second scrape would see no mail at all, and every rate would jump up and down.
"""

_PROMETHEUS_LEFT_OUT: Final = (
    "Prometheus and its history are left out, because prometheus and promtool are not on the PATH (Debian: apt install "
    "prometheus). You can scrape the exporter all the same."
)
_ALERTMANAGER_LEFT_OUT: Final = (
    "Alertmanager is left out, because it is not on the PATH (Debian: apt install prometheus-alertmanager). "
    "If Prometheus runs, its page /alerts shows the alerts."
)


def start_demo(history: str, state: Path | None) -> int:
    """Run the demo until SIGTERM or SIGINT and return the exit code.

    `history` is the length of the past that Prometheus has at the start. Raises RequestError, ExporterError.
    """
    past = scenario_text.checked_duration(history, "length of the history")
    file = state or state_file.default()
    with state_file.claimed(file), tempfile.TemporaryDirectory(prefix="ironport-demo-") as name:
        folder = Path(name)
        asyncio.run(_present(present_fleet(monitoring.data_folder(folder), past), folder, file))
    return 0


def start_attack(scenario: str, state: Path | None) -> int:
    """Start a scenario in the demo that runs and return the exit code; raises RequestError, ExporterError."""
    scenario_text.parse_scenario(scenario)
    file = state or state_file.default()
    addresses = state_file.read_addresses(file)
    begun = _ask(file, f"{addresses.simulator}/scenarios", scenario.encode())
    minutes = (begun["end"] - begun["begin"]) / 60
    _print(f"{begun['scenario']} on {', '.join(begun['units'])} for {minutes:.0f} min, number {begun['number']}.")
    if addresses.prometheus:
        _print(f"Its alerts fire after a few minutes: {addresses.prometheus}/alerts")
    if addresses.alertmanager:
        _print(f"Alertmanager groups them into notifications: {addresses.alertmanager}")
    return 0


def stop_attacks(state: Path | None) -> int:
    """End every scenario of the demo that runs and return the exit code; raises ExporterError."""
    file = state or state_file.default()
    url = f"{state_file.read_addresses(file).simulator}/scenarios"
    incidents = _ask(file, url)
    for incident in incidents:
        _ask(file, f"{url}/{incident['number']}", method="DELETE")
        _print(f"{incident['scenario']} on {', '.join(incident['units'])} is ended.")
    if not incidents:
        _print("No attack runs.")
    return 0


def _ask(file: Path, url: str, data: bytes | None = None, method: str | None = None) -> Any:
    """Return the answer of the simulated fleet; raises ExporterError with what it refuses, or if it does not answer."""
    try:
        request = Request(url, data, method=method)  # noqa: S310 - http, from the state file
        with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:  # it is on this machine
            return json.load(answer)
    except HTTPError as error:
        with error:
            raise ExporterError(error.read().decode().strip()) from None
    except (OSError, ValueError) as error:
        raise state_file.no_demo(file) from error


def present_fleet(data: Path, history: float) -> Model:
    """Return the fleet as it is now.

    If there is a Prometheus to read it, the last `history` seconds are written to the folder `data`.
    """
    shape = topology.load_topology(_TOPOLOGY)
    if not monitoring.has_prometheus():
        _notify(_PROMETHEUS_LEFT_OUT)
    if not (history and monitoring.has_prometheus()):
        return Model(shape, _SEED, time.time(), _STEP)
    pattern = rule_files.project_rules()
    _notify(f"Writing {history / 86400:.3g} days of history. For 8 days this takes two to four minutes.")
    model = backfill(
        shape,
        seed=_SEED,
        seconds=history,
        end=time.time(),
        out=data,
        rules=rule_files.read_rules(pattern) if pattern else [],
        live=True,
        rest=True,
        progress=progress.show,
    )
    model.shorten_step(_STEP)
    return model


async def _present(model: Model, folder: Path, file: Path) -> None:
    """Run everything until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(ending, stopped.set)
    async with AsyncExitStack() as parts:
        fleet = await parts.enter_async_context(LiveFleet(model, pages=get_args(PageName), rest=True))
        simulator = await parts.enter_async_context(control.serving(fleet, "127.0.0.1", 0))
        running = asyncio.create_task(command.until(stopped, fleet.run()))
        starting = asyncio.create_task(_start(parts, fleet, simulator, folder))
        await asyncio.wait({running, starting}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            starting.cancel()
            with suppress(asyncio.CancelledError):
                await starting
        else:
            state_file.write_addresses(file, starting.result())
            _print(_overview(starting.result(), file))
        await running
        _notify("Ending.")


async def _start(parts: AsyncExitStack, fleet: LiveFleet, simulator: str, folder: Path) -> Addresses:
    """Start what watches the fleet; it ends with `parts`."""
    _notify("Starting the monitoring.")
    fleet_file = folder / "fleet.yml"
    fleet_file.write_text(fleet.fleet_file())
    exporter = await monitoring.start_exporter(parts, fleet_file)
    alertmanager = await monitoring.start_alertmanager(parts, folder)
    if alertmanager is None:
        _notify(_ALERTMANAGER_LEFT_OUT)
    prometheus = await monitoring.start_prometheus(parts, folder, exporter, alertmanager)
    return Addresses(
        exporter=f"http://{exporter}",
        prometheus=prometheus and f"http://{prometheus}",
        alertmanager=alertmanager and f"http://{alertmanager}",
        simulator=simulator,
        fleet_file=str(fleet_file),
    )


def _overview(addresses: Addresses, file: Path) -> str:
    """Return what runs and where, and what to do next."""
    rows = (
        ("Simulated fleet", addresses.simulator, "start and stop attacks"),
        ("Exporter", addresses.exporter, "the appliances and their last probes"),
        ("Prometheus", addresses.prometheus, "queries; /alerts shows the alerts"),
        ("Alertmanager", addresses.alertmanager, "the alerts that it would send"),
    )
    program = "python -m exporter" if Path(sys.argv[0]).name == "__main__.py" else sys.argv[0]
    attack = f"{program} demo attack"
    place = "" if file == state_file.default() else f" --state {file}"
    return "\n".join(
        [
            "",
            f"The demo runs, with the simulated fleet {_TOPOLOGY}.",
            "",
            *(f"  {name:16} {url or 'left out':26} {purpose if url else 'see above'}" for name, url, purpose in rows),
            "",
            *([_grafana(addresses.prometheus), ""] if addresses.prometheus else []),
            "Start an attack on the page of the simulated fleet, or from another terminal:",
            "",
            f"  {attack} jabberer{place}",
            f"  {attack} flood{place}",
            f"  {attack} stop{place}",
            "",
            f"These addresses are also in {file}, the fleet.yml is {addresses.fleet_file}.",
            "Ctrl-C ends everything and leaves nothing behind.",
            "",
        ]
    )


def _grafana(prometheus: str) -> str:
    return (
        f"Grafana is not part of the demo. In your own, add the data source {prometheus} (type Prometheus)\n"
        "and import the dashboards that `ironport-exporter bundle DIR` writes."
    )


def _notify(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - for who waits


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what the command is for
