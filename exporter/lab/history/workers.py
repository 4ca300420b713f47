"""Processes that share long work."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import active_children, get_context


@contextmanager
def workers() -> Iterator[ProcessPoolExecutor]:
    """Give a pool with a process for each processor.

    If the process that waits for the work gives up, for example at Ctrl-C, the work is dropped at once. Temporary files
    of the work are in a folder that goes with the pool.
    """
    with tempfile.TemporaryDirectory(prefix="ironport-work-") as folder:
        pool = ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), _set_up, (folder,))
        try:
            yield pool
        except BaseException:
            _kill()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _set_up(folder: str) -> None:
    """Use the folder for temporary files, and lead a process group, which Ctrl-C does not reach."""
    os.setpgid(0, 0)
    os.environ["TMPDIR"] = tempfile.tempdir = folder


def _kill() -> None:
    """End every worker with the programs that it runs."""
    for pid in [child.pid for child in active_children() if child.pid]:
        for end in (os.killpg, os.kill):  # a worker that is just starting leads no group yet
            with suppress(ProcessLookupError):
                end(pid, signal.SIGKILL)
