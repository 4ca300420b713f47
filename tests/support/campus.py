"""A history of a simulated campus in which four incidents happen, on a real Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from exporter.lab.history import blocks
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.topology import load_topology
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import HOUR, MINUTE
from support import history

END: Final = 1_773_252_000
"""18:00 UTC on a Wednesday."""

LENGTH: Final = 9 * HOUR
BEGIN: Final = END - LENGTH

JABBERER: Final = BEGIN + 60 * MINUTE
FLOOD: Final = BEGIN + 150 * MINUTE
UNIT_DOWN: Final = BEGIN + 320 * MINUTE
SLOW: Final = BEGIN + 480 * MINUTE
"""When the incidents begin; the last one goes on until the end."""

_SCENARIOS: Final = (
    "jabberer@+60m,unit=mx2,duration=40m",
    "flood@+150m,pool=inbound,duration=45m",
    "unit-down@+320m,unit=out1,duration=60m",
    "pool-slow@+480m,pool=inbound,duration=90m",
)


@contextmanager
def served_campus(folder: Path) -> Iterator[Prometheus]:
    """Write the history to the folder, and serve it."""
    scenarios = [parse_scenario(text) for text in _SCENARIOS]
    history.write({"ironport": load_topology("campus")}, folder, END, LENGTH, scenarios, families=history.OF_ALERTS)
    with blocks.served(folder) as url:
        yield Prometheus(url)
