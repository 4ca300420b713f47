"""Round values and moments for the axes of charts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from itertools import count
from typing import Final

from exporter.phrases import Phrases


class Measure(Enum):
    """How the values of a chart are written."""

    NUMBER = auto()
    SHARE = auto()
    """From 0 to 1, written in percent."""
    SECONDS = auto()
    """Written as durations."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis, from 0 at its beginning to 1 at its end, and what is written there."""

    place: float
    label: str


@dataclass(frozen=True, slots=True)
class ValueAxis:
    """An axis from 0 to `top`."""

    top: float
    ticks: tuple[Tick, ...]


_MOST_STEPS: Final = 4
_DURATIONS: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200)
_DAY: Final = 86_400


def value_axis(highest: float, measure: Measure, phrases: Phrases) -> ValueAxis:
    """Return an axis on which `highest` fits, with at most four steps of a round size."""
    sizes = _duration_sizes() if measure is Measure.SECONDS else _decimal_sizes(highest)
    step = next(size for size in sizes if highest <= _MOST_STEPS * size)
    steps = max(1, math.ceil(highest / step - 1e-9))
    ticks = (Tick(index / steps, written(index * step, measure, phrases, step)) for index in range(steps + 1))
    return ValueAxis(steps * step, tuple(ticks))


def written(value: float, measure: Measure, phrases: Phrases, step: float = 0.0) -> str:
    """Return a value as the measure and the language write it, with the decimals that a step of this size needs."""
    if measure is Measure.SECONDS:
        return phrases.duration(value)
    if measure is Measure.SHARE:
        return phrases.percent(value, _decimals(100 * (step or 0.1)))
    return phrases.number(value, _decimals(step or _precision(value)))


def _precision(value: float) -> float:
    """Return the step that leaves three digits of a number, and none behind a whole one."""
    return 1 if value == round(value) else max(abs(value) / 100, 0.001)


def _decimals(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9))


def _decimal_sizes(highest: float) -> Iterator[float]:
    first = math.floor(math.log10(highest)) - 1 if highest > 0 else 0
    for exponent in count(first):
        yield from (factor * 10.0**exponent for factor in (1, 2, 5))


def _duration_sizes() -> Iterator[float]:
    yield from _DURATIONS
    yield from (_DAY * size for size in _decimal_sizes(1))


_LABELS_AT_MOST: Final = 6
"""So many fit side by side on a phone."""

_MINUTES: Final = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720)
_WEEK: Final = 7


def time_ticks(begin: datetime, end: datetime, phrases: Phrases) -> tuple[Tick, ...]:
    """Return ticks at round local times between two moments of one time zone; weeks begin on Monday."""
    choices = _choices(begin, end)
    moments, are_dates = next(choice for choice in choices if len(choice[0]) <= _LABELS_AT_MOST)
    label = phrases.short_date if are_dates else _clock
    return tuple(Tick(place(moment, begin, end), label(moment)) for moment in moments)


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M}"


def place(moment: datetime, begin: datetime, end: datetime) -> float:
    """Return where a moment lies between two others: 0 at `begin`, 1 at `end`."""
    return (moment.timestamp() - begin.timestamp()) / (end.timestamp() - begin.timestamp())


def _choices(begin: datetime, end: datetime) -> Iterator[tuple[list[datetime], bool]]:
    """Yield the moments of finer to coarser ticks, and whether they are written as dates."""
    if end - begin <= timedelta(days=2):
        yield from ((_clock_times(begin, end, minutes), False) for minutes in _MINUTES)
    yield _midnights(begin, end, 1), True
    for weeks in (1, 2, 4, 8, 13, 26, 52):
        yield _midnights(begin, end, weeks * _WEEK), True


def _clock_times(begin: datetime, end: datetime, minutes: int) -> list[datetime]:
    midnight = datetime.combine(begin.date(), time(), begin.tzinfo)
    moments = (midnight + timedelta(minutes=minutes * index) for index in range(3 * 1440 // minutes))
    return _between(moments, begin, end)


def _midnights(begin: datetime, end: datetime, step: int) -> list[datetime]:
    """Return the beginning of every `step`th day; whole weeks begin on Mondays."""
    first = begin.date().toordinal()
    first -= (first - 1) % step
    days = range(first, end.date().toordinal() + 1, step)
    return _between((datetime.combine(date.fromordinal(day), time(), begin.tzinfo) for day in days), begin, end)


def _between(moments: Iterator[datetime], begin: datetime, end: datetime) -> list[datetime]:
    return [moment for moment in moments if begin.timestamp() <= moment.timestamp() <= end.timestamp()]
