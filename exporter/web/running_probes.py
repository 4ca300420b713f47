"""The probes that run: how many an appliance has, and how long they may still take."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from exporter.web.shares import Shares

MOST_PROBES: Final = 20
"""Probes of one appliance at the same time, of which a client may have half: ten Prometheus servers whose scrapes
overlap. The limit of connections bounds the probes of all appliances.
"""


class RunningProbes:
    """Counts the probes of each appliance while they run."""

    def __init__(self) -> None:
        self._deadlines: list[float] = []
        self._shares: defaultdict[str, Shares] = defaultdict(lambda: Shares(lambda: MOST_PROBES))

    @contextmanager
    def admit(self, appliance: str, client: str, timeout: float) -> Iterator[None]:
        """Count a probe that may take `timeout` seconds. Raises BusyError if the client has its share already."""
        shares, deadline = self._shares[appliance], time.monotonic() + timeout
        refusal = f"Too many probes of {appliance} run already. Scrape it less often, or with a shorter timeout."
        try:
            with shares.use(client, refusal):
                self._deadlines.append(deadline)
                try:
                    yield
                finally:
                    self._deadlines.remove(deadline)
        finally:
            if not shares:
                self._shares.pop(appliance, None)

    def seconds_left(self) -> float:
        """Return how many seconds the running probes may still take."""
        return max(0.0, max(self._deadlines, default=0.0) - time.monotonic())
