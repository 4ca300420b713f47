"""The series that recording rules would have recorded, made by range queries over a history, level by level.

The first level has the rules that read only samples, the next level those that read what the first has recorded, and so
on. (promtool has a command for this, but it makes a block for each rule and two hours, and it knows no levels.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from itertools import groupby
from pathlib import Path

from exporter.lab.history import blocks
from exporter.lab.history.openmetrics import header, labelled
from exporter.prometheus.client import Prometheus
from exporter.prometheus.progress import Progress
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
    """Add what the rules of all levels record in the periods to the database in `folder`; see `evaluate`.

    Raises ExporterError if promtool or Prometheus is missing or fails.
    """
    for number, level in enumerate(levels, 1):
        with blocks.served(folder, lookback) as url:
            tasks = [pool.submit(_write, url, level, period, pace, folder) for period in periods]
            finish(tasks, f"recorded series, level {number} of {len(levels)}", len(periods), progress)


def finish(tasks: Iterable[Future[None]], what: str, number: int, progress: Progress) -> None:
    """Wait for all tasks and report their progress; raises what the first failed task raises."""
    for done, task in enumerate(as_completed(tasks), 1):
        task.result()
        progress(what, done / number)


def _write(url: str, rules: Sequence[Rule], period: range, pace: int, out: Path) -> None:
    blocks.write(evaluate(url, rules, period, pace), out)


def evaluate(url: str, rules: Sequence[Rule], period: range, pace: int) -> Iterator[str]:
    """Yield the OpenMetrics text of what the rules record in the period; rules of one name must be side by side.

    Rules are evaluated at the interval and offset of their group, with a `pace` every so many seconds at least. If
    several rules record the same series, the first one counts.
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

    With a `pace` all groups are evaluated at the same times. Otherwise a group would read values of another group that
    are almost a whole pace old.
    """
    interval = max(rule.interval, pace)
    offset = 0 if pace else rule.offset
    first = period.start + (offset - period.start) % interval
    return range(first, period.stop, interval)


def _record(url: str, rule: Rule, instants: range) -> Iterator[tuple[str, dict[float, str]]]:
    """Yield each series that a rule records, with its values by time."""
    for series in Prometheus(url).query_range(rule.expression, instants) if instants else ():
        labels = {label: value for label, value in series["metric"].items() if label != "__name__"}
        yield labelled(rule.record, {**labels, **rule.labels}), dict(series["values"])
