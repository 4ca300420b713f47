"""The probes that run: how many an appliance has, and how long they may still take."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from exporter.errors import BusyError

MOST_PROBES: Final = 20
"""Probes of one appliance at the same time: ten Prometheus servers whose scrapes overlap. The limit of connections
bounds the probes of all appliances.
"""


class RunningProbes:
    """Counts the probes of each appliance while they run."""

    def __init__(self) -> None:
        self._deadlines: defaultdict[str, list[float]] = defaultdict(list)

    @contextmanager
    def admit(self, appliance: str, timeout: float) -> Iterator[None]:
        """Count a probe that may take `timeout` seconds. Raises BusyError if the appliance has too many."""
        deadlines = self._deadlines[appliance]
        if len(deadlines) >= MOST_PROBES:
            raise BusyError(
                f"Too many probes of {appliance} run already ({MOST_PROBES})."
                " Scrape it less often, or with a shorter timeout."
            )
        deadline = time.monotonic() + timeout
        deadlines.append(deadline)
        try:
            yield
        finally:
            deadlines.remove(deadline)

    def seconds_left(self) -> float:
        """Return how many seconds the running probes may still take."""
        latest = max((deadline for deadlines in self._deadlines.values() for deadline in deadlines), default=0.0)
        return max(0.0, latest - time.monotonic())
