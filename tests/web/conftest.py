"""A running server in front of a fake fleet, and a client that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from exporter import config
from exporter.telemetry import Telemetry
from exporter.web.app import Face, Settings, listen
from exporter.web.discovery import BaseUrl
from support.face import Running, Start
from support.fake_fleet import fake_fleet, write_fleet


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start a server with the given `external_url`."""
    async with AsyncExitStack() as parts:

        async def start(external_url: str | None = None) -> Running:
            file = tmp_path / "fleet.yml"
            write_fleet(file)
            telemetry = Telemetry()
            fleet = fake_fleet(config.load(file), telemetry)
            parts.push_async_callback(fleet.close)
            external = BaseUrl.parse(external_url) if external_url else None
            face = Face(fleet, telemetry, Settings(file, "127.0.0.1", 0, 0.5, external))
            parts.push_async_callback(face.close)
            runner = web.AppRunner(face.application(), access_log=None, handler_cancellation=True, shutdown_timeout=5)
            await runner.setup()
            parts.push_async_callback(runner.cleanup)
            await listen(runner, "127.0.0.1", 0)
            port = runner.addresses[0][1]
            client = await parts.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{port}"))
            return Running(fleet, telemetry, face, file, port, client)

        yield start


@pytest.fixture
async def running(start: Start) -> Running:
    """Start a server that is reached directly."""
    return await start()
