"""The texts of an exposition as prometheus-client writes them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from exporter.metrics.catalog import Family
from exporter.metrics.conversions import Series
from exporter.metrics.exposition import Exposition


def is_as_the_library_writes_it(exposition: Exposition) -> bool:
    """Return whether the exposition's own texts are those of the library, in both formats."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(exposition))
    texts = (exposition.text(), exposition.openmetrics())
    return texts == (generate_latest(registry), openmetrics.generate_latest(registry))  # type: ignore[no-untyped-call]


class _Families(Collector):
    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition

    def collect(self) -> Iterator[Metric]:
        return (_metric(family, series) for family, series in self._exposition.families)


def _metric(family: Family, series: Series) -> Metric:
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    result = kind(family.name, family.help, labels=family.labels, unit=family.unit)
    for labels, value in series.items():
        result.add_metric(labels, value)
    return result
