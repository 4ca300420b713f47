"""A socket to an agent reads everything that is of use, and little of what is not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from exporter.sources.snmp import datagrams
from exporter.sources.snmp.datagrams import MAX_DATAGRAM, Address, AgentSocket


@pytest.fixture
def agent() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(10)
        yield made


class Received:
    """What a socket has received; each datagram is of use or not."""

    def __init__(self, *, of_use: bool) -> None:
        self.datagrams: list[bytes] = []
        self._of_use = of_use
        self._arrival = asyncio.Event()

    def __call__(self, data: bytes, _: Address) -> bool:
        self.datagrams.append(data)
        self._arrival.set()
        return self._of_use

    async def until(self, count: int) -> None:
        while len(self.datagrams) < count:
            self._arrival.clear()
            await self._arrival.wait()


def ignored(_: OSError) -> None:
    pass


@asynccontextmanager
async def opened(agent: socket.socket, received: Received) -> AsyncIterator[Callable[[bytes], object]]:
    """Open a socket to the agent, and give what sends a datagram of the agent to it."""
    ours = AgentSocket(socket.AF_INET, agent.getsockname(), received, ignored, connected=True)
    ours.send(b"request")
    _, address = agent.recvfrom(100)
    yield lambda datagram: agent.sendto(datagram, address)
    ours.close()


async def everything_read() -> None:
    """Let the loop read as long as the socket wants to."""
    for _ in range(300):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("octets", "read"), [(10, 32), (511, 32), (512, 16), (65000, 2)])
async def test_after_some_of_no_use_nothing_is_read(
    agent: socket.socket, monkeypatch: pytest.MonkeyPatch, octets: int, read: int
) -> None:
    monkeypatch.setattr(datagrams, "_PAUSE", 3600)
    received = Received(of_use=False)
    async with opened(agent, received) as answer:
        while len(received.datagrams) < read:
            answer(bytes(octets))
            await everything_read()
        for _ in range(40):
            answer(bytes(octets))
            await everything_read()
    assert len(received.datagrams) == read


async def test_reading_goes_on_after_a_pause(agent: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datagrams, "_PAUSE", 0.01)
    received = Received(of_use=False)
    async with opened(agent, received) as answer:
        for _ in range(40):
            answer(b"of no use")
        answer(b"an answer")
        await received.until(41)
    assert received.datagrams[-1] == b"an answer"


async def test_all_that_is_of_use_is_read(agent: socket.socket) -> None:
    received = Received(of_use=True)
    async with opened(agent, received) as answer:
        for count in range(1, 101):
            answer(bytes(1500))
            await received.until(count)


async def test_the_answers_to_all_requests_under_way_have_room_beside_a_large_datagram(agent: socket.socket) -> None:
    received = Received(of_use=True)
    async with opened(agent, received) as answer:
        for octets in (65000, 1500, 1500, 1500):
            answer(bytes(octets))
        await asyncio.wait_for(received.until(4), 10)


async def test_the_kernel_keeps_only_a_few_datagrams(agent: socket.socket) -> None:
    received = Received(of_use=True)
    async with opened(agent, received) as answer:
        for _ in range(50):
            answer(bytes(MAX_DATAGRAM))
        await everything_read()
    assert 4 < len(received.datagrams) < 25


async def test_no_more_of_a_datagram_is_read_than_an_answer_has(agent: socket.socket) -> None:
    received = Received(of_use=False)
    async with opened(agent, received) as answer:
        answer(bytes(65000))
        await received.until(1)
    assert len(received.datagrams[0]) == MAX_DATAGRAM + 1


@pytest.mark.parametrize("of_use", [True, False])
async def test_a_closed_socket_leaves_nothing_behind(agent: socket.socket, of_use: bool) -> None:
    received = Received(of_use=of_use)
    async with opened(agent, received) as answer:
        for _ in range(40):
            answer(b"x")
        await received.until(32)


async def test_a_socket_that_is_not_connected_tells_who_sent(agent: socket.socket) -> None:
    received: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue()

    def take(data: bytes, sender: Address) -> bool:
        received.put_nowait((data, sender))
        return True

    ours = AgentSocket(socket.AF_INET, agent.getsockname(), take, ignored, connected=False)
    ours.send(b"request")
    request, address = agent.recvfrom(100)
    assert request == b"request"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.2", 0))
        for each in (other, agent):
            each.sendto(b"answer", address)
            assert await asyncio.wait_for(received.get(), 10) == (b"answer", each.getsockname())
    ours.close()


async def test_a_closed_port_is_told(agent: socket.socket) -> None:
    failures: asyncio.Queue[OSError] = asyncio.Queue()
    ours = AgentSocket(socket.AF_INET, agent.getsockname(), Received(of_use=True), failures.put_nowait, connected=True)
    agent.close()
    ours.send(b"request")
    assert isinstance(await asyncio.wait_for(failures.get(), 10), ConnectionRefusedError)
    ours.send(b"request")
    ours.send(b"the first one has failed meanwhile")
    assert isinstance(await asyncio.wait_for(failures.get(), 10), ConnectionRefusedError)
    ours.close()


async def test_a_socket_that_cannot_be_opened_leaves_nothing_behind() -> None:
    with pytest.raises(PermissionError):
        AgentSocket(socket.AF_INET, ("255.255.255.255", 161), Received(of_use=True), ignored, connected=True)
