"""The file in which a running demo keeps its addresses; `demo attack` finds the demo by it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from exporter.errors import ExporterError


@dataclass(frozen=True, slots=True)
class Addresses:
    """The URLs of a running demo; None for what was left out."""

    exporter: str
    prometheus: str | None
    alertmanager: str | None
    simulator: str
    fleet_file: str


def default() -> Path:
    """Return the file that is used unless another is named (XDG base directories)."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "ironport-exporter" / "demo.json"


@contextmanager
def claimed(file: Path) -> Iterator[None]:
    """Keep the file for this demo while the context is open, then remove it.

    Raises ExporterError if another demo has the file, or if it cannot be written.
    """
    with _locked(file):
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def _locked(file: Path) -> IO[str]:
    """Open and empty the file; the lock on it ends with this process, however that ends."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        opened = file.open("a")
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        opened.truncate(0)
    except BlockingIOError as error:
        opened.close()
        raise ExporterError(_taken(file)) from error
    except OSError as error:
        raise ExporterError(f"Cannot write {file}: {error.strerror}. Choose another file with --state.") from error
    return opened


def write_addresses(file: Path, addresses: Addresses) -> None:
    """Write the addresses of the demo that has claimed the file."""
    file.write_text(json.dumps(asdict(addresses), indent=2) + "\n")


def read_addresses(file: Path) -> Addresses:
    """Return the addresses of the demo that has the file; raises ExporterError if there is none."""
    try:
        return Addresses(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise no_demo(file) from error


def no_demo(file: Path) -> ExporterError:
    """Return the error for a demo that does not answer."""
    return ExporterError(f"No demo runs that keeps its addresses in {file}. Start one with: ironport-exporter demo")


def _taken(file: Path) -> str:
    try:
        place = f" Its exporter is at {read_addresses(file).exporter}."
    except ExporterError:
        place = " It is starting."
    return f"A demo runs already.{place} To start another one beside it, give it a file of its own: --state FILE"
