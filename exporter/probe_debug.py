"""What one probe did, in plain text: the answer to `probe --debug` and `/probe?debug=true`."""

from __future__ import annotations

from exporter.config import Appliance
from exporter.metrics.catalog import SOURCES, Source
from exporter.metrics.reading import Reading
from exporter.probe import Result


def debug_output(appliance: Appliance, result: Result) -> str:
    """Tell what one probe did, source by source, then what it exports; plain text."""
    head = [
        f"{appliance.name} at {appliance.address}, {_place(appliance)}",
        f"Probe of {result.time:%Y-%m-%d %H:%M:%S} UTC: {result.outcome},"
        f" {result.duration:.3f} s of the {result.deadline:g} s it was given.",
    ]
    sources = [_source_account(appliance, result, source) for source in SOURCES]
    return "\n\n".join(["\n".join(head), *sources, result.exposition.text().decode()])


def state(of: Result | Reading | None) -> str:
    """Return the word for how a probe, or one source of it, went."""
    return of.outcome if of else "not probed yet"


def _source_account(appliance: Appliance, result: Result, source: Source) -> str:
    reading = _reading(result, source)
    if reading is None:
        return f"{source}: {source_state(appliance, result, source)}"
    made = f"served again, {reading.age:.1f} s old" if reading.age else f"{reading.duration:.3f} s"
    return "\n".join(
        [
            f"{source}: {reading.outcome}; {made}; requests: {reading.requests}, of them sent again: {reading.retries}",
            *(f"  {note}" for note in reading.notes),
            *(f"  error ({error.reason}): {error}" for error in reading.errors),
        ]
    )


def source_state(appliance: Appliance, result: Result | None, source: Source) -> str:
    """Return the word for how a source stands after the last probe, or that there is none."""
    if getattr(appliance.credentials, source) is None:
        return "not configured"
    return state(_reading(result, source) if result else None)


def _reading(result: Result, source: Source) -> Reading | None:
    return next((reading for reading in result.readings if reading.source == source), None)


def _place(appliance: Appliance) -> str:
    site = f"site {appliance.site}, " if appliance.site else ""
    return f"{site}pool {appliance.pool}, {appliance.traffic}, {appliance.role}"
