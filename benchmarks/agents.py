"""How many requests the SNMP agents of a simulated fleet answer, and how much CPU time they need.

    python benchmarks/agents.py [UNITS]

The agents of UNITS units (500) run in one process, each on its own port. This process sends them prepared packets,
several agents at a time, and looks only at the size of the answers. A poll is what the exporter asks for first: the
scalars by GET and each table by GETBULK, 7 requests.

For each version of SNMP it prints:
- requests and polls that are answered in a second,
- CPU time for a poll from a view that is already encoded,
- CPU time for a poll from a new view, including the step of the model,
- the share of one core for polls of all units every 30 s, from new views.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from exporter.config import CommunityAuth, UserAuth  # noqa: E402 - the path comes first
from exporter.lab.simulator.agent import Agent  # noqa: E402
from exporter.lab.simulator.model import Model  # noqa: E402
from exporter.lab.simulator.topology import equal_units  # noqa: E402
from exporter.lab.simulator.view import View  # noqa: E402
from exporter.sources.snmp.messages import CommunityCodec, SnmpRequest  # noqa: E402
from exporter.sources.snmp.mib import SCALARS, TABLES  # noqa: E402
from exporter.sources.snmp.usm import UsmCodec  # noqa: E402
from support.appliances import community, usm  # noqa: E402
from support.snmpd import COMMUNITY, V3GET  # noqa: E402

INTERVAL = 30.0
ROUNDS = 5
STEP = 15
"""Seconds from view to view: all rounds fall into one time window of SNMPv3."""

AT_A_TIME = 16
"""Agents that are asked side by side, so that the process of the agents never waits for this one."""

AUTHS: dict[str, CommunityAuth | UserAuth] = {"v2c": community(), "v3 authPriv": usm(V3GET)}
POLL = [SnmpRequest("get", tuple(scalar.oid for scalar in SCALARS))] + [
    SnmpRequest("bulk", tuple(column.oid for column in (table.label, *table.columns)), 10) for table in TABLES
]


@dataclass(frozen=True, slots=True)
class Cost:
    """What rounds of polls took: seconds on the clock, and seconds of CPU in the process of the agents."""

    polls: int
    seconds: float
    cpu: float


def serve(count: int, pipe: Connection) -> None:
    """Run the agents; tell their ports, then after each word from the other process the CPU time so far."""
    asyncio.run(_serve(count, pipe))


async def _serve(count: int, pipe: Connection) -> None:
    original = View.transport
    setattr(View, "transport", lambda view, unit: replace(original(view, unit), snmp_loss=0.0))  # noqa: B010 - typed so
    model = Model(equal_units(count), 1, 1_767_690_000.0, STEP)
    auths = list(AUTHS.values())
    agents = [
        Agent(unit, lambda: model.view, auths, b"\x80\x00\x1f\x88\x05" + number.to_bytes(4, "big"), {})
        for number, unit in enumerate(model.fleet.names)
    ]
    pipe.send([await agent.start() for agent in agents])
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    def told() -> None:
        word = pipe.recv()
        if word == "advance":
            model.advance()
            assert model.view
        if word == "end":
            ended.set_result(None)
        pipe.send(time.process_time())

    loop.add_reader(pipe.fileno(), told)
    await ended
    loop.remove_reader(pipe.fileno())
    for agent in agents:
        agent.stop()


class Manager:
    """Asks the agents with datagrams made once."""

    def __init__(self, ports: Sequence[int], auth: CommunityAuth | UserAuth) -> None:
        self._sockets = [_connected(port) for port in ports]
        self._datagrams = [_poll(client, auth) for client in self._sockets]

    def round(self) -> None:
        """Poll every agent once: each gets its next request when it has answered the one before."""
        for start in range(0, len(self._sockets), AT_A_TIME):
            some = slice(start, start + AT_A_TIME)
            for request in range(len(POLL)):
                for client, datagrams in zip(self._sockets[some], self._datagrams[some], strict=True):
                    client.send(datagrams[request])
                for client in self._sockets[some]:
                    assert len(client.recv(2048)) > 200, "an answer is a report or an error"

    def close(self) -> None:
        """Close the sockets."""
        for client in self._sockets:
            client.close()


def _connected(port: int) -> socket.socket:
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(5)
    client.connect(("127.0.0.1", port))
    return client


def _poll(client: socket.socket, auth: CommunityAuth | UserAuth) -> list[bytes]:
    if isinstance(auth, CommunityAuth):
        plain = CommunityCodec(COMMUNITY.encode())
        return [plain.encode(request, 0x40000000 + number) for number, request in enumerate(POLL)]
    codec = UsmCodec(auth)
    client.send(codec.encode(POLL[0], 0x40000000))
    codec.decode(client.recv(2048)).accept()
    return [codec.encode(request, 0x40000000 + number) for number, request in enumerate(POLL)]


def measure(manager: Manager, count: int, pipe: Connection, *, fresh: bool) -> Cost:
    """Poll in rounds, each from the view before or from a `fresh` one."""
    seconds = cpu = 0.0
    for _ in range(ROUNDS):
        before = _cpu(pipe, "advance" if fresh else "go on")
        started = time.perf_counter()
        manager.round()
        seconds += time.perf_counter() - started
        cpu += _cpu(pipe, "go on") - before
    return Cost(ROUNDS * count, seconds, cpu)


def _cpu(pipe: Connection, word: str) -> float:
    pipe.send(word)
    return float(pipe.recv())


def rows(count: int, ports: Sequence[int], pipe: Connection) -> Iterator[str]:
    """Yield a line for each version of SNMP."""
    for name, auth in AUTHS.items():
        manager = Manager(ports, auth)
        manager.round()
        same, fresh = (measure(manager, count, pipe, fresh=fresh) for fresh in (False, True))
        manager.close()
        rate = same.polls / same.seconds
        share = fresh.cpu / fresh.polls * count / INTERVAL
        yield (
            f"{name:12} {rate * len(POLL):8.0f} {rate:8.0f} {1000 * same.cpu / same.polls:12.2f} "
            f"{1000 * fresh.cpu / fresh.polls:12.2f} {share:8.1%}"
        )


def main() -> None:
    """Run the agents in a process of their own and ask them."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    pipe, other = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(count, other), daemon=True)
    process.start()
    ports = pipe.recv()
    print(f"{count} units, {len(POLL)} requests a poll, in this run:")
    print(f"{'':12} {'PDU/s':>8} {'polls/s':>8} {'CPU ms/poll':>12} {'on new view':>12} {f'at {INTERVAL:.0f} s':>8}")
    for row in rows(count, ports, pipe):
        print(row)
    _cpu(pipe, "end")
    process.join()


if __name__ == "__main__":
    main()
