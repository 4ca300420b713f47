"""A running server of the exporter, as a test sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession

from exporter.fleet import Fleet
from exporter.telemetry import Telemetry
from exporter.web.live_web_config import LiveWebConfig
from exporter.web.reload import Reloader
from support.fake_fleet import FakeProber


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server on the loopback in front of a fake fleet."""

    fleet: Fleet
    telemetry: Telemetry
    reloader: Reloader
    web_config: LiveWebConfig
    file: Path
    """The configuration file of the fleet."""
    port: int
    client: ClientSession
    """A client whose paths are those of the server."""

    def prober(self, name: str) -> FakeProber:
        """Return the fake prober of an appliance."""
        prober = self.fleet.probers[name]
        assert isinstance(prober, FakeProber)
        return prober

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Return status and text of an answer."""
        async with self.client.get(path, headers={key.replace("_", "-"): text for key, text in headers.items()}) as it:
            return it.status, await it.text()

    async def reload(self) -> tuple[int, str]:
        """Ask for a reload; return status and text of the answer."""
        async with self.client.post("/-/reload") as answer:
            return answer.status, await answer.text()


StartServer = Callable[..., Awaitable[RunningServer]]
