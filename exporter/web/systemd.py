"""What systemd and the exporter tell each other: sockets to serve, and ready, reloading, stopping, alive.

Without systemd, or with another type of service, nothing is sent (sd_notify(3), sd_listen_fds(3)).
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from exporter.errors import ExporterError

_FIRST_DESCRIPTOR: Final = 3


def activated_sockets() -> list[socket.socket]:
    """Return the listening sockets that systemd passed. Raises ExporterError if there are none, or others."""
    count = os.environ.get("LISTEN_FDS", "") if os.environ.get("LISTEN_PID") == str(os.getpid()) else ""
    if not count.isdecimal() or count == "0":
        raise ExporterError(
            "systemd has passed no socket. Start the exporter through its ironport-exporter.socket, "
            "or leave out --web.systemd-socket."
        )
    sockets = [socket.socket(fileno=_FIRST_DESCRIPTOR + index) for index in range(int(count))]
    if not all(map(_listens, sockets)):
        for each in sockets:
            each.close()
        raise ExporterError("systemd has passed a socket that does not listen. Use ListenStream= and Accept=no.")
    return sockets


def _listens(passed: socket.socket) -> bool:
    return passed.type == socket.SOCK_STREAM and bool(passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def notify(*assignments: str) -> None:
    """Send assignments such as READY=1 to systemd, if it waits for them."""
    name = os.environ.get("NOTIFY_SOCKET")
    if not name:
        return
    address = f"\0{name[1:]}" if name.startswith("@") else name
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto("\n".join(assignments).encode(), address)


@contextmanager
def reloading() -> Iterator[None]:
    """Tell systemd that a reload begins, and that it has ended."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
    try:
        yield
    finally:
        notify("READY=1")


async def keep_watchdog_calm() -> None:
    """Tell systemd twice in each period of its watchdog that the event loop runs. Returns if it has no watchdog."""
    period = os.environ.get("WATCHDOG_USEC", "")
    if not period.isdecimal() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(int(period) / 1e6 / 2)
