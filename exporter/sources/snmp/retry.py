"""When to send a request again: after a timeout that adapts to the agent's round trips and grows with every try.

A busy AsyncOS drops requests. A short first timeout replaces a dropped request within a few round trips; the longer
timeouts after it spare an agent that is slow or down.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

_INITIAL_TIMEOUT: Final = 0.25
_MIN_TIMEOUT: Final = 0.05
_MAX_TIMEOUT: Final = 1.0
_MAX_WHILE_ANSWERING: Final = 0.5
"""In seconds. The initial timeout holds until a round trip is known. A longer first timeout replaces a maximum.

An agent that has answered other requests of the poll is neither down nor too slow: its packets are lost by chance. So
it is asked again sooner.
"""

_GROWTH_PER_TRY: Final = 1.4
_JITTER: Final = (0.85, 1.25)
"""Each timeout is multiplied by a random factor in this range, so that requests do not all come at the same moment."""

_CHANCE: Final = 0.00001
"""What has a lower probability than this is not explained by loss."""


class RoundTripTime:
    """An agent's round-trip time and its variation, smoothed as in RFC 6298, section 2."""

    def __init__(self) -> None:
        self._smoothed: float | None = None
        self._variation = 0.0

    def observe(self, seconds: float) -> None:
        if self._smoothed is None:
            self._smoothed, self._variation = seconds, seconds / 2
            return
        self._variation += (abs(self._smoothed - seconds) - self._variation) / 4
        self._smoothed += (seconds - self._smoothed) / 8

    @property
    def timeout(self) -> float:
        """Time in seconds after which an answer is probably lost."""
        if self._smoothed is None:
            return _INITIAL_TIMEOUT
        return max(_MIN_TIMEOUT, self._smoothed + 4 * self._variation)


class Loss:
    """The share of tries that get no answer, as the answered requests of a poll show it."""

    def __init__(self) -> None:
        self._answered = 0
        self._lost = 0

    def observe(self, tries: int) -> None:
        """Take note of a request that was answered after so many tries."""
        self._answered += 1
        self._lost += tries - 1

    @property
    def is_answering(self) -> bool:
        """Whether a request of the poll has been answered."""
        return self._answered > 0

    def explains(self, tries: int) -> bool:
        """Whether loss may be why so many tries in a row got no answer. Before the first answer, it is not."""
        share = (self._lost + 1) / (self._lost + self._answered + 2)  # by the rule of succession
        return self._answered > 0 and share**tries > _CHANCE


def timeouts(round_trip: RoundTripTime, loss: Loss) -> Iterator[float]:
    """Yield how many seconds to wait for an answer after each try, without end; they follow what is known meanwhile."""
    growth = 1.0
    while True:
        first = round_trip.timeout
        most = max(first, _MAX_WHILE_ANSWERING if loss.is_answering else _MAX_TIMEOUT)
        yield min(first * growth, most) * random.uniform(*_JITTER)  # noqa: S311 - not for security
        growth *= _GROWTH_PER_TRY
