"""Probing an appliance: one deadline, both sources side by side, shared polls, partial results."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Protocol

import structlog

from exporter.config import Appliance
from exporter.errors import REASONS, MalformedError, RequestError, SourceTimeout
from exporter.metrics import catalog
from exporter.metrics.catalog import FAMILIES, Family
from exporter.metrics.exposition import Exposition
from exporter.metrics.fusion import fuse
from exporter.metrics.reading import Outcome, Reading, label_value
from exporter.sources.snmp.collect import SnmpSource
from exporter.sources.xml.collect import XmlSource
from exporter.telemetry import Telemetry

DEFAULT_TIMEOUT: Final = 10.0
"""Time in seconds that a probe gets when nobody says how long it may take."""

TIMEOUT_HEADER: Final = "X-Prometheus-Scrape-Timeout-Seconds"
"""The header in which Prometheus says how long it waits for a scrape."""

_log: Final = structlog.get_logger()


def probe_timeout(scrape_timeout: str | None, offset: float) -> float:
    """Return the seconds that a probe may take: what Prometheus' header says that it waits, less `offset`.

    Raises RequestError if the header is no number above the offset.
    """
    if scrape_timeout is None:
        return DEFAULT_TIMEOUT
    try:
        seconds = float(scrape_timeout)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds <= offset:
        raise RequestError(
            f'{TIMEOUT_HEADER} is "{label_value(scrape_timeout)}"; it must be a number of seconds above {offset:g},'
            " the --timeout-offset: raise the job's scrape_timeout."
        )
    return seconds - offset


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

    @property
    def outcome(self) -> Outcome:
        """How the probe went."""
        return "complete" if self.complete else "partial" if self.success else "failed"


def probe_result(
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


class Source(Protocol):
    """A source of one appliance."""

    async def poll(self, reading: Reading) -> None:
        """Fill `reading` as things arrive, recording what fails; it is cancelled when nobody waits any longer."""
        ...

    def timed_out(self, reading: Reading) -> SourceTimeout:
        """Return what to say of a poll that did not end in time."""
        ...

    async def close(self) -> None:
        """Close what stays open between polls."""
        ...


@dataclass(slots=True)
class _Poll:
    """A poll under way and how many wait for it."""

    reading: Reading
    task: asyncio.Task[None]
    waiters: int = 0


class SharedPoll:
    """Polls a source so that everybody who wants it at the same time, or soon after, shares one poll.

    Each waiter has a deadline of its own; the poll runs to the latest of them and is cancelled when nobody is left. A
    good poll, one that asking again would not better, is served again until `min_interval` seconds after it began: the
    source is up, and nothing went unanswered. Any other is never served again.
    """

    def __init__(self, name: catalog.Source, source: Source, min_interval: float, telemetry: Telemetry) -> None:
        self.name = name
        self._source = source
        self._min_interval = min_interval
        self._telemetry = telemetry
        self._running: _Poll | None = None
        self._good: Reading | None = None

    async def read(self, deadline: float) -> Reading:
        """Return what the source brought by `deadline`, on the monotonic clock."""
        if self._running is None and (recent := self._recent()):
            self._telemetry.probes_shared.inc()
            return recent
        if self._running is None:
            reading = Reading(self.name, started=time.monotonic())
            self._running = _Poll(reading, asyncio.create_task(self._poll(reading)))
        else:
            self._telemetry.probes_shared.inc()
        return await self._wait(self._running, deadline)

    async def close(self) -> None:
        """Let a running poll end, then close the source."""
        if self._running:
            await asyncio.wait({self._running.task})
        await self._source.close()

    def _recent(self) -> Reading | None:
        reading = self._good
        if reading is None or (age := time.monotonic() - reading.started) >= self._min_interval:
            return None
        return replace(reading, age=age, requests=0, retries=0)

    async def _poll(self, reading: Reading) -> None:
        try:
            await self._source.poll(reading)
        except Exception as error:  # noqa: BLE001 - the fault of one source must not take the other with it
            _log.error("poll failed unexpectedly", source=self.name, exc_info=error)
            reading.errors.append(MalformedError(f"Reading it failed unexpectedly ({error!r}); please report this."))
        else:
            if reading.up and not any(isinstance(error, SourceTimeout) for error in reading.errors):
                self._good = reading
        reading.duration = time.monotonic() - reading.started
        self._running = None

    async def _wait(self, poll: _Poll, deadline: float) -> Reading:
        poll.waiters += 1
        try:
            await asyncio.wait({poll.task}, timeout=max(0.0, deadline - time.monotonic()))
        finally:
            poll.waiters -= 1
            if not poll.waiters and not poll.task.done():
                poll.task.cancel()
                self._running = None
        if poll.task.done():
            return poll.reading
        if not poll.waiters:
            await asyncio.wait({poll.task})
        return self._cut(poll.reading)

    def _cut(self, reading: Reading) -> Reading:
        """Return what has arrived of a poll that has not ended."""
        return replace(
            reading,
            items={item: dict(rows) for item, rows in reading.items.items()},
            errors=[*reading.errors, self._source.timed_out(reading)],
            notes=list(reading.notes),
            duration=time.monotonic() - reading.started,
        )


class Prober:
    """Probes one appliance; `last` is the result of the last probe that ended."""

    def __init__(self, appliance: Appliance, telemetry: Telemetry) -> None:
        self.appliance = appliance
        self.last: Result | None = None
        self._telemetry = telemetry
        self._up: dict[catalog.Source, bool] = {}
        self._polls: list[SharedPoll] = []
        if appliance.credentials.snmp:
            snmp = SnmpSource(appliance, telemetry)
            self._polls.append(SharedPoll("snmp", snmp, appliance.min_interval.snmp, telemetry))
        if appliance.credentials.xml:
            xml = XmlSource(appliance, telemetry)
            self._polls.append(SharedPoll("xml", xml, appliance.min_interval.xml, telemetry))

    async def probe(self, timeout: float) -> Result:  # noqa: ASYNC109 - its end gives a result, not an exception
        """Probe the appliance within `timeout` seconds; whatever fails, there is a result."""
        started = time.monotonic()
        with self._telemetry.probes_in_flight.track_inprogress():
            readings = await asyncio.gather(*(poll.read(started + timeout) for poll in self._polls))
        self.last = probe_result(self.appliance, readings, time.monotonic() - started, timeout, datetime.now(UTC))
        self._account(self.last)
        return self.last

    async def close(self) -> None:
        """Let running polls end and close the connections."""
        await asyncio.gather(*(poll.close() for poll in self._polls))

    def _account(self, result: Result) -> None:
        self._telemetry.probes.labels(result.outcome).inc()
        self._telemetry.probe_duration.observe(result.duration)
        for item in result.exposition.unknown:
            self._telemetry.unknown_values.labels(item).inc()
        for reading in result.readings:
            self._log_change(reading)

    def _log_change(self, reading: Reading) -> None:
        was_up = self._up.get(reading.source)
        self._up[reading.source] = reading.up
        errors = " ".join(map(str, reading.errors))
        log = _log.bind(appliance=self.appliance.name, source=reading.source)
        if was_up is not False and not reading.up:
            log.warning("source down", reasons=",".join(error.reason for error in reading.errors), errors=errors)
        elif was_up is False and reading.up:
            log.info("source up again")
        elif errors:
            log.debug("source incomplete", errors=errors)
