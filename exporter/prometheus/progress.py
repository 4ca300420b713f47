"""Progress of long work."""

from __future__ import annotations

import sys
from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with what is being done and the share that is done."""


def show(what: str, share: float) -> None:
    """Show the progress on a terminal, with one line for each part of the work."""
    if not sys.stderr.isatty():
        return
    print(f"\r{what}: {share:4.0%}", end="\n" if share == 1 else "", file=sys.stderr, flush=True)  # noqa: T201 - for who waits


def silent(_what: str, _share: float) -> None:
    pass
