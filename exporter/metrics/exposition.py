"""What a probe exports, as text: in the text format 0.0.4 of Prometheus, or as OpenMetrics 1.0.0.

Only the numbers of an exposition change from probe to probe. So the text of a family is prepared once for each set of
series that it has, and kept for all appliances: this takes a tenth of the time of prometheus-client, whose text it is.
The two formats differ only in what comes before the series of a family.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from prometheus_client.utils import floatToGoString

from exporter.metrics.catalog import Family
from exporter.metrics.conversions import Series
from exporter.metrics.reading import Unreadable

_PLAIN: Final = 1e6
_LEAST_PLAIN: Final = -_PLAIN
"""Between these, Python writes numbers as Go does."""

_KEPT: Final = 1024
_KEPT_SERIES: Final = 100
"""So many texts are kept, of families with so many series at most: an appliance may make up new labels all the time.
An appliance has about 80 families, and has most of these texts in common with others."""


FamilySeries = tuple[Family, Series]

_Head = Callable[[Family], str]
"""Gives the lines that come before the series of a family."""


class Part(Protocol):
    """Some metric families of a probe."""

    @property
    def families(self) -> Sequence[FamilySeries]:
        """Every family that has a series, in the order of the catalogue."""
        ...

    def only(self, family: Family) -> PlainPart:
        """Return one of the families."""
        ...

    def text(self, head: _Head) -> str:
        """Return the text of all families."""
        ...


@dataclass(frozen=True, slots=True)
class PlainPart:
    """Families with their series."""

    families: Sequence[FamilySeries]

    def only(self, family: Family) -> PlainPart:
        return PlainPart([each for each in self.families if each[0] is family])

    def text(self, head: _Head) -> str:
        return "".join([_family_text(head, family, series) for family, series in self.families])


class Template:
    """Families of which only the numbers are new in each probe, and a few others among them.

    `labels` has the labels of each series of a family, or None for a family whose series are given as a whole.
    """

    __slots__ = ("_texts", "families", "labels", "others_at")

    def __init__(self, labels: Sequence[tuple[Family, tuple[tuple[str, ...], ...] | None]]) -> None:
        self.labels = labels
        self.families = frozenset(family for family, _ in labels)
        self.others_at: list[int] = []
        """For each family that is given as a whole, how many numbers and other families come before it."""
        arguments = 0
        for _, series in labels:
            if series is None:
                self.others_at.append(arguments)
            arguments += 1 if series is None else len(series)
        self._texts: dict[_Head, list[str]] = {}

    def texts(self, head: _Head) -> list[str]:
        """Return the texts before, between and behind the numbers and the families that are given as a whole."""
        if head not in self._texts:
            self._texts[head] = list(self._made(head))
        return self._texts[head]

    def _made(self, head: _Head) -> Iterator[str]:
        text = ""
        for family, series in self.labels:
            if series is None:
                yield text
                text = ""
                continue
            text += head(family)
            for values in series:
                yield f"{text}{_series_name(family, values)} "
                text = "\n"
        yield text


@dataclass(frozen=True, slots=True)
class TemplatePart:
    """The numbers that belong into a template, and the series of its other families."""

    template: Template
    numbers: Sequence[float]
    others: Sequence[FamilySeries]

    @property
    def families(self) -> Sequence[FamilySeries]:
        numbers, others = iter(self.numbers), iter(self.others)
        found = [
            next(others) if labels is None else (family, {each: next(numbers) for each in labels})
            for family, labels in self.template.labels
        ]
        return [(family, series) for family, series in found if series]

    def only(self, family: Family) -> PlainPart:
        found = PlainPart(self.others).only(family)
        if found.families or family not in self.template.families:
            return found
        return PlainPart(self.families).only(family)

    def text(self, head: _Head) -> str:
        arguments = _number_texts(self.numbers)
        for at, (family, series) in zip(self.template.others_at, self.others, strict=True):
            arguments.insert(at, _family_text(head, family, series))
        texts = self.template.texts(head)
        pieces = [""] * (len(texts) + len(arguments))
        pieces[::2], pieces[1::2] = texts, arguments
        return "".join(pieces)


@dataclass(frozen=True, slots=True)
class Exposition:
    """The metric families of a probe."""

    parts: Sequence[Part]
    unreadable: Mapping[str, Unreadable]
    """By source, the values that were there and could not be read."""

    @property
    def families(self) -> list[FamilySeries]:
        """Every family that has a series, in the order of the parts and of the catalogue."""
        return [each for part in self.parts for each in part.families]

    def only(self, family: Family) -> Exposition:
        """Return the exposition of one family."""
        return Exposition([part for each in self.parts if (part := each.only(family)).families], {})

    def text(self) -> bytes:
        """Return the Prometheus text format 0.0.4."""
        return self._text(_plain_head).encode()

    def openmetrics(self) -> bytes:
        """Return the OpenMetrics text format 1.0.0."""
        return f"{self._text(_openmetrics_head)}# EOF\n".encode()

    def _text(self, head: _Head) -> str:
        return "".join([part.text(head) for part in self.parts])


def _plain_head(family: Family) -> str:
    return f"# HELP {family.name} {_escaped(family.help)}\n# TYPE {family.name} {family.kind}\n"


def _openmetrics_head(family: Family) -> str:
    """Return the lines of OpenMetrics: a counter is named without `_total`, and the unit has a line of its own."""
    name = family.name.removesuffix("_total") if family.kind == "counter" else family.name
    unit = f"# UNIT {name} {family.unit}\n" if family.unit else ""
    return f"# HELP {name} {_quoted(family.help)}\n# TYPE {name} {family.kind}\n{unit}"


def _family_text(head: _Head, family: Family, series: Series) -> str:
    if not series:
        return ""
    labels = tuple(series)
    text = _prepared(head, family, labels) if len(labels) > _KEPT_SERIES else _kept(head, family, labels)
    return text % tuple(_number_texts(series.values()))


def _number_texts(numbers: Iterable[float]) -> list[str]:
    return [repr(number) if _LEAST_PLAIN < number < _PLAIN else _large(number) for number in numbers]


def _large(value: float) -> str:
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]


def _prepared(head: _Head, family: Family, series: tuple[tuple[str, ...], ...]) -> str:
    """Return the text of a family that has series with these label values, with %s for each number."""
    names = [_series_name(family, values) for values in series]
    return head(family).replace("%", "%%") + "".join(f"{name.replace('%', '%%')} %s\n" for name in names)


_kept: Final = lru_cache(maxsize=_KEPT)(_prepared)


def _series_name(family: Family, values: Sequence[str]) -> str:
    return f"{family.name}{_labels(family.labels, values)}"


def _labels(names: Sequence[str], values: Sequence[str]) -> str:
    pairs = [f'{name}="{_quoted(value)}"' for name, value in sorted(zip(names, values, strict=True))]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', r"\"")


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")
