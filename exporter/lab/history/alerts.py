"""When alerts would have fired: their expressions over a history, with `for` and `keep_firing_for` as in Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from pathlib import Path
from typing import Final

from exporter.incidents.firings import ALWAYS, FIRING, PENDING, Firing, Labels
from exporter.lab.history import blocks, openmetrics
from exporter.lab.history.openmetrics import SampleColumn
from exporter.lab.history.recording import evaluations
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import MINUTE
from exporter.prometheus.rule_files import Rule

SHORT_LOOKBACK: Final = 59
"""Seconds for which a series is still there after its last sample, while alerts are evaluated.

When a rule no longer gives a series, Prometheus marks the end of the series at once. Text has no such mark, so here a
series must not last until the next evaluation. What is recorded only every five minutes must be read through a window.
"""


def record_alerts(folder: Path, rules: Sequence[Rule], periods: Sequence[range]) -> None:
    """Add the series ALERTS and ALERTS_FOR_STATE of the alerts that fire in the periods, with a sample a minute.

    What was pending and did not fire is left out. Raises ExporterError if promtool or Prometheus is missing or fails.
    """
    with blocks.served(folder, SHORT_LOOKBACK) as url:
        found = firings(Prometheus(url), rules, periods)
    always = [Firing(rule.alert, rule.labels, periods[0][0], None) for rule in rules if rule.alert == ALWAYS]
    for period in periods:
        blocks.write(_alerts([*always, *found], range(period.start, period.stop, MINUTE)), folder)


def _alerts(found: Sequence[Firing], minutes: range) -> Iterator[str]:
    stamps = openmetrics.stamps(minutes)
    yield openmetrics.header("ALERTS", "gauge")
    for firing in found:
        since = firing.begin if firing.pending is None else firing.pending
        for state, begin, end in ((PENDING, since, firing.begin), (FIRING, firing.begin, firing.end)):
            series = openmetrics.labelled("ALERTS", {"alertname": firing.alert, "alertstate": state, **firing.labels})
            yield openmetrics.samples(series, _during(begin, end, minutes, 1.0), stamps)
    yield openmetrics.header("ALERTS_FOR_STATE", "gauge")
    for firing in found:
        series = openmetrics.labelled("ALERTS_FOR_STATE", {"alertname": firing.alert, **firing.labels})
        since = firing.begin if firing.pending is None else firing.pending
        yield openmetrics.samples(series, _during(since, firing.end, minutes, float(since)), stamps)


def _during(begin: int, end: int | None, minutes: range, value: float) -> SampleColumn:
    return [value if begin <= minute and (end is None or minute < end) else None for minute in minutes]


def firings(server: Prometheus, rules: Iterable[Rule], periods: Sequence[range]) -> list[Firing]:
    """Return the alerts that fire in the periods, which must be in the order of time; sorted by begin.

    The alert that always fires is left out. Raises ExporterError if Prometheus does not answer or refuses a query.
    """
    found = [firing for rule in rules if rule.alert not in ("", ALWAYS) for firing in _fired(server, rule, periods)]
    return sorted(found, key=lambda firing: (firing.begin, firing.alert))


def _fired(server: Prometheus, rule: Rule, periods: Sequence[range]) -> Iterator[Firing]:
    every = [time for period in periods for time in evaluations(rule, period)]
    for labels, times in presence(server, rule, periods).items():
        for since, begin, end in spells(rule, times, every):
            yield Firing(rule.alert, dict(labels), begin, end, since)


def presence(server: Prometheus, rule: Rule, periods: Sequence[range]) -> dict[Labels, set[int]]:
    """Return at which evaluations in the periods the condition of an alert holds, by the labels of the alert."""
    present: dict[Labels, set[int]] = {}
    for instants in filter(None, (evaluations(rule, period) for period in periods)):
        for series in server.query_range(rule.expression, instants):
            labels = {**series["metric"], **rule.labels}
            labels.pop("__name__", None)
            times = present.setdefault(tuple(sorted(labels.items())), set())
            times.update(int(time) for time, _ in series["values"])
    return present


def spells(rule: Rule, present: Set[int], instants: Iterable[int]) -> Iterator[tuple[int, int, int | None]]:
    """Yield when the alert is pending, fires and ends, each time, for one series that is there at the times `present`.

    The alert is pending until the series has been there for the rule's `for` without a gap. A firing alert goes on
    through gaps shorter than `keep_firing_for`, which Prometheus counts from the first evaluation without the series.
    """
    since: int | None = None
    fired: int | None = None
    gone: int | None = None
    for time in instants:
        if time in present:
            since, gone = time if since is None else since, None
            if fired is None and time - since >= rule.for_seconds:
                fired = time
        elif since is not None:
            gone = time if gone is None else gone
            if fired is not None and time - gone < rule.keep_firing_for_seconds:
                continue
            if fired is not None:
                yield since, fired, time
            since = fired = gone = None
    if since is not None and fired is not None:
        yield since, fired, None
