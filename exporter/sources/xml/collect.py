"""The XML source of an appliance: its status page, and the further pages that are configured."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from exporter.config import Appliance
from exporter.errors import HttpStatusError, MalformedError, SourceError, SourceTimeout, TooLargeError
from exporter.metrics.reading import Items, Reading
from exporter.sources.xml import document, pages
from exporter.sources.xml.document import Element
from exporter.sources.xml.fetch import Fetcher
from exporter.telemetry import Telemetry

_PAGE_ERRORS: Final = (HttpStatusError, MalformedError, TooLargeError)
"""Errors after which other pages may still be right."""


class XmlSource:
    """Polls the status pages of one appliance over one connection, which stays open between polls."""

    def __init__(self, appliance: Appliance, telemetry: Telemetry) -> None:
        self._appliance = appliance
        if appliance.credentials.xml is None:
            raise ValueError(f"appliance {appliance.name} has no credentials for its status pages")
        self._fetcher = Fetcher(appliance, appliance.credentials.xml, telemetry.xml_requests)
        self._parsers: dict[str, Callable[[Sequence[Element]], Items]] = {
            "status": pages.parse_status,
            "dnsstatus": pages.parse_dnsstatus,
            "tophosts": partial(pages.parse_tophosts, top=appliance.xml.top),
            "topin": partial(pages.parse_topin, top=appliance.xml.top),
        }
        self._pages = dict.fromkeys(("status", *appliance.xml.pages))

    async def poll(self, reading: Reading) -> None:
        """Fill `reading` page by page, and record in it what fails.

        It is no return value because a probe that reaches its deadline exports what has arrived so far. No further page
        is requested if, for the first page, the appliance cannot be reached or refuses the user.
        """
        for page in self._pages:
            try:
                read = document.parse(await self._fetcher.get(page, reading))
                await asyncio.sleep(0)  # a large page must not hold the event loop
                reading.items.update(self._parsers[page](read.elements))
            except SourceError as error:
                reading.errors.append(error.within(f"/xml/{page}"))
                if not (reading.up or isinstance(error, _PAGE_ERRORS)):
                    return
            else:
                reading.up = reading.up or page == "status"
                if read.fault:
                    reading.errors.append(read.fault.within(f"/xml/{page}"))

    def timed_out(self, reading: Reading) -> SourceTimeout:
        server = f"{self._appliance.address} TCP port {self._appliance.xml.port}"
        if reading.up:
            return SourceTimeout(f"The status page came from {server} in time, but a further page did not.")
        if not reading.requests:
            return SourceTimeout(f"No request for {server} was sent in time: check the load of the exporter's machine.")
        return SourceTimeout(
            f"No status page from {server} in time: check the route, the firewall and the appliance's load."
        )

    async def close(self) -> None:
        await self._fetcher.close()
