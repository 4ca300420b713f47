"""Whether `explain` agrees with the alerts: the verdicts that it finds must be those that are pending or firing.

It is asked whenever a verdict begins or ends, and a second before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from exporter.errors import ExporterError
from exporter.explain.explanation import PoolExplanation, VerdictFinding, explain
from exporter.explain.figures import Place
from exporter.explain.tree import Branch, read_tree
from exporter.incidents.firings import FIRING, PENDING, Labels
from exporter.lab.history import blocks, openmetrics
from exporter.lab.history.alerts import SHORT_LOOKBACK, presence, spells
from exporter.lab.history.recording import evaluations
from exporter.prometheus.client import Prometheus
from exporter.prometheus.selection import Selection

MOST_MOMENTS: Final = 60
"""Moments of a trial at which `explain` is asked. If there are more, so many are chosen, spread evenly."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often `explain` was asked, and where it disagreed."""

    moments: int
    verdicts: int
    """Verdicts on places at these moments."""
    active: int
    """Those of them whose alert was pending or firing."""
    faults: tuple[str, ...]
    """A few words for each verdict that is not what the alert is, and for each pool with the wrong verdict."""


@dataclass(frozen=True, slots=True)
class VerdictState:
    """What is so of a verdict on a place."""

    holds: bool = False
    """Whether its conditions hold."""
    alert: str = ""
    """The state of its alert."""

    def __str__(self) -> str:
        return " and ".join(filter(None, ("holds" * self.holds, self.alert))) or "nothing"


VerdictKey = tuple[str, str, Place]
"""The alert, its severity, and the place."""


@dataclass(frozen=True, slots=True)
class VerdictHistory:
    """When the alert of a verdict was in which state, by its labels."""

    branch: Branch
    present: Mapping[Labels, set[int]]
    """The evaluations at which the conditions hold."""
    firing: Mapping[Labels, set[int]]
    """The evaluations at which it fires: also for some time after the conditions held."""

    def states(self, time: int) -> Iterator[tuple[VerdictKey, VerdictState]]:
        rule = self.branch.rule
        last = time - (time - rule.offset) % rule.interval
        for labels, present in self.present.items():
            pending = present - self.firing[labels]
            alert = FIRING if _seen(self.firing[labels], time) else PENDING if _seen(pending, time) else ""
            yield _key(self.branch, Place.of(dict(labels))), VerdictState(last in present, alert)

    def changes(self) -> Iterator[int]:
        """Yield when the conditions begin or end to hold, and when the alert begins or ends to fire."""
        interval = self.branch.rule.interval
        for times in (*self.present.values(), *self.firing.values()):
            yield from (time for time in times if time - interval not in times)
            yield from (time + interval for time in times if time + interval not in times)

    def text(self, period: range) -> Iterator[str]:
        """Yield the series ALERTS in a period."""
        for labels, present in self.present.items():
            firing = self.firing[labels]
            for state, times in ((PENDING, present - firing), (FIRING, firing)):
                name = {"alertname": self.branch.rule.alert, "alertstate": state, **dict(labels)}
                series = openmetrics.labelled("ALERTS", name)
                yield "".join(f"{series} 1 {time}\n" for time in sorted(times) if period.start <= time < period.stop)


def agreement_with_alerts(folder: Path, periods: Sequence[range], begin: int) -> Agreement:
    """Return whether `explain` agrees with the alerts of the project's rules from the time `begin` on.

    The folder has the samples of the periods and what the rules record. The series ALERTS is added.
    """
    with blocks.served(folder, SHORT_LOOKBACK) as url:
        histories = [_history(Prometheus(url), branch, periods) for branch in read_tree().branches]
    for period in periods:
        blocks.write(_alerts(histories, period), folder)
    moments = _moments(histories, begin, periods[-1][-1])
    with blocks.served(folder, SHORT_LOOKBACK) as url:
        asked = [_compare(Prometheus(url), histories, moment) for moment in moments]
    return Agreement(
        len(moments),
        sum(one.verdicts for one in asked),
        sum(one.active for one in asked),
        tuple(fault for one in asked for fault in one.faults),
    )


def _history(server: Prometheus, branch: Branch, periods: Sequence[range]) -> VerdictHistory:
    present = presence(server, branch.rule, periods)
    every = [time for period in periods for time in evaluations(branch.rule, period)]
    firing = {
        labels: {
            time
            for _, begin, end in spells(branch.rule, times, every)
            for time in every
            if begin <= time and (end is None or time < end)
        }
        for labels, times in present.items()
    }
    return VerdictHistory(branch, present, firing)


def _alerts(histories: Iterable[VerdictHistory], period: range) -> Iterator[str]:
    yield openmetrics.header("ALERTS", "gauge")
    for each in histories:
        yield from each.text(period)


def _moments(histories: Iterable[VerdictHistory], begin: int, end: int) -> list[int]:
    changes = {time for each in histories for time in each.changes() if begin < time <= end}
    moments = sorted({begin, end, *changes, *(time - 1 for time in changes)})
    chosen = min(len(moments), MOST_MOMENTS)
    return [moments[len(moments) * number // chosen] for number in range(chosen)]


def _compare(server: Prometheus, histories: Sequence[VerdictHistory], time: int) -> Agreement:
    pools = _explained(server, time)
    said = {
        _key(one.branch, one.place): VerdictState(one.holds, one.state) for pool in pools for one in _verdicts(pool)
    }
    true = {key: state for each in histories for key, state in each.states(time)}
    faults = [
        f"{_moment(time)}, {_named(key)}: {said.get(key, _NOTHING)} instead of {true.get(key, _NOTHING)}"
        for key in dict.fromkeys((*said, *true))
        if said.get(key, _NOTHING) != true.get(key, _NOTHING)
    ]
    return Agreement(1, len(said), sum(bool(state.alert) for state in true.values()), tuple(faults))


_NOTHING: Final = VerdictState()


def _explained(server: Prometheus, time: int) -> list[PoolExplanation]:
    try:
        return explain(server, time, Selection())[1]
    except ExporterError:  # no unit was scraped then
        return []


def _verdicts(pool: PoolExplanation) -> Iterator[VerdictFinding]:
    for place in (pool.pool, *pool.units):
        yield from place.verdicts


def _key(branch: Branch, place: Place) -> VerdictKey:
    return branch.rule.alert, branch.rule.labels["severity"], place


def _seen(times: set[int], time: int) -> bool:
    """Whether a series with samples at these times has a value at a moment."""
    return any(time - SHORT_LOOKBACK <= each <= time for each in times)


def _named(key: VerdictKey) -> str:
    alert, severity, place = key
    return f"{alert.removeprefix('IronPort')} ({severity}) on {place.name}"


def _moment(time: int) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%m-%d %H:%M:%S}"
