"""Signals: the figures that dashboards can show, each defined once, in a module for each subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from dashboards.source.palette import GOOD, NamedValue


@dataclass(frozen=True, slots=True)
class Dimension:
    """What each series of a signal is about: the plural word for it, and the labels that tell the series apart."""

    plural: str
    labels: tuple[str, ...]

    @property
    def legend(self) -> str:
        """What Grafana calls a series: the labels, and the job in brackets if there is more than one (variables.py)."""
        names = " / ".join(f"{{{{{label}}}}}" for label in self.labels if label != "job")
        return f"{names}${{of_job}}" if "job" in self.labels else names


PER_UNIT: Final = Dimension("units", ("job", "pool", "instance"))
PER_POOL: Final = Dimension("pools", ("job", "pool"))
PER_SENSOR: Final = Dimension("sensors", ("job", "pool", "instance", "sensor"))
PER_FIGURE: Final = Dimension("units", ("job", "pool", "instance", "figure"))
PER_EXPORTER: Final = Dimension("exporters", ("job", "instance"))
PER_ALERT: Final = Dimension("alerts", ("alertname", "job", "pool", "instance"))
IN_TOTAL: Final = Dimension("fleet", ())


TIMES: Final = "suffix:x"
"""Grafana's unit of a figure that is divided by its usual."""


@dataclass(frozen=True, slots=True)
class Limited:
    """The limit of a graph: it shows the `count` units or pools where the signal named `ranking` was largest."""

    count: int
    plural: str
    ranking: str


@dataclass(frozen=True, slots=True)
class Signal:
    """A figure with all that is needed to show it."""

    name: str
    unit: str
    """Grafana's word for the unit: s, percentunit, suffix:messages/s ..."""
    dimension: Dimension
    description: str
    """One or two sentences."""
    expression: str
    """PromQL. `<<delay_seconds>>` is a threshold; `{<<units>>}` is filled with filters, see variables.py."""
    limits: Sequence[tuple[float, str]] = ()
    """Values in ascending order, each with the colour from there on."""
    below: str = GOOD
    """The colour below all limits."""
    words: Sequence[NamedValue] = ()
    """Words that are shown instead of values."""
    decimals: int | None = None
    no_value: str = "no data"
    """The text of a panel without data: the reason."""
    limited: Limited | None = None

    @property
    def is_state(self) -> bool:
        """Whether every value is shown as a word. A figure has words for some values only."""
        return bool(self.words) and self.unit == "none"

    def by(self, aggregation: str, *labels: str) -> Signal:
        """Aggregate the signal, for example by `max`, for each set of values of the labels, or over all series."""
        grouping = f" by ({', '.join(labels)})" if labels else ""
        dimension = replace(self.dimension, labels=labels)
        return replace(self, dimension=dimension, expression=f"{aggregation}{grouping} ({self.expression})")

    def worst(self, pick: str = "topk") -> Signal:
        """Restrict the signal to its largest series or, with `bottomk`, to its smallest, whose labels name it."""
        return replace(self, expression=f"{pick}(1, {self.expression})")

    def where_under(self, upper: Signal) -> Signal:
        """Leave out the signal while it equals its upper bound: two lines would lie on each other."""
        return replace(self, expression=f"({self.expression})\n<\n({upper.expression})")

    def largest(self, count: int = 20, *, by: Signal | None = None) -> Signal:
        """Restrict the signal to the `count` series, at most, that were largest in the time shown.

        With `by`, to the units where that other signal was largest. So a graph of eighty units stays readable. The
        cheapest ranking is a single recorded series: Prometheus must evaluate anything else over the whole range first.
        """
        ranking = by or self
        is_series = "(" not in ranking.expression
        window = f"{ranking.expression}[$__range]" if is_series else f"({ranking.expression})[$__range:$__interval]"
        top = f"topk({count}, max_over_time({window} @ end()))"
        if by:
            expression = f"({self.expression})\nand on (job, pool, instance)\n{top}"
        else:
            expression = f"{self.expression} and {top}" if is_series else f"({self.expression})\nand\n{top}"
        return replace(self, expression=expression, limited=Limited(count, ranking.dimension.plural, ranking.name))
