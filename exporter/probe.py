"""Probing one appliance: its sources side by side within one deadline, polls shared between probes, the result."""

from __future__ import annotations

import asyncio
import marshal
import math
import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import structlog

from exporter import DEFAULT_TIMEOUT, LONGEST_TIMEOUT
from exporter.config import Appliance
from exporter.errors import REASONS, MalformedError, RequestError, SourceTimeout, forget_calls, raised_at
from exporter.log import once_a_minute
from exporter.metrics.catalog import VERSION_INFO
from exporter.metrics.exposition import Exposition
from exporter.metrics.plan import fuse_by_plan
from exporter.metrics.reading import Items, Outcome, Reading, Row, Unreadable, label_value, unreadable_text
from exporter.sources.source import SOURCES, Source
from exporter.telemetry import Telemetry

_SHORTEST: Final = 0.1
"""Time in seconds: if a poll had less, that nothing came says nothing about the appliance."""

_FLOOR: Final = 1.0
"""Time in seconds that a poll gets at least, also if no probe waits for it any longer. So scrapes whose deadline is too
short for an answer, and clients that go away, begin at most one poll a second.
"""

TIMEOUT_HEADER: Final = "X-Prometheus-Scrape-Timeout-Seconds"
"""The header in which Prometheus says how long it waits for a scrape."""

_log: Final = structlog.get_logger()
_new_targets_log: Final = once_a_minute(f"{__name__}.new_targets")
"""For targets beyond the list that have never been probed: whoever reaches the exporter can think up many."""


def probe_timeout(scrape_timeout: str | None, offset: float) -> float:
    """Return the seconds that a probe may take: what Prometheus' header says that it waits, less `offset`.

    It is `LONGEST_TIMEOUT` at most. Raises RequestError if the header is no number above the offset.
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
    return min(seconds - offset, LONGEST_TIMEOUT)


@dataclass(frozen=True, slots=True)
class Result:
    """What one probe of one appliance gave."""

    readings: tuple[Reading, ...]
    exposition: Exposition
    duration: float
    """In seconds, as is `deadline`."""
    deadline: float
    time: datetime
    """When the probe ended."""

    def reading(self, source: str) -> Reading | None:
        """Return the reading of a source, None if the appliance is not configured for it."""
        return next((reading for reading in self.readings if reading.source == source), None)

    def without_figures(self) -> Result:
        """Return what is shown of the probe later: how its sources went, and the version. The figures take 50 KB."""
        readings = tuple(replace(reading, items={}, unreadable={}, notes=[]) for reading in self.readings)
        return replace(self, readings=readings, exposition=self.exposition.only(VERSION_INFO))

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
    appliance: Appliance, readings: Sequence[Reading], duration: float, deadline: float, time: datetime
) -> Result:
    """Return the result of a probe that brought these readings of the appliance's sources."""
    fused = fuse_by_plan([*readings, configured_reading(appliance, time)])
    health = fuse_by_plan([health_reading(readings, fused.unreadable, duration, deadline)])
    exposition = Exposition([*health.parts, *fused.parts], fused.unreadable)
    return Result(tuple(readings), exposition, duration, deadline, time)


def configured_reading(appliance: Appliance, now: datetime) -> Reading:
    """Return the figures that the configuration adds at a time."""
    reading = Reading("config")
    if appliance.maintenance:
        reading.set("maintenance", int(any(window.covers(now) for window in appliance.maintenance)))
    if appliance.holidays:
        reading.set("holidays", int(appliance.holidays.covers(now)))
    for item, value in (
        ("connection_limit", appliance.connection_limit),
        ("rated_messages_per_hour", appliance.rated_messages_per_hour),
        ("minimum_version", appliance.minimum_version),
    ):
        if value is not None:
            reading.set(item, value)
    return reading


def health_reading(
    readings: Sequence[Reading], unreadable: Mapping[str, Unreadable], duration: float, deadline: float
) -> Reading:
    """Return how a probe went: `duration` and `deadline` in seconds, `unreadable` by source."""
    by_row = [((reading.source,), reading) for reading in readings]
    items: Items = {
        "success": {(): int(any(reading.up for reading in readings))},
        "duration": {(): duration},
        "deadline": {(): deadline},
        "source_up": {row: int(reading.up) for row, reading in by_row},
        "source_complete": {row: int(reading.complete) for row, reading in by_row},
        "source_duration": {row: reading.duration for row, reading in by_row},
        "source_age": {row: reading.age for row, reading in by_row},
        "source_requests": {row: reading.requests for row, reading in by_row},
        "source_retries": {row: reading.retries for row, reading in by_row},
        "source_unreadable_values": {row: len(unreadable.get(reading.source, ())) for row, reading in by_row},
        "source_error": {},
    }
    for row, reading in by_row:
        failed = {error.reason for error in reading.errors}
        items["source_error"] |= {(*row, reason): int(reason in failed) for reason in REASONS}
        if certificate := reading.certificate:
            items.setdefault("certificate_expiry", {})[*row, certificate.verified_by] = certificate.expiry
    return Reading("probe", items)


