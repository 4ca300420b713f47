"""`ironport-exporter replay`: serves a capture until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from exporter.capture.capture_file import read_capture
from exporter.lab.replay.appliance import ReplayedAppliance
from exporter.lab.simulator.command import tell_fleet_file


def run_replay(capture_file: Path, fleet_file: Path | None) -> int:
    """Serve a capture until SIGTERM or SIGINT and return the exit code; raises RequestError for another file."""
    asyncio.run(_serve(ReplayedAppliance(read_capture(capture_file)), fleet_file))
    return 0


async def _serve(appliance: ReplayedAppliance, fleet_file: Path | None) -> None:
    stopped = asyncio.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(ending, stopped.set)
    async with appliance:
        tell_fleet_file(appliance.fleet_file(), fleet_file)
        await stopped.wait()
