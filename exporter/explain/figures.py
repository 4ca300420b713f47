"""The figures that a server has at one moment, for a pool or a unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from exporter.prometheus.client import InstantSeries, Prometheus


@dataclass(frozen=True, slots=True)
class Place:
    """A pool or, with a unit, a unit of it."""

    job: str
    stream: str
    pool: str
    unit: str = ""

    @property
    def name(self) -> str:
        return self.unit or f"pool {self.pool}"

    def has(self, labels: Mapping[str, str]) -> bool:
        """Return whether a series is about this place, or about the pool of this unit."""
        own = {"job": self.job, "stream": self.stream, "pool": self.pool, "instance": self.unit}
        return "pool" in labels and all(labels.get(label, value) == value for label, value in own.items())


@dataclass(frozen=True, slots=True)
class MomentFigures:
    """Each expression is asked for once, for all places."""

    server: Prometheus
    time: float
    """In Unix time: when the rules were evaluated."""
    _asked: dict[str, list[InstantSeries]] = field(default_factory=dict)

    def value(self, expression: str, place: Place) -> float | None:
        """Return the value for a place; None if there is none."""
        return next(self._values(expression, place), None)

    def _values(self, expression: str, place: Place) -> Iterator[float]:
        try:
            yield float(expression)
        except ValueError:
            yield from (float(each["value"][1]) for each in self.series(expression) if place.has(each["metric"]))

    def series(self, expression: str) -> list[InstantSeries]:
        if expression not in self._asked:
            self._asked[expression] = self.server.query(expression, self.time, "figures of the verdicts")
        return self._asked[expression]