@dataclass(slots=True)
class _Poll:
    """A poll that runs, and how many probes wait for it."""

    reading: Reading
    task: asyncio.Task[bool]
    """Gives whether the poll was ended at its deadline."""
    waiters: int = 0

    @property
    def expired(self) -> bool:
        return self.task.done() and not self.task.cancelled() and self.task.result()


class _KeptReading:
    """A reading that later probes may share.

    Its figures are octets, which take a fifth of the memory: 6 KB for both sources, not 28. The garbage collector has
    nothing to search in them either.
    """

    __slots__ = ("_items", "_rest", "started")

    def __init__(self, reading: Reading) -> None:
        self.started = reading.started
        self._rest = replace(reading, items={})
        self._items = marshal.dumps(reading.items)

    def shared(self, now: float) -> Reading:
        """Return the reading for a probe that begins at `now`."""
        return _shared(replace(self._rest, items=marshal.loads(self._items)), now)  # noqa: S302 - our own octets


class SharedPoll:
    """Polls one source of one appliance for all probes that want it at the same time or soon after.

    Each probe waits until its own deadline. The poll ends at the deadline of the probe that began it, so that an answer
    without an end cannot be kept alive by the probes that join. A probe that still has time then begins a new poll. A
    poll ends when no probe is left. But each poll may take `floor` seconds, so that probes without time share one. A
    successful poll is reused until `min_interval` seconds after it began. Successful means: the source is up and no
    request timed out.
    """

    def __init__(self, name: str, source: Source, min_interval: float, floor: float = _FLOOR) -> None:
        self._name = name
        self._source = source
        self._min_interval = min_interval
        self._floor = floor
        self._running: _Poll | None = None
        self._successful: _KeptReading | None = None

    async def read(self, deadline: float) -> Reading:
        """Return what the source has brought by `deadline`, in seconds on the monotonic clock."""
        now = time.monotonic()
        if self._running is None and self._successful and now - self._successful.started < self._min_interval:
            return self._successful.shared(now)
        if self._running is None:
            return await self._wait(self._start(now, deadline), deadline)
        poll = self._running
        reading = await self._wait(poll, deadline)
        if poll.expired and deadline - time.monotonic() > _SHORTEST:
            return await self.read(deadline)
        return _shared(reading, now)

    async def close(self) -> None:
        """Wait for a running poll, then close the source."""
        if self._running:
            await asyncio.wait({self._running.task})
        await self._source.close()

    def _start(self, now: float, deadline: float) -> _Poll:
        reading = Reading(self._name, started=now)
        end = max(deadline, now + self._floor)
        self._running = _Poll(reading, asyncio.create_task(self._poll(reading, end)))
        return self._running

    async def _poll(self, reading: Reading, deadline: float) -> bool:
        """Fill `reading` until `deadline`, and return whether that ended the poll."""
        is_successful = False
        try:
            async with asyncio.timeout_at(deadline) as limit:
                await self._source.poll(reading)
        except asyncio.CancelledError:  # no probe waits; a task that keeps this error would keep itself in memory
            return False
        except Exception as error:  # noqa: BLE001 - a fault of one source must not end the probe of the other
            reading.errors.extend(self._late(reading) if limit.expired() else [self._fault(error)])
        else:
            is_successful = reading.up and not any(isinstance(error, SourceTimeout) for error in reading.errors)
        finally:
            for failure in reading.errors:
                forget_calls(failure)
        reading.duration = time.monotonic() - reading.started
        if is_successful:
            self._successful = _KeptReading(reading)
        self._running = None
        return limit.expired()

    def _fault(self, error: Exception) -> MalformedError:
        _log.error("poll failed unexpectedly", source=self._name, exc_info=error)
        return MalformedError(
            f"Reading it failed unexpectedly ({raised_at(error)}); please report it in the project's issue tracker."
        )

    async def _wait(self, poll: _Poll, deadline: float) -> Reading:
        poll.waiters += 1
        try:
            await asyncio.wait({poll.task}, timeout=max(0.0, deadline - time.monotonic()))
        finally:
            poll.waiters -= 1
            self._leave(poll)
        if poll.task.done():
            return poll.reading
        if poll.task.cancelling():
            await asyncio.wait({poll.task})
        return self._partial(poll.reading)

    def _leave(self, poll: _Poll) -> None:
        """End a poll that no probe waits for, once it has had the least time of a poll."""
        if poll.waiters or poll.task.done():
            return
        left = poll.reading.started + self._floor - time.monotonic()
        if left > 0:
            asyncio.get_running_loop().call_later(left, self._leave, poll)
        else:
            poll.task.cancel()
            self._running = None

    def _partial(self, reading: Reading) -> Reading:
        """Return what has arrived of a poll that has not ended; the poll may go on and fill `reading` for others."""
        return replace(
            reading,
            items={item: dict(rows) for item, rows in reading.items.items()},
            errors=[*reading.errors, *self._late(reading)],
            unreadable=dict(reading.unreadable),
            notes=list(reading.notes),
            duration=time.monotonic() - reading.started,
        )

    def _late(self, reading: Reading) -> Sequence[SourceTimeout]:
        """Return the error for a poll that has not ended in time; none if its errors say why the source is not up."""
        if reading.errors and not reading.up:
            return ()
        duration = time.monotonic() - reading.started
        if duration < _SHORTEST and not reading.up:
            too_short = f"The probe ended after {duration * 1000:.0f} ms, too short for an answer: allow more."
            return (SourceTimeout(too_short),)
        return (self._source.timed_out(reading),)


