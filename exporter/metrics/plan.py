"""Fusing readings that have the layout of earlier ones: the same as `fusion.fuse` in a quarter of the time.

In nearly each poll, an appliance has the same items with the same rows, and only their values are new. So a plan is
kept for such a layout. It says which values are converted how, which numbers are exported, and the text around them.
Readings with values that the plan does not foresee, for example one that cannot be read, are fused by `fusion.fuse`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import Any, Final

from exporter.metrics import fusion
from exporter.metrics.catalog import Family, Feed
from exporter.metrics.conversions import (
    CodeConversion,
    NumberConversion,
    Raw,
    Series,
    UnknownValueError,
)
from exporter.metrics.exposition import Exposition, FamilySeries, Template, TemplatePart
from exporter.metrics.reading import Reading, Row, Unreadable

_MOST_VALUES: Final = 500
"""Readings with more values get no plan. A large appliance has about 250."""

_MOST_PLANS: Final = 128
"""A plan takes about 40 KB. Appliances with the same rows share one."""

_MOST_KNOWN: Final = 512
"""So many appliances with one plan keep the series whose labels are texts, such as the version. They take 2 KB each."""

_LONGEST_KNOWN: Final = 1024
"""Series of longer texts are not kept, because an appliance may send long new ones in each poll. Usually a text has
about 200 characters."""

_Layout = tuple[tuple[Any, ...], ...]
"""For each reading its source, its items, and the rows of each item."""

_plans: Final[dict[_Layout, _Plan]] = {}
"""The plan that was made first is the first to go."""

_MOST_SEEN: Final = 4096
_seen: Final[set[int]] = set()
"""The hashes of layouts that came once. Many do not come again, for example those of polls that break off, so they get
no plan. An appliance that sends another layout each time takes no plan from others.
"""


def fuse_by_plan(readings: Sequence[Reading]) -> Exposition:
    """Return what `fusion.fuse` returns."""
    layout = tuple([(each.source, *each.items, *map(tuple, each.items.values())) for each in readings])
    plan = _plans.get(layout)
    exposition = plan.fuse(readings) if plan else None
    if exposition is None:
        exposition = fusion.fuse(readings)
        _learn(layout, readings, plan)
    return exposition


def _learn(layout: _Layout, readings: Sequence[Reading], old: _Plan | None) -> None:
    """Make a plan if the layout has come before. It replaces an `old` plan, into which the values did not fit."""
    seen = hash(layout)
    if old:
        _plans[layout] = _Plan(readings, old.whole)
    elif seen in _seen:
        _seen.remove(seen)
        if len(_plans) >= _MOST_PLANS:
            del _plans[next(iter(_plans))]
        _plans[layout] = _Plan(readings, frozenset())
    elif sum(len(rows) for each in readings for rows in each.items.values()) <= _MOST_VALUES:
        if len(_seen) >= _MOST_SEEN:
            _seen.clear()
        _seen.add(seen)


_FixedLabels = NumberConversion | CodeConversion
"""Conversions whose labels do not depend on the value."""

_Key = tuple[str, Callable[..., Any]]
"""A source and a function: the conversions with this function are one step, which converts all their values."""

_Number = tuple[_Key, int]
"""The place of a number in what a step gives."""

_Whole = tuple[list[FamilySeries], list[tuple[str, Unreadable]]]
"""Families with their series, and by source what could not be read."""


class _Plan:
    """How to fuse readings of one layout.

    `fusion` still fuses the families `whole`, and those whose labels come from values, such as the version. These
    values seldom change, so their series are kept and used again for the same values.
    """

    __slots__ = (
        "_exported",
        "_is_absent",
        "_known",
        "_optional",
        "_steps",
        "_template",
        "_whole_feeds",
        "_whole_values",
        "whole",
    )

    def __init__(self, readings: Sequence[Reading], whole: Set[Family]) -> None:
        by_source = {reading.source: reading for reading in readings}
        places = _Places(by_source)
        labels: list[tuple[Family, tuple[Row, ...] | None]] = []
        exported: list[_Number] = []
        self._whole_feeds: list[tuple[Family, fusion.Feeds]] = []
        for family, feeds in fusion.fed_by(frozenset(by_source)):
            series = None if family in whole else places.add(feeds)
            if series is None:
                self._whole_feeds.append((family, feeds))
                labels.append((family, None))
            elif series:
                labels.append((family, tuple(series)))
                exported += series.values()
        self.whole = frozenset(family for family, _ in self._whole_feeds)
        self._template = Template(labels)
        self._steps, at = places.steps()
        self._exported = _take([at(number) for number in exported])
        self._optional = _take([at(number) for number in places.optional])
        self._is_absent = [*places.optional.values()]
        self._whole_values = _take([each for _, feeds in self._whole_feeds for each in places.of_values(feeds)])
        self._known: dict[str, _Whole] = {}

    def fuse(self, readings: Sequence[Reading]) -> Exposition | None:
        """Return the exposition of readings of the layout, None if the plan does not foresee their values."""
        values = [*chain.from_iterable([rows.values() for each in readings for rows in each.items.values()])]
        try:
            numbers = [*chain.from_iterable([step(values) for step in self._steps])]
        except (UnknownValueError, KeyError):
            return None
        if [number is None for number in self._optional(numbers)] != self._is_absent:
            return None
        unreadable = {reading.source: dict(reading.unreadable) for reading in readings}
        others, unread = self._fused_whole(readings, repr(self._whole_values(values)))
        for source, texts in unread:
            unreadable[source] |= texts
        return Exposition([TemplatePart(self._template, self._exported(numbers), others)], unreadable)

    def _fused_whole(self, readings: Sequence[Reading], values: str) -> _Whole:
        """Return the series of the families `whole`, whose items have these values."""
        known = self._known.get(values)
        if known is None:
            by_source = {reading.source: reading for reading in readings}
            fused = [(family, fusion.fuse_feeds(feeds, by_source)) for family, feeds in self._whole_feeds]
            known = (
                [(family, series) for family, (series, _) in fused],
                [each for _, (_, unread) in fused for each in unread.items()],
            )
            if len(values) <= _LONGEST_KNOWN:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[values] = known
        return known


class _Places:
    """The place of each value and of each number, and the conversions in between."""

    def __init__(self, by_source: Mapping[str, Reading]) -> None:
        self._items = {source: reading.items for source, reading in by_source.items()}
        places = [
            (source, item, row) for source, items in self._items.items() for item, rows in items.items() for row in rows
        ]
        self._values = {place: number for number, place in enumerate(places)}
        self._conversions: dict[_Key, _FixedLabels] = {}
        self._calls: dict[_Key, list[tuple[int, ...]]] = {}
        """The places of the values of each call."""
        self.optional: dict[_Number, bool] = {}
        """Numbers that may be None, and whether they are: such values have no series."""

    def add(self, feeds: fusion.Feeds) -> dict[Row, _Number] | None:
        """Add the conversions of a family. Return its series, or None if only `fusion` can make them."""
        present = [(source, feed) for source, its_feeds in feeds for feed in its_feeds if self._has(source, feed)]
        if any(feed.across_rows or not isinstance(feed.convert, _FixedLabels) for _, feed in present):
            return None
        try:
            converted = [self._converted(source, feed) for source, feed in present]
        except UnknownValueError:
            return None
        by_source: dict[str, dict[Row, _Number]] = {}
        for (source, feed), rows in zip(present, converted, strict=True):
            for row, series in rows.items():
                for labels, number in self._placed(source, feed, row):
                    if labels in series:
                        by_source.setdefault(source, {}).setdefault(fusion.cleaned(row + labels), number)
                    if isinstance(feed.convert, NumberConversion) and feed.convert.is_optional:
                        self.optional[number] = labels not in series
        return next(iter(by_source.values()), {})

    def of_values(self, feeds: fusion.Feeds) -> list[int]:
        """Return the places of all values that feed a family."""
        items = {(source, item) for source, its_feeds in feeds for feed in its_feeds for item in feed.items}
        return [place for (source, item, _), place in self._values.items() if (source, item) in items]

    def steps(self) -> tuple[list[_Step], Callable[[_Number], int]]:
        """Return the steps, and what finds the place of a number in all that they give."""
        begins: dict[_Key, int] = {}
        end = 0
        for key, calls in self._calls.items():
            begins[key] = end
            end += len(calls) * len(_labels(self._conversions[key]))
        steps = [_step(self._conversions[key], calls) for key, calls in self._calls.items()]
        return steps, lambda number: begins[number[0]] + number[1]

    def _has(self, source: str, feed: Feed) -> bool:
        return feed.items[0] in self._items[source]

    def _converted(self, source: str, feed: Feed) -> dict[Row, Series]:
        return {row: feed.convert(*raws) for row, raws in fusion.common_rows(feed, self._items[source])}

    def _placed(self, source: str, feed: Feed, row: Row) -> list[tuple[tuple[str, ...], _Number]]:
        """Add the conversion of a row. Return the labels that it adds, each with its number."""
        assert isinstance(feed.convert, _FixedLabels)  # noqa: S101 - `add` takes no others
        labels = _labels(feed.convert)
        key = source, feed.convert.number if isinstance(feed.convert, NumberConversion) else feed.convert
        self._conversions.setdefault(key, feed.convert)
        calls = self._calls.setdefault(key, [])
        begin = len(calls) * len(labels)
        calls.append(tuple(self._values[source, item, row] for item in feed.items))
        return [(each, (key, begin + number)) for number, each in enumerate(labels)]


def _labels(convert: _FixedLabels) -> tuple[tuple[str, ...], ...]:
    return (convert.labels,) if isinstance(convert, NumberConversion) else convert.labels


_Take = Callable[[Sequence[Any]], Sequence[Any]]
_Step = Callable[[Sequence[Raw]], Iterable[float | None]]
"""Gives numbers, of the values of all readings. Raises UnknownValueError or KeyError."""


def _step(convert: _FixedLabels, calls: Sequence[tuple[int, ...]]) -> _Step:
    takes = [_take(places) for places in zip(*calls, strict=True)]
    if isinstance(convert, CodeConversion):
        return partial(_of_codes, convert.of_code, takes[0])
    if convert.numbers:
        return partial(_of_all, convert.numbers, takes[0])
    return partial(_of_each, convert.number, takes)


def _of_codes(of_code: Mapping[Raw, tuple[float, ...]], take: _Take, values: Sequence[Raw]) -> Iterable[float]:
    return chain.from_iterable([of_code[code] for code in take(values)])


def _of_all(numbers: Callable[[Sequence[Raw]], Iterable[float]], take: _Take, values: Sequence[Raw]) -> Iterable[float]:
    return numbers(take(values))


def _of_each(convert: Callable[..., Any], takes: Sequence[_Take], values: Sequence[Raw]) -> Iterable[float | None]:
    return map(convert, *[take(values) for take in takes])


def _take(places: Sequence[int]) -> _Take:
    """Return what takes the elements at some places."""
    if len(places) > 1:
        return itemgetter(*places)
    return itemgetter(slice(places[0], places[0] + 1) if places else slice(0))
