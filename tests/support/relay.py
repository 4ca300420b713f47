"""A UDP relay between a client and an agent that loses, delays, doubles, changes or invents datagrams."""

from __future__ import annotations

import asyncio
import random
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

To = Literal["agent", "client"]


@dataclass(frozen=True, slots=True)
class Datagram:
    """A datagram to one side. `delay` is in seconds; a `foreign` one comes from another address than the relay's."""

    to: To
    data: bytes
    delay: float = 0.0
    foreign: bool = False


Policy = Callable[[Datagram], Iterable[Datagram]]
"""The datagrams to deliver for one that arrived: none (lost), itself, copies, others, or an answer of our own."""


class UdpRelay:
    """A relay on a free loopback port in front of `agent`; its `policy` may be replaced at any time.

    Answers come from the relay's own address; each client has its own socket to the agent. `seen` counts the datagrams
    that arrived and `sent` those that left, by the side that they go to. Use it as an asynchronous context manager.
    """

    def __init__(self, agent: tuple[str, int], policy: Policy | None = None) -> None:
        self.policy: Policy = policy or forward
        self.seen: Counter[To] = Counter()
        self.sent: Counter[To] = Counter()
        self._agent = agent
        self._family = socket.AF_INET6 if ":" in agent[0] else socket.AF_INET
        self._front = self._socket()
        self._foreign = self._socket()
        self._backs: dict[Any, socket.socket] = {}
        self._timers: set[asyncio.TimerHandle] = set()
        self._arrival = asyncio.Event()

    @property
    def host(self) -> str:
        host: str = self._front.getsockname()[0]
        return host

    @property
    def port(self) -> int:
        port: int = self._front.getsockname()[1]
        return port

    async def until_seen(self, to: To, count: int) -> None:
        """Wait until `count` datagrams to one side have arrived at the relay."""
        while self.seen[to] < count:
            self._arrival.clear()
            await self._arrival.wait()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._front, self._from_client)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every socket; delayed datagrams are lost."""
        for timer in self._timers:
            timer.cancel()
        for each in (self._front, *self._backs.values()):
            self._loop.remove_reader(each)
            each.close()
        self._foreign.close()

    def _socket(self) -> socket.socket:
        created = socket.socket(self._family, socket.SOCK_DGRAM)
        created.setblocking(False)
        created.bind(("::1" if self._family == socket.AF_INET6 else "127.0.0.1", 0))
        return created

    def _from_client(self) -> None:
        data, client = self._front.recvfrom(65535)
        if client not in self._backs:
            self._backs[client] = back = self._socket()
            back.connect(self._agent)
            self._loop.add_reader(back, self._from_agent, client, back)
        self._apply_policy(Datagram("agent", data), client)

    def _from_agent(self, client: Any, back: socket.socket) -> None:
        with suppress(ConnectionRefusedError):  # the agent is down: the client gets no answer
            self._apply_policy(Datagram("client", back.recv(65535)), client)

    def _apply_policy(self, datagram: Datagram, client: Any) -> None:
        self.seen[datagram.to] += 1
        self._arrival.set()
        for each in self.policy(datagram):
            if each.delay:
                self._later(each, client)
            else:
                self._send(each, client)

    def _later(self, datagram: Datagram, client: Any) -> None:
        def send() -> None:
            self._timers.discard(timer)
            self._send(datagram, client)

        timer = self._loop.call_later(datagram.delay, send)
        self._timers.add(timer)

    def _send(self, datagram: Datagram, client: Any) -> None:
        self.sent[datagram.to] += 1
        with suppress(ConnectionRefusedError):  # the client has gone, or the agent is down
            if datagram.to == "agent":
                self._backs[client].send(datagram.data)
            else:
                (self._foreign if datagram.foreign else self._front).sendto(datagram.data, client)


def forward(datagram: Datagram) -> list[Datagram]:
    """Pass everything on."""
    return [datagram]


def silent(_: Datagram) -> list[Datagram]:
    """Lose everything: a dead agent, or a wrong community."""
    return []


def lossy(*, requests: float = 0.0, answers: float = 0.0, seed: int = 1) -> Policy:
    """Lose these shares (0 to 1) of the requests and answers; the same `seed` loses the same ones."""
    dice = random.Random(seed)
    share = {"agent": requests, "client": answers}
    return lambda datagram: [] if dice.random() < share[datagram.to] else [datagram]


def delayed(to: To, seconds: float) -> Policy:
    """Delay the datagrams to one side."""
    return lambda datagram: [replace(datagram, delay=seconds) if datagram.to == to else datagram]


def doubled(to: To) -> Policy:
    """Deliver the datagrams to one side twice."""
    return lambda datagram: [datagram] * (2 if datagram.to == to else 1)


def corrupted(to: To, *, share: float = 1.0, seed: int = 1) -> Policy:
    """Cut this share of the datagrams to one side short and change an octet: none of them stays well formed."""
    dice = random.Random(seed)

    def policy(datagram: Datagram) -> list[Datagram]:
        if datagram.to != to or dice.random() >= share:
            return [datagram]
        data = bytearray(datagram.data[: dice.randrange(1, len(datagram.data))])
        data[dice.randrange(len(data))] ^= dice.randrange(1, 256)
        return [replace(datagram, data=bytes(data))]

    return policy


def joined_by(data: bytes, *, foreign: bool = False) -> Policy:
    """Send the client `data` of our own before each answer, from the relay's address or from a `foreign` one."""
    extra = Datagram("client", data, foreign=foreign)
    return lambda datagram: [extra, datagram] if datagram.to == "client" else [datagram]
