"""Signals, a module by subject: what can be shown, each defined once and shown as a figure, a line or a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.source import thresholds
from dashboards.source.palette import GOOD, State


@dataclass(frozen=True, slots=True)
class Signal:
    """A figure with its name, Grafana's word for its unit, a sentence on it, and its PromQL.

    The expression names thresholds as in the sources of the rules, `<<delay_seconds>>`, and whose series it reads as
    variables.py says, `{<units>}`. From each of `limits` on, ascending, a value has the colour beside it, below them
    `below`. `states` are the words that values stand for. `no_value` is what is shown where there is no such thing.
    """

    name: str
    unit: str
    description: str
    expression: str
    limits: Sequence[tuple[float, str]] = ()
    below: str = GOOD
    states: Sequence[State] = ()
    decimals: int | None = None
    no_value: str = "no data"

    def __post_init__(self) -> None:
        object.__setattr__(self, "expression", thresholds.fill(self.expression))

    def by(self, aggregation: str, *labels: str) -> str:
        """Return the PromQL of the signal aggregated, by `max` say, for each set of values of the labels."""
        grouping = f" by ({', '.join(labels)})" if labels else ""
        return f"{aggregation}{grouping} ({self.expression})"


@dataclass(frozen=True, slots=True)
class Largest:
    """A signal for those units or pools alone where it, or another signal, was largest.

    So a fleet of eighty has as many lines as can be read. What decides is best a plain recorded series: anything else
    has to be evaluated over the whole range first. `of` is what the lines are of, where it is neither units nor pools.
    """

    signal: Signal
    count: int = 20
    by: Signal | None = None
    of: str = ""

    @property
    def ranking(self) -> Signal:
        """The signal that decides."""
        return self.by or self.signal

    @property
    def what(self) -> str:
        """How many there are at most, and of what."""
        return f"{self.count} {self.of or ('units' if '<units>' in self.ranking.expression else 'pools')}"

    @property
    def expression(self) -> str:
        """The PromQL."""
        ranking = self.ranking.expression
        whole = f"({ranking})[$__range:$__interval]" if "(" in ranking else f"{ranking}[$__range]"
        ranked = f"topk({self.count}, max_over_time({whole} @ end()))"
        if self.by:
            return f"({self.signal.expression})\nand on (job, pool, instance)\n{ranked}"
        return f"({self.signal.expression})\nand\n{ranked}" if "(" in ranking else f"{ranking} and {ranked}"
