"""How much a peer may send that is of no use before it is not read for a while.

Whoever sends decides how many datagrams or pieces there are. Each one takes a turn of the event loop, and others wait.
"""

from __future__ import annotations

from typing import Final

_ALLOWANCE: Final = 32
"""A pause is due after pieces of no use that cost so much."""

_LONGEST: Final = 8
"""The longest pause, as a multiple of the first one."""


class Allowance:
    """Says when not to read a peer: first for `pause` seconds, and each time for twice as long as before.

    After each pause the allowance is half as large as before.
    """

    def __init__(self, pause: float) -> None:
        self._first = self._pause = pause
        self._spent = 0

    def spend(self, cost: int = 1) -> float:
        """Take note of something of no use. Return for how many seconds not to read the peer; 0 means read on."""
        self._spent += cost
        if self._spent < _ALLOWANCE * self._first / self._pause:
            return 0.0
        self._spent, pause = 0, self._pause
        self._pause = min(2 * pause, _LONGEST * self._first)
        return pause

    def renew(self) -> None:
        """Take note of something of use: the allowance and the next pause are as at first."""
        self._pause = self._first
