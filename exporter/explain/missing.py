"""Which figure is missing where a condition cannot be told, and what would supply it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from exporter.explain.figures import SCRAPED_UNITS, MomentFigures, Place
from exporter.explain.promql import names_in
from exporter.explain.tree import Tree
from exporter.explain.words import spelled, words
from exporter.metrics.catalog import FAMILIES
from exporter.prometheus.durations import MINUTE
from exporter.sources.source import SOURCES

SUPPLIERS: Final = {
    "instance:ironport_rated_messages:rate": "rated_messages_per_hour in fleet.yml, or a week of history",
    "instance:ironport_known_capacity_messages:rate": "rated_messages_per_hour in fleet.yml, or a week of history",
    "instance:ironport_messages_injected:ratio_peers3m": "another unit of the pool that takes mail",
    "instance:ironport_work_queue_exit_messages:rate6m": "6 minutes of samples of the status page (XML)",
    "pool:ironport_messages_injected:rate1h_usual_high": "a week of history",
    "pool:ironport_messages_injected:rate1h_usual_low": "a day of history",
    "pool:ironport_injection_connections:rate1h_usual_high": "a week of history",
    "pool:ironport_recipients_rejected:rate1h_busy2w": "a day of history",
    "pool:ironport_recipients_bounce_generated:rate1h_busy2w": "a day of history",
    "pool:ironport_delivery_queue_recipients:mean1h_usual": "a day of history",
    "instance:ironport_source_up:max3m": "a Prometheus that scrapes the unit",
    "ironport_connection_limit": "connection_limit in fleet.yml",
}
"""What supplies a figure that no source has. If a figure behind it is missing too, that one is named instead."""

_FAMILIES: Final = {family.name: family for family in FAMILIES}
_MEASURED: Final = {family.name for family in FAMILIES if SOURCES.keys() & set(family.sources)}
_RECENT: Final = 2 * MINUTE
"""Seconds in which a series must have a sample: figures of windows of 2 or 3 minutes end soon after the last one."""

_SERIES: Final = r"([a-zA-Z_:][\w:]*)(?:{[^}]*})?\[(\w+)\]"
_EARLIER: Final = re.compile(rf"({_SERIES}) offset (\w+)")
"""What needs a sample of some time ago."""

_CHANGE: Final = re.compile(rf"\b(?:rate|irate|delta|deriv|predict_linear)\(({_SERIES})(?! offset)")
"""What needs two samples in its window."""


@dataclass(frozen=True, slots=True)
class MissingFigure:
    series: str
    supplier: str

    def __str__(self) -> str:
        return f'"{words(self.series)}" ({self.series}) is missing: it needs {self.supplier}'


@dataclass(frozen=True, slots=True)
class MissingFigures:
    """Finds what is missing behind an expression without a value."""

    tree: Tree
    figures: MomentFigures

    def behind(self, expression: str, place: Place) -> tuple[MissingFigure, ...]:
        """Return the figures at the root; none if they are all there, and only a condition chose no series.

        If a pool has them all, a unit in service may lack one.
        """
        for each in (place, *self._units(place)):
            if found := tuple(self._roots(expression, each, frozenset())) or tuple(self._short(expression, each)):
                return tuple(dict.fromkeys(found))
        return ()

    def _units(self, place: Place) -> list[Place]:
        units = self.figures.values(SCRAPED_UNITS).items()
        return [unit for unit, in_service in units if in_service and not place.unit and unit.whole_pool == place]

    def _earlier(self, expression: str, place: Place) -> Iterator[MissingFigure]:
        """Yield the series of which an earlier value is missing, where there is one of today."""
        for match in _EARLIER.finditer(expression):
            if not self.figures.has(f"last_over_time({match[0]})", place):
                yield MissingFigure(match[1], f"{spelled(match[2])} of history")

    def _roots(self, expression: str, place: Place, seen: frozenset[str]) -> Iterator[MissingFigure]:
        for name in self._missing_names(expression, place):
            if name in seen:
                continue
            rule = self.tree.recorded.get(name)
            deeper = tuple(self._roots(rule.expression, place, seen | {name})) if rule else ()
            if deeper:
                yield from deeper
            elif name in SUPPLIERS:
                yield MissingFigure(name, SUPPLIERS[name])
            elif name in _MEASURED:
                yield MissingFigure(name, _source(name))
            elif rule:
                yield from self._short(rule.expression, place)

    def _missing_names(self, expression: str, place: Place) -> list[str]:
        """Return the series in an expression that have no sample of the place, or of a unit of the pool."""
        names = [name for name in names_in(expression) if name in self.tree.recorded or name in _FAMILIES]
        return [name for name in names if not self.figures.has(self._sample(name), place)]

    def _sample(self, name: str) -> str:
        """Return the expression for the newest sample of a series; what is recorded seldom is old."""
        rule = self.tree.recorded.get(name)
        if rule and rule.interval <= MINUTE:
            return name
        return f"last_over_time({name}[{2 * rule.interval if rule else _RECENT}s])"

    def _short(self, expression: str, place: Place) -> Iterator[MissingFigure]:
        """Yield the series that go not far enough back, or have too few samples since they began."""
        for series, name, _, earlier in _EARLIER.findall(expression):
            if not self.figures.has(f"last_over_time({series} offset {earlier})", place):
                yield MissingFigure(name, f"{spelled(earlier)} of history")
        for series, name, window in _CHANGE.findall(expression):
            if not self.figures.has(f"count_over_time({series}) > 1", place):
                yield MissingFigure(name, f"{spelled(window)} of samples")


def _source(name: str) -> str:
    return " or ".join(SOURCES[source].described for source in _FAMILIES[name].sources if source in SOURCES)
