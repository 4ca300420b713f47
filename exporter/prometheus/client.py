"""A client of any server that has the HTTP API of Prometheus: VictoriaMetrics, Thanos, Mimir and others.

A URL may hold a user and a password, as in https://user:password@host/prefix. Errors never show them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypedDict

from exporter.errors import ExporterError, QueryTooLargeError
from exporter.prometheus import progress
from exporter.prometheus.connection import Connection
from exporter.prometheus.http_config import HttpClientConfig

MAX_POINTS: Final = 11_000
"""The most points that a series may have in one query: Prometheus' limit. VictoriaMetrics allows 30,000."""

_FEWEST_POINTS: Final = 8
"""A query that is refused as too large for so few points is not split further: fewer hardly ask for less."""

_WHOLE: Final = {"partial_response": "false"}
"""Thanos then refuses a query if a part of the data cannot be read, instead of leaving it out."""


class InstantSeries(TypedDict):
    """A series of a query at one instant."""

    metric: dict[str, str]
    """Its labels."""
    value: tuple[float, str]
    """Unix time and value."""


class RangeSeries(TypedDict):
    """A series of a range query."""

    metric: dict[str, str]
    """Its labels."""
    values: list[tuple[float, str]]
    """Unix time and value, in the order of time."""


class Prometheus:
    """The server at `url`, which is reached as `http` says. Its methods raise ExporterError with one sentence.

    In that sentence, a query is called by its name `what`, or else by its expression.
    """

    def __init__(self, url: str, http: HttpClientConfig | None = None) -> None:
        self._connection = Connection(url, http or HttpClientConfig())

    def query(self, expression: str, time: float, what: str = "") -> list[InstantSeries]:
        """Return the series of the expression at a Unix time."""
        answer = self._connection.post("query", {"query": expression, "time": time, **_WHOLE})
        series: list[InstantSeries] = answer.series(_name(expression, what))
        return series

    def query_range(self, expression: str, instants: range, what: str = "") -> list[RangeSeries]:
        """Return the series of the expression at the instants.

        It takes as many queries as the server's limits require. If they are several and have a name, a terminal shows
        how many are done.
        """
        found: dict[frozenset[tuple[str, str]], RangeSeries] = {}
        for number, (done, part) in enumerate(self._parts(expression, instants, what)):
            _extend(found, part)
            if what and (number or done < len(instants)):
                progress.show(what, done / len(instants))
        return list(found.values())

    def _parts(self, expression: str, instants: range, what: str) -> Iterator[tuple[int, list[RangeSeries]]]:
        """Yield the series of one window after the other, with the number of instants that are done."""
        done, points = 0, min(MAX_POINTS, len(instants))
        while done < len(instants):
            window = instants[done : done + points]
            try:
                series = self._query_window(expression, window, what)
            except QueryTooLargeError:
                if len(window) <= _FEWEST_POINTS:
                    raise
                points = len(window) // 2
            else:
                done += len(window)
                yield done, series

    def metric_names(self) -> list[str]:
        """Return the names of all metrics that the server has; raises ExporterError if none is ironport-exporter's."""
        every_time = "?start=1"  # without it, or with 0, VictoriaMetrics would list those of now or today
        names: list[str] = self._connection.get(f"label/__name__/values{every_time}").data("to list its metrics") or []
        if not any("ironport_" in name for name in names):
            server = self._connection.server
            raise ExporterError(f"The Prometheus at {server} has no metrics of ironport-exporter: is it the right one?")
        return names

    def _query_window(self, expression: str, instants: range, what: str) -> list[RangeSeries]:
        window = {"query": expression, "start": instants[0], "end": instants[-1], "step": instants.step, **_WHOLE}
        series: list[RangeSeries] = self._connection.post("query_range", window).series(_name(expression, what))
        return series


def _name(expression: str, what: str) -> str:
    return " ".join((what or expression).split())


def _extend(found: dict[frozenset[tuple[str, str]], RangeSeries], part: Iterable[RangeSeries]) -> None:
    for series in part:
        known = found.setdefault(frozenset(series["metric"].items()), RangeSeries(metric=series["metric"], values=[]))
        known["values"] += series["values"]
