"""Bursty mail: what people send comes in bursts of minutes to a day, and a few of them are very large."""

# mypy: disable-error-code=no-any-return
# numpy's operators are typed as Any where shapes or kinds mix.
from __future__ import annotations

from enum import Enum, auto
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from exporter.lab.simulator.noise import Counts, Floats, Mask, generator
from exporter.prometheus.durations import DAY, HOUR, MINUTE

_WEEK: Final = 7 * DAY


class BurstScope(Enum):
    """Whose mail a burst multiplies."""

    UNIT = auto()
    POOL = auto()
    FLEET = auto()
    """Inbound together with outbound: people answer what they receive."""


class BurstShape(Enum):
    """How a burst goes on; the value is the power of the part that is over, or that is left."""

    EVEN = auto()
    FADING = auto()
    RISING = auto()


class BurstKind(NamedTuple):
    """Bursts of one kind. Their lengths are log-normal and their sizes have a Pareto distribution (heavy tail)."""

    name: str
    scope: BurstScope
    shape: BurstShape
    filled: float  # share of its capacity up to which it fills a unit
    weekly: float  # bursts in a week, of each unit, each pool or the fleet
    length: float  # median in seconds
    least: float  # smallest size at the peak: what is added, in multiples of the usual mail
    tail: float  # exponent of the Pareto distribution: the lower, the more of the bursts are very large


SUSTAINED: Final = 0.42
BRIEF: Final = 0.75
"""Shares of its capacity up to which a burst fills a unit: quiet weeks have no more mail than the units carry.

Sustained bursts leave the fleet able to lose half of its units, because these hours count as its usual busy hours.
"""

KINDS: Final = (
    BurstKind("mailing list", BurstScope.UNIT, BurstShape.EVEN, BRIEF, 6, 10 * MINUTE, 1.0, 1.2),
    BurstKind("announcement", BurstScope.POOL, BurstShape.FADING, BRIEF, 16, 15 * MINUTE, 2.5, 1.0),
    BurstKind("reply storm", BurstScope.FLEET, BurstShape.FADING, SUSTAINED, 7, 40 * MINUTE, 2.0, 1.0),
    BurstKind("campaign", BurstScope.POOL, BurstShape.FADING, SUSTAINED, 3, 2 * HOUR, 1.5, 1.2),
    BurstKind("deadline", BurstScope.FLEET, BurstShape.RISING, SUSTAINED, 2, 4 * HOUR, 2.0, 1.3),
    BurstKind("event day", BurstScope.FLEET, BurstShape.EVEN, SUSTAINED, 0.5, 10 * HOUR, 0.4, 2.0),
)
"""With these rates and sizes the mail has the figures of ten public traces of human activity."""

_SPREAD: Final = 0.5
"""Standard deviation of the logarithm of the lengths."""

_SHORTEST: Final = 5 * MINUTE

BETWEEN: Final = 0.86
"""Mail outside of bursts, as a share of smooth mail: bursts bring the rest, and the volume stays about the same."""

_RELIEF: Final = MINUTE
"""Seconds in which the room that a burst leaves must suffice to work off what already waits."""


class Bursts(NamedTuple):
    """The bursts that begin in one week."""

    start: Floats  # Unix time
    length: Floats  # seconds
    size: Floats  # at the peak, in multiples of the usual mail
    shape: list[BurstShape]
    brief: list[bool]
    places: Mask  # whether it touches the unit, by burst and unit

    def sizes_at(self, time: float) -> Floats:
        """Return what sustained and what brief bursts add to each unit at a Unix time, a row each."""
        over = (time - self.start) / self.length
        sizes = np.zeros((2, self.places.shape[1]))
        for burst in np.flatnonzero((over >= 0) & (over < 1)):
            size = self.size[burst] * _height(self.shape[burst], over[burst])
            sizes[int(self.brief[burst])] += size * self.places[burst]
        return sizes


def sizes_at(seed: int, time: float, pools: tuple[int, ...]) -> Floats:
    """Return what sustained and what brief bursts add to each unit at a Unix time, in multiples of its usual mail.

    `pools` is the pool of each unit.
    """
    week = int(time // _WEEK)
    return _bursts(seed, week - 1, pools).sizes_at(time) + _bursts(seed, week, pools).sizes_at(time)


def carried(added: Floats, usual: Floats, queue: Counts, capacity: Floats) -> Floats:
    """Return the usual mail with as much of the `added` mail as the units carry beside it and the queue.

    `added` has a row for sustained and one for brief bursts.
    """
    total = usual
    for filled, more in zip((SUSTAINED, BRIEF), added, strict=True):
        total = total + np.minimum(more, np.maximum(filled * capacity - total - queue / _RELIEF, 0))
    return total


def _height(shape: BurstShape, over: float) -> float:
    """Return the share of the peak when so much of a burst is over."""
    return {BurstShape.EVEN: 1.0, BurstShape.FADING: (1 - over) ** 2, BurstShape.RISING: over**2}[shape]


@lru_cache(maxsize=8)
def _bursts(seed: int, week: int, pools: tuple[int, ...]) -> Bursts:
    draw = generator(seed, 8, week)
    chosen: list[tuple[BurstKind, Mask]] = []
    for kind in KINDS:
        chosen += [(kind, place) for place in _places(kind.scope, pools) for _ in range(draw.poisson(kind.weekly))]
    count = len(chosen)
    median, least, tail = (
        np.array([getattr(kind, name) for kind, _ in chosen]) for name in ("length", "least", "tail")
    )
    return Bursts(
        start=week * _WEEK + draw.uniform(0, _WEEK, count),
        length=np.clip(median * np.exp(_SPREAD * draw.standard_normal(count)), _SHORTEST, DAY),
        size=least * (1 - draw.random(count)) ** (-1 / tail),
        shape=[kind.shape for kind, _ in chosen],
        brief=[kind.filled == BRIEF for kind, _ in chosen],
        places=np.array([place for _, place in chosen]).reshape(count, len(pools)),
    )


def _places(scope: BurstScope, pools: tuple[int, ...]) -> Mask:
    """Return for each place of this scope, a row each, which units it has."""
    units = np.array(pools)
    if scope is BurstScope.UNIT:
        return np.eye(len(units), dtype=bool)
    if scope is BurstScope.POOL:
        return np.array([units == pool for pool in range(int(units.max()) + 1)])
    return np.ones((1, len(units)), dtype=bool)
