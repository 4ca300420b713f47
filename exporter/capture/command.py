"""`ironport-exporter capture`: writes what one appliance answers, without what identifies its site."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from exporter.capture.capture_file import Capture
from exporter.capture.placeholders import Placeholders
from exporter.capture.recording import record_appliance
from exporter.config import Appliance, BasicAuth
from exporter.errors import ExporterError


@dataclass(frozen=True, slots=True)
class Captured:
    """A capture with placeholders, and what a person has to know about it."""

    capture: Capture
    replaced: list[str]
    """What was replaced, a line each."""
    faults: list[str]
    """What the appliance did not answer, a sentence each."""


def captured(appliance: Appliance) -> Captured:
    """Record the appliance; raises ExporterError if it answers nothing."""
    capture, faults = asyncio.run(record_appliance(appliance))
    if not (capture.snmp or capture.pages):
        raise ExporterError("\n".join([f"{appliance.name} answered nothing, so there is nothing to write.", *faults]))
    placeholders = Placeholders((appliance.name, appliance.address, *(_user_names(appliance))))
    return Captured(placeholders.applied(capture), list(placeholders.listed()), faults)


def write_capture(capture: Capture, file: Path) -> None:
    """Write the file; raises ExporterError."""
    try:
        file.write_text(capture.text(), encoding="utf-8")
    except OSError as error:
        raise ExporterError(f"Cannot write {file}: {error.strerror}. Choose another file with --out.") from None


def _user_names(appliance: Appliance) -> list[str]:
    return [user.username for _, user in appliance.credentials if isinstance(user, BasicAuth)]
