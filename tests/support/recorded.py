"""Recorded series of made-up pools, written straight into blocks: months of them take seconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from exporter.capacity import figures
from exporter.lab.history import blocks, openmetrics
from exporter.prometheus.durations import DAY, MINUTE
from exporter.report import unit_figures

Course = Callable[[int], float | None]
"""A value by Unix time, None for no sample."""


class RecordedSeries(NamedTuple):
    name: str
    labels: dict[str, str]
    step: int
    """Seconds between two samples."""
    course: Course


def constant(value: float) -> Course:
    return lambda _time: value


def daily(mean: float) -> Course:
    """Return a course with a high at noon (UTC) and a low at midnight, of half the mean."""
    return lambda time: mean * (1 - math.cos(2 * math.pi * (time % DAY) / DAY) / 2)


NOTHING: Final = constant(0.0)
ALWAYS: Final = constant(1.0)
DAILY: Final = daily(10.0)


@dataclass(frozen=True)
class Spell:
    """A time, in Unix seconds. A sample is about the time before it, so that the one at the beginning is not in it."""

    begin: int
    end: int

    def __contains__(self, time: int) -> bool:
        return self.begin < time <= self.end

    def only(self, course: Course) -> Course:
        return lambda time: course(time) if time in self else None

    def never(self, course: Course) -> Course:
        return lambda time: None if time in self else course(time)

    def then(self, value: float, course: Course = NOTHING) -> Course:
        """Return the course with another value in this time."""
        return lambda time: value if time in self else course(time)


_OVER: Final = {60: "1 minute", 300: "5 minutes", 900: "15 minutes"}


@dataclass(frozen=True)
class RecordedPool:
    """A pool; rates are per second."""

    name: str
    job: str = "ironport"
    stream: str = ""
    messages: Course = DAILY
    rejected_share: float = 0.2
    accepting: Course = ALWAYS
    delay: Course = NOTHING
    """Of the last five minutes, in seconds."""
    conserving: Course = NOTHING
    backed_up: Course = NOTHING
    there: Course = ALWAYS
    """None where the pool has no samples."""

    def series(self) -> Iterator[RecordedSeries]:
        yield from self.mail()
        yield from self.service()

    def mail(self) -> Iterator[RecordedSeries]:
        """Yield what needs XML, in recipients as many as messages."""
        share = self.rejected_share
        yield self._series(figures.MESSAGE_RATE, self.messages)
        yield self._series(figures.RECIPIENT_RATE, self.messages)
        yield self._series(figures.REJECTED_RATE, self._share_of_messages(share / (1 - share)))
        for result, part in (("delivered", 0.97), ("hard_bounced", 0.02), ("deleted", 0.01)):
            yield self._series(figures.COMPLETED_RATE, self._share_of_messages(part), result=result)
        yield self._series(figures.LONGEST_DELAY, self.delay)
        for seconds, over in _OVER.items():
            yield self._series("pool:ironport_work_queue_delay_seconds:ratio_over5m", self._longer(seconds), over=over)

    def service(self) -> Iterator[RecordedSeries]:
        yield self._series(figures.UNITS_ACCEPTING, self.accepting)
        yield self._series(figures.CONSERVING, self.conserving)
        yield self._series(figures.BACKED_UP, self.backed_up)

    def _share_of_messages(self, share: float) -> Course:
        return lambda time: None if (rate := self.messages(time)) is None else share * rate

    def _longer(self, seconds: int) -> Course:
        return lambda time: None if (delay := self.delay(time)) is None else float(delay > seconds)

    def _series(self, name: str, course: Course, **more: str) -> RecordedSeries:
        labels = {"job": self.job, "stream": self.stream or self.name, "pool": self.name, **more}
        return RecordedSeries(name, labels, figures.SAMPLE, lambda time: self.there(time) and course(time))


@dataclass(frozen=True)
class RecordedUnit:
    """A unit, which has one sample a minute."""

    name: str
    pool: str
    job: str = "ironport"
    stream: str = ""
    site: str = ""
    role: str = "production"
    up: Course = ALWAYS
    refusing: Course = lambda _time: None
    messages: Course | None = None
    """Per second; only reports of sites read it."""
    release: str = "15.0.0-104"
    version: Course = ALWAYS
    """None where it has another release."""

    def series(self) -> Iterator[RecordedSeries]:
        yield self._series(unit_figures.UNIT_UP, self.up)
        yield self._series(unit_figures.UNIT_REFUSING, self.refusing)
        yield self.versions()
        if self.messages:
            yield self._series(unit_figures.MESSAGES_OF_UNIT, self.messages)
            yield self._series(unit_figures.IN_SERVICE, ALWAYS)

    def versions(self) -> RecordedSeries:
        return self._series("ironport_version_info", self.version, version=self.release)

    def _series(self, name: str, course: Course, **more: str) -> RecordedSeries:
        site = {"site": self.site} if self.site else {}
        labels = {"job": self.job, "instance": self.name, "pool": self.pool, "stream": self.stream or self.pool}
        return RecordedSeries(name, {**labels, "role": self.role, **site, **more}, MINUTE, course)


def write(series: Iterable[RecordedSeries], begin: int, end: int, folder: Path) -> None:
    """Write the samples after `begin` up to `end` to the folder."""
    ordered = sorted(series, key=lambda each: each.name)
    for part in blocks.periods(begin + MINUTE, end, MINUTE):
        blocks.write(_text(ordered, part), folder)


def _text(series: Sequence[RecordedSeries], part: range) -> Iterator[str]:
    instants = {step: [time for time in part if time % step == 0] for step in {each.step for each in series}}
    ends = {step: openmetrics.stamps(times) for step, times in instants.items()}
    for name, same in groupby(series, lambda each: each.name):
        yield openmetrics.header(name, "gauge")
        for each in same:
            column = [each.course(time) for time in instants[each.step]]
            yield openmetrics.samples(openmetrics.labelled(name, each.labels), column, ends[each.step])
