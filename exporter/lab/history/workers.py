"""Processes that share long work."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context


@contextmanager
def workers() -> Iterator[ProcessPoolExecutor]:
    """Give a pool with a process for each processor.

    Ctrl-C is left to the process that waits for them, and what has not begun when that gives up is dropped.
    """
    pool = ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), _ignore_interrupt)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
