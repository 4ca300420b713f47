"""What a probe exports, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exporter.metrics.catalog import Family
from exporter.metrics.conversions import Series
from exporter.metrics.reading import Unreadable


@dataclass(frozen=True, slots=True)
class Exposition:
    """The metric families of a probe."""

    families: Sequence[tuple[Family, Series]]
    """Every family that has a series, in the order of the catalogue."""
    unreadable: Mapping[str, Unreadable]
    """By source, the values that were there and could not be read."""

    def text(self) -> bytes:
        """Return the Prometheus text format 0.0.4."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Families(metric(family, series) for family, series in self.families))
        return generate_latest(registry)


def metric(family: Family, series: Series) -> Metric:
    """Return the series of a family as prometheus-client's metric."""
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    result = kind(family.name, family.help, labels=family.labels)
    for labels, value in series.items():
        result.add_metric(labels, value)
    return result


class _Families(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = tuple(metrics)

    def collect(self) -> Iterator[Metric]:
        return iter(self._metrics)
