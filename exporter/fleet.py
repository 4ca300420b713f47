"""The probers of the running configuration, and how a reload replaces them."""

from __future__ import annotations

import asyncio
import difflib

from exporter.config import Config
from exporter.errors import RequestError
from exporter.metrics.reading import label_value
from exporter.probe import Prober
from exporter.telemetry import Telemetry


class Fleet:
    """The probers of the running configuration."""

    def __init__(self, config: Config, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._closing: set[asyncio.Task[None]] = set()
        self.probers: dict[str, Prober] = {}
        self._swap(config)

    def apply(self, config: Config) -> None:
        """Replace the running configuration as a whole.

        An appliance that has not changed keeps its prober, and with it what was learned about the appliance. Running
        probes finish with the old configuration; connections that are no longer needed are closed after that.
        """
        for prober in self._swap(config):
            task = asyncio.create_task(prober.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def prober(self, name: str) -> Prober:
        """Return the prober of an appliance; raises RequestError with the names that are close to `name`."""
        if prober := self.probers.get(name):
            return prober
        close = difflib.get_close_matches(name, self.probers, cutoff=0.5)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        raise RequestError(
            f'No appliance is called "{label_value(name)}".{hint} /sd and `ironport-exporter sd` list every appliance.'
        )

    async def close(self) -> None:
        """Wait for running polls and close every connection."""
        await asyncio.gather(*self._closing, *(prober.close() for prober in self.probers.values()))

    def _swap(self, config: Config) -> list[Prober]:
        """Replace the configuration and return the probers that are no longer needed."""
        old, self.config = self.probers, config
        self.probers = {
            name: old[name] if name in old and old[name].appliance == appliance else Prober(appliance, self._telemetry)
            for name, appliance in config.appliances.items()
        }
        self._telemetry.appliances.set(len(self.probers))
        return [prober for name, prober in old.items() if self.probers.get(name) is not prober]
