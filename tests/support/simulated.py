"""A live simulated fleet whose time stands still, and the exporter's own way to ask it."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from exporter import config
from exporter.config import Config
from exporter.lab.simulator.live import LiveFleet
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.topology import load_topology
from exporter.probe import Prober, Result
from exporter.telemetry import Telemetry

START = 1_767_690_000.0
"""Tuesday, 6 January 2026, 09:00 UTC."""

STEP = 15


@cache
def _warm_model(topology: str, step: int) -> Model:
    return Model(load_topology(topology), 1, START, step)


def model_at_start(topology: str = "campus", step: int = STEP) -> Model:
    """Return a model of the test's own at START. Its warm-up, of an hour, is done once for all tests."""
    return copy.deepcopy(_warm_model(topology, step))


@asynccontextmanager
async def simulated(topology: str = "campus", **how: Any) -> AsyncIterator[LiveFleet]:
    """Run a fleet at START, which `how` configures as `LiveFleet` takes it; only `step` moves its time."""
    async with LiveFleet(model_at_start(topology), **how) as fleet:
        yield fleet


def configured(fleet: LiveFleet, folder: Path) -> Config:
    """Return the configuration that the fleet's own file gives."""
    file = folder / "fleet.yml"
    file.write_text(fleet.fleet_file())
    return config.load(file)


async def probed(read: Config, unit: str, timeout: float = 10.0) -> Result:  # noqa: ASYNC109 - the probe's own
    """Return what a first probe of the unit gives."""
    prober = Prober(read.appliances[unit], Telemetry())
    try:
        return await prober.probe(timeout)
    finally:
        await prober.close()


def reasons(result: Result) -> set[tuple[str, str]]:
    """Return what went wrong, as source and reason."""
    return {(reading.source, error.reason) for reading in result.readings for error in reading.errors}


def value(result: Result, family: str, *labels: str) -> float:
    """Return the value of a series."""
    return next(series[labels] for known, series in result.exposition.families if known.name == family)
