"""Folders that take long to fill, and that all workers of pytest-xdist need."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """Return this worker's copy of a folder that the first worker to come fills; the others wait for it."""
    own = factory.getbasetemp()
    root = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    built = root / f"{name}-built"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            unfinished = factory.mktemp(f"{name}-unfinished")
            build(unfinished)
            unfinished.rename(built)
    return Path(shutil.copytree(built, own / name))
