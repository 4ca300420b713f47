"""A running server in front of a fake fleet, and a client that asks it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from ipaddress import ip_network
from pathlib import Path

import aiohttp
import pytest

from exporter import config
from exporter.telemetry import Telemetry
from exporter.web.access import Access
from exporter.web.application import http_application
from exporter.web.discovery import BaseUrl
from exporter.web.live_web_config import LiveWebConfig
from exporter.web.reload import Reloader
from exporter.web.server import listening
from exporter.web.settings import ListenAddress, ServerSettings
from support.fake_fleet import fake_fleet, write_fleet
from support.running_server import RunningServer, StartServer


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[StartServer]:
    """Start a server with the given settings and, as text, web configuration; `trust` is for https."""
    async with AsyncExitStack() as parts:

        async def start(
            external_url: str | None = None,
            route_prefix: str | None = None,
            trusted_proxies: Sequence[str] = (),
            web_config: str | None = None,
            trust: ssl.SSLContext | None = None,
        ) -> RunningServer:
            file = tmp_path / "fleet.yml"
            write_fleet(file)
            address = ListenAddress("127.0.0.1", 0)
            settings = ServerSettings(
                (file,),
                (address,),
                external_url=BaseUrl.parse(external_url) if external_url else None,
                route_prefix=route_prefix,
                trusted_proxies=tuple(map(ip_network, trusted_proxies)),
            )
            loaded = config.try_load(file)
            assert loaded.config
            telemetry = Telemetry()
            fleet = fake_fleet(loaded.config, telemetry)
            parts.push_async_callback(fleet.close)
            reloader = Reloader(fleet, telemetry, (file,), loaded.files)
            parts.push_async_callback(reloader.close)
            web_file = tmp_path / "web.yml" if web_config else None
            if web_file and web_config:
                web_file.write_text(web_config)
            live = LiveWebConfig(web_file, telemetry)
            application = http_application(fleet, telemetry, reloader, Access(live), settings)
            (bound,) = await parts.enter_async_context(listening(application, [address], live.tls))
            url = f"{'https' if live.tls else 'http'}://{bound}"
            connector = aiohttp.TCPConnector(ssl=trust or True)
            client = await parts.enter_async_context(aiohttp.ClientSession(url, connector=connector))
            return RunningServer(fleet, telemetry, reloader, live, file, int(bound.rpartition(":")[2]), client)

        yield start


@pytest.fixture
async def running(start: StartServer) -> RunningServer:
    """Start a server that is reached directly."""
    return await start()
