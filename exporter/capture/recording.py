"""Asking one appliance for all that it has: both SNMP trees that matter, and every page of its web interface."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from exporter.capture.capture_file import Capture, CapturedPage
from exporter.config import Appliance
from exporter.errors import MalformedError, SourceError, SourceTimeout
from exporter.metrics.reading import Reading
from exporter.sources.http.fetch import Fetcher
from exporter.sources.rest.collect import REST_PAGES
from exporter.sources.snmp.ber import Pdu, SnmpValue
from exporter.sources.snmp.collect import SnmpSource
from exporter.sources.snmp.messages import NO_SUCH_NAME, SnmpRequest
from exporter.sources.snmp.mib import Oid, dotted
from exporter.sources.snmp.session import Session
from exporter.sources.xml.collect import XML_PAGES
from exporter.telemetry import Telemetry

_ROOTS: Final[tuple[Oid, ...]] = ((1, 3, 6, 1, 2, 1, 1), (1, 3, 6, 1, 4, 1, 15497))
"""The system group of SNMPv2-MIB, and all that the vendor has."""

_REPETITIONS: Final = 20
"""Objects to ask for in a request: their values fit into a packet."""

SECONDS: Final = 60.0
"""The time for each tree and each page. A healthy appliance takes a few seconds for all of them."""

_BULK_TRIES: Final = 3
"""After so many unanswered tries, GETNEXT walks the rest of a tree."""

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
            async with asyncio.timeout(SECONDS), source.session(Reading("snmp")) as session:
                await _walk(session, root, found)
        except SourceError as error:
            faults.append(str(error))
        except TimeoutError:
            last = max((oid for oid in found if oid[: len(root)] == root), default=root)
            faults.append(f"SNMP: no answer about what follows {dotted(last)} in {SECONDS:.0f} s.")
    return found


async def _walk(session: Session, root: Oid, found: dict[Oid, SnmpValue]) -> None:
    """Add every instance below `root` to `found`; raises SourceError.

    If GETBULK gets no answer or an error, GETNEXT walks the rest.
    """
    last, following = root, _bulk
    while True:
        answer = await following(session, last)
        if answer is None:
            following = _next
            continue
        if answer.error_status not in (0, NO_SUCH_NAME):
            raise MalformedError(f"SNMP: error status {answer.error_status} (RFC 3416) after {dotted(last)}.")
        for oid, value in answer.varbinds:
            if value is None or oid[: len(root)] != root:
                return
            if oid <= last:
                raise MalformedError(f"SNMP: {dotted(oid)} comes after {dotted(last)}, which is the wrong order.")
            found[oid], last = value, oid
        if not answer.varbinds:
            return


async def _bulk(session: Session, last: Oid) -> Pdu | None:
    """Return what follows an instance, or None if the agent has no good answer."""
    try:
        answer = await session.request(SnmpRequest("bulk", (last,), _REPETITIONS), _BULK_TRIES)
    except SourceTimeout:
        return None
    return None if answer.error_status else answer


async def _next(session: Session, last: Oid) -> Pdu | None:
    return await session.request(SnmpRequest("next", (last,)))


async def _pages(appliance: Appliance, telemetry: Telemetry, faults: list[str]) -> AsyncIterator[CapturedPage]:
    credentials = appliance.credentials
    for pages, settings, user, requests in (
        (XML_PAGES, appliance.xml, credentials.xml, telemetry.xml_requests),
        (REST_PAGES, appliance.rest, credentials.rest, telemetry.rest_requests),
    ):
        if user:
            fetcher = Fetcher(pages, appliance, settings, user, requests)
            for name in pages.names:
                path = f"{pages.folder}{name}"
                try:
                    async with asyncio.timeout(SECONDS):
                        body = await fetcher.get(name, Reading(pages.key), _PAGE_LIMIT)
                    yield CapturedPage(path, _decoded(body))
                except SourceError as error:
                    faults.append(f"{path}: {error}.")
                except TimeoutError:
                    faults.append(f"{path}: no whole page in {SECONDS:.0f} s.")
            await fetcher.close()


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")
