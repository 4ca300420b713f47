"""Loading the configuration again while the exporter runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import structlog

from exporter import config
from exporter.config import Config, FilesRead
from exporter.errors import raised_at
from exporter.fleet import Fleet
from exporter.telemetry import Telemetry
from exporter.web import systemd

_log: Final = structlog.get_logger()


class Reloader:
    """Loads the configuration again and applies it to the fleet, unless it has a problem."""

    def __init__(self, fleet: Fleet, telemetry: Telemetry, paths: Sequence[Path], read: FilesRead) -> None:
        self._fleet = fleet
        self._telemetry = telemetry
        self._paths = paths
        self._read = read
        self._one_at_a_time = asyncio.Lock()
        self._waiting: asyncio.Task[list[str]] | None = None
        self._tasks: set[asyncio.Task[list[str]]] = set()

    def start(self) -> asyncio.Task[list[str]]:
        """Start a reload, or join the one that waits for a running reload; the task returns its problems.

        Nobody else owns the task: a client that disconnects does not stop a reload halfway.
        """
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._reload())
            self._tasks.add(self._waiting)
            self._waiting.add_done_callback(self._tasks.discard)
        return self._waiting

    async def watch(self, tick: Callable[[], Awaitable[object]]) -> None:
        """After each tick, reload if a file has changed that the last load read. Runs until it is cancelled."""
        while True:
            await tick()
            if await asyncio.to_thread(self._read.changed):  # files may be on a slow file system
                await asyncio.wait({self.start()})  # a cancelled watch lets it end

    async def close(self) -> None:
        """Wait for running reloads."""
        await asyncio.gather(*self._tasks)

    async def _reload(self) -> list[str]:
        async with self._one_at_a_time:
            self._waiting = None  # a file may change after this reload has read it: whoever asks now gets the next one
            with systemd.reloading():
                return await self._load_and_apply()

    async def _load_and_apply(self) -> list[str]:
        try:
            result = await asyncio.to_thread(config.try_load, *self._paths)
        except Exception as error:  # noqa: BLE001 - whatever happens, the running configuration stays
            reason = f"Loading failed unexpectedly ({raised_at(error)})"
            return self._failed([f"{reason}; please report it in the project's issue tracker."])
        self._read = result.files
        if result.config is None:
            return self._failed(result.problems)
        await self._fleet.apply(result.config)
        note_loaded(result.config, self._telemetry)
        _log.info("configuration reloaded", appliances=len(result.config.appliances))
        return []

    def _failed(self, problems: list[str]) -> list[str]:
        self._telemetry.reload_successful.set(0)
        _log.error("configuration not reloaded, the old one keeps running", problems=problems)
        return problems


def note_loaded(loaded: Config, telemetry: Telemetry) -> None:
    """Record that a configuration has just been loaded, and log what is not filled in or puts credentials at risk."""
    telemetry.reload_successful.set(1)
    telemetry.reload_timestamp.set_to_current_time()
    for sentence in loaded.unfilled:
        _log.warning("value not filled in", problem=sentence)
    for sentence in loaded.notices:
        _log.warning("credentials at risk", problem=sentence)
