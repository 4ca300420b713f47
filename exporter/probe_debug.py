"""What one probe did, in plain text: the answer to `probe --debug` and `/probe?debug=true`."""

from __future__ import annotations

from exporter.config import Appliance
from exporter.metrics.reading import Reading, unreadable_text
from exporter.probe import Result
from exporter.sources.source import SOURCES


def debug_output(appliance: Appliance, result: Result) -> str:
    """Return what each source did, then what the probe exports."""
    head = [
        f"{appliance.name} at {appliance.address}, {_place(appliance)}",
        f"Probe of {result.time:%Y-%m-%d %H:%M:%S} UTC: {result.outcome},"
        f" {result.duration:.3f} s of the {result.deadline:g} s that it may take.",
    ]
    sources = [_source_output(name, result) for name in SOURCES]
    return "\n\n".join(["\n".join(head), *sources, result.exposition.text().decode()])


def source_state(name: str, appliance: Appliance, result: Result | None) -> str:
    """Return the word for how a source went in the last probe, or why there is none."""
    if not SOURCES[name].is_configured(appliance):
        return "not configured"
    reading = result and result.reading(name)
    return reading.outcome if reading else "not probed yet"


def _source_output(name: str, result: Result) -> str:
    reading = result.reading(name)
    if reading is None:
        return f"{name}: not configured, so that {SOURCES[name].without_it}"
    unreadable = unreadable_text(result.exposition.unreadable[name])
    return "\n".join(
        [
            f"{name}: {reading.outcome}; {_poll_output(reading)}",
            *(f"  {note}" for note in reading.notes),
            *(f"  error ({error.reason}): {error}" for error in reading.errors),
            *([f"  values that cannot be read: {unreadable}"] if unreadable else []),
        ]
    )


def _poll_output(reading: Reading) -> str:
    if reading.shared:
        return f"poll of another probe, begun {reading.age:.1f} s before this one"
    return f"{reading.duration:.3f} s; requests: {reading.requests}, of them sent again: {reading.retries}"


def _place(appliance: Appliance) -> str:
    site = f"site {appliance.site}, " if appliance.site else ""
    return f"{site}pool {appliance.pool}, {appliance.traffic}, {appliance.role}"
