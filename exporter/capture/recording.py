"""Asking one appliance for all that it has: both SNMP trees that matter, and every page of its web interface."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from exporter.capture.capture_file import Capture, CapturedPage
from exporter.config import Appliance
from exporter.errors import SourceError, SourceTimeout
from exporter.metrics.reading import Reading
from exporter.sources.http.fetch import Fetcher
from exporter.sources.rest.collect import REST_PAGES
from exporter.sources.snmp.ber import Pdu, SnmpValue
from exporter.sources.snmp.collect import SnmpSource
from exporter.sources.snmp.messages import SnmpRequest
from exporter.sources.snmp.mib import Oid
from exporter.sources.snmp.session import Session
from exporter.sources.xml.collect import XML_PAGES
from exporter.telemetry import Telemetry

_ROOTS: Final[tuple[Oid, ...]] = ((1, 3, 6, 1, 2, 1, 1), (1, 3, 6, 1, 4, 1, 15497))
"""The system group of SNMPv2-MIB, and all that the vendor has."""

_REPETITIONS: Final = 20
"""Objects to ask for in a request: their values fit into a packet."""

_BULK_TRIES: Final = 3
"""After so many unanswered tries, the rest of a tree is walked by GETNEXT."""

_PAGES: Final = {
    XML_PAGES: ("status", "dnsstatus", "tophosts", "topin"),
    REST_PAGES: ("health/system_status", "health", "health/delivery_status"),
}
_PAGE_LIMIT: Final = 4_000_000
"""The largest page in bytes: 5,000 destinations have 800,000."""


async def record_appliance(appliance: Appliance) -> tuple[Capture, list[str]]:
    """Return what the appliance answers, and a sentence for everything that it did not answer."""
    telemetry, faults = Telemetry(), list[str]()
    snmp = await _record_snmp(appliance, telemetry, faults) if appliance.credentials.snmp else {}
    pages = [page async for page in _pages(appliance, telemetry, faults)]
    return Capture(snmp, pages), faults


async def _record_snmp(appliance: Appliance, telemetry: Telemetry, faults: list[str]) -> dict[Oid, SnmpValue]:
    source, found = SnmpSource(appliance, telemetry), dict[Oid, SnmpValue]()
    for root in _ROOTS:
        try:
            async with source.session(Reading("snmp")) as session:
                await _walk(session, root, found)
        except SourceError as error:
            faults.append(str(error))
    return found


async def _walk(session: Session, root: Oid, found: dict[Oid, SnmpValue]) -> None:
    """Add every instance below `root` to `found`; raises SourceError."""
    last, is_bulk = root, True
    while True:
        try:
            answer = await _following(session, last, is_bulk=is_bulk)
        except SourceTimeout:
            if not is_bulk:
                raise
            is_bulk = False
            continue
        for oid, value in answer.varbinds:
            if value is None or oid[: len(root)] != root or oid <= last:
                return
            found[oid], last = value, oid
        if not answer.varbinds:
            return


async def _following(session: Session, last: Oid, *, is_bulk: bool) -> Pdu:
    if is_bulk:
        return await session.request(SnmpRequest("bulk", (last,), _REPETITIONS), _BULK_TRIES)
    return await session.request(SnmpRequest("next", (last,)))


async def _pages(appliance: Appliance, telemetry: Telemetry, faults: list[str]) -> AsyncIterator[CapturedPage]:
    credentials = appliance.credentials
    for pages, settings, user, requests in (
        (XML_PAGES, appliance.xml, credentials.xml, telemetry.xml_requests),
        (REST_PAGES, appliance.rest, credentials.rest, telemetry.rest_requests),
    ):
        if user:
            fetcher = Fetcher(pages, appliance, settings, user, requests)
            for name in _PAGES[pages]:
                path = f"{pages.folder}{name}"
                try:
                    body = await fetcher.get(name, Reading(pages.key), _PAGE_LIMIT)
                    yield CapturedPage(path, _decoded(body))
                except SourceError as error:
                    faults.append(f"{path}: {error}.")
            await fetcher.close()


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")
