"""What guessing passwords costs those who know one: scrapes without and with guessers, alternating in one run.

    python benchmarks/guessing.py [ROUNDS]

One client reads /metrics with the right password again and again. In every second phase of 3 s, 50 others guess
passwords. Prints how long the scrapes took, and how many guesses were checked and refused.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
import time
from base64 import b64encode
from collections import Counter
from pathlib import Path
from statistics import quantiles

import aiohttp
import bcrypt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.exporter import PROJECT
from support.fake_fleet import write_fleet
from support.processes import Process, free_port

GUESSERS = 50
SECONDS = 3.0
"""The length of a phase."""


async def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url, exporter = start(Path(folder))
        try:
            quiet, guessed, guesses = [], [], Counter[int]()
            async with aiohttp.ClientSession() as client:
                await scrape(client, url)  # the first is checked by bcrypt
                for _ in range(rounds):
                    quiet += await scrapes(client, url)
                    guessers = [asyncio.create_task(guess(url, guesses)) for _ in range(GUESSERS)]
                    guessed += await scrapes(client, url)
                    for each in guessers:
                        each.cancel()
                    await asyncio.wait(guessers)
        finally:
            exporter.stop()
    report("without guessers", quiet)
    report(f"with {GUESSERS} guessers", guessed)
    print(f"guesses: {guesses[401]} checked or known to be wrong, {guesses[429]} refused as too many")


def start(folder: Path) -> tuple[str, Process]:
    write_fleet(folder / "fleet.yml")
    hashed = bcrypt.hashpw(b"s3cret", bcrypt.gensalt(10)).decode()
    (folder / "web.yml").write_text(f"basic_auth_users: {{ops: {hashed}}}\n")
    address = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
    files = [f"--config.file={folder}/fleet.yml", f"--web.config.file={folder}/web.yml"]
    command = [sys.executable, "-m", "exporter", *files, f"--web.listen-address={address}"]
    process = Process(command, folder / "log", {"PYTHONPATH": str(PROJECT)})
    process.wait_until(lambda: "msg=listening" in process.output)
    return f"http://{address}/metrics", process


async def scrapes(client: aiohttp.ClientSession, url: str) -> list[float]:
    """Return the seconds that each scrape of a phase took."""
    end, found = time.monotonic() + SECONDS, []
    while time.monotonic() < end:
        found.append(await scrape(client, url))
        await asyncio.sleep(0.01)
    return found


async def scrape(client: aiohttp.ClientSession, url: str) -> float:
    began = time.monotonic()
    async with client.get(url, headers=login("s3cret")) as answer:
        await answer.read()
        assert answer.status == 200
    return time.monotonic() - began


async def guess(url: str, statuses: Counter[int]) -> None:
    async with aiohttp.ClientSession() as client:
        while True:
            async with client.get(url, headers=login(os.urandom(8).hex())) as answer:
                statuses[answer.status] += 1
            await asyncio.sleep(0.02)


def login(password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'ops:{password}'.encode()).decode()}"}


def report(name: str, seconds: list[float]) -> None:
    cuts = quantiles(seconds, n=100)
    print(f"{name}: {len(seconds)} scrapes, median {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2))
