"""For `check --live` and `init`: probes every appliance once, and says what to do where something fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from exporter.config import Appliance, Config
from exporter.fleet import Fleet
from exporter.probe import Result
from exporter.probe_debug import source_state
from exporter.prometheus.progress import Progress
from exporter.sources.source import SOURCES, source_title
from exporter.telemetry import Telemetry

AT_ONCE: Final = 8
"""How many appliances are probed at the same time."""

_OF_APPLIANCE: Final = {"refused", "timeout", "unreachable", "auth"}
"""Reasons whose cause may be the settings of the appliance."""

_FIGURES: Final = (("AsyncOS", "ironport_version_info"), ("model", "ironport_hardware_info"))
"""Columns that show the first label of a family."""


async def probe_all(config: Config, timeout: float, progress: Progress) -> dict[str, Result]:  # noqa: ASYNC109 - of each probe
    """Return the result of each appliance by name; `timeout` is in seconds."""
    fleet, free, results = Fleet(config, Telemetry()), asyncio.Semaphore(AT_ONCE), dict[str, Result]()

    async def probe(name: str) -> None:
        async with free:
            results[name] = await fleet.probers[name].probe(timeout)
        progress("probing", len(results) / len(config.appliances))

    try:
        await asyncio.gather(*map(probe, config.appliances))
    finally:
        await fleet.close()
    return {name: results[name] for name in config.appliances}


def first_contact(config: Config, results: Mapping[str, Result]) -> str:
    """Return a table of the appliances, and a sentence for each fault, the same fault of several once."""
    appliances = [config.appliances[name] for name in results]
    rows = [_row(appliance, results[appliance.name]) for appliance in appliances]
    complete = sum(result.complete for result in results.values())
    parts = [_table([_header(), *rows]), *faults(results)]
    return "\n\n".join([*parts, f"{complete} of {len(results)} appliances are complete."])


def _header() -> list[str]:
    return ["appliance", *map(source_title, SOURCES), *(column for column, _ in _FIGURES), "series", "seconds"]


def _row(appliance: Appliance, result: Result) -> list[str]:
    return [
        appliance.name,
        *(source_state(source, appliance, result) for source in SOURCES),
        *(_label(result, family) for _, family in _FIGURES),
        str(sum(len(series) for _, series in result.exposition.families)),
        f"{result.duration:.2f}",
    ]


def _label(result: Result, name: str) -> str:
    """Return the first label of a family's first series, or a dash."""
    found = (labels for family, series in result.exposition.families if family.name == name for labels in series)
    return next((labels[0] for labels in found), "-") or "-"


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def faults(results: Mapping[str, Result]) -> Iterator[str]:
    """Yield a sentence for each fault, the same fault of several appliances once, then what to do on the appliances."""
    alike = dict[tuple[str, str, str], list[str]]()
    for name, result in results.items():
        for reading in result.readings:
            for error in reading.errors:
                alike.setdefault((reading.source, error.reason, str(error)), []).append(name)
    for (source, reason, sentence), names in alike.items():
        yield f"{', '.join(names)}, {source_title(source)} ({reason}): {sentence}"
    suspects = {source for source, reason, _ in alike if reason in _OF_APPLIANCE}
    yield from (f"On the appliance: {SOURCES[source].on_appliance}" for source in SOURCES if source in suspects)
