"""The series that the exporter would have exported for a simulated appliance over some time.

The exporter's own code makes them: `fuse_family` and the conversions of the catalogue. This takes about half a
millisecond a probe, which is too slow for weeks of minutes. So it runs once for all instants at which the sources bring
the same items. The value of an item is then a column (a list with a value for each instant), and the conversions are
adapted to take columns. The catalogue's types know only numbers, so values that can be columns are typed as Any here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import Any, Final

from exporter.config import Appliance
from exporter.lab.history.openmetrics import SampleColumn
from exporter.lab.history.polls import PROBE_DEADLINE
from exporter.metrics.catalog import UNVERIFIED, Family
from exporter.metrics.conversions import Conversion, Raw, Series, UnknownValueError
from exporter.metrics.fusion import fuse_family
from exporter.metrics.reading import Reading, Row
from exporter.probe import configured_reading, health_reading
from exporter.sources.source import SOURCES

LabelValues = tuple[str, ...]
"""The values of a family's labels."""

_ANY_TIME: Final = datetime.fromtimestamp(0, UTC)
"""Simulated fleets have no maintenance windows, so that their configuration adds the same figures at all times."""

_NO_ROWS: Final[Mapping[Row, Raw]] = {}


_CHOSEN: Final = frozenset(family.name for family in UNVERIFIED)
"""Families whose rows are chosen anew at each poll, such as the busiest destinations."""


class History:
    """The series of one appliance at `length` instants; `families` come from `along_time`.

    One thing differs from a probe: if a value cannot be read at some instants, the other source does not replace it.
    """

    def __init__(self, appliance: Appliance, families: Sequence[Family], length: int) -> None:
        self._appliance = appliance
        self._fixed = [family for family in families if family.name not in _CHOSEN]
        self._chosen = [family for family in families if family.name in _CHOSEN]
        self._length = length
        self._items, self._chosen_items = _items(self._fixed), _items(self._chosen)
        self.items = frozenset(chain.from_iterable((*self._items.values(), *self._chosen_items.values())))
        """The items that the families read, of all sources."""
        self._by_shape: dict[tuple[object, ...], _SameItems] = {}
        self._by_row: dict[tuple[object, ...], _SameItems] = {}

    def add(self, instant: int, readings: Sequence[Reading]) -> None:
        """Add the readings of the instant with this number."""
        outcomes = tuple(map(_outcome, readings))
        durations = [reading.duration for reading in readings]
        tables = [reading.items.get(item, _NO_ROWS) for reading in readings for item in self._items[reading.source]]
        shape = (outcomes, *map(tuple, tables))
        if shape not in self._by_shape:
            self._by_shape[shape] = _SameItems(readings)
        values = list(chain.from_iterable(table.values() for table in tables))
        self._by_shape[shape].add(instant, durations, values)
        # Rows that come and go would make a shape of almost every instant, so each has shapes of its own.
        for reading in readings:
            items = [item for item in self._chosen_items[reading.source] if item in reading.items]
            for row in dict.fromkeys(chain.from_iterable(reading.items[item] for item in items)):
                found = {item: reading.items[item][row] for item in items if row in reading.items[item]}
                row_shape = (outcomes, reading.source, row, tuple(found))
                if row_shape not in self._by_row:
                    self._by_row[row_shape] = _SameItems([_only(one, reading.source, row, found) for one in readings])
                self._by_row[row_shape].add(instant, durations, list(found.values()))

    def series(self) -> dict[str, dict[LabelValues, SampleColumn]]:
        """Return the values at each instant, by family and label values."""
        result: dict[str, dict[LabelValues, SampleColumn]] = {}
        parts = (self._by_shape, self._fixed, self._items), (self._by_row, self._chosen, self._chosen_items)
        for by_shape, families, items in parts:
            for same in by_shape.values():
                for family, series in self._exposed(same, families, items):
                    columns = result.setdefault(family.name, {})
                    for labels, values in series.items():
                        self._place(columns.setdefault(labels, [None] * self._length), same.instants, values)
        return result

    def _exposed(
        self, same: _SameItems, families: Iterable[Family], items: Mapping[str, Sequence[str]]
    ) -> Iterable[tuple[Family, Any]]:
        """Yield each family with its series at all the instants; their values are constants or columns."""
        readings = same.readings_along_time(items)
        duration: Any = _column([max(durations) for durations in same.durations])
        health = health_reading(readings, {}, duration, PROBE_DEADLINE)
        configured = configured_reading(self._appliance, _ANY_TIME)
        by_source = {reading.source: reading for reading in [*readings, configured, health]}
        for family in families:
            series, _ = fuse_family(family, by_source)
            if series:
                yield family, series

    def _place(self, column: SampleColumn, instants: Sequence[int], values: float | SampleColumn) -> None:
        if not isinstance(values, list):
            values = [values] * len(instants)
        if len(instants) == self._length:
            column[:] = values
        else:
            for instant, value in zip(instants, values, strict=True):
                column[instant] = value


