"""The REST source of an appliance: its state, its health, and its destinations where they are wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from exporter.config import Appliance
from exporter.errors import SourceTimeout
from exporter.metrics.reading import Reading
from exporter.sources.http.fetch import Fetcher, HttpPages
from exporter.sources.http.polling import not_in_time, poll_pages
from exporter.sources.rest import items
from exporter.sources.rest.answers import PAGES_NAME, JsonValue, answer_data
from exporter.telemetry import Telemetry

REST_PAGES: Final = HttpPages(
    key="rest",
    folder="/esa/api/v2.0/",
    name=PAGES_NAME,
    role="an operator may; whether a read-only operator may depends on the release",
    releases=" (AsyncOS 12 and newer)",
)


class RestSource:
    """Polls the REST interface of one appliance over one connection, which stays open between polls."""

    def __init__(self, appliance: Appliance, telemetry: Telemetry) -> None:
        self._appliance = appliance
        if appliance.credentials.rest is None:
            raise ValueError(f"appliance {appliance.name} has no credentials for its REST interface")
        self._fetcher = Fetcher(
            REST_PAGES, appliance, appliance.rest, appliance.credentials.rest, telemetry.rest_requests
        )
        self._readers: dict[str, Callable[[JsonValue, Reading], None]] = {
            "health/system_status": items.read_system_status,
            "health": items.read_health,
        }

    async def poll(self, reading: Reading) -> None:
        """Fill `reading` answer by answer, and record in it what fails.

        It is no return value because a probe that reaches its deadline exports what has arrived so far.
        """
        await poll_pages(REST_PAGES.folder, self._readers, self._poll_page, reading)

    async def _poll_page(self, page: str, reading: Reading) -> None:
        data = answer_data(await self._fetcher.get(page, reading))
        await asyncio.sleep(0)  # a large answer must not hold the event loop
        self._readers[page](data, reading)

    def timed_out(self, reading: Reading) -> SourceTimeout:
        server = f"{self._appliance.address} TCP port {self._appliance.rest.port}"
        return not_in_time(server, "answer of the AsyncOS API", reading)

    async def close(self) -> None:
        await self._fetcher.close()
