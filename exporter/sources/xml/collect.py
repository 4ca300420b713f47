"""The XML source of an appliance: its status page, and the further pages that are configured."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from exporter.config import Appliance
from exporter.errors import SourceError, SourceTimeout, forget_calls
from exporter.metrics.reading import Items, Reading
from exporter.sources.destinations import DestinationChoice
from exporter.sources.http.fetch import Fetcher, HttpPages
from exporter.sources.http.polling import not_in_time, poll_pages
from exporter.sources.xml import document, pages
from exporter.sources.xml.document import Document, Element, Steps
from exporter.telemetry import Telemetry

XML_PAGES: Final = HttpPages(
    key="xml",
    folder="/xml/",
    names=("status", "dnsstatus", "tophosts", "topin"),
    name="XML pages",
    role="a read-only operator is enough",
)


class XmlSource:
    """Polls the status pages of one appliance over one connection, which stays open between polls."""

    def __init__(self, appliance: Appliance, telemetry: Telemetry) -> None:
        self._appliance = appliance
        if appliance.credentials.xml is None:
            raise ValueError(f"appliance {appliance.name} has no credentials for its status pages")
        self._fetcher = Fetcher(XML_PAGES, appliance, appliance.xml, appliance.credentials.xml, telemetry.xml_requests)
        self._pages = dict.fromkeys(("status", *appliance.xml.pages))

    async def poll(self, reading: Reading) -> None:
        """Fill `reading` page by page, and record in it what fails.

        It is no return value because a probe that reaches its deadline exports what has arrived so far.
        """
        await poll_pages(XML_PAGES.folder, self._pages, self._poll_page, reading)

    async def _poll_page(self, page: str, reading: Reading) -> None:
        """Record a page. If its end does not come in time, record what has come, as if the page ended there."""
        try:
            body = await self._fetcher.get(page, reading)
        except (asyncio.CancelledError, SourceTimeout):
            self._record_part(page, reading)
            raise
        read = await _in_turns(document.steps(body))
        self._record(page, read, reading)
        if read.fault:
            raise read.fault

    def _record_part(self, page: str, reading: Reading) -> None:
        """Record what has come of a page, if anything of it can be read."""
        try:
            self._record(page, document.parse(bytes(self._fetcher.received)), reading)
        except SourceError as error:
            forget_calls(error)

    def _record(self, page: str, read: Document, reading: Reading) -> None:
        reading.items.update(self._items(page, read.elements))
        reading.up = reading.up or page == "status"

    def _items(self, page: str, elements: Sequence[Element]) -> Items:
        match page:
            case "status":
                return pages.parse_status(elements)
            case "dnsstatus":
                return pages.parse_dnsstatus(elements)
            case "tophosts":
                choice = DestinationChoice(self._appliance.destinations, self._appliance.xml.top)
                return pages.parse_tophosts(elements, choice)
        return pages.parse_topin(elements, self._appliance.xml.top)

    def timed_out(self, reading: Reading) -> SourceTimeout:
        server = f"{self._appliance.address} TCP port {self._appliance.xml.port}"
        return not_in_time(server, "status page", reading)

    async def close(self) -> None:
        await self._fetcher.close()


async def _in_turns(steps: Steps) -> Document:
    """Return what the steps give, and let other work run after each of them."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            await asyncio.sleep(0)
            read: Document = end.value
            return read
        await asyncio.sleep(0)
