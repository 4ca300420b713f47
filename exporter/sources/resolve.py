"""Name lookups that nobody else waits for.

A lookup blocks its thread until the name server answers, or for many seconds if it does not. So each lookup has its own
thread: other appliances, a reload and the end of the program do not wait for it.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import Final

from exporter.config import TargetRule
from exporter.config.values import is_ip_address
from exporter.errors import ResolveError

MOST_BEYOND_LIST: Final = 50
"""How many lookups run at a time for targets beyond the list: whoever reaches the exporter can think up such names."""

_LISTED: Final = "look up"
_BEYOND_LIST: Final = "look up target"
"""With these words, the names of threads begin."""

IpAddresses = list[tuple[socket.AddressFamily, str]]


async def addresses(host: str, kind: socket.SocketKind, rule: TargetRule | None = None) -> IpAddresses:
    """Return the IP addresses of `host`, the one that this machine prefers first.

    Raises `socket.gaierror`, or another `OSError` if the exporter may not open a socket to a name server.
    With a rule, only those that it permits, and ResolveError if it permits none. Connect to what this returns, and do
    not look the name up again, so that the address that was checked is the one that gets the credentials.
    """
    if is_ip_address(host):
        found = _look_up(host, kind)
    else:
        found = await _looked_up(host, kind, _LISTED if rule is None else _beyond_list(host))
    permitted = [each for each in found if rule is None or rule.permits(each[1])]
    if found and not permitted:
        raise ResolveError(
            f"{host} has the address {found[0][1]}, to which targets.allow lets no credentials go: "
            "add its network there, or correct the DNS."
        )
    return permitted


def _beyond_list(host: str) -> str:
    """Return the word for threads of targets beyond the list. Raises ResolveError if there are too many."""
    running = sum(thread.name.startswith(_BEYOND_LIST) for thread in threading.enumerate())
    if running >= MOST_BEYOND_LIST:
        raise ResolveError(
            f"{host} is not looked up, because {running} names of other targets still wait for the DNS: check the DNS."
        )
    return _BEYOND_LIST


async def _looked_up(host: str, kind: socket.SocketKind, purpose: str) -> IpAddresses:
    loop = asyncio.get_running_loop()
    found: asyncio.Future[IpAddresses] = loop.create_future()

    def settle(result: IpAddresses | OSError) -> None:
        if found.done():
            return  # the caller was cancelled
        if isinstance(result, OSError):
            found.set_exception(result)
        else:
            found.set_result(result)

    def look_up() -> None:
        result: IpAddresses | OSError
        try:
            result = _look_up(host, kind)
        except OSError as error:
            result = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, result)

    threading.Thread(target=look_up, name=f"{purpose} {host}", daemon=True).start()
    return await found


def _look_up(host: str, kind: socket.SocketKind) -> IpAddresses:
    try:
        return [(family, str(address[0])) for family, _, _, _, address in socket.getaddrinfo(host, None, type=kind)]
    except socket.gaierror:
        socket.socket(socket.AF_INET, kind).close()  # raises the genuine error if there is no descriptor left
        raise
    except UnicodeError as error:  # an empty or over-long label
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error
