"""Stopping: what runs may end, but whatever hangs cannot hold the process."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial
from types import FrameType
from typing import Final

import structlog

from exporter.web.running_probes import RunningProbes

_GRACE: Final = 2.0
"""Seconds to end in after the deadline of the last running probe."""

_LONGEST: Final = 10.0
"""Seconds after which the process ends in any case, also if a probe has more time."""

_LAST_LINE: Final = 1.0
"""Seconds that the last line of the log may take."""

_ENDINGS: Final = (signal.SIGTERM, signal.SIGINT)

_log: Final = structlog.get_logger()


def stop_on_signals(probes: RunningProbes) -> asyncio.Event:
    """Return the event that SIGTERM or SIGINT sets.

    The process then has 2 s more than its probes, 10 s at most, until it is stopped by force. A second signal does that
    at once. The kernel measures that time, and the handlers run between any two steps of the main thread. So nothing
    holds the process up: no thread on a slow file system, no connection that does not close, no log that is not read.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(_number: int, _frame: FrameType | None) -> None:
        for ending in _ENDINGS:
            signal.signal(ending, partial(_stop_by_force, "a second signal"))
        signal.setitimer(signal.ITIMER_REAL, min(probes.seconds_left() + _GRACE, _LONGEST))
        loop.call_soon_threadsafe(stopped.set)

    signal.signal(signal.SIGALRM, partial(_stop_by_force, "it took too long"))
    for ending in _ENDINGS:
        signal.signal(ending, stop)
    return stopped


def _stop_by_force(reason: str, _number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGALRM, lambda *_: os._exit(1))
    signal.setitimer(signal.ITIMER_REAL, _LAST_LINE)
    try:
        _log.error("stopped by force", reason=reason)
    finally:
        os._exit(1)
