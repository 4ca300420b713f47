"""The mail to a client's domains, from the page tophosts of the units, which has only the busiest destinations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from exporter.errors import UsageError
from exporter.report import unit_figures
from exporter.report.hourly import ALL_HOURS, Hourly, HourlyQueries, Key
from exporter.report.model import NOT_MEASURED, DestinationMail

_DOMAIN: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_PRESENCE: Final = "ironport_destination_active_recipients"
_DESTINATION: Final = ("destination",)


def parse_client(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the name and the domains of NAME=DOMAIN,DOMAIN; a name alone is its domain. Raises UsageError."""
    name, equals, listed = text.partition("=")
    domains = tuple(domain.strip().lower() for domain in (listed if equals else name).split(","))
    for domain in domains:
        if not _DOMAIN.fullmatch(domain):
            raise UsageError(f"{domain!r} is not a mail domain: write --client example.edu, or NAME=DOMAIN,DOMAIN.")
    if not name.strip() or not name.isprintable():
        raise UsageError(f"{text!r} has no name of a client: write --client example.edu, or NAME=DOMAIN,DOMAIN.")
    return name.strip(), domains


def client_destinations(
    queries: HourlyQueries, selector: str, domains: Sequence[str]
) -> tuple[DestinationMail, ...] | None:
    """Return the mail to the domains and to what is below them; None where no unit's page tophosts is read."""
    read = queries.by_hour(*_presence(selector), 1, "destinations", ())
    if not read:
        return None
    pattern = "|".join(re.escape(domain) for domain in domains).replace("\\", r"\\")
    chosen = ",".join(filter(None, (selector, f'destination=~"(?i)(.+\\\\.)?({pattern})"')))
    delivered, bounced = (
        _mail(queries, f"ironport_destination_{counter}_total", chosen, read[()])
        for counter in ("delivered_recipients", "hard_bounces")
    )
    names = sorted({*delivered, *bounced})
    return tuple(_destination(name, delivered, bounced) for name in names)


def _presence(selector: str) -> tuple[str, str]:
    seen = f"group(count_over_time({_PRESENCE}{{{selector}}}[59m59s999ms]))"
    return seen, seen


def _mail(queries: HourlyQueries, counter: str, chosen: str, read: Hourly) -> dict[Key, Hourly]:
    query = f"sum by (destination) ({unit_figures.hourly_increase(counter, chosen)})"
    hours = range(queries.period.hours)
    found = queries.values(query, f"mail of {counter}", _DESTINATION)
    return {name: Hourly([values.get(hour) for hour in hours], read.covered) for name, values in found.items()}


def _destination(name: Key, delivered: Mapping[Key, Hourly], bounced: Mapping[Key, Hourly]) -> DestinationMail:
    figures = (each[name].total(ALL_HOURS) if name in each else NOT_MEASURED for each in (delivered, bounced))
    return DestinationMail(name[0], *figures)
