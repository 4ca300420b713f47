"""Looking names up without making anybody else wait.

A lookup blocks its thread for as long as the name servers let it, many seconds when they are gone. Each therefore has a
thread of its own: neither other appliances, nor a reload, nor the end of the program wait for it.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

Address = tuple[socket.AddressFamily, tuple[Any, ...]]
"""A family and a socket address of it."""


async def addresses(host: str, port: int, kind: socket.SocketKind) -> list[Address]:
    """Return where `host` is, in the order of preference of this machine; raises socket.gaierror."""
    if _is_literal(host):
        return _look_up(host, port, kind)
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[Address]] = loop.create_future()

    def settle(result: list[Address] | OSError) -> None:
        if found.done():
            return  # nobody waits any longer
        if isinstance(result, OSError):
            found.set_exception(result)
        else:
            found.set_result(result)

    def look_up() -> None:
        result: list[Address] | OSError
        try:
            result = _look_up(host, port, kind)
        except OSError as error:
            result = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, result)

    threading.Thread(target=look_up, name=f"look up {host}", daemon=True).start()
    return await found


def _look_up(host: str, port: int, kind: socket.SocketKind) -> list[Address]:
    try:
        return [(family, address) for family, _, _, _, address in socket.getaddrinfo(host, port, type=kind)]
    except UnicodeError as error:  # an empty or over-long label
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
