"""What `ironport-exporter simulate` does: a live fleet with its control, until it is told to stop."""

from __future__ import annotations

import asyncio
import ipaddress
import resource
import signal
import time
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import structlog

from exporter.errors import ExporterError, RequestError
from exporter.lab.simulator import control, scenario_text, topology
from exporter.lab.simulator.incident import Scenario
from exporter.lab.simulator.live import LiveFleet
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.scenarios import SCENARIOS
from exporter.lab.simulator.topology import Topology

_log: Final = structlog.get_logger()

_COMMON_PARAMETERS: Final = ("unit", "pool", "site", "duration", "ramp")
_HOW_WRITTEN: Final = f"""\
Write a scenario as {scenario_text.SYNTAX}, such as jabberer@+5m,unit=mx1,size=2.
unit, pool or site is what it affects; the simulator chooses if you do not name one. duration is how long the scenario
lasts, and ramp how long it takes to rise to its size. Write times as 90s, 5m, 2h or 3d, and shares as numbers from 0 to
1. The busiest hour is that of a week without incidents.

Topologies, for --topology:
"""


def run_simulation(
    topology: Topology,
    *,
    seed: int,
    step: int,
    scenarios: Sequence[str],
    bursty: bool,
    snmp: Literal["v3", "v2c"],
    https: bool,
    rest: bool,
    fleet_file: Path | None,
    address: tuple[str, int],
) -> int:
    """Simulate the fleet until SIGTERM or SIGINT and return the exit code; raises RequestError for a wrong scenario.

    `step` is in seconds; `address` is where the page that controls the fleet is served.
    """
    host, _ = address
    if not (host == "localhost" or _is_loopback(host)):
        raise RequestError(
            "The page that controls a simulated fleet is served on the loopback interface only: use 127.0.0.1."
        )
    requests = [scenario_text.parse_scenario(text) for text in scenarios]
    model = Model(topology, seed, time.time(), step, bursty=bursty)
    for request in requests:
        model.begin(request)
    allow_files()
    asyncio.run(_serve(LiveFleet(model, snmp=snmp, https=https, rest=rest), address, fleet_file))
    _log.info("stopped")
    return 0


def scenario_list() -> str:
    """Return each scenario with its parameters and their defaults, how a scenario is written, and the topologies."""
    width = max(map(len, SCENARIOS))
    lines = [
        line
        for scenario in SCENARIOS.values()
        for line in (f"{scenario.name:{width}}  {scenario.meaning}", *_parameters(scenario))
    ]
    fleets = [f"{name:{width}}  {topology.description(name)}" for name in topology.BUILT_IN]
    return "\n".join(("Scenarios, with the defaults of their parameters:", "", *lines, "", _HOW_WRITTEN, *fleets))


def _parameters(scenario: Scenario) -> Iterator[str]:
    """Yield a line with the defaults of the parameters, then a line for each of those that not all scenarios share."""
    values = (
        f"{parameter.name}={scenario_text.value_text(parameter, parameter.default) or 'NAME'}"
        for parameter in scenario.parameters
    )
    yield f"    {', '.join(values)}"
    for parameter in scenario.parameters:
        if parameter.name not in _COMMON_PARAMETERS:
            yield f"    {parameter.name}: {parameter.meaning}"


def choose_topology(name: str, units: int | None) -> Topology:
    """Return a fleet of so many equal units, or else the topology of this name; raises ConfigError."""
    return topology.equal_units(units) if units else topology.load_topology(name)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def allow_files() -> None:
    """Allow as many open files as the system does: a unit takes two sockets, and each of its clients one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(fleet: LiveFleet, address: tuple[str, int], fleet_file: Path | None) -> None:
    """Run the fleet until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(ending, stopped.set)
    async with fleet, control.serving(fleet, *address) as url:
        tell_fleet_file(fleet.fleet_file(), fleet_file)
        _log.info("simulating", units=len(fleet.units), step=fleet.model.step, control=url)
        await until(stopped, fleet.run())
        _log.info("stopping")


def tell_fleet_file(text: str, file: Path | None) -> None:
    """Write the fleet file where it was asked for, to standard output unless told where."""
    if file is None:
        print(text, end="", flush=True)  # noqa: T201 - what the command is for
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ExporterError(f"Cannot write {file}: {error.strerror}. Choose another file with --fleet.file.") from error


async def until(stopped: asyncio.Event, running: Coroutine[Any, Any, None]) -> None:
    """Run until the event is set, or until the running fails, which is raised."""
    tasks = [asyncio.create_task(running), asyncio.create_task(stopped.wait())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
