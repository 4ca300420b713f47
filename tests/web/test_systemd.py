"""systemd hears when the exporter is ready, reloads, stops and runs, and may pass its sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from exporter.errors import ExporterError
from exporter.web import systemd
from support.exporter import PROJECT
from support.fake_fleet import write_fleet
from support.processes import Process, free_port, program
from support.prometheus import get, is_ready
from support.running_server import RunningServer

LIMIT = 30


class Manager:
    """The end of systemd: the socket on which it hears from its services."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(LIMIT)

    def hears(self) -> dict[str, str]:
        """Return the assignments of the next message."""
        return dict(line.split("=", 1) for line in self._socket.recv(4096).decode().splitlines())

    def hears_nothing(self) -> bool:
        self._socket.setblocking(False)
        try:
            return not self._socket.recv(4096)
        except BlockingIOError:
            return True

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    name = str(tmp_path / "notify")
    manager = Manager(name if request.param == "path" else f"\0{name}")
    monkeypatch.setenv("NOTIFY_SOCKET", name if request.param == "path" else f"@{name}")
    yield manager
    manager.close()


def test_assignments_are_one_message(manager: Manager) -> None:
    systemd.notify("READY=1", "STATUS=a=b")
    assert manager.hears() == {"READY": "1", "STATUS": "a=b"}


@pytest.mark.parametrize("name", ["", "/nowhere/notify", "vsock:2:1234", "@nobody"])
def test_without_a_listener_nothing_happens(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    systemd.notify("READY=1")


async def test_a_reload_is_reported_with_its_time(manager: Manager, running: RunningServer) -> None:
    assert (await running.reload())[0] == 200
    begun, ended = manager.hears(), manager.hears()
    assert begun.pop("RELOADING") == "1"
    assert int(begun.pop("MONOTONIC_USEC")) > 0
    assert (begun, ended) == ({}, {"READY": "1"})


async def test_the_event_loop_keeps_the_watchdog_calm(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    sleep = asyncio.sleep

    async def sleeping(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", sleeping)
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    task = asyncio.create_task(systemd.keep_watchdog_calm())
    for _ in range(3):
        assert await asyncio.to_thread(manager.hears) == {"WATCHDOG": "1"}
    task.cancel()
    await asyncio.wait({task})
    assert set(waits) == {15.0}


@pytest.mark.parametrize(("period", "pid"), [("", None), ("soon", None), ("30000000", "1")])
async def test_without_a_watchdog_nothing_is_sent(
    manager: Manager, monkeypatch: pytest.MonkeyPatch, period: str, pid: str | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", period)
    if pid:
        monkeypatch.setenv("WATCHDOG_PID", pid)
    await systemd.keep_watchdog_calm()
    assert manager.hears_nothing()


@pytest.mark.parametrize(
    "environment",
    [{}, {"LISTEN_FDS": "1"}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}, {"LISTEN_FDS": "0", "LISTEN_PID": "own"}],
)
def test_sockets_of_others_are_not_taken(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value.replace("own", str(os.getpid())))
    with pytest.raises(ExporterError, match="systemd has passed no socket"):
        systemd.activated_sockets()


def test_a_socket_that_does_not_listen_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    with socket.socket() as connected:
        monkeypatch.setattr(systemd, "_FIRST_DESCRIPTOR", os.dup(connected.fileno()))
        with pytest.raises(ExporterError, match="a socket that does not listen"):
            systemd.activated_sockets()


def test_a_service_is_activated_and_reports_its_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Systemd's own tool passes the sockets of an IPv4 address and of a path."""
    manager = Manager(str(tmp_path / "notify"))
    write_fleet(tmp_path / "fleet.yml")
    address = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
    command = [program("systemd-socket-activate"), f"--listen={address}", f"--listen={tmp_path}/socket"]
    variables = {"NOTIFY_SOCKET": f"{tmp_path}/notify", "WATCHDOG_USEC": "100000000", "PYTHONPATH": str(PROJECT)}
    command += [f"--setenv={name}={value}" for name, value in variables.items()]
    command += [sys.executable, "-m", "exporter", "--web.systemd-socket", f"--config.file={tmp_path}/fleet.yml"]
    exporter = Process(command, tmp_path / "log")
    try:
        exporter.wait_until(partial(is_ready, f"http://{address}/-/ready"))
        assert {"READY", "WATCHDOG"} == {*manager.hears(), *manager.hears()}
        assert f"address={address}, {tmp_path}/socket" in exporter.output.replace('"', "")
        os.kill(exporter.pid, signal.SIGHUP)
        assert "RELOADING" in manager.hears()
        assert manager.hears() == {"READY": "1"}
        assert "http_sd" in get(f"http://{address}/")
        os.kill(exporter.pid, signal.SIGTERM)
        assert manager.hears() == {"STOPPING": "1"}
        assert exporter.wait(LIMIT) == 0
    finally:
        exporter.stop()
        manager.close()