def _shared(reading: Reading, now: float) -> Reading:
    """Return the reading for a probe that began at `now` and did not begin the poll: it has sent no requests."""
    return replace(reading, shared=True, age=now - reading.started, requests=0, retries=0)


class Prober:
    """Probes one appliance; `last` is the result of the last probe that ended, without its figures."""

    def __init__(self, appliance: Appliance, telemetry: Telemetry) -> None:
        self.appliance = appliance
        self.last: Result | None = None
        self._telemetry = telemetry
        self._up: dict[str, bool] = {}
        self._unreadable: dict[str, Set[tuple[str, Row]]] = {}
        self._polls = [
            SharedPoll(name, source.create(appliance, telemetry), source.min_interval(appliance))
            for name, source in SOURCES.items()
            if source.is_configured(appliance)
        ]

    async def probe(self, timeout: float) -> Result:  # noqa: ASYNC109 - its end gives a result, not an exception
        """Probe the appliance within `timeout` seconds; whatever fails, there is a result."""
        started = time.monotonic()
        with self._telemetry.probes_in_flight.track_inprogress():
            readings = await asyncio.gather(*(poll.read(started + timeout) for poll in self._polls))
        result = probe_result(self.appliance, readings, time.monotonic() - started, timeout, datetime.now(UTC))
        self._count(result)
        for reading in readings:
            self._log_changes(reading, result.exposition.unreadable[reading.source])
        self.last = result.without_figures()
        return result

    async def close(self) -> None:
        """Wait for running polls and close the connections."""
        await asyncio.gather(*(poll.close() for poll in self._polls))

    def _count(self, result: Result) -> None:
        """Count the probe, and what its own polls could not read: those that it shared are counted already."""
        self._telemetry.probes.labels(result.outcome).inc()
        self._telemetry.probe_duration.observe(result.duration)
        if any(reading.shared for reading in result.readings):
            self._telemetry.probes_shared.inc()
        for reading in result.readings:
            for item, _ in () if reading.shared else result.exposition.unreadable[reading.source]:
                self._telemetry.unknown_values.labels(item).inc()

    def _log_changes(self, reading: Reading, unreadable: Unreadable) -> None:
        was_up = self._up.get(reading.source)
        self._up[reading.source] = reading.up
        if was_up is False or not reading.complete or unreadable.keys() != self._unreadable.get(reading.source, set()):
            self._log_state(reading, was_up, unreadable)

    def _log_state(self, reading: Reading, was_up: bool | None, unreadable: Unreadable) -> None:
        errors = " ".join(map(str, reading.errors))
        is_new_target = was_up is None and self.appliance.beyond_list is not None
        log = (_new_targets_log if is_new_target else _log).bind(appliance=self.appliance.name, source=reading.source)
        if was_up is not False and not reading.up:
            log.warning("source down", reasons=",".join(error.reason for error in reading.errors), errors=errors)
        elif was_up is False and reading.up:
            log.info("source up again")
        elif errors:
            log.debug("source incomplete", errors=errors)
        if reading.complete and unreadable.keys() != self._unreadable.get(reading.source, set()):
            self._unreadable[reading.source] = unreadable.keys()
            log.info("values that cannot be read have changed", values=unreadable_text(unreadable) or "none")
