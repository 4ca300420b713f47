"""Which destinations of mail are exported: those that the configuration names, and the busiest of the others.

An appliance can have thousands of destinations, and whoever sends mail can make up more. So the number of series is
bounded. What is not exported by name is in one series, so that sums over the gauges are right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Final, TypeVar

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
    """Running totals. The remainder has none: it would fall when a destination leaves it."""
    texts: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        return self.gauges + self.counters


PageValue = TypeVar("PageValue")
"""The kind of values that a page gives."""

_NUMBERS: Final = frozenset({int, float})


class DestinationChoice:
    """Chooses from the destinations of an appliance. For thousands it takes some milliseconds."""

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
        self, figures: DestinationFigures, destinations: Iterable[tuple[str, Mapping[str, PageValue]]]
    ) -> dict[str, dict[Row, PageValue | Raw]]:
        """Return `PAGE/FIGURE` by row (domain, class) for what is exported; nothing if there is no destination.

        `destinations` have the domain as the page gives it, and the figures by name; one that is absent has no key. The
        rows are in the order of their names, so that the text of the same series is prepared once.
        """
        found: dict[Row, Mapping[str, PageValue]] = {}
        rest: list[Mapping[str, PageValue]] = []
        for domain, values in destinations:
            name = label_value(domain.lower().rstrip("."))
            row = (name, self.class_of(name))
            if row in found or name in ("", REMAINDER):
                rest.append(values)
            else:
                found[row] = values
        if not found and not rest:
            return {}
        chosen = self._busiest(figures, found)
        rest += (values for row, values in found.items() if row not in chosen)
        rows: dict[Row, Mapping[str, PageValue | Raw]] = {row: found[row] for row in sorted(chosen)}
        rows[REMAINDER, ""] = {gauge: _sum([values.get(gauge, 0) for values in rest]) for gauge in figures.gauges}
        return {
            f"{figures.page}/{name}": {row: values[name] for row, values in rows.items() if name in values}
            for name in (*figures.numbers, *figures.texts)
        }

    def _busiest(self, figures: DestinationFigures, found: Mapping[Row, Mapping[str, PageValue]]) -> set[Row]:
        """Return the named destinations and the top of the others, as far as there is room."""
        weights = dict(zip(found, _weights(figures, found.values()), strict=True))
        heaviest_first = sorted(found, key=weights.__getitem__, reverse=True)
        named = [row for row in heaviest_first if row[1]]
        others = [row for row in heaviest_first if not row[1]]
        return {*named[:NAMED_LIMIT], *others[: self._top]}


def _weights(figures: DestinationFigures, found: Collection[Mapping[str, object]]) -> list[tuple[float, ...]]:
    """Return what says how busy each destination is: its numbers in their order."""
    with suppress(KeyError):
        numbers: list[tuple[float, ...]] = list(map(itemgetter(*figures.numbers), found))
        if _NUMBERS.issuperset(map(type, chain.from_iterable(numbers))):  # nearly always
            return numbers
    return [tuple(_amount(values.get(name)) or 0.0 for name in figures.numbers) for values in found]


def _amount(value: object) -> float | None:
    """Return an amount, None for what is none."""
    if type(value) is int and 0 <= value < 2**53:  # nearly all, in a fifth of the time
        return value
    try:
        return amount(value) if type(value) in (int, float, str) else None  # type: ignore[arg-type]  # it is one of them
    except UnknownValueError:
        return None


def _sum(values: Sequence[object]) -> Raw:
    """Return the sum of the values; if one of them is no amount, a text that says so, which then cannot be read."""
    amounts = [_amount(value) for value in values]
    if unreadable := amounts.count(None):
        return f"{unreadable} values are no amounts"
    return sum(found for found in amounts if found)
