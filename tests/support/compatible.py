"""Servers with the HTTP API of Prometheus, and samples for them: installed ones, and today's Prometheus if built."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from exporter.lab.history import blocks
from exporter.prometheus.durations import HOUR, MINUTE
from support.processes import Process, free_port, program
from support.prometheus import is_ready
from support.victoria import VictoriaMetrics

BUILT: Final = os.environ.get("PROMETHEUS3", "")
"""The program that tests/compat/run has built; without it, the tests have one server less."""

SERVERS: Final = ("prometheus", "victoria-metrics", *(["prometheus 3"] if BUILT else []))

BEGIN: Final = blocks.LENGTH * 27_000
FLEET_END: Final = int(datetime(2026, 3, 11, 11, tzinfo=UTC).timestamp())
"""The end of the history of a fleet: a busy hour of a Wednesday."""

MINUTES: Final = range(BEGIN, BEGIN + 14 * HOUR, MINUTE)
GAP: Final = range(BEGIN + 2 * HOUR, BEGIN + 2 * HOUR + 10 * MINUTE, MINUTE)
"""Ten minutes without samples of `ironport_gauge`."""

_LINE: Final = re.compile(r'^\{__name__="([^"]+)"(?:, )?(.*)\} (\S+) (\d+)000$', re.MULTILINE)


@contextmanager
def serving(kind: str, data: Path, folder: Path, *flags: str) -> Iterator[str]:
    """Run a server on the samples of the Prometheus database `data`, and yield its URL; `folder` is for its files."""
    copy = folder / "data"
    shutil.copytree(data, copy)
    if kind == "victoria-metrics":
        with _victoria(copy, folder, flags) as url:
            yield url
        return
    address = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
    process = Process(
        [
            BUILT if kind == "prometheus 3" else program("prometheus"),
            "--config.file=/dev/null",
            f"--storage.tsdb.path={copy}",
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
    dumped = subprocess.run(command, capture_output=True, text=True, check=True).stdout
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
