"""When to send a request again: a timeout that adapts to the agent's round trips, growing with every try.

Measured best for AsyncOS, which drops requests when it is busy: short first timeouts recover a dropped packet within
a few round trips, the growth spares an agent that is slow or gone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

_INITIAL: Final = 0.25
_LEAST: Final = 0.05
_CAP: Final = 1.0
_GROWTH: Final = 1.6
_JITTER: Final = (0.85, 1.25)


class RoundTripTime:
    """What is known of an agent's round trips, smoothed as in RFC 6298, section 2."""

    def __init__(self) -> None:
        self._smoothed: float | None = None
        self._variation = 0.0

    def observe(self, seconds: float) -> None:
        """Take a measured round trip into account."""
        if self._smoothed is None:
            self._smoothed, self._variation = seconds, seconds / 2
            return
        self._variation += (abs(self._smoothed - seconds) - self._variation) / 4
        self._smoothed += (seconds - self._smoothed) / 8

    @property
    def timeout(self) -> float:
        """Time in seconds after which an answer is probably lost."""
        if self._smoothed is None:
            return _INITIAL
        return max(_LEAST, self._smoothed + 4 * self._variation)


def timeouts(first: float) -> Iterator[float]:
    """Yield without end how long, in seconds, to wait for an answer after each try."""
    timeout, cap = first, max(_CAP, first)
    while True:
        yield timeout * random.uniform(*_JITTER)  # noqa: S311 - spreads load, guards nothing
        timeout = min(timeout * _GROWTH, cap)
