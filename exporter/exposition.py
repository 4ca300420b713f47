"""From the readings of an appliance's sources to metric families and their text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exporter.catalog import FAMILIES, Family, Feed, Source
from exporter.conversions import Raw, Series, UnknownValueError
from exporter.reading import Items, Reading, Row, label_value


@dataclass(frozen=True, slots=True)
class Exposition:
    """What a probe exports: the series of every family that has one.

    `unknown` names the items of this very probe whose value the catalogue does not know.
    """

    families: Sequence[tuple[Family, Series]]
    unknown: Collection[str]

    def text(self) -> bytes:
        """Return the Prometheus text format 0.0.4."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Families(metric(family, series) for family, series in self.families))
        return generate_latest(registry)


def fuse(
    readings: Iterable[Reading], configured: Collection[Source], families: Iterable[Family] = FAMILIES
) -> Exposition:
    """Fuse the readings into the families.

    Each family comes from one source: the one with the freshest reading of those that have it, and of two as fresh the
    one that the catalogue names first. `configured` names the sources that the appliance has, answering or not.
    """
    by_source = {reading.source: reading for reading in readings}
    unknown: set[str] = set()
    fused = []
    for family in families:
        answering = [by_source[source] for source in family.sources if source in by_source]
        for reading in sorted(answering, key=lambda reading: reading.age):
            if series := _family_series(family, reading, configured, unknown if reading.age == 0 else set()):
                fused.append((family, series))
                break
    return Exposition(fused, unknown)


def metric(family: Family, series: Series) -> Metric:
    """Return the series of a family as prometheus-client's metric."""
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    result = kind(family.name, family.help, labels=family.labels)
    for labels, value in series.items():
        result.add_metric(labels, value)
    return result


def _family_series(family: Family, reading: Reading, configured: Collection[Source], unknown: set[str]) -> Series:
    result: Series = {}
    for feed in family.feeds:
        if feed.source == reading.source and feed.only_without not in configured:
            for labels, value in _feed_series(feed, reading.items, unknown).items():
                result.setdefault(tuple(map(label_value, labels)), value)
    return result


def _feed_series(feed: Feed, items: Items, unknown: set[str]) -> Series:
    series: Series = {}
    columns = [items.get(item, {}) for item in feed.items]
    for row in columns[0]:
        if all(row in column for column in columns):
            series.update(_row_series(feed, row, [column[row] for column in columns], unknown))
    if series and feed.across_rows:
        return {(): feed.across_rows(series.values())}
    return series


def _row_series(feed: Feed, row: Row, raws: list[Raw], unknown: set[str]) -> Series:
    try:
        series = feed.convert(*raws)
    except UnknownValueError as error:
        unknown.update(feed.items)
        series = error.series
    return {(*row, *labels): value for labels, value in series.items()}


class _Families(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = tuple(metrics)

    def collect(self) -> Iterator[Metric]:
        return iter(self._metrics)
