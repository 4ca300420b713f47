"""How much useless data a peer may send before the exporter stops reading it for a while.

Whoever sends decides how many datagrams or pieces there are. Each one takes a turn of the event loop, and others wait.
"""

from __future__ import annotations

from typing import Final

_ALLOWANCE: Final = 32
"""A pause is due when useless pieces have cost so much together."""

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
        """Count something useless. Return for how many seconds not to read the peer; 0 means read on."""
        self._spent += cost
        if self._spent < _ALLOWANCE * self._first / self._pause:
            return 0.0
        self._spent, pause = 0, self._pause
        self._pause = min(2 * pause, _LONGEST * self._first)
        return pause

    def renew(self) -> None:
        """Forget what was useless, because something useful came: the next pause is the first one again."""
        self._pause = self._first
