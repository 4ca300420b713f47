"""Random numbers that depend on nothing but the seed, the time and their purpose.

What one step or one unit draws never shifts what another does: a scenario changes the figures that it should, and the
same seed gives the same bytes, however the caller slices the time.
"""

# mypy: disable-error-code=no-any-return
# numpy's operators are typed as Any where shapes or kinds mix.
from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, auto
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Counts = NDArray[np.signedinteger[Any]]
Indices = Counts
Mask = NDArray[np.bool_]
"""Yes or no for each unit."""

_BLOCK: Final = 32
"""Steps whose numbers are drawn at once."""


class Draw(IntEnum):
    """What a row of random numbers is for: one number per unit and step."""

    DEMAND = 0
    POOL_DEMAND = auto()
    CAPACITY = auto()
    GAUGE = auto()
    ACCEPTED = auto()
    CONNECTIONS = auto()
    REJECTED = auto()
    SESSIONS = auto()
    EXTRA_RECIPIENTS = auto()
    SERVICE = auto()
    DROPPED = auto()
    QUARANTINED = auto()
    QUEUED_RECIPIENTS = auto()
    SOFT = auto()
    HARD_DNS = auto()
    HARD_5XX = auto()
    HARD_FILTER = auto()
    HARD_OTHER = auto()
    DELETED = auto()
    UNSUBSCRIBED = auto()
    RETRIED = auto()
    RETRY_DELIVERED = auto()
    RETRY_EXPIRED = auto()
    STUCK = auto()
    BAD = auto()
    BOUNCES = auto()
    DELIVERIES = auto()
    OUTBOUND = auto()
    AGE = auto()
    AGE_LEFT = auto()


def generator(seed: int, *purpose: int) -> np.random.Generator:
    """Return a generator that belongs to the seed and up to three numbers of a purpose."""
    counter = [0, *purpose, *(0,) * (3 - len(purpose))]
    return np.random.Generator(np.random.Philox(key=seed, counter=np.array(counter, dtype=np.uint64)))


class Noise:
    """The random numbers of one step, by row: standard normal and uniform over [0, 1)."""

    def __init__(self, seed: int, units: int) -> None:
        self._seed = seed
        self._shape = (_BLOCK, len(Draw), units)
        self._block = -1
        self._numbers: tuple[Floats, Floats, Floats] = (np.empty(0),) * 3
        self.normal: Floats = np.empty(0)
        self.uniform: Floats = np.empty(0)
        self._skew: Floats = np.empty(0)

    def turn(self, step: int) -> None:
        """Go to the numbers of the step with this number, counted from the epoch."""
        block, row = divmod(step, _BLOCK)
        if block != self._block:
            draw = generator(self._seed, 1, block)
            normals = draw.standard_normal(self._shape)
            self._numbers = normals, draw.random(self._shape), (normals * normals - 1) / 6 + 0.5
            self._block = block
        self.normal, self.uniform, self._skew = (numbers[row] for numbers in self._numbers)

    def poisson(self, rows: Draw | Sequence[Draw], mean: Floats) -> Counts:
        """Return counts with this mean, Poisson but for means under 1: there 0 or 1.

        By the Cornish-Fisher expansion of the quantile, so that each count takes one random number.
        """
        picked = rows if isinstance(rows, Draw) else list(rows)
        many = mean + np.sqrt(mean) * self.normal[picked] + self._skew[picked]
        counts = np.floor(np.where(mean < 1, mean + self.uniform[picked], many))
        return np.maximum(counts, 0).astype(np.int64)

    def whole(self, row: Draw, amount: Floats) -> Counts:
        """Round up or down at random, so that the mean stays."""
        return np.floor(amount + self.uniform[row]).astype(np.int64)
