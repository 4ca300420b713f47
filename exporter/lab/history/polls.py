"""What the polls of a simulated unit bring at one instant, as the exporter's sources would have read it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import lru_cache
from typing import Final, get_args

from exporter.config import Appliance
from exporter.errors import AuthError, RefusedError, SourceError, SourceTimeout, UnreachableError
from exporter.lab.simulator import rest_answers
from exporter.lab.simulator.rest_answers import RestPage
from exporter.lab.simulator.view import Transport, View
from exporter.metrics.reading import Certificate, Items, Reading
from exporter.sources.destinations import DestinationChoice
from exporter.sources.rest import items as rest
from exporter.sources.snmp.mib import TABLES
from exporter.sources.xml.pages import TOPHOSTS

PROBE_DEADLINE: Final = 9.5
"""Seconds that a probe has: Prometheus' default scrape timeout of 10 s minus the exporter's offset."""

ROUND_TRIP: Final = 0.05
"""Seconds that a poll of SNMP takes if nothing is lost, and that the agent takes for one answer."""

SNMP_REQUESTS: Final = 1 + len(TABLES)
"""Packets of a poll of SNMP if nothing is lost: one for all scalars and one for each table."""

SNMP_TRIES: Final = 16
"""Packets that the exporter sends until the deadline if nothing answers, when it knows the agent's round trips."""


_REST_PAGES: Final[tuple[RestPage, ...]] = get_args(RestPage)


def polls(
    view: View, appliance: Appliance, luck: Sequence[float], wanted: Container[str] | None = None
) -> tuple[Reading, ...]:
    """Return the readings of SNMP, XML and, if it is configured, REST, with the items `wanted`, by default all.

    `luck`, a number from 0 to 1 for each, decides whether the poll is lost. A lost poll of SNMP brings nothing: this is
    harder for the rules than reality, where the exporter asks again.
    """
    transport = view.transport(appliance.name)
    readings = _snmp(view, appliance, transport, luck[0], wanted), _xml(view, appliance, transport, luck[1], wanted)
    if appliance.credentials.rest is None:
        return readings
    return *readings, _rest(view, appliance, transport, luck[2])


def _snmp(
    view: View, appliance: Appliance, transport: Transport, luck: float, wanted: Container[str] | None
) -> Reading:
    if transport.snmp and luck >= transport.snmp_loss:
        items = view.snmp_items(appliance.name, wanted)
        return Reading("snmp", items, up=True, requests=SNMP_REQUESTS, duration=ROUND_TRIP)
    lost = SourceTimeout("No answer came.")
    return Reading("snmp", errors=[lost], requests=SNMP_TRIES, retries=SNMP_TRIES - 1, duration=PROBE_DEADLINE)


def _xml(view: View, appliance: Appliance, transport: Transport, luck: float, wanted: Container[str] | None) -> Reading:
    if failure := _web_failure(transport, luck):
        return Reading("xml", errors=[failure], requests=1, duration=transport.delay)
    pages = appliance.xml.pages
    items = _with_chosen(view.xml_items(appliance.name, pages, wanted), appliance)
    expiry = transport.certificate_expiry
    return Reading(
        "xml",
        items,
        up=True,
        requests=len(pages),
        certificate=None if expiry is None else Certificate(expiry, "ca"),
        duration=transport.delay * len(pages),
    )


def _rest(view: View, appliance: Appliance, transport: Transport, luck: float) -> Reading:
    if failure := _rest_failure(transport, luck):
        return Reading("rest", errors=[failure], requests=1, duration=transport.delay)
    reading = Reading("rest", requests=len(_REST_PAGES), duration=transport.delay * len(_REST_PAGES))
    for page in _REST_PAGES:
        data = rest_answers.unit_answer(view, appliance.name, page)
        match page:
            case "health/system_status":
                rest.read_system_status(data, reading)
            case "health":
                rest.read_health(data, reading)
            case "health/delivery_status":
                rest.read_delivery_status(data, reading, _choice(appliance, appliance.rest.top))
    return reading


def _choice(appliance: Appliance, top: int) -> DestinationChoice:
    return _made_choice(tuple(appliance.destinations.items()), top)


@lru_cache(maxsize=64)
def _made_choice(classes: tuple[tuple[str, tuple[str, ...]], ...], top: int) -> DestinationChoice:
    return DestinationChoice(dict(classes), top)


def _with_chosen(items: Items, appliance: Appliance) -> Items:
    """Return the items with those destinations that the exporter would choose from the page."""
    columns = {name: items.pop(f"tophosts/{name}") for name in TOPHOSTS.numbers if f"tophosts/{name}" in items}
    domains = [domain for (domain,) in next(iter(columns.values()), {})]
    figures = zip(*(column.values() for column in columns.values()), strict=True)
    values = [dict(zip(columns, each, strict=True)) for each in figures]
    return items | _choice(appliance, appliance.xml.top).items(TOPHOSTS, domains, values)


def _rest_failure(transport: Transport, luck: float) -> SourceError | None:
    dead = transport.xml and not transport.rest
    return UnreachableError("The connection broke.") if dead else _web_failure(transport, luck)


def _web_failure(transport: Transport, luck: float) -> SourceError | None:
    if not transport.xml:
        return RefusedError("The port is closed.")
    if luck < transport.xml_loss:
        return UnreachableError("The connection broke.")
    return None if transport.admits else AuthError("The password is not accepted.")
