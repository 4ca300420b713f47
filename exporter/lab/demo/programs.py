"""Programs that the demo starts, and ends."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import aiohttp

from exporter.errors import ExporterError

_START_LIMIT: Final = 60.0
"""Seconds within which a program must answer; generous, for a busy machine."""

_END_LIMIT: Final = 15.0
"""Seconds after SIGTERM at which a program is killed."""


@asynccontextmanager
async def running(name: str, arguments: Sequence[str], address: str, folder: Path) -> AsyncIterator[None]:
    """Run a program while the context is open, and log to a file in `folder`.

    It must answer /-/ready at its address. If it does not, an ExporterError has the last line of its log. Environment
    variables for flags of the exporter have no effect on it.
    """
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={name: value for name, value in os.environ.items() if not name.startswith("IRONPORT_EXPORTER_")},
            start_new_session=True,
        )
    try:
        await _until_ready(child, f"http://{address}/-/ready", name, log)
        yield
    finally:
        await _end(child)


def free_address() -> str:
    """Return a loopback address with a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


async def _until_ready(child: asyncio.subprocess.Process, url: str, name: str, log: Path) -> None:
    limit = time.monotonic() + _START_LIMIT
    async with aiohttp.ClientSession() as client:
        while child.returncode is None and time.monotonic() < limit:
            with suppress(aiohttp.ClientError):
                async with client.get(url) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.1)
    raise ExporterError(f"{name} did not start: {_last_line(log)}")


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), _END_LIMIT)
    except TimeoutError:
        child.kill()
        await child.wait()


def _last_line(log: Path) -> str:
    return (log.read_text(errors="replace").strip().splitlines() or ["its log is empty"])[-1]
