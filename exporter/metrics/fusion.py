"""From the readings of an appliance's sources to metric families.

A family's series come from one source: the first in the order of the catalogue that has a value for it. This holds also
when that source's reading is reused and some seconds older than another's. So a series does not alternate between two
sources, and the figures of one page (mail counters, work queue) are from the same moment. Another source stands in when
the preferred one has no value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from exporter.metrics import catalog
from exporter.metrics.catalog import Family, Feed
from exporter.metrics.conversions import Raw, Series, UnknownValueError
from exporter.metrics.exposition import Exposition
from exporter.metrics.reading import Items, Reading, Row, Unreadable, label_value


def fuse(readings: Iterable[Reading]) -> Exposition:
    by_source = {reading.source: reading for reading in readings}
    unreadable = {source: dict(reading.unreadable) for source, reading in by_source.items()}
    families = []
    for family in catalog.FAMILIES:
        series, unread = fuse_family(family, by_source)
        if series:
            families.append((family, series))
        for source, values in unread.items():
            unreadable[source] |= values
    return Exposition(families, unreadable)


def fuse_family(family: Family, by_source: Mapping[str, Reading]) -> tuple[Series, dict[str, Unreadable]]:
    """Return the family's series, and by source the values that the family's conversions could not read."""
    chosen: Series = {}
    unreadable = {}
    for source in family.sources:
        if reading := by_source.get(source):
            series, unreadable[source] = _converted(family, reading)
            chosen = chosen or series
    return chosen, unreadable


def _converted(family: Family, reading: Reading) -> tuple[Series, Unreadable]:
    result: Series = {}
    unreadable: Unreadable = {}
    for feed in family.feeds:
        if feed.source == reading.source:
            series, unread = _feed_series(feed, reading.items)
            unreadable |= unread
            for labels, value in series.items():
                result.setdefault(tuple(map(label_value, labels)), value)
    return result, unreadable


def _feed_series(feed: Feed, items: Items) -> tuple[Series, Unreadable]:
    series: Series = {}
    unreadable: Unreadable = {}
    columns = [items.get(item, {}) for item in feed.items]
    for row in columns[0]:
        if all(row in column for column in columns):
            raws = [column[row] for column in columns]
            try:
                converted = feed.convert(*raws)
            except UnknownValueError as error:
                converted = error.series
                unreadable |= _unread(feed, row, raws, error.raw)
            series |= {(*row, *labels): value for labels, value in converted.items()}
    if series and feed.across_rows:
        series = {(): feed.across_rows(series.values())}
    return series, unreadable


def _unread(feed: Feed, row: Row, raws: list[Raw], unknown: Raw) -> Unreadable:
    return {(item, row): label_value(str(raw)) for item, raw in zip(feed.items, raws, strict=True) if raw is unknown}
