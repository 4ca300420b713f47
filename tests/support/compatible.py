"""Servers with the HTTP API of Prometheus, installed ones and those of today if they are built, and samples."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final
from unittest.mock import patch

from exporter.lab.history import blocks
from exporter.prometheus.durations import HOUR, MINUTE
from support.processes import Process, free_port, program
from support.prometheus import is_ready
from support.victoria import VictoriaMetrics

TODAY: Final = os.environ.get("TODAY", "")
"""The folder of the programs that tests/compat/build has built; without it, the tests have fewer servers."""

TODAYS: Final = ("prometheus of today", "victoria-metrics of today") if TODAY else ()
SERVERS: Final = ("prometheus", "victoria-metrics", *TODAYS)

BEGIN: Final = blocks.LENGTH * 27_000
FLEET_END: Final = int(datetime(2026, 3, 11, 11, tzinfo=UTC).timestamp())
"""The end of the history of a fleet: a busy hour of a Wednesday."""

MINUTES: Final = range(BEGIN, BEGIN + 14 * HOUR, MINUTE)
GAP: Final = range(BEGIN + 2 * HOUR, BEGIN + 2 * HOUR + 10 * MINUTE, MINUTE)
"""Ten minutes without samples of `ironport_gauge`."""

_LINE: Final = re.compile(r'^\{__name__="([^"]+)"(?:, )?(.*)\} (\S+) (\d+)000$', re.MULTILINE)


@contextmanager
def programs_of_today() -> Iterator[None]:
    """Let the PATH begin with the programs of today, so that they are found instead of the installed ones."""
    with patch.dict(os.environ, {"PATH": f"{TODAY}:{os.environ['PATH']}"}):
        yield


@contextmanager
def serving(kind: str, data: Path, folder: Path, *flags: str) -> Iterator[str]:
    """Run a server on the samples of the Prometheus database `data`, and yield its URL; `folder` is for its files."""
    copy = folder / "data"
    shutil.copytree(data, copy)
    serve = _victoria if kind.startswith("victoria-metrics") else _prometheus
    with ExitStack() as running:
        with programs_of_today() if kind in TODAYS else nullcontext():  # only the start: the PATH is that of all tests
            url = running.enter_context(serve(copy, folder, flags))
        yield url


@contextmanager
def _prometheus(data: Path, folder: Path, flags: Sequence[str]) -> Iterator[str]:
    address = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
    process = Process(
        [
            program("prometheus"),
            "--config.file=/dev/null",
            f"--storage.tsdb.path={data}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address={address}",
            "--log.level=error",
            *flags,
        ],
        folder / "prometheus.log",
    )
    process.wait_until(partial(is_ready, f"http://{address}/-/ready"))
    try:
        yield f"http://{address}"
    finally:
        process.stop()


@contextmanager
def _victoria(data: Path, folder: Path, flags: Sequence[str]) -> Iterator[str]:
    (data / "wal").mkdir(exist_ok=True)  # promtool does not dump a database without it
    command = [program("promtool"), "tsdb", "dump", str(data)]
    # Prometheus 2.53 asks for a folder `data` where it runs.
    dumped = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder).stdout
    server = VictoriaMetrics(folder, *flags)
    try:
        server.add(_LINE.sub(r"\1{\2} \3 \4", dumped))
        yield server.url
    finally:
        server.stop()


def gauge(time: int) -> int:
    """Return the value of `ironport_gauge` at a time."""
    return time // MINUTE % 7


def write_samples(folder: Path) -> None:
    """Write the database: a gauge with a gap, a counter, and a series with a sample every five minutes."""
    lines = ["# TYPE ironport_gauge gauge\n"]
    lines += [f'ironport_gauge{{pool="in \\"1\\""}} {gauge(time)} {time}\n' for time in MINUTES if time not in GAP]
    lines += ["# TYPE ironport_counter counter\n"]
    lines += [f"ironport_counter_total {(time - BEGIN) // 2} {time}\n" for time in MINUTES]
    lines += ["# TYPE pool:ironport_recorded:rate5m gauge\n"]
    lines += [f'pool:ironport_recorded:rate5m{{pool="in"}} 0.5 {time}\n' for time in MINUTES[::5]]
    blocks.write(lines, folder)
