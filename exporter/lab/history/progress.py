"""How far long work is."""

from __future__ import annotations

import sys
from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Is told what is being done, and which share of it is done."""


def show(what: str, share: float) -> None:
    """Show how far a part of the work is, in one line for each part; only a terminal shows it."""
    if not sys.stderr.isatty():
        return
    print(f"\r{what}: {share:4.0%}", end="\n" if share == 1 else "", file=sys.stderr, flush=True)  # noqa: T201 - for who waits


def silent(_what: str, _share: float) -> None:
    """Show nothing."""
