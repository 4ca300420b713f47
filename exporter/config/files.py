"""The files that a configuration is read from, and whether they have changed since."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MAX_CERTIFICATES_BYTES: Final = 10_000_000

FileState = tuple[int, int, int, int]
"""Inode, size in bytes, and the times of the last change of content and of metadata in nanoseconds."""


class FilesRead:
    """The files and folders that one load of the configuration has read, each with its state before it was read."""

    def __init__(self) -> None:
        self._states: dict[Path, FileState | None] = {}
        self.certificates: dict[Path, str] = {}
        """The content of the files of certificates that are all right; many appliances use the same one."""

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


def read_regular(path: Path, limit: int) -> bytes:
    """Return the bytes of a regular file, to which symbolic links may lead.

    Raises OSError with a reason in `strerror` if there are more than `limit` bytes, and for everything else that has a
    path: a pipe would never end, and neither would /dev/zero.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK)  # a pipe opens at once
    with open(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        content = file.read(limit + 1) or b""  # None: /proc/kmsg has nothing now
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"More than {limit:,} bytes", str(path))
    return content


def read_certificates(path: Path) -> str:
    """Return the text of a file with PEM certificates for OpenSSL's `cadata`. Raises OSError."""
    return pem_text(read_regular(path, _MAX_CERTIFICATES_BYTES))


def pem_text(content: bytes) -> str:
    """Return what OpenSSL's `cadata` takes: ASCII, although comments name authorities in every language; not empty."""
    return content.decode("ascii", errors="ignore") or "\n"


def _state(path: Path) -> FileState | None:
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
