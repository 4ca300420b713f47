"""From the readings of an appliance's sources to metric families."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from exporter.metrics.catalog import FAMILIES, Family, Feed, Source
from exporter.metrics.conversions import Raw, Series, UnknownValueError
from exporter.metrics.exposition import Exposition
from exporter.metrics.reading import Items, Reading, Row, label_value


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
