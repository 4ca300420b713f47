"""If a name server does not answer, only those who asked it wait."""

from __future__ import annotations

import asyncio
import errno
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from exporter.config import TargetRule
from exporter.errors import ResolveError
from exporter.sources import resolve
from exporter.sources.resolve import addresses

HANGING = "hanging.invalid"


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make lookups of one name hang until the test is over."""
    answered = threading.Event()
    genuine = socket.getaddrinfo

    def look_up(host: str, *arguments: Any, **more: Any) -> Any:
        if host == HANGING:
            answered.wait()
            raise socket.gaierror(socket.EAI_AGAIN, "no name server")
        return genuine(host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield answered
    answered.set()
    for thread in threading.enumerate():
        if thread.name.startswith("look up"):
            thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_an_address_needs_no_thread(host: str) -> None:
    before = threading.active_count()
    found = await addresses(host, socket.SOCK_DGRAM)
    assert [address for _, address in found] == [host]
    assert threading.active_count() == before


@pytest.mark.usefixtures("release")
async def test_lookups_that_hang_delay_no_other() -> None:
    hanging = [asyncio.create_task(addresses(HANGING, socket.SOCK_DGRAM)) for _ in range(50)]
    await asyncio.sleep(0)
    found = await addresses("localhost", socket.SOCK_DGRAM)
    assert (socket.AF_INET, "127.0.0.1") in found
    assert not any(task.done() for task in hanging)
    for task in hanging:
        task.cancel()
    await asyncio.wait(hanging)


@pytest.mark.usefixtures("release")
async def test_names_of_targets_beyond_the_list_use_few_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "MOST_BEYOND_LIST", 2)
    rule = TargetRule(allow=(HANGING, "localhost"))
    hanging = [asyncio.create_task(addresses(HANGING, socket.SOCK_DGRAM, rule)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(ResolveError, match="2 names of other targets still wait for the DNS: check the DNS"):
        await addresses("localhost", socket.SOCK_DGRAM, rule)
    assert await addresses("localhost", socket.SOCK_DGRAM)
    for task in hanging:
        task.cancel()
    await asyncio.wait(hanging)


async def test_a_name_without_address_is_an_error(release: threading.Event) -> None:
    release.set()
    with pytest.raises(socket.gaierror):
        await addresses(HANGING, socket.SOCK_DGRAM)
    with pytest.raises(socket.gaierror):
        await addresses("x" * 70, socket.SOCK_DGRAM)


def test_a_program_ends_while_a_lookup_hangs() -> None:
    program = (
        "import asyncio, socket, threading\n"
        "from exporter.sources.resolve import addresses\n"
        "socket.getaddrinfo = lambda *a, **k: threading.Event().wait()\n"
        "async def main():\n"
        "    try: await asyncio.wait_for(addresses('hanging.invalid', socket.SOCK_DGRAM), 0.1)\n"
        "    except TimeoutError: print('timed out')\n"
        "asyncio.run(main())\n"
    )
    project = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("timed out\n", "", 0)


def test_a_lack_of_descriptors_is_no_unknown_name() -> None:
    program = (
        "import asyncio, encodings.idna, os, resource, socket\n"
        "from exporter.sources.resolve import addresses\n"
        "async def main():\n"
        "    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\n"
        "    try:\n"
        "        while True: os.open(os.devnull, os.O_RDONLY)\n"
        "    except OSError: pass\n"
        "    try: await addresses('name.invalid', socket.SOCK_DGRAM)\n"
        "    except OSError as error: print(type(error).__name__, error.errno)\n"
        "asyncio.run(main())\n"
    )
    project = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == (f"OSError {errno.EMFILE}\n", "")
