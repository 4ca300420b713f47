"""Name lookups that nobody else waits for.

A lookup blocks its thread until the name server answers, or for many seconds if it does not. So each lookup has its own
thread: other appliances, a reload and the end of the program do not wait for it.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress

from exporter.config import TargetRule
from exporter.config.values import is_ip_address
from exporter.errors import ResolveError

IpAddresses = list[tuple[socket.AddressFamily, str]]


async def addresses(host: str, kind: socket.SocketKind, rule: TargetRule | None = None) -> IpAddresses:
    """Return the IP addresses of `host`, the one that this machine prefers first.

    Raises `socket.gaierror`, or another `OSError` if the exporter may not open a socket to a name server.
    With a rule, only those that it permits, and ResolveError if it permits none. Connect to what this returns, and do
    not look the name up again, so that the address that was checked is the one that gets the credentials.
    """
    found = _look_up(host, kind) if is_ip_address(host) else await _looked_up(host, kind)
    permitted = [each for each in found if rule is None or rule.permits(each[1])]
    if found and not permitted:
        raise ResolveError(
            f"{host} has the address {found[0][1]}, to which targets.allow lets no credentials go: "
            "add its network there, or correct the DNS."
        )
    return permitted


async def _looked_up(host: str, kind: socket.SocketKind) -> IpAddresses:
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

    threading.Thread(target=look_up, name=f"look up {host}", daemon=True).start()
    return await found


def _look_up(host: str, kind: socket.SocketKind) -> IpAddresses:
    try:
        return [(family, str(address[0])) for family, _, _, _, address in socket.getaddrinfo(host, None, type=kind)]
    except socket.gaierror:
        socket.socket(socket.AF_INET, kind).close()  # raises the genuine error if there is no descriptor left
        raise
    except UnicodeError as error:  # an empty or over-long label
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error
