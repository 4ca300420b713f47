"""The REST source of an appliance: its state, its health, and its destinations where they are wanted."""

from __future__ import annotations

import asyncio
from typing import Final

from exporter.config import Appliance
from exporter.errors import SourceTimeout
from exporter.metrics.reading import Reading
from exporter.sources.destinations import DestinationChoice
from exporter.sources.http.fetch import BODY_LIMIT, Fetcher, HttpPages
from exporter.sources.http.polling import not_in_time, poll_pages
from exporter.sources.rest import items
from exporter.sources.rest.answers import PAGES_NAME, JsonValue, answer_data
from exporter.telemetry import Telemetry

_DESTINATIONS: Final = "health/delivery_status"

REST_PAGES: Final = HttpPages(
    key="rest",
    folder="/esa/api/v2.0/",
    names=("health/system_status", "health", _DESTINATIONS),
    name=PAGES_NAME,
    role="an operator may; whether a read-only operator may depends on the release",
    releases=" (AsyncOS 12 and newer)",
)

DESTINATIONS_LIMIT: Final = 2 * 1024 * 1024
"""The largest list of destinations to read, in bytes: one has about 200, and some appliances have thousands."""


class RestSource:
    """Polls the REST interface of one appliance over one connection, which stays open between polls."""

    def __init__(self, appliance: Appliance, telemetry: Telemetry) -> None:
        self._appliance = appliance
        if appliance.credentials.rest is None:
            raise ValueError(f"appliance {appliance.name} has no credentials for its REST interface")
        self._fetcher = Fetcher(
            REST_PAGES, appliance, appliance.rest, appliance.credentials.rest, telemetry.rest_requests
        )
        self._choice = DestinationChoice(appliance.destinations, appliance.rest.top)

    async def poll(self, reading: Reading) -> None:
        """Fill `reading` answer by answer, and record in it what fails.

        It is no return value because a probe that reaches its deadline exports what has arrived so far.
        """
        left_out = () if self._appliance.rest.destinations else (_DESTINATIONS,)
        pages = [page for page in REST_PAGES.names if page not in left_out]
        await poll_pages(REST_PAGES.folder, pages, self._poll_page, reading)

    async def _poll_page(self, page: str, reading: Reading) -> None:
        limit, form = (DESTINATIONS_LIMIT, items.DESTINATIONS_FORM) if page == _DESTINATIONS else (BODY_LIMIT, None)
        data = answer_data(await self._fetcher.get(page, reading, limit), form)
        await asyncio.sleep(0)  # a large answer must not hold the event loop
        self._read(page, data, reading)

    def _read(self, page: str, data: JsonValue, reading: Reading) -> None:
        match page:
            case "health/system_status":
                items.read_system_status(data, reading)
            case "health":
                items.read_health(data, reading)
            case _:
                items.read_delivery_status(data, reading, self._choice)

    def timed_out(self, reading: Reading) -> SourceTimeout:
        server = f"{self._appliance.address} TCP port {self._appliance.rest.port}"
        return not_in_time(server, "answer of the AsyncOS API", reading)

    async def close(self) -> None:
        await self._fetcher.close()
