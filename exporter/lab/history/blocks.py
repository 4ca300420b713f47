"""Blocks of a Prometheus database: promtool makes them from OpenMetrics text, and Prometheus reads them."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Final

from exporter.errors import ExporterError
from exporter.lab.history import openmetrics
from exporter.prometheus.connection import QUERY_TIMEOUT

LENGTH: Final = 64800
"""Seconds that a block spans, beginning at a multiple of it in Unix time.

Prometheus begins with blocks of 2 hours and compacts them to blocks of 6, 18, 54 hours and so on, up to a tenth of the
retention. With its default retention of 15 days, 18 hours are the longest. Blocks of this length stay as they are.
"""

_LEFT_BEHIND: Final = ("wal", "chunks_head", "lock", "queries.active")
"""What Prometheus leaves beside the blocks. It holds no samples, because nothing was scraped."""

_PATIENCE: Final = 120.0
"""Seconds in which Prometheus must start or end. This is generous, for a busy machine."""

DEFAULT_LOOKBACK: Final = 300
"""Seconds for which a series is still there after its last sample: the default of Prometheus.

Prometheus marks the end of a series that a scrape or a rule no longer gives. Text has no such mark, so here every
series lasts for this time.
"""


def program(name: str) -> str:
    """Return the path of a program; raises ExporterError if it is not installed."""
    path = shutil.which(name)
    if path is None:
        raise ExporterError(f"{name} is not on the PATH; it comes with Prometheus (Debian: apt install prometheus).")
    return path


def periods(begin: int, end: int, step: int) -> Iterator[range]:
    """Yield the instants from `begin` to `end`, both included, as ranges that each lie in one block."""
    while begin <= end:
        border = (begin // LENGTH + 1) * LENGTH
        instants = range(begin, min(border - 1, end) + 1, step)
        yield instants
        begin = instants[-1] + step


def write(text: Iterable[str], folder: Path) -> None:
    """Add the samples in `text`, which lie in one block, to the database in `folder`.

    All samples lie in one block because promtool reads its whole input again for each block.
    """
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".openmetrics") as file:
        try:
            file.writelines(text)
            file.write(openmetrics.END)
            file.flush()
        except OSError as error:
            raise ExporterError(f"Cannot write samples to {file.name}: {error.strerror}. Make room there.") from error
        command = ["tsdb", "create-blocks-from", "--quiet", f"--max-block-duration={LENGTH}s", "openmetrics"]
        result = subprocess.run(  # noqa: S603 - no shell, and no argument from outside but the folder
            [program("promtool"), *command, file.name, str(folder)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    if result.returncode:
        raise ExporterError(f"promtool could not make blocks in {folder}: {_last_line(result.stderr)}")


@contextmanager
def served(folder: Path, lookback: int = DEFAULT_LOOKBACK) -> Iterator[str]:
    """Run Prometheus on the database in `folder` and yield its URL. Afterwards the folder holds only blocks again."""
    address = f"127.0.0.1:{_free_port()}"
    command = [
        program("prometheus"),
        "--config.file=/dev/null",
        f"--storage.tsdb.path={folder}",
        "--storage.tsdb.retention.time=100y",
        f"--storage.tsdb.max-block-duration={LENGTH}s",  # a block stays what it is
        f"--web.listen-address={address}",
        f"--query.timeout={QUERY_TIMEOUT}s",
        f"--query.lookback-delta={lookback}s",
        "--log.level=error",
    ]
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        server = subprocess.Popen(  # noqa: S603 - no shell
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait_until_ready(server, address, log)
            yield f"http://{address}"
        finally:
            _end(server)
    for name in _LEFT_BEHIND:
        state = folder / name
        shutil.rmtree(state) if state.is_dir() else state.unlink(missing_ok=True)


def _wait_until_ready(server: subprocess.Popen[bytes], address: str, log: IO[str]) -> None:
    limit = time.monotonic() + _PATIENCE
    while not _is_ready(address):
        if server.poll() is not None or time.monotonic() > limit:
            log.seek(0)
            raise ExporterError(f"Prometheus did not start on the history: {_last_line(log.read())}")
        time.sleep(0.05)


def _is_ready(address: str) -> bool:
    """Ask without the client, whose sessions cost much where a history needs a server a dozen times."""
    asked = HTTPConnection(address, timeout=_PATIENCE)
    try:
        asked.request("GET", "/-/ready")
        return asked.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        asked.close()


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it did not say why"])[-1]
