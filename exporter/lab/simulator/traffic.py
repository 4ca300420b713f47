"""When mail comes and to which unit: the curve of the week, the senders of each unit, and the noise of quiet weeks."""

# mypy: disable-error-code=no-any-return
# numpy's operators are typed as Any where shapes or kinds mix.
from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exporter.lab.simulator.noise import Floats, Mask, generator
from exporter.prometheus.durations import DAY, HOUR

SENDER_COUNT: Final = 20_000
_ZIPF: Final = 0.8

# fmt: off
_WORKDAY: Final = (
    18, 14, 12, 11, 12, 18, 35, 70, 120, 155, 165, 160, 140, 145, 155, 150, 135, 105, 75, 58, 48, 40, 32, 24,
)
_WEEKEND: Final = (
    16, 12, 10, 9, 9, 11, 15, 22, 32, 42, 48, 50, 48, 46, 45, 44, 43, 42, 41, 40, 36, 31, 26, 20,
)
# fmt: on
_CURVE: Final = np.array(_WORKDAY * 5 + _WEEKEND * 2) / np.mean(_WORKDAY * 5 + _WEEKEND * 2)
PEAK: Final = float(_CURVE.max())
"""Good mail in the busiest hour, in multiples of the mean of the week."""

_HOURS: Final = np.arange(-1, 169) + 0.5
_AROUND: Final = np.concatenate((_CURVE[-1:], _CURVE, _CURVE[:1]))


def good_mail(time: Floats) -> Floats:
    """Return the flow of good mail at Unix times; 1 is the mean of the week. The curve is in UTC."""
    hours = ((time / DAY + 3) % 7) * 24  # the epoch was a Thursday, the table starts on Monday
    return np.interp(hours, _HOURS, _AROUND)


def spam(time: Floats) -> Floats:
    """Return the flow of spam at Unix times; 1 is the mean. It is almost the same by day and by night."""
    return 1 + 0.08 * np.sin(2 * np.pi * (time / DAY - 0.4))


class Senders:
    """20,000 senders with Zipf-distributed mail. The load balancer keeps each sender on one unit of its pool.

    When a unit leaves, only its senders move, to its peers. When one joins, it takes some senders from each peer.
    This is rendezvous hashing (highest random weight), in proportion to the capacity of the units.
    """

    def __init__(self, seed: int, pool: NDArray[np.int64], weight: Floats) -> None:
        widest = int(np.bincount(pool).max())
        zipf = np.arange(1, SENDER_COUNT + 1) ** -_ZIPF
        self._mail = zipf / zipf.sum()
        luck = generator(seed, 2).random((SENDER_COUNT, widest), dtype=np.float32)
        # One number in millions is 0, which has no logarithm.
        self._ranks = -np.log(np.maximum(luck, np.finfo(np.float32).tiny))
        self._pools = [np.flatnonzero(pool == number) for number in range(int(pool.max()) + 1)]
        self._weight = weight

    def shares(self, members: Mask) -> Floats:
        """Return each unit's share of the mail of its pool if the `members` are in rotation."""
        share = np.zeros(len(members))
        for number, units in enumerate(self._pools):
            places = np.flatnonzero(members[units])
            if len(places):
                chosen = self.assign(number, places)
                share[units[places]] = np.bincount(chosen, np.roll(self._mail, 7919 * number), len(places))
        return share

    def assign(self, pool: int, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return for each sender which of the `places` in the pool it is sent to."""
        weight = self._weight[self._pools[pool][places]].astype(np.float32)
        return np.argmin(self._ranks[:, places] / weight, axis=1)


class Newsletters(NamedTuple):
    """The bursts of a day."""

    start: Floats  # Unix time
    end: Floats  # Unix time
    unit: NDArray[np.int64]  # the unit that gets it
    rate: Floats  # messages per second

    def flow(self, begin: float, end: float, count: int) -> Floats:
        """Return the messages per second that the bursts bring to each of `count` units, averaged over the interval."""
        overlap = np.minimum(self.end, end) - np.maximum(self.start, begin)
        running = overlap > 0
        if not running.any():
            return np.zeros(count)
        rate = self.rate[running] * overlap[running] / (end - begin)
        return np.bincount(self.unit[running], rate, count).astype(float)


@lru_cache(maxsize=8)
def newsletters(seed: int, day: int, units: tuple[int, ...], scales: tuple[float, ...]) -> Newsletters:
    """Return the bursts of a day, as many as there are `units`: 500 to 5,000 messages each, in 2 to 10 minutes by day.

    These sizes are for a unit that handles 140,000 messages an hour; `scales` is the factor for each unit.
    """
    draw = generator(seed, 3, day)
    count = len(units)
    start = day * DAY + draw.uniform(6, 20, count) * HOUR
    length = draw.uniform(120, 600, count)
    chosen = draw.integers(count, size=count)
    messages = np.exp(draw.uniform(np.log(500), np.log(5000), count)) * np.array(scales)[chosen]
    return Newsletters(start, start + length, np.array(units)[chosen], messages / length)


UPDATE_SLOT: Final = 2 * HOUR
"""Each unit has one pause for an engine update in this time, in seconds."""


@lru_cache(maxsize=8)
def _pauses(seed: int, slot: int, count: int) -> tuple[Floats, Floats]:
    draw = generator(seed, 4, slot)
    start = slot * UPDATE_SLOT + draw.uniform(0, UPDATE_SLOT - 60, count)
    return start, start + draw.uniform(20, 60, count)


def pause(seed: int, begin: float, end: float, count: int) -> Floats:
    """Return the share of the interval in which an engine update pauses each unit's work queue."""
    paused = np.zeros(count)
    for slot in range(int(begin // UPDATE_SLOT), int((end - 1e-6) // UPDATE_SLOT) + 1):
        since, until = _pauses(seed, slot, count)
        paused += np.maximum(np.minimum(until, end) - np.maximum(since, begin), 0)
    return paused / (end - begin)
