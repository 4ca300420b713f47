"""Which destinations of mail are exported: those that the configuration names, and the busiest of the others.

An appliance can have thousands of destinations, and whoever sends mail can make up more. So the number of series is
bounded. What is not exported by name is in one series, so that sums over the gauges are right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from heapq import nlargest
from operator import itemgetter
from typing import Final, NamedTuple, TypeVar

from exporter.metrics.conversions import Raw, UnknownValueError, amount
from exporter.metrics.reading import Row, label_value

REMAINDER: Final = "other"
"""Takes the place of the domain for all destinations that are not exported by name."""

NAMED_LIMIT: Final = 200
"""How many destinations that the configuration names are exported: a pattern can match any number of them."""


@dataclass(frozen=True, slots=True)
class DestinationFigures:
    """The figures of a page about destinations, by their names on the page."""

    page: str
    gauges: tuple[str, ...]
    """Figures of a moment, the one that makes a destination busy first. The remainder has them."""
    counters: tuple[str, ...]
    """Running totals, first the one that tells busy destinations from others while nothing waits. The remainder has
    none: it would fall when a destination leaves it."""
    texts: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        return self.gauges + self.counters


PageValue = TypeVar("PageValue")
"""The kind of values that a page gives."""


class _AmountColumn(NamedTuple):
    """A figure of all destinations, in the order of the page."""

    amounts: Sequence[float]
    """0 where it is absent or no amount."""
    unreadable: Set[int]
    """The places where it is no amount."""


class DestinationChoice:
    """Chooses from the destinations of an appliance. For thousands it takes some milliseconds.

    So what is done for every destination is done by the interpreter's own loops, and the rest for the chosen only.
    """

    def __init__(self, classes: Mapping[str, Sequence[str]], top: int) -> None:
        """Take the patterns of each class, and how many of the destinations that match none are exported."""
        patterns = [(pattern, name) for name, members in classes.items() for pattern in members]
        self._names = {pattern: name for pattern, name in reversed(patterns) if not pattern.startswith("*")}
        self._parents = {pattern[2:]: name for pattern, name in reversed(patterns) if pattern.startswith("*")}
        self._endings = tuple(f".{parent}" for parent in self._parents)
        self._top = top

    def class_of(self, domain: str) -> str:
        """Return the class of a domain in lower case, "" if it has none.

        A name goes before a pattern, and a longer pattern before a shorter one.
        """
        found = self._names.get(domain, "")
        while not found and domain.endswith(self._endings):
            _, _, domain = domain.partition(".")
            found = self._parents.get(domain, "")
        return found

    def items(
        self, figures: DestinationFigures, domains: Sequence[str], values: Sequence[Mapping[str, PageValue]]
    ) -> dict[str, dict[Row, PageValue | Raw]]:
        """Return `PAGE/FIGURE` by row (domain, class) for what is exported; nothing if there is no destination.

        `domains` are as the page gives them, and `values` are the figures of each by name; one that is absent has no
        key. The rows are in the order of their names, so that the text of the same series is prepared once.
        """
        if not domains:
            return {}
        names = [domain.lower().rstrip(". ") for domain in domains]
        columns = {name: _column(values, name) for name in (*figures.gauges, figures.counters[0])}
        places = self._rows(names, self._busiest(names, [*columns.values()]))
        rows: dict[Row, Mapping[str, PageValue | Raw]] = {row: values[places[row]] for row in sorted(places)}
        rows[REMAINDER, ""] = {gauge: _sum_without([*places.values()], columns[gauge]) for gauge in figures.gauges}
        return {
            f"{figures.page}/{name}": {row: given[name] for row, given in rows.items() if name in given}
            for name in (*figures.numbers, *figures.texts)
        }

    def _busiest(self, domains: Sequence[str], columns: Sequence[_AmountColumn]) -> list[int]:
        """Return the places of the named destinations and of the top of the others, as far as there is room.

        The first column says how busy a destination is, and each further one decides between equals.
        """
        weights = [*zip(*(column.amounts for column in columns), strict=True)]
        names, endings = self._names, self._endings
        named = [place for place, domain in enumerate(domains) if domain in names or domain.endswith(endings)]
        apart = {*named}
        busiest = nlargest(self._top + len(named), range(len(domains)), key=weights.__getitem__)
        return [
            *nlargest(NAMED_LIMIT, named, key=weights.__getitem__),
            *[place for place in busiest if place not in apart][: self._top],
        ]

    def _rows(self, domains: Sequence[str], places: Sequence[int]) -> dict[Row, int]:
        """Return the places by row, for domains that can be labels: of equal ones the first."""
        rows: dict[Row, int] = {}
        for place in sorted(places):
            name = label_value(domains[place])
            if name not in ("", REMAINDER):
                rows.setdefault((name, self.class_of(name)), place)
        return rows


def _column(values: Sequence[Mapping[str, object]], name: str) -> _AmountColumn:
    with suppress(KeyError):
        column: list[int] = list(map(itemgetter(name), values))
        if {*map(type, column)} == {int} and min(column) >= 0:  # nearly always
            return _AmountColumn(column, frozenset())
    amounts = [_amount(given.get(name, 0)) for given in values]
    unreadable = {place for place, amount in enumerate(amounts) if amount is None}
    return _AmountColumn([amount or 0 for amount in amounts], unreadable)


def _amount(value: object) -> float | None:
    """Return an amount, None for what is none."""
    try:
        return amount(value) if type(value) in (int, float, str) else None  # type: ignore[arg-type]  # it is one of them
    except UnknownValueError:
        return None


def _sum_without(places: Sequence[int], column: _AmountColumn) -> Raw:
    """Return the sum without those at `places`; if an amount is missing, a text that says so and cannot be read."""
    if unreadable := column.unreadable - {*places}:
        return f"{len(unreadable)} values are no amounts"
    amounts = [*column.amounts]
    for place in places:
        amounts[place] = 0
    return sum(amounts)