class _SameItems:
    """Instants at which the sources brought the same items; `readings` are those of the first instant."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = readings
        self.instants: list[int] = []
        self.durations: list[list[float]] = []
        self.values: list[list[Raw]] = []

    def add(self, instant: int, durations: list[float], values: list[Raw]) -> None:
        """Add an instant with the durations of the readings and the values of all items."""
        self.instants.append(instant)
        self.durations.append(durations)
        self.values.append(values)

    def readings_along_time(self, items: Mapping[str, Sequence[str]]) -> list[Reading]:
        """Return readings with the `items` of all the instants, as columns or, if they never change, constants."""
        columns: Iterator[Any] = map(_column, zip(*self.values, strict=True))
        durations: Iterator[Any] = map(_column, zip(*self.durations, strict=True))
        return [
            replace(
                reading,
                items={
                    item: {row: next(columns) for row in reading.items[item]}
                    for item in items[reading.source]
                    if item in reading.items
                },
                duration=next(durations),
            )
            for reading in self._readings
        ]


def _items(families: Iterable[Family]) -> dict[str, tuple[str, ...]]:
    """Return the items that the families read, by source."""
    feeds = [feed for family in families for feed in family.feeds]
    return {
        source: tuple(dict.fromkeys(item for feed in feeds if feed.source == source for item in feed.items))
        for source in SOURCES
    }


def _only(reading: Reading, source: str, row: Row, values: Mapping[str, Raw]) -> Reading:
    """Return the reading with one row and its values by item, without items if it is of another source."""
    return replace(
        reading, items={item: {row: value} for item, value in values.items()} if reading.source == source else {}
    )


def along_time(family: Family) -> Family:
    """Return the family with conversions that also take columns, and then return columns."""
    feeds = (
        replace(
            feed,
            convert=_convert_along(feed.convert),
            across_rows=feed.across_rows and _fold_along(feed.across_rows),
        )
        for feed in family.feeds
    )
    return replace(family, feeds=tuple(feeds))


def _convert_along(convert: Conversion) -> Conversion:
    def along(*raws: Any) -> Any:
        if not any(isinstance(raw, list) for raw in raws):
            return _readable(convert, raws)
        instants = _transposed(raws)
        converted = {at: _readable(convert, at) for at in dict.fromkeys(instants)}
        every_label = dict.fromkeys(chain.from_iterable(converted.values()))
        return {labels: [converted[at].get(labels) for at in instants] for labels in every_label}

    return along


def _fold_along(fold: Callable[[Iterable[float]], float]) -> Callable[[Iterable[Any]], Any]:
    def along(rows: Iterable[Any]) -> Any:
        return _column([fold(at) for at in _transposed(list(rows))])

    return along


def _readable(convert: Conversion, raws: Iterable[Raw]) -> Series:
    try:
        return convert(*raws)
    except UnknownValueError as error:
        return error.series


def _transposed(values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the values by instant, from columns and constants. Constants alone are one instant."""
    columns = [value for value in values if isinstance(value, list)]
    length = len(columns[0]) if columns else 1
    return list(zip(*(value if isinstance(value, list) else repeat(value, length) for value in values), strict=True))


def _column(values: Sequence[Any]) -> Any:
    """Return the values as a column, or the value itself if all are equal."""
    return values[0] if values.count(values[0]) == len(values) else list(values)


def _outcome(reading: Reading) -> tuple[object, ...]:
    return (
        reading.up,
        reading.requests,
        reading.retries,
        reading.certificate,
        *(error.reason for error in reading.errors),
    )
