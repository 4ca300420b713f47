"""SIGTERM ends the real process, whatever hangs in it; running probes are answered first."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import pytest

from exporter.probe import TIMEOUT_HEADER
from support.fake_fleet import write_fleet
from support.processes import Process, free_port
from support.prometheus import is_ready

PROJECT = Path(__file__).parents[2]
LIMIT = 60.0
"""Seconds in which a process must have ended that would otherwise never end."""

HANGING = """
import asyncio, sys, time
from exporter import config
from exporter.cli import main
from exporter.sources.snmp.collect import SnmpSource

first = config.try_load

def load(*paths):
    config.try_load = lambda *paths: time.sleep(3600)
    return first(*paths)

async def close(source):
    await asyncio.sleep(3600)

config.try_load = load
SnmpSource.close = close
sys.exit(main())
"""
"""The exporter with a file system that hangs after the first load, and a source that does not close."""

IMPATIENT = """
import sys
from exporter.cli import main
from exporter.web import stopping

stopping._GRACE, stopping._LONGEST = 0.1, 1.0
sys.exit(main())
"""
"""The exporter with little time to stop."""


class Running:
    """The exporter as a process, in front of a fleet that does not answer, and raw clients."""

    def __init__(self, folder: Path, *start: str) -> None:
        agent, page = socket.socket(type=socket.SOCK_DGRAM), socket.create_server(("127.0.0.1", 0))
        agent.bind(("127.0.0.1", 0))
        ports = f"snmp: {{port: {agent.getsockname()[1]}}}, xml: {{port: {page.getsockname()[1]}}}"
        write_fleet(folder / "fleet.yml", f"{{name: mx1, address: 127.0.0.1, {ports}}}")
        self.port = free_port(socket.SOCK_STREAM)
        flags = [f"--config.file={folder / 'fleet.yml'}", f"--web.listen-address=127.0.0.1:{self.port}"]
        log = folder / "exporter.log"
        self.process = Process([sys.executable, *start, *flags], log, {"PYTHONPATH": str(PROJECT)})
        self.process.wait_until(partial(is_ready, f"http://127.0.0.1:{self.port}/-/ready"))
        self._open: list[socket.socket | HTTPConnection] = [agent, page]

    def client(self, request: str) -> socket.socket:
        """Send a request, and read nothing."""
        client = socket.create_connection(("127.0.0.1", self.port))
        self._open.append(client)
        client.sendall(request.encode())
        return client

    def probe(self, seconds: float) -> HTTPConnection:
        """Start a scrape with this timeout, and wait until the exporter has it."""
        client = self._connection()
        client.request("GET", "/probe?target=mx1", headers={TIMEOUT_HEADER: str(seconds)})
        self.process.wait_until(self._is_probing)
        return client

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.signal(number)

    def stop(self) -> None:
        """End what is left."""
        for each in self._open:
            each.close()
        self.process.stop()

    def _is_probing(self) -> bool:
        client = self._connection()
        client.request("GET", "/metrics")
        return b"ironport_exporter_probes_in_flight 1.0" in client.getresponse().read()

    def _connection(self) -> HTTPConnection:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        self._open.append(connection)
        return connection


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Start the exporter."""
    running = Running(tmp_path, "-m", "exporter")
    yield running
    running.stop()


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Running]:
    """Start an exporter that has little time to stop."""
    running = Running(tmp_path, "-c", IMPATIENT)
    yield running
    running.stop()


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Running]:
    """Start an exporter in which much hangs."""
    running = Running(tmp_path, "-c", HANGING)
    yield running
    running.stop()


def test_nothing_that_hangs_holds_the_process(hanging: Running) -> None:
    hanging.client("GET /-/ready HTTP/1.1\r\nHost: a\r\n\r\n")
    hanging.client("GET /-/ready HTTP/1.1\r\nHost:")
    hanging.client("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 500)
    for _ in range(20):
        hanging.client("POST /-/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    hanging.signal(signal.SIGTERM)
    assert hanging.process.wait(LIMIT) == 1
    assert 'level=error msg="stopped by force" reason="it took too long"' in hanging.process.output


def test_a_log_that_hangs_does_not_hold_the_process(tmp_path: Path) -> None:
    write_fleet(tmp_path / "fleet.yml")
    port = free_port(socket.SOCK_STREAM)
    flags = [f"--config.file={tmp_path}/fleet.yml", f"--web.listen-address=127.0.0.1:{port}"]
    read, write = os.pipe()
    process = subprocess.Popen([sys.executable, "-c", IMPATIENT, *flags], stderr=write, cwd=PROJECT)
    while b"msg=listening" not in os.read(read, 10_000):
        pass
    fill(write)
    process.terminate()
    assert process.wait(LIMIT) == 1
    os.close(read)
    os.close(write)


def fill(pipe: int) -> None:
    """Write until nothing more fits."""
    os.set_blocking(pipe, False)
    for size in (4096, 1):
        with suppress(BlockingIOError):
            while os.write(pipe, bytes(size)):
                pass
    os.set_blocking(pipe, True)


def test_a_running_probe_is_answered_before_the_end(running: Running) -> None:
    probe = running.probe(2.0)
    running.signal(signal.SIGTERM)
    answer = probe.getresponse()
    assert answer.status == 200
    assert b"ironport_probe_success 0.0" in answer.read()
    assert running.process.wait(LIMIT) == 0
    assert "msg=stopped" in running.process.output


def test_a_long_probe_does_not_hold_the_process(impatient: Running) -> None:
    impatient.probe(3600.0)
    impatient.signal(signal.SIGTERM)
    assert impatient.process.wait(LIMIT) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(running: Running, number: signal.Signals) -> None:
    running.probe(3600.0)
    running.signal(signal.SIGTERM)
    running.process.wait_until(lambda: "msg=stopping" in running.process.output)
    running.signal(number)
    assert running.process.wait(LIMIT) == 1
    assert 'msg="stopped by force" reason="a second signal"' in running.process.output
