"""A UDP socket that reads only as much as one agent may cost.

Whoever can send datagrams to the socket decides how many there are. So the kernel keeps only a few of them, no more
than `MAX_DATAGRAM` octets of each are read, and after some that were of no use the socket is not read for a while.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Final

from exporter.sources.allowance import Allowance

MAX_DATAGRAM: Final = 8192
"""The most octets of an answer. Requests are made so that answers fit into about 1,500."""

_BUFFER: Final = 64 * 1024
"""Octets that the kernel keeps for us, twice as many with its own records: the answers to all requests under way have
room beside a datagram of the greatest size."""

_PAUSE: Final = 0.5
"""For how long the socket is not read at first, in seconds. Answers that arrive meanwhile are kept as far as there is
room."""

_OCTETS_PER_COST: Final = 512
"""A datagram of no use costs 1, and 1 more for so many octets."""

Address = tuple[str, int]
"""IP address and port."""


class AgentSocket:
    """Sends to `agent`, and passes what comes to `received`, which returns whether it was of use.

    A `connected` socket gets datagrams only from the agent, and says in `failed` that the agent's port is closed. The
    kernel sees to both. Another one gets datagrams from everywhere, and also passes who sent them. Opening a socket
    raises `OSError`.
    """

    def __init__(
        self,
        family: socket.AddressFamily,
        agent: Address,
        received: Callable[[bytes, Address], bool],
        failed: Callable[[OSError], None],
        *,
        connected: bool,
    ) -> None:
        self._agent = agent
        self._received = received
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._allowance = Allowance(_PAUSE)
        self._pause: asyncio.TimerHandle | None = None
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            if connected:
                self._socket.connect(agent)
        except OSError:
            self._socket.close()
            raise
        self._connected = connected
        self._loop.add_reader(self._socket.fileno(), self._read)

    def send(self, datagram: bytes) -> None:
        try:
            if self._connected:
                self._socket.send(datagram)
            else:
                self._socket.sendto(datagram, self._agent)
        except BlockingIOError:
            pass  # the network card is busy: the datagram is lost like others
        except OSError as error:
            self._failed(error)

    def close(self) -> None:
        if self._pause:
            self._pause.cancel()
        else:
            self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _read(self) -> None:
        """Read one datagram: then it is the turn of other appliances."""
        try:
            data, sender = self._socket.recvfrom(MAX_DATAGRAM + 1)
        except BlockingIOError:
            return
        except OSError as error:
            self._failed(error)
            return
        if self._received(data, self._agent if self._connected else _address(sender)):
            self._allowance.renew()
        elif pause := self._allowance.spend(1 + len(data) // _OCTETS_PER_COST):
            self._loop.remove_reader(self._socket.fileno())
            self._pause = self._loop.call_later(pause, self._resume)

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._socket.fileno(), self._read)


def _address(sender: tuple[Any, ...]) -> Address:
    """Return address and port without what IPv6 has behind them."""
    return str(sender[0]), int(sender[1])
