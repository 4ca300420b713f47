"""When alerts would have fired: their expressions over a history, with `for` and `keep_firing_for` as in Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exporter.lab.history import recording
from exporter.lab.history.blocks import served
from exporter.lab.history.progress import Progress
from exporter.lab.history.recording import evaluations
from exporter.prometheus.client import query_range
from exporter.prometheus.rule_files import Rule, levels

PACE: Final = 300
"""Seconds from one evaluation to the next in the history: of that, rules read nothing finer."""

SHORT_LOOKBACK: Final = 59
"""Seconds after a sample for which its series is there still.

In Prometheus a series that a rule no longer has ends at once; here it must not outlive the next evaluation. What is
recorded every five minutes has to be read through a window, which is better anyway.
"""

ALWAYS: Final = "IronPortWatchdog"
"""The alert that fires all the time, so that its absence is noticed."""


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that fires from `begin` to `end` (Unix, seconds; None: still at the end of the history)."""

    alert: str
    labels: Mapping[str, str]
    begin: int
    end: int | None

    @property
    def severity(self) -> str:
        """The label of this name, "" without one."""
        return self.labels.get("severity", "")

    def lasts_until(self, end: int) -> int:
        """Return when it ended, at the latest the `end` of what is looked at."""
        return end if self.end is None else min(self.end, end)


def replay(
    folder: Path,
    rules: Sequence[Rule],
    periods: Sequence[range],
    pool: Executor,
    progress: Progress,
    history: Sequence[range] = (),
) -> list[Firing]:
    """Return what the rules fire in the periods, of the samples in `folder`, to which is added what they record.

    In the periods of `history`, which come before, they only record. Raises ExporterError where promtool or Prometheus
    is missing or fails, RequestError for rules that read each other in a circle.
    """
    recorded = levels(rules)
    if history:
        recording.record(folder, recorded, history, pool, progress, pace=PACE, lookback=SHORT_LOOKBACK)
    recording.record(folder, recorded, periods, pool, progress, lookback=SHORT_LOOKBACK)
    with served(folder, SHORT_LOOKBACK) as url:
        return firings(url, rules, periods)


def firings(url: str, rules: Iterable[Rule], periods: Sequence[range]) -> list[Firing]:
    """Return what the alerting rules among these fire in the periods, one after the other in time, by begin.

    The alert that always fires is left out.

    Raises ExporterError where Prometheus does not answer, or refuses an expression.
    """
    found = [firing for rule in rules if rule.alert not in ("", ALWAYS) for firing in _fired(url, rule, periods)]
    return sorted(found, key=lambda firing: (firing.begin, firing.alert))


def _fired(url: str, rule: Rule, periods: Sequence[range]) -> Iterator[Firing]:
    present: dict[tuple[tuple[str, str], ...], set[int]] = {}
    instants = [evaluations(rule, period) for period in periods]
    for part in filter(None, instants):
        for series in query_range(url, rule.expression, part):
            labels = {**series["metric"], **rule.labels}
            labels.pop("__name__", None)
            times = present.setdefault(tuple(sorted(labels.items())), set())
            times.update(int(time) for time, _ in series["values"])
    every = [time for part in instants for time in part]
    for key, times in present.items():
        for begin, end in spells(rule, times, every):
            yield Firing(rule.alert, dict(key), begin, end)


def spells(rule: Rule, present: Set[int], instants: Iterable[int]) -> Iterator[tuple[int, int | None]]:
    """Yield from when to when the alert fires for a series that the expression has at the times `present`.

    It is pending until it has been there for the rule's `for`, without a gap; once firing it lasts through gaps
    shorter than `keep_firing_for`, which Prometheus counts from the first evaluation without the series.
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
