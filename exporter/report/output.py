"""Files that are replaced as a whole."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from exporter.errors import ExporterError


def file_name(*parts: str) -> str:
    """Return a name for a file from names of all kinds; empty ones are left out."""
    return "-".join(re.sub(r"[^\w.-]+", "_", part) for part in parts if part)


def prepare_folder(folder: Path) -> None:
    """Make sure that files can be written to a folder; raises ExporterError. Done first, before a long collection."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ExporterError(f"No file can be written to {folder}: {error.strerror}. Name another folder.") from None


def replace_file(file: Path, content: bytes) -> None:
    """Write a file so that a reader finds the old content or the new one, and never a part. Raises ExporterError."""
    try:
        _replace(file, content)
    except OSError as error:
        raise ExporterError(f"{file} cannot be written: {error.strerror}.") from None


def _replace(file: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".report-", delete=False) as temporary:
        try:
            temporary.write(content)
            temporary.flush()
            os.fchmod(temporary.fileno(), 0o666 & ~_umask())
            Path(temporary.name).replace(file)
        except BaseException:
            Path(temporary.name).unlink()
            raise


def _umask() -> int:
    """Return the mode bits that new files of this process do not get."""
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
