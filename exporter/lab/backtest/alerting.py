"""When alerts would have fired: their expressions over a history, with `for` and `keep_firing_for` as in Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

from exporter.incidents.firings import ALWAYS, Firing
from exporter.lab.history import recording
from exporter.lab.history.blocks import served
from exporter.lab.history.recording import evaluations
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import DAY
from exporter.prometheus.progress import Progress
from exporter.prometheus.rule_files import Rule, levels

PACE: Final = 300
"""Seconds between evaluations in the history.

Over a history of two weeks, evaluating every rule once a minute takes too long. The rules read the history only through
windows of an hour or more, in which a value every five minutes is enough.
"""

SHORT_LOOKBACK: Final = 59
"""Seconds for which a series is still there after its last sample, while alerts are evaluated.

When a rule no longer gives a series, Prometheus marks the end of the series at once. Text has no such mark, so here a
series must not last until the next evaluation. What is recorded only every five minutes must be read through a window.
"""

HISTORY: Final = 15 * DAY
"""Seconds before the first alert that rules read: two weeks, to learn what is usual, and one day more.

It is also what Prometheus keeps by default.
"""


def replay(
    folder: Path,
    rules: Sequence[Rule],
    periods: Sequence[range],
    pool: Executor,
    progress: Progress,
    history: Sequence[range] = (),
) -> list[Firing]:
    """Return the alerts that fire in the periods. What the rules record is added to the samples in `folder`.

    In the periods of `history`, which come before, the rules only record. Raises ExporterError if promtool or
    Prometheus is missing or fails, RequestError for rules that read each other in a circle.
    """
    recorded = levels(rules)
    if history:
        recording.record(folder, recorded, history, pool, progress, pace=PACE, lookback=SHORT_LOOKBACK)
    recording.record(folder, recorded, periods, pool, progress, lookback=SHORT_LOOKBACK)
    with served(folder, SHORT_LOOKBACK) as url:
        return firings(Prometheus(url), rules, periods)


def firings(server: Prometheus, rules: Iterable[Rule], periods: Sequence[range]) -> list[Firing]:
    """Return the alerts that fire in the periods, which must be in the order of time; sorted by begin.

    The alert that always fires is left out. Raises ExporterError if Prometheus does not answer or refuses a query.
    """
    found = [firing for rule in rules if rule.alert not in ("", ALWAYS) for firing in _fired(server, rule, periods)]
    return sorted(found, key=lambda firing: (firing.begin, firing.alert))


def _fired(server: Prometheus, rule: Rule, periods: Sequence[range]) -> Iterator[Firing]:
    present: dict[tuple[tuple[str, str], ...], set[int]] = {}
    instants = [evaluations(rule, period) for period in periods]
    for part in filter(None, instants):
        for series in server.query_range(rule.expression, part):
            labels = {**series["metric"], **rule.labels}
            labels.pop("__name__", None)
            times = present.setdefault(tuple(sorted(labels.items())), set())
            times.update(int(time) for time, _ in series["values"])
    every = [time for part in instants for time in part]
    for key, times in present.items():
        for begin, end in spells(rule, times, every):
            yield Firing(rule.alert, dict(key), begin, end)


def spells(rule: Rule, present: Set[int], instants: Iterable[int]) -> Iterator[tuple[int, int | None]]:
    """Yield begin and end of each time in which the alert fires for one series, which is there at the times `present`.

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
                yield fired, time
            since = fired = gone = None
    if fired is not None:
        yield fired, None
