"""What it saves to resume TLS sessions if the appliance closes the connection after each answer.

    python benchmarks/handshakes.py [PAGES]

Two clients of the exporter get the same status page in turns, PAGES (400) times each: one resumes the session of its
last connection, the other always begins a new one. For each version of TLS it prints the CPU time of a page in
milliseconds, the time until it is there, and the CPU time of the server, which has a key of 2,048 bits (RSA).
"""

from __future__ import annotations

import asyncio
import multiprocessing
import ssl
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Final

import trustme
from aiohttp import web
from pydantic import SecretStr

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from exporter.config import Appliance, Auth, BasicAuth  # noqa: E402 - the path comes first
from exporter.metrics.reading import Reading  # noqa: E402
from exporter.sources.http.fetch import Fetcher  # noqa: E402
from exporter.sources.xml.collect import XML_PAGES  # noqa: E402
from exporter.telemetry import Telemetry  # noqa: E402
from support.web_interface import status_page  # noqa: E402

TURNS: Final = 20


def serve(authority: bytes, version: ssl.TLSVersion, pipe: Connection) -> None:
    """Send the port, then the CPU time whenever it is asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    issuer = trustme.CA.from_pem(*authority.split(b"\0"))
    issuer.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA).configure_cert(context)

    async def answer(_: web.Request) -> web.Response:
        response = web.Response(body=status_page(), content_type="text/xml")
        response.force_close()
        return response

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        pipe.send(runner.addresses[0][1])
        while await asyncio.to_thread(pipe.recv):
            pipe.send(time.process_time())

    asyncio.run(run())


def fetcher(port: int, ca_file: Path, *, resuming: bool) -> Fetcher:
    user = BasicAuth(username="monitor", password=SecretStr("secret"))
    appliance = Appliance(
        name="mx1",
        address="127.0.0.1",
        stream="inbound",
        pool="inbound",
        auth="a",
        credentials=Auth(xml=user),
        xml={"port": port, "tls": {"ca_file": str(ca_file)}},
    )
    made = Fetcher(XML_PAGES, appliance, appliance.xml, user, Telemetry().xml_requests)
    if not resuming:
        made._resumption.offered = lambda: None
    return made


async def measure(port: int, pipe: Connection, ca_file: Path, pages: int) -> None:
    figures: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    clients = {"new": fetcher(port, ca_file, resuming=False), "resumed": fetcher(port, ca_file, resuming=True)}
    count = max(1, pages // TURNS)
    for _ in range(TURNS + 1):
        for name, client in clients.items():
            pipe.send(True)
            cpu, wall, server = time.process_time(), time.perf_counter(), pipe.recv()
            for _ in range(count):
                await client.get("status", Reading("xml"))
            spent = time.process_time() - cpu, time.perf_counter() - wall
            pipe.send(True)
            figures[name].append((*spent, pipe.recv() - server))
    for name, turns in figures.items():
        medians = (f"{median(turn[i] for turn in turns[1:]) / count * 1000:8.2f}" for i in range(3))
        print(f"  {name:10}", *medians)
    for client in clients.values():
        await client.close()


def main() -> None:
    pages = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    authority = trustme.CA(key_type=trustme.KeyType.RSA)
    pem = authority.cert_pem.bytes() + b"\0" + authority.private_key_pem.bytes()
    print("sessions    CPU, ms  time, ms  server's CPU, ms")
    with tempfile.TemporaryDirectory() as name:
        ca_file = Path(name) / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_file))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            ours, theirs = multiprocessing.Pipe()
            arguments = (pem, version, theirs)
            process = multiprocessing.get_context("spawn").Process(target=serve, args=arguments, daemon=True)
            process.start()
            print(version.name)
            with closing(ours):
                asyncio.run(measure(ours.recv(), ours, ca_file, pages))
                ours.send(False)
                process.join()


if __name__ == "__main__":
    main()
