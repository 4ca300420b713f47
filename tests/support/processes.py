"""Programs that a test starts: found or skipped, awaited by asking them, ended by their id."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Final

import pytest

START_LIMIT: Final = 90.0
"""Seconds within which a started program must answer; generous, for a busy machine."""

PACKAGES: Final[Mapping[str, str]] = {
    "snmpd": "snmpd",
    "snmpget": "snmp",
    "snmpbulkwalk": "snmp",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-snmp-exporter": "prometheus-snmp-exporter",
    "victoria-metrics": "victoria-metrics",
    "vmalert": "victoria-metrics",
    "nginx": "nginx-light",
    "systemd-analyze": "systemd",
    "systemd-socket-activate": "systemd",
    "chromium": "chromium",
    "curl": "curl",
    "openssl": "openssl",
    "pdfinfo": "poppler-utils",
    "pdftotext": "poppler-utils",
}
"""The Debian package of each program that the tests use."""


SYSTEM_FOLDERS: Final = "/usr/sbin:/sbin"
"""Where Debian puts servers, and the PATH of an ordinary user does not look."""


def program(name: str) -> str:
    """Return the path of a program, or skip the test with a word on how to install it."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_FOLDERS}")
    if path is None:
        pytest.skip(f"{name} is not installed; Debian has it in the package {PACKAGES[name]}")
    return path


def has_ipv6() -> bool:
    """Return whether this machine has ::1; a container may not."""
    try:
        free_port(socket.SOCK_DGRAM, "::1")
    except OSError:
        return False
    return True


def free_port(kind: socket.SocketKind, host: str = "127.0.0.1") -> int:
    """Return a port of `host` that nobody uses, and that no other test run or worker is given."""
    for port in _ports:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return port
    raise AssertionError("the ports never end")


def _claimed_ports() -> Iterator[int]:
    """Yield the ports of a block that this process alone has, round and round.

    The blocks lie below the ports that Linux gives to whoever asks for any (32768 and above). The first port of a block
    is bound as long as the process lives: that is the claim.
    """
    for first in range(_FIRST_PORT, _LAST_PORT, _BLOCK):
        claim = socket.socket()
        try:
            claim.bind(("127.0.0.1", first))
        except OSError:
            claim.close()
        else:
            claim.detach()  # it stays bound, and nobody closes it by chance
            yield from cycle(range(first + 1, first + _BLOCK))
    raise AssertionError(f"no block of ports is free from {_FIRST_PORT} to {_LAST_PORT}")


_FIRST_PORT: Final = 20_000
_LAST_PORT: Final = 32_000
_BLOCK: Final = 500

_ports: Final = _claimed_ports()


needs_ipv6: Final = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback address")
"""For a test, or a parameter of one, that talks to ::1."""


class Process:
    """A program running in the foreground, its output in a log file; `ready` asks it whether it answers.

    The log is printed when the process ends: pytest shows it beside a failed test and drops it otherwise.
    """

    def __init__(self, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self._log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, **(env or {})}
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def output(self) -> str:
        """What the program has written so far."""
        return self._log.read_text(errors="replace")

    def wait(self, seconds: float) -> int:
        """Return the exit code of the program, which must end within so many seconds."""
        return self._child.wait(seconds)

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Return once `ready` says so; fails the test when the program ends or stays silent."""
        limit = time.monotonic() + START_LIMIT
        while not ready():
            if self._child.poll() is not None or time.monotonic() > limit:
                self.stop()
                pytest.fail(f"{self._child.args!r} did not start; its log is above")
            time.sleep(0.01)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._child.send_signal(number)

    def stop(self) -> None:
        """End the program and print its log."""
        self._child.terminate()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        print(f"--- {self._log}\n{self.output}")  # noqa: T201 - for pytest's report
