"""Faults that somebody sets on the SNMP agent or the web interface of a simulated unit.

They come on top of what the scenarios do, and last until they are taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from exporter.sources.snmp.mib import Oid

Answer = Literal["page", "login", "truncated", "error"]
"""What the web interface sends: the page, a login page with status 200, the first part of the page, or status 500."""


@dataclass(frozen=True, slots=True)
class SnmpFaults:
    """Faults of an SNMP agent."""

    dead: bool = False
    """It answers nothing."""
    loss: float = 0.0
    """The probability that it does not answer a request."""
    delay: float = 0.0
    """Seconds before each answer."""
    deaf_to_bulk: tuple[Oid, ...] = ()
    """It does not answer GETBULK below these objects; some devices do so with their raidTable."""
    broken: tuple[Oid, ...] = ()
    """It answers genErr to requests below these objects."""


@dataclass(frozen=True, slots=True)
class XmlFaults:
    """Faults of a web interface."""

    dead: bool = False
    """Its port is closed."""
    loss: float = 0.0
    """The probability that it breaks the connection instead of answering."""
    delay: float = 0.0
    """Seconds that a page takes longer."""
    closing: bool = False
    """It closes every connection after an answer, and the answer does not say so."""
    answer: Answer = "page"


NO_SNMP_FAULTS: Final = SnmpFaults()
NO_XML_FAULTS: Final = XmlFaults()
