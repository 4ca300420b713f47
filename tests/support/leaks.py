"""What this process holds open, as words to compare before and after a test."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def sockets() -> set[str]:
    """Return the sockets of this process, as the kernel calls them."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own descriptor has gone
            found.add(str(descriptor.readlink()))
    return {name for name in found if name.startswith("socket:")}


def children() -> set[str]:
    """Return the child processes of this process, ended ones that nobody waited for included."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            command, state = (folder / "stat").read_text().rsplit(")", 1)
            if int(state.split()[1]) == os.getpid():
                found.add(f"process {command})")
    return found
