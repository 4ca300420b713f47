"""Stopping: what runs may end, but whatever hangs cannot hold the process."""

from __future__ import annotations

import asyncio
import os
import signal
from types import FrameType
from typing import Final

from exporter.web.running_probes import RunningProbes

_GRACE: Final = 2.0
"""Seconds to end in after the deadline of the last running probe."""

_LONGEST: Final = 10.0
"""Seconds after which the process ends in any case, also if a probe has more time."""

_ENDINGS: Final = (signal.SIGTERM, signal.SIGINT)


def stop_on_signals(probes: RunningProbes) -> asyncio.Event:
    """Return the event that SIGTERM or SIGINT sets.

    The process then has 2 s more than its probes, 10 s at most. A second signal ends it at once. The kernel measures
    that time, and the handlers run between any two steps of the main thread. So nothing holds the process up: no thread
    on a slow file system, no client that reads nothing, no connection that does not close.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(_number: int, _frame: FrameType | None) -> None:
        for ending in _ENDINGS:
            signal.signal(ending, _end_now)
        signal.setitimer(signal.ITIMER_REAL, min(probes.seconds_left() + _GRACE, _LONGEST))
        loop.call_soon_threadsafe(stopped.set)

    signal.signal(signal.SIGALRM, _end_now)
    for ending in _ENDINGS:
        signal.signal(ending, stop)
    return stopped


def _end_now(_number: int, _frame: FrameType | None) -> None:
    os._exit(0)
