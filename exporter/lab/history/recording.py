"""The series that recording rules would have recorded: range queries over a history, level by level.

First come the rules that read samples alone, then those that read what these have recorded, and so on. (promtool has a
command for rules, which makes a block for every rule and two hours, and knows no levels.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from itertools import groupby
from pathlib import Path

from exporter.lab.history import blocks
from exporter.lab.history.openmetrics import header, labelled
from exporter.lab.history.progress import Progress
from exporter.prometheus import client
from exporter.prometheus.rule_files import Rule


def record(
    folder: Path,
    levels: Sequence[Sequence[Rule]],
    periods: Sequence[range],
    pool: Executor,
    progress: Progress,
    *,
    pace: int = 0,
    lookback: int = blocks.DEFAULT_LOOKBACK,
) -> None:
    """Add to the database in `folder` what the rules of all levels record in the periods, as `evaluate` does.

    Raises ExporterError where promtool or Prometheus is missing or fails.
    """
    for number, level in enumerate(levels, 1):
        with blocks.served(folder, lookback) as url:
            tasks = [pool.submit(_write, url, level, period, pace, folder) for period in periods]
            finish(tasks, f"recorded series, level {number} of {len(levels)}", len(periods), progress)


def finish(tasks: Iterable[Future[None]], what: str, number: int, progress: Progress) -> None:
    """Wait until all tasks have ended, telling how far they are; raises what the first that fails raises."""
    for done, task in enumerate(as_completed(tasks), 1):
        task.result()
        progress(what, done / number)


def _write(url: str, rules: Sequence[Rule], period: range, pace: int, out: Path) -> None:
    blocks.write(evaluate(url, rules, period, pace), out)


def evaluate(url: str, rules: Sequence[Rule], period: range, pace: int) -> Iterator[str]:
    """Yield the OpenMetrics text of what the rules, those of one name side by side, record in the period.

    Rules are evaluated in the interval and at the offset of their group or, with a `pace`, every so many seconds at
    least. Of rules that record the same series, the first has it.
    """
    for name, same in groupby(rules, lambda rule: rule.record):
        yield header(name, "gauge")
        recorded: dict[str, dict[float, str]] = {}
        for rule in same:
            for series, values in _record(url, rule, evaluations(rule, period, pace)):
                recorded[series] = values | recorded.get(series, {})
        for series, values in recorded.items():
            yield "".join(f"{series} {value} {time}\n" for time, value in sorted(values.items()))


def evaluations(rule: Rule, period: range, pace: int = 0) -> range:
    """Return the times in the period at which the rule is evaluated.

    With a `pace` all groups are evaluated at once: what they read of each other would be too old otherwise.
    """
    interval = max(rule.interval, pace)
    offset = 0 if pace else rule.offset
    first = period.start + (offset - period.start) % interval
    return range(first, period.stop, interval)


def _record(url: str, rule: Rule, instants: range) -> Iterator[tuple[str, dict[float, str]]]:
    """Yield the series that a rule records, with its values by time."""
    for series in client.query_range(url, rule.expression, instants) if instants else ():
        labels = {label: value for label, value in series["metric"].items() if label != "__name__"}
        yield labelled(rule.record, {**labels, **rule.labels}), dict(series["values"])
