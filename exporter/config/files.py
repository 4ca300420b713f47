"""The files that a configuration is read from, and whether they have changed since."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

FileState = tuple[int, int, int, int]
"""Inode, size in bytes, and the times of the last change of content and of metadata in nanoseconds."""


class FilesRead:
    """The files and folders that one load of the configuration has read, each with its state before it was read."""

    def __init__(self) -> None:
        self._states: dict[Path, FileState | None] = {}

    def note(self, path: Path) -> None:
        """Note the state of a file or folder that is about to be read."""
        self._states.setdefault(path, _state(path))

    def changed(self) -> bool:
        """Return whether any of them is no longer as it was read; a file that was missing and is there now counts."""
        return any(_state(path) != state for path, state in self._states.items())


@dataclass(frozen=True, slots=True)
class LoadContext:
    """What checks of values need to know when they come from a file."""

    folder: Path
    """The folder of the file; paths in the file are relative to it."""
    files: FilesRead

    def path(self, name: str) -> Path:
        """Return the path of a file that the configuration names, noted as read."""
        path = self.folder / name
        self.files.note(path)
        return path


def read_limited(path: Path, limit: int) -> bytes:
    """Return the bytes of a file. Raises OSError, also if there are more than `limit`."""
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return content


def read_regular(path: Path, limit: int) -> bytes:
    """Return the bytes of a file as read_limited does. Raises OSError for a pipe or a device, which may block."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    return read_limited(path, limit)


def _state(path: Path) -> FileState | None:
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
