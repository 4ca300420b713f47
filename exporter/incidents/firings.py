"""The times in which alerts fired, from the series ALERTS that Prometheus and vmalert keep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import HOUR, MINUTE

ALWAYS: Final = "IronPortWatchdog"
"""The alert that fires all the time, so that its absence is noticed."""

PENDING: Final = "pending"
FIRING: Final = "firing"
"""The values of the label `alertstate`."""

_EVALUATED_EVERY: Final = 5 * MINUTE
"""Seconds between evaluations of the slowest group of rules. In a shorter gap, an alert goes on."""

LONGEST_BLACKOUT: Final = HOUR
"""Seconds without evaluations, or without samples, after which an alert that fires again is another one."""

_LAST_MINUTE: Final = "59s999ms"

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Firing:
    """A time in which an alert fires."""

    alert: str
    labels: Mapping[str, str]
    begin: int
    """In Unix time, as are the others."""
    end: int | None
    """None if it still fires at the end of the history."""
    pending: int | None = None
    """When it began to wait for its `for`; None if that is not known."""

    @property
    def severity(self) -> str:
        """The label `severity`; empty if the alert has none."""
        return self.labels.get("severity", "")

    def lasts_until(self, end: int) -> int:
        """Return when it ended, but at the latest `end`."""
        return end if self.end is None else min(self.end, end)


@dataclass(frozen=True, slots=True)
class AlertHistory:
    """The alerts of a time."""

    firings: tuple[Firing, ...]
    """By their beginning. Alerts that began together are in the order of their names and labels, as servers differ."""
    evaluated: frozenset[int] | None
    """The minutes in which the rules were evaluated, in Unix time; None if nothing shows it."""
    minutes: range
    """All minutes of the time."""
    scraped: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """The minutes in which a unit was scraped, by job; a job of which the server has no samples is left out."""

    def coverage_since(self, begin: int) -> float:
        """Return the share of the time from `begin` on in which the rules were evaluated."""
        minutes = [minute for minute in self.minutes if minute > begin]
        evaluated = self.evaluated or frozenset()
        return sum(minute in evaluated for minute in minutes) / len(minutes) if minutes else 0.0

    def blackouts(self, begin: int, end: int) -> list[tuple[int, int]]:
        """Return the times between two moments in which the rules were not evaluated; empty if nothing shows it."""
        return self._without(self.evaluated, begin, end)

    def unscraped(self, job: str, begin: int, end: int) -> list[tuple[int, int]]:
        """Return the times between two moments in which no unit of the job was scraped; empty if nothing shows it."""
        return self._without(self.scraped.get(job), begin, end)

    def _without(self, seen: frozenset[int] | None, begin: int, end: int) -> list[tuple[int, int]]:
        if seen is None:
            return []
        first = max(self.minutes.start, -(-begin // MINUTE) * MINUTE)
        dark = [minute for minute in range(first, min(end + 1, self.minutes.stop), MINUTE) if minute not in seen]
        return [(first - MINUTE, last) for first, last in _runs(dark, MINUTE) if last - first >= _EVALUATED_EVERY]


def alert_history(prometheus: Prometheus, begin: int, end: int, matchers: str = "") -> AlertHistory:
    """Return the alerts of this project that fired from `begin` to `end`, which are Unix times.

    `matchers` choose the alerts, as in `job="ironport",pool="inbound"`. Times are right to the minute.
    """
    minutes = range(begin - begin % MINUTE + MINUTE, end + 1, MINUTE)
    if not minutes:
        return AlertHistory((), None, minutes)
    evaluated = _evaluated(prometheus, minutes)
    states = {state: _present(prometheus, minutes, state, matchers) for state in (PENDING, FIRING)}
    found = [
        firing
        for labels, times in states[FIRING].items()
        for firing in _firings(labels, times, states[PENDING].get(labels, []), minutes, evaluated)
    ]
    in_order = tuple(sorted(found, key=lambda each: (each.begin, each.alert, sorted(each.labels.items()))))
    return AlertHistory(in_order, evaluated, minutes, _scraped(prometheus, minutes))


def _evaluated(prometheus: Prometheus, minutes: range) -> frozenset[int] | None:
    """Return the minutes in which the alert that always fires did so; None if it never did."""
    query = f'max(count_over_time(ALERTS{{alertname="{ALWAYS}"}}[{_LAST_MINUTE}]))'
    found = prometheus.query_range(query, minutes, "when rules were evaluated")
    return frozenset(int(time) for series in found for time, _ in series["values"]) or None


def _scraped(prometheus: Prometheus, minutes: range) -> dict[str, frozenset[int]]:
    """Return the minutes in which a unit was scraped, by job."""
    query = f"count by (job) (count_over_time(ironport_probe_success[{_LAST_MINUTE}]))"
    scraped: dict[str, set[int]] = {}
    for series in prometheus.query_range(query, minutes, "when units were scraped"):
        scraped.setdefault(series["metric"].get("job", ""), set()).update(int(time) for time, _ in series["values"])
    return {job: frozenset(times) for job, times in scraped.items()}


def _present(prometheus: Prometheus, minutes: range, state: str, matchers: str) -> dict[Labels, list[int]]:
    """Return the minutes in which each alert was in the state, by the labels of the alert."""
    chosen = f'alertname=~"IronPort.+",alertname!="{ALWAYS}",alertstate="{state}"'
    query = f"count_over_time(ALERTS{{{','.join(filter(None, (chosen, matchers)))}}}[{_LAST_MINUTE}])"
    present: dict[Labels, list[int]] = {}
    for series in prometheus.query_range(query, minutes, f"alerts that are {state}"):
        labels = tuple(sorted((k, v) for k, v in series["metric"].items() if k not in ("__name__", "alertstate")))
        present.setdefault(labels, []).extend(int(time) for time, _ in series["values"])
    return present


def _firings(
    labels: Labels, times: Sequence[int], pending: Sequence[int], minutes: range, evaluated: frozenset[int] | None
) -> Iterator[Firing]:
    rest = dict(labels)
    alert = rest.pop("alertname")
    for first, last in _spans(times, evaluated):
        goes_on = last + _EVALUATED_EVERY > minutes[-1]
        yield Firing(alert, rest, first, None if goes_on else last + MINUTE, _pending_since(pending, first))


def _spans(times: Sequence[int], evaluated: frozenset[int] | None) -> Iterator[tuple[int, int]]:
    """Yield the first and the last minute of each time in which an alert fired.

    A time without evaluations does not end an alert that fires again after it.
    """
    spans = list(_runs(sorted(times), _EVALUATED_EVERY))
    joined: list[tuple[int, int]] = spans[:1]
    for first, last in spans[1:]:
        before = joined[-1]
        if _was_dark(before[1], first, evaluated):
            joined[-1] = (before[0], last)
        else:
            joined.append((first, last))
    yield from joined


def _was_dark(end: int, begin: int, evaluated: frozenset[int] | None) -> bool:
    """Return whether the rules were hardly evaluated between the two minutes."""
    if evaluated is None or begin - end > LONGEST_BLACKOUT:
        return False
    between = range(end + MINUTE, begin, MINUTE)
    return MINUTE * sum(minute in evaluated for minute in between) <= _EVALUATED_EVERY


def _pending_since(pending: Sequence[int], firing: int) -> int | None:
    """Return the beginning of the pending minutes that lead to the minute in which the alert began to fire."""
    leading = [run for run in _runs(sorted(pending), _EVALUATED_EVERY) if run[0] <= firing]
    if not leading or firing - leading[-1][1] > _EVALUATED_EVERY:
        return None
    return leading[-1][0]


def _runs(minutes: Iterable[int], gap: int) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of minutes that lie no further apart than `gap` seconds."""
    first = last = None
    for minute in minutes:
        if first is None or last is None:
            first = minute
        elif minute - last > gap:
            yield first, last
            first = minute
        last = minute
    if first is not None and last is not None:
        yield first, last
