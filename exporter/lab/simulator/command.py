"""What `ironport-exporter simulate` does: a live fleet with its control, until it is told to stop."""

from __future__ import annotations

import asyncio
import ipaddress
import resource
import signal
import time
from argparse import Namespace
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

import structlog

from exporter.errors import ConfigError, ExporterError, RequestError, UsageError
from exporter.lab.history import progress
from exporter.lab.history.backfill import EVERY, READ, backfill
from exporter.lab.simulator import control, timeline, topology
from exporter.lab.simulator.live import LiveFleet
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.topology import Topology
from exporter.prometheus import rule_files

_USUAL: Final = "campus"
"""The topology where none is asked for."""

_log: Final = structlog.get_logger()

_STEP: Final = 15
_BACKFILL_STEP: Final = 60
"""Steps in seconds unless told otherwise: of a live fleet, and between the samples of a backfill."""


def simulate(flags: Namespace) -> int:
    """Do what the flags ask for and return the exit code; raises UsageError for what is wrong with them."""
    try:
        if flags.backfill is not None:
            return _backfill(flags)
        model = _model(flags)
    except ConfigError as error:
        raise UsageError(" ".join(error.problems)) from error
    except RequestError as error:
        raise UsageError(str(error)) from error
    allow_files()
    fleet = LiveFleet(model, snmp=flags.snmp, https=not flags.http)
    asyncio.run(_serve(fleet, flags.web_listen_address, flags.fleet_file))
    _log.info("stopped")
    return 0


def _model(flags: Namespace) -> Model:
    host, _ = flags.web_listen_address
    if not (host == "localhost" or _is_loopback(host)):
        raise RequestError("The control of a simulated fleet is for the loopback alone: listen on 127.0.0.1.")
    if flags.out or flags.all or flags.rules:
        raise RequestError("--out, --all and --rules go with --backfill DURATION, which is missing.")
    requests = [timeline.parse(text) for text in flags.scenario]
    model = Model(_topology(flags), flags.seed, time.time(), flags.step or _STEP)
    for request in requests:
        model.begin(request)
    return model


def _topology(flags: Namespace) -> Topology:
    if flags.units and flags.topology:
        raise RequestError("A fleet has either a --topology or a number of equal --units: give one of them.")
    return topology.units(flags.units) if flags.units else topology.load(flags.topology or _USUAL)


def _backfill(flags: Namespace) -> int:
    if flags.out is None:
        raise RequestError("--backfill needs --out DIR, the folder for the database.")
    backfill(
        _topology(flags),
        seed=flags.seed,
        seconds=timeline.seconds(flags.backfill, "time to backfill"),
        end=time.time(),
        out=flags.out,
        scenarios=[timeline.parse(text) for text in flags.scenario],
        step=flags.step or _BACKFILL_STEP,
        families=EVERY if flags.all else READ,
        rules=rule_files.read_rules(flags.rules) if flags.rules else (),
        progress=progress.show,
    )
    print(f"The history is in {flags.out}, for Prometheus' --storage.tsdb.path.")  # noqa: T201 - what the command did
    return 0


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
        _tell(fleet.fleet_file(), fleet_file)
        _log.info("simulating", units=len(fleet.units), step=fleet.model.step, control=url)
        await until(stopped, fleet.run())
        _log.info("stopping")


def _tell(text: str, file: Path | None) -> None:
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
