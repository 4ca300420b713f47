"""What a source of an appliance is, and the registry of all sources: one row each.

A further source is a package beside this module, a row in `SOURCES`, its credentials and settings in `config/`, and its
rows in the catalogue of metrics. Nothing else names it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from exporter.config import Appliance
from exporter.errors import SourceTimeout
from exporter.metrics.reading import Reading
from exporter.sources.rest.collect import RestSource
from exporter.sources.snmp.collect import SnmpSource
from exporter.sources.xml.collect import XmlSource
from exporter.telemetry import Telemetry


class Source(Protocol):
    """Polls one interface of one appliance."""

    async def poll(self, reading: Reading) -> None:
        """Fill `reading` as answers arrive, and record in it what fails.

        The reading is an argument, not the result, because a probe that reaches its deadline exports what has arrived
        so far. The poll is cancelled when no probe waits for it any longer.
        """
        ...

    def timed_out(self, reading: Reading) -> SourceTimeout:
        """Return the error for a poll that did not end in time."""
        ...

    async def close(self) -> None:
        """Close the connections that stay open between polls."""
        ...


@dataclass(frozen=True, slots=True)
class SourceType:
    """A row of the registry."""

    create: Callable[[Appliance, Telemetry], Source]
    """Makes the source of an appliance that is configured for it."""
    is_configured: Callable[[Appliance], bool]
    min_interval: Callable[[Appliance], float]
    """How long a successful poll is reused, in seconds."""
    without_it: str
    """What an appliance lacks whose configuration leaves the source out: the end of a sentence."""
    described: str
    """What people call it in a sentence."""
    on_appliance: str
    """How it is enabled with commands of AsyncOS: a sentence."""


SOURCES: Final[dict[str, SourceType]] = {
    "snmp": SourceType(
        create=SnmpSource,
        is_configured=lambda appliance: appliance.credentials.snmp is not None,
        min_interval=lambda appliance: appliance.min_interval.snmp,
        without_it="hardware, update services, DNS requests and the reasons for resource conservation are not exported",
        described="SNMP",
        on_appliance="`snmpconfig` enables SNMP on an interface, and sets the user, the passphrases and the networks.",
    ),
    "xml": SourceType(
        create=XmlSource,
        is_configured=lambda appliance: appliance.credentials.xml is not None,
        min_interval=lambda appliance: appliance.min_interval.xml,
        without_it="the delivery queue, mail rates, CPU by process and most mail counters are not exported",
        described="the status page (XML)",
        on_appliance="`interfaceconfig` enables HTTPS on an interface, and `userconfig` adds a read-only operator.",
    ),
    "rest": SourceType(
        create=RestSource,
        is_configured=lambda appliance: appliance.credentials.rest is not None,
        min_interval=lambda appliance: appliance.min_interval.rest,
        without_it="swap space and the state of every destination are not exported",
        described="the REST interface",
        on_appliance="`interfaceconfig` enables the AsyncOS API on an interface, and `userconfig` adds a user.",
    ),
}
"""Every source by its name, which is the value of the label `source`, in the order in which people see them."""


def source_title(name: str) -> str:
    """Return a source's name as people write it: SNMP, XML, REST."""
    return name.upper()
