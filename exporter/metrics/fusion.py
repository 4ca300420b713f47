"""From the readings of an appliance's sources to metric families.

A family's series come from one source: the first in the order of the catalogue that has a value for it. This holds also
when that source's reading is reused and some seconds older than another's. So a series does not alternate between two
sources, and the figures of one page (mail counters, work queue) are from the same moment. Another source stands in when
the preferred one has no value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from functools import cache, lru_cache
from typing import Final

from exporter.metrics import catalog
from exporter.metrics.catalog import Family, Feed
from exporter.metrics.conversions import NumberConversion, Raw, Series, UnknownValueError
from exporter.metrics.exposition import Exposition, PlainPart
from exporter.metrics.reading import Items, Reading, Row, Unreadable, label_value

Feeds = tuple[tuple[str, tuple[Feed, ...]], ...]
"""The sources of a family with their feeds, the preferred source first."""


def _feeds(family: Family, sources: Set[str]) -> Feeds:
    """Return the feeds of a family that an appliance with these sources has."""
    feeds = [feed for feed in family.feeds if feed.source in sources and sources.isdisjoint(feed.without)]
    by_source = {source: tuple(feed for feed in feeds if feed.source == source) for source in family.sources}
    return tuple((source, its_feeds) for source, its_feeds in by_source.items() if its_feeds)


@cache
def fed_by(sources: frozenset[str]) -> tuple[tuple[Family, Feeds], ...]:
    """Return the families that some of the sources feed, each with the feeds of these sources."""
    fed = ((family, _feeds(family, sources)) for family in catalog.FAMILIES)
    return tuple((family, feeds) for family, feeds in fed if feeds)


def fuse(readings: Iterable[Reading]) -> Exposition:
    by_source = {reading.source: reading for reading in readings}
    unreadable = {source: dict(reading.unreadable) for source, reading in by_source.items()}
    families = []
    for family, feeds in fed_by(frozenset(by_source)):
        series, unread = fuse_feeds(feeds, by_source)
        if series:
            families.append((family, series))
        for source, values in unread.items():
            unreadable[source] |= values
    return Exposition([PlainPart(families)], unreadable)


def fuse_family(family: Family, by_source: Mapping[str, Reading]) -> tuple[Series, dict[str, Unreadable]]:
    """Return the family's series, and by source the values that the family's conversions could not read."""
    return fuse_feeds(_feeds(family, by_source.keys()), by_source)


def fuse_feeds(feeds: Feeds, by_source: Mapping[str, Reading]) -> tuple[Series, dict[str, Unreadable]]:
    """As `fuse_family`, for the feeds of a family."""
    chosen: Series = {}
    unreadable = {}
    for source, its_feeds in feeds:
        if reading := by_source.get(source):
            series, unread = _converted(its_feeds, reading.items)
            chosen = chosen or series
            if unread:
                unreadable[source] = unread
    return chosen, unreadable


def _converted(feeds: Iterable[Feed], items: Items) -> tuple[Series, Unreadable]:
    result: Series = {}
    unreadable: Unreadable = {}
    for feed in feeds:
        if feed.items[0] in items:
            series, unread = _feed_series(feed, items)
            unreadable |= unread
            for labels, value in series.items():
                result.setdefault(cleaned(labels) if labels else labels, value)
    return result, unreadable


_LONGEST_KEPT: Final = 512
"""Characters of labels that are kept, because an appliance may make up long ones all the time."""


def cleaned(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values of labels as they are exported."""
    return _kept(labels) if sum(map(len, labels)) <= _LONGEST_KEPT else _cleaned(labels)


def _cleaned(labels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(label_value, labels))


_kept: Final = lru_cache(maxsize=4096)(_cleaned)
"""The rows of a fleet's tables have a few hundred names, which stay the same."""


def _feed_series(feed: Feed, items: Items) -> tuple[Series, Unreadable]:
    series, unreadable = _numbers(feed, items), Unreadable()
    if series is None:
        series, unreadable = _row_by_row(feed, items)
    if series and feed.across_rows:
        series = {(): feed.across_rows(series.values())}
    return series, unreadable


def _numbers(feed: Feed, items: Items) -> Series | None:
    """Return the series of an item whose values are numbers that can all be read, None for other items.

    This gives what `_row_by_row` gives, in half of the time.
    """
    convert = feed.convert
    if not isinstance(convert, NumberConversion) or len(feed.items) > 1:
        return None
    number, labels = convert.number, convert.labels
    try:
        return {row + labels: value for row, raw in items[feed.items[0]].items() if (value := number(raw)) is not None}
    except UnknownValueError:
        return None


def _row_by_row(feed: Feed, items: Items) -> tuple[Series, Unreadable]:
    series: Series = {}
    unreadable: Unreadable = {}
    for row, raws in common_rows(feed, items):
        try:
            converted = feed.convert(*raws)
        except UnknownValueError as error:
            converted = error.series
            unreadable |= _unread(feed, row, raws, error.raw)
        for labels, value in converted.items():
            series[row + labels] = value
    return series, unreadable


def common_rows(feed: Feed, items: Items) -> list[tuple[Row, tuple[Raw, ...]]]:
    """Return the rows that have all items of a feed, with their values."""
    if len(feed.items) == 1:
        return [(row, (raw,)) for row, raw in items[feed.items[0]].items()]
    columns = [items.get(item, {}) for item in feed.items]
    return [
        (row, tuple(column[row] for column in columns))
        for row in columns[0]
        if all(row in column for column in columns)
    ]


def _unread(feed: Feed, row: Row, raws: Iterable[Raw], unknown: Raw) -> Unreadable:
    return {(item, row): label_value(str(raw)) for item, raw in zip(feed.items, raws, strict=True) if raw is unknown}
