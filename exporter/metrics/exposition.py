"""What a probe exports, as text: in the text format 0.0.4 of Prometheus, or as OpenMetrics 1.0.0.

Only the numbers of an exposition change from probe to probe. So the text of a family is prepared once for each set of
series that it has, and kept for all appliances: this takes a tenth of the time of prometheus-client, whose text it is.
The two formats differ only in what comes before the series of a family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Final

from prometheus_client.utils import floatToGoString

from exporter.metrics.catalog import Family
from exporter.metrics.conversions import Series
from exporter.metrics.reading import Unreadable

_PLAIN: Final = 1e6
"""Below this, Python writes numbers as Go does."""

_KEPT: Final = 1024
_KEPT_SERIES: Final = 100
"""So many texts are kept, of families with so many series at most: an appliance may make up new labels all the time.
An appliance has about 80 families, and has most of these texts in common with others."""


@dataclass(frozen=True, slots=True)
class Exposition:
    """The metric families of a probe."""

    families: Sequence[tuple[Family, Series]]
    """Every family that has a series, in the order of the catalogue."""
    unreadable: Mapping[str, Unreadable]
    """By source, the values that were there and could not be read."""

    def text(self) -> bytes:
        """Return the Prometheus text format 0.0.4."""
        return self._text(_plain_head).encode()

    def openmetrics(self) -> bytes:
        """Return the OpenMetrics text format 1.0.0."""
        return f"{self._text(_openmetrics_head)}# EOF\n".encode()

    def _text(self, head: _Head) -> str:
        texts = [_family_text(head, family, tuple(series)) for family, series in self.families]
        values = chain.from_iterable(series.values() for _, series in self.families)
        numbers = [repr(value) if -_PLAIN < value < _PLAIN else _large(value) for value in values]
        return "".join(texts) % tuple(numbers)


_Head = Callable[[Family], str]
"""Gives the lines that come before the series of a family."""


def _plain_head(family: Family) -> str:
    return f"# HELP {family.name} {_escaped(family.help)}\n# TYPE {family.name} {family.kind}\n"


def _openmetrics_head(family: Family) -> str:
    """Return the lines of OpenMetrics: a counter is named without `_total`, and the unit has a line of its own."""
    name = family.name.removesuffix("_total") if family.kind == "counter" else family.name
    unit = f"# UNIT {name} {family.unit}\n" if family.unit else ""
    return f"# HELP {name} {_quoted(family.help)}\n# TYPE {name} {family.kind}\n{unit}"


def _family_text(head: _Head, family: Family, series: tuple[tuple[str, ...], ...]) -> str:
    return _prepared(head, family, series) if len(series) > _KEPT_SERIES else _kept(head, family, series)


def _large(value: float) -> str:
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]


def _prepared(head: _Head, family: Family, series: tuple[tuple[str, ...], ...]) -> str:
    """Return the text of a family that has series with these label values, with %s for each number."""
    names = [f"{family.name}{_labels(family.labels, values)}" for values in series]
    return head(family).replace("%", "%%") + "".join(f"{name.replace('%', '%%')} %s\n" for name in names)


_kept: Final = lru_cache(maxsize=_KEPT)(_prepared)


def _labels(names: Sequence[str], values: Sequence[str]) -> str:
    pairs = [f'{name}="{_quoted(value)}"' for name, value in sorted(zip(names, values, strict=True))]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', r"\"")


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")
