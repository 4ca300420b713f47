"""A running HTTP face of the exporter, as a test sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession

from exporter.fleet import Fleet
from exporter.telemetry import Telemetry
from exporter.web.app import Face
from support.fake_fleet import FakeProber


@dataclass(frozen=True, slots=True)
class Running:
    """A running server: its parts, its port on the loopback, and a client."""

    fleet: Fleet
    telemetry: Telemetry
    face: Face
    file: Path
    port: int
    client: ClientSession

    def prober(self, name: str) -> FakeProber:
        """Return the fake prober of an appliance."""
        prober = self.fleet.probers[name]
        assert isinstance(prober, FakeProber)
        return prober

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Return status and text of an answer."""
        async with self.client.get(path, headers={key.replace("_", "-"): text for key, text in headers.items()}) as it:
            return it.status, await it.text()


Start = Callable[..., Awaitable[Running]]
