"""The probers of the running configuration, and how a reload replaces them."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar

from exporter.config import Appliance, Config
from exporter.metrics.reading import label_value
from exporter.probe import Prober
from exporter.telemetry import Telemetry

MOST_TARGETS: Final = 1000
"""How many appliances that are not in the list keep what was learned of them, and their connection."""


SLICE: Final = 50
"""How many appliances a reload changes before other work runs: some milliseconds."""

_T = TypeVar("_T")


class Fleet:
    """The probers of the running configuration."""

    def __init__(self, config: Config, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._closing: set[asyncio.Task[None]] = set()
        self.probers: dict[str, Prober] = {}
        self._beyond_list: dict[str, Prober] = {}
        """The probers of targets that are not in the list, the one that was used last at the end."""
        self._use(config, {name: Prober(appliance, telemetry) for name, appliance in config.appliances.items()})

    async def apply(self, config: Config) -> None:
        """Replace the running configuration as a whole.

        An appliance that has not changed keeps its prober, and with it what was learned about the appliance. Running
        probes finish with the old configuration; connections that are no longer needed are closed after that. Do not
        call it again before it has ended.
        """
        old, new = self.probers, dict[str, Prober]()
        async for name, appliance in _in_slices(config.appliances.items()):
            new[name] = _unchanged(old.get(name), appliance) or Prober(appliance, self._telemetry)
        self._use(config, new)
        async for name, prober in _in_slices(old.items()):
            if new.get(name) is not prober:
                self._close(prober)

    def prober(self, name: str) -> Prober | None:
        """Return the prober of an appliance of the list, or of one that `targets` allows."""
        if prober := self.probers.get(name):
            return prober
        if appliance := self.config.beyond_list(name):
            return self._allowed(appliance)
        return None

    def unknown(self, name: str) -> str:
        """Say that there is no prober of this name, with names that are close. It takes 0.1 s for 5,000 appliances."""
        close = difflib.get_close_matches(name, self.probers, cutoff=0.5)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        return (
            f'No appliance is called "{label_value(name)}".{hint} /sd and `ironport-exporter sd` list every appliance.'
            f"{' targets.allow of the configuration does not allow it either.' if self.config.target_template else ''}"
        )

    async def close(self) -> None:
        """Wait for running polls and close every connection."""
        probers = (*self.probers.values(), *self._beyond_list.values())
        await asyncio.gather(*self._closing, *(prober.close() for prober in probers))

    def _use(self, config: Config, probers: dict[str, Prober]) -> None:
        self.config, self.probers = config, probers
        self._telemetry.appliances.set(len(probers))

    def _allowed(self, appliance: Appliance) -> Prober:
        """Return the prober of an appliance beyond the list; the one that was not used for longest makes room."""
        kept = self._beyond_list.pop(appliance.name, None)
        prober = _unchanged(kept, appliance) or Prober(appliance, self._telemetry)
        if kept and kept is not prober:
            self._close(kept)
        self._beyond_list[appliance.name] = prober
        if len(self._beyond_list) > MOST_TARGETS:
            self._close(self._beyond_list.pop(next(iter(self._beyond_list))))
        return prober

    def _close(self, prober: Prober) -> None:
        task = asyncio.create_task(prober.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _unchanged(prober: Prober | None, appliance: Appliance) -> Prober | None:
    """Return the prober if it probes the appliance as it is now."""
    return prober if prober and prober.appliance == appliance else None


async def _in_slices(items: Iterable[tuple[str, _T]]) -> AsyncIterator[tuple[str, _T]]:
    """Yield the items, and let other work run after every few of them: thousands would hold it up for a second."""
    for number, item in enumerate(items, 1):
        yield item
        if number % SLICE == 0:
            await asyncio.sleep(0)
