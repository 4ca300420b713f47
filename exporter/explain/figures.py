"""The figures that a server has at one moment, for a pool or a unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from exporter.incidents.firings import FIRING, PENDING
from exporter.prometheus.client import Prometheus

SCRAPED_UNITS: Final = "instance:ironport_in_service:bool"
"""A series of every unit that is scraped, in service or not."""

_WHAT: Final = "figures of the verdicts"
_ALERTS: Final = 'ALERTS{alertname=~"IronPort.+",alertstate="%s"}'


@dataclass(frozen=True, slots=True)
class Place:
    """A pool or, with a unit, a unit of it."""

    job: str
    stream: str
    pool: str
    unit: str = ""

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> Place:
        """Return the place that a series is about."""
        return cls(*(labels.get(label, "") for label in ("job", "stream", "pool", "instance")))

    @property
    def whole_pool(self) -> Place:
        return Place(self.job, self.stream, self.pool)

    @property
    def name(self) -> str:
        return self.unit or f"pool {self.pool}"


@dataclass(frozen=True, slots=True)
class MomentFigures:
    """Each expression is asked for once, for all places."""

    server: Prometheus
    time: float
    """In Unix time."""
    _groups: dict[str, MomentFigures] = field(default_factory=dict)
    _values: dict[str, dict[Place, float]] = field(default_factory=dict)
    _pools: dict[str, set[Place]] = field(default_factory=dict)
    _states: dict[tuple[str, str, Place], str] = field(default_factory=dict)

    def of_group(self, group: str, recorded: Iterable[str]) -> MomentFigures:
        """Return the figures of when a group of rules was evaluated last; `recorded` are the series that it records.

        Each group has moments of its own. Between them, a figure can be newer than the one that the alert has seen.
        """
        if group not in self._groups:
            evaluated = " or ".join(f"max(timestamp({name}))" for name in recorded)
            found = self.server.query(evaluated, self.time, "when rules were evaluated") if evaluated else []
            self._groups[group] = MomentFigures(self.server, float(found[0]["value"][1])) if found else self
        return self._groups[group]

    @property
    def evaluated(self) -> float:
        """When the rules were evaluated last, of the groups that were asked for."""
        return max((figures.time for figures in self._groups.values()), default=self.time)

    def value(self, expression: str, place: Place) -> float | None:
        """Return the value for a place, or for the pool of a unit; None if there is none."""
        try:
            return float(expression)
        except ValueError:
            values = self.values(expression)
            return values[place] if place in values else values.get(place.whole_pool)

    def values(self, expression: str) -> Mapping[Place, float]:
        if expression not in self._values:
            found = self.server.query(expression, self.time, _WHAT)
            values = {Place.of(each["metric"]): float(each["value"][1]) for each in reversed(found)}
            self._values[expression] = values
            self._pools[expression] = {place.whole_pool for place in values}
        return self._values[expression]

    def has(self, expression: str, place: Place) -> bool:
        """Return whether there is any value for a place: for a pool, also one for a unit of it."""
        return self.value(expression, place) is not None or place in self._pools[expression]

    def alert_state(self, alert: str, severity: str, place: Place) -> str:
        """Return whether an alert is firing or pending; empty if it is neither."""
        if not self._states:
            self._states["", "", place] = ""  # asked, also where there are no alerts
            for state in (PENDING, FIRING):
                for each in self.server.query(_ALERTS % state, self.time, _WHAT):
                    labels = each["metric"]
                    self._states[labels["alertname"], labels.get("severity", ""), Place.of(labels)] = state
        return self._states.get((alert, severity, place), "")
