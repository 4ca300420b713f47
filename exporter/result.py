"""The result of a probe: what its sources brought, what the configuration adds, and how the probe itself went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from exporter.catalog import FAMILIES, Family
from exporter.config import Appliance
from exporter.errors import REASONS
from exporter.exposition import Exposition, fuse
from exporter.reading import Reading


@dataclass(frozen=True, slots=True)
class Result:
    """What one probe of one appliance gave; `duration` and `deadline` in seconds, `time` when it ended."""

    readings: tuple[Reading, ...]
    exposition: Exposition
    duration: float
    deadline: float
    time: datetime

    @property
    def success(self) -> bool:
        """Whether at least one source is up."""
        return any(reading.up for reading in self.readings)

    @property
    def complete(self) -> bool:
        """Whether nothing of any source failed."""
        return all(reading.complete for reading in self.readings)


def conclude(
    appliance: Appliance,
    readings: Sequence[Reading],
    duration: float,
    deadline: float,
    time: datetime,
    families: Iterable[Family] = FAMILIES,
) -> Result:
    """Return the result of a probe that brought these readings of the appliance's sources."""
    exposition = fuse(
        [*readings, _configured(appliance), _health(readings, duration, deadline)],
        {reading.source for reading in readings},
        families,
    )
    return Result(tuple(readings), exposition, duration, deadline, time)


def _configured(appliance: Appliance) -> Reading:
    """Return the figures that the configuration gives."""
    reading = Reading("config")
    for item in ("connection_limit", "rated_messages_per_hour"):
        value = getattr(appliance, item)
        if value is not None:
            reading.set(item, value)
    return reading


def _health(readings: Sequence[Reading], duration: float, deadline: float) -> Reading:
    """Return how the probe itself went."""
    health = Reading("probe")
    health.set("success", int(any(reading.up for reading in readings)))
    health.set("duration", duration)
    health.set("deadline", deadline)
    for reading in readings:
        row = (reading.source,)
        health.set("source_up", int(reading.up), row)
        health.set("source_complete", int(reading.complete), row)
        health.set("source_duration", reading.duration, row)
        health.set("source_age", reading.age, row)
        health.set("source_requests", reading.requests, row)
        health.set("source_retries", reading.retries, row)
        failed = {error.reason for error in reading.errors}
        for reason in REASONS:
            health.set("source_error", int(reason in failed), (*row, reason))
    return health
