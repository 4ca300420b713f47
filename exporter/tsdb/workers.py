"""Processes that share long work."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def workers() -> ProcessPoolExecutor:
    """Return a pool with a process for each processor; Ctrl-C is left to the process that waits for them."""
    return ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), _ignore_interrupt)


def _ignore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
