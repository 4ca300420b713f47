"""Random numbers that depend only on the seed, the time and their purpose.

So the numbers of one step never depend on those of another. A scenario changes only what it is meant to change, and the
same seed always gives the same history.
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
"""Steps whose numbers are drawn at a time."""


class Draw(IntEnum):
    """The purpose of a row of random numbers; each row has one number per unit and step."""

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
    """Return the generator for the seed and a purpose, given as up to three numbers."""
    counter = [0, *purpose, *(0,) * (3 - len(purpose))]
    return np.random.Generator(np.random.Philox(key=seed, counter=np.array(counter, dtype=np.uint64)))


class Noise:
    """The random numbers of one step, by purpose: standard normal, and uniform over [0, 1).

    `luck` are as many rows of uniform numbers as asked for.
    """

    def __init__(self, seed: int, units: int, luck: int = 0) -> None:
        self._seed = seed
        self._shape = (_BLOCK, len(Draw), units)
        self._luck_shape = (_BLOCK, luck, units)
        self._block = -1
        self._numbers: tuple[Floats, Floats, Floats] = (np.empty(0),) * 3
        self._lucks: Floats = np.empty(0)
        self.normal: Floats = np.empty(0)
        self.uniform: Floats = np.empty(0)
        self.luck: Floats = np.empty(0)
        self._skew: Floats = np.empty(0)

    def turn(self, step: int) -> None:
        """Go to the numbers of the step with this number, counted from the epoch."""
        block, row = divmod(step, _BLOCK)
        if block != self._block:
            draw = generator(self._seed, 1, block)
            normals = draw.standard_normal(self._shape)
            self._numbers = normals, draw.random(self._shape), (normals * normals - 1) / 6 + 0.5
            self._lucks = generator(self._seed, 10, block).random(self._luck_shape)
            self._block = block
        self.normal, self.uniform, self._skew = (numbers[row] for numbers in self._numbers)
        self.luck = self._lucks[row]

    def poisson(self, rows: Draw | Sequence[Draw], mean: Floats) -> Counts:
        """Return Poisson counts with this mean; for a mean below 1, 0 or 1.

        An ordinary Poisson generator takes more or fewer random numbers for each count, so that the counts of one unit
        would depend on those of others. Here each count is made from one normal number, with the skewness corrected
        (Cornish-Fisher expansion).
        """
        picked = rows if isinstance(rows, Draw) else list(rows)
        many = mean + np.sqrt(mean) * self.normal[picked] + self._skew[picked]
        counts = np.floor(np.where(mean < 1, mean + self.uniform[picked], many))
        return np.maximum(counts, 0).astype(np.int64)

    def whole(self, row: Draw, amount: Floats) -> Counts:
        """Round up or down at random, so that the mean stays the same."""
        return np.floor(amount + self.uniform[row]).astype(np.int64)
