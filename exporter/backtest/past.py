"""What `ironport-exporter backtest --prometheus` does: what the rules would have said of your own fleet's past.

Samples are copied from the Prometheus by its HTTP API, which is only read, into a database of our own for as long as
the command runs; rules are evaluated on that. So neither has the Prometheus to know the rules, nor do they load it.
"""

from __future__ import annotations

import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from exporter import durations
from exporter.backtest.alerting import Firing, fired
from exporter.backtest.files import rules_of, write_json
from exporter.backtest.pages import pages
from exporter.backtest.report import pages_table, past_json, past_table, summary_table
from exporter.errors import ExporterError, UsageError
from exporter.tsdb import blocks, openmetrics, progress
from exporter.tsdb.rule_files import Rule
from exporter.tsdb.workers import workers

HISTORY: Final = 14 * 86400
"""Seconds before the past in question that rules read."""

_OURS: Final = "group by (job) (last_over_time(ironport_probe_success[1d]))"
"""The jobs that scrape appliances, by a metric that every probe has; also while their exporter is down."""


def backtest(flags: Namespace) -> int:
    """Print what the alerts would have done in the past that the flags name; raises UsageError, ExporterError."""
    begin, end = _range(flags)
    rules = rules_of(flags)
    for name in ("promtool", "prometheus"):
        blocks.program(name)
    with tempfile.TemporaryDirectory(prefix="ironport-backtest-") as folder:
        found = _found(flags, rules, begin, end, Path(folder))
    write_json(flags.json, past_json(found, end))
    print(_told(found, begin, end))  # noqa: T201 - what the command is for
    return 0


def _told(found: Sequence[Firing], begin: int, end: int) -> str:
    """Return the tables of what fired, and the sum of it in a sentence."""
    lasted, number = durations.words(end - begin), len(pages(found, end))
    said = f"In {lasted} alerts would have fired {len(found)} times and paged {number} times."
    tables = [summary_table(found, end), past_table(found, end)] if found else []
    return "\n\n".join([*tables, *([pages_table(found, end)] if number else []), said])


def _range(flags: Namespace) -> tuple[int, int]:
    """Return the first and the last instant of the past in question, multiples of the step."""
    now = time.time()
    begin, end = (_moment(text, now) // flags.step * flags.step for text in (getattr(flags, "from"), flags.to))
    if begin >= end:
        raise UsageError("The past has to begin before it ends: give --from and --to, such as --from 7d --to 0s.")
    return int(begin), int(end)


def _moment(text: str, now: float) -> float:
    """Return the Unix time that is so long ago, or that stands there as in RFC 3339."""
    try:
        return now - durations.seconds(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no time: write how long ago (7d), or 2026-03-11T10:00:00Z.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _found(flags: Namespace, rules: Sequence[Rule], begin: int, end: int, folder: Path) -> list[Firing]:
    before = list(blocks.periods(begin - HISTORY, begin - flags.step, flags.step))
    tested = list(blocks.periods(begin, end, flags.step))
    copied = _copy(flags, rules, [*before, *tested], folder)
    before = [period for period in before if period in copied]
    with workers() as pool:
        return fired(folder, rules, tested, pool, progress.show, history=before)


def _copy(flags: Namespace, rules: Sequence[Rule], periods: Sequence[range], folder: Path) -> list[range]:
    """Copy what the rules read, one query after the other, and return the periods of which there is anything."""
    names = _names(flags.prometheus, rules)
    copied = []
    for done, period in enumerate(periods, 1):
        if samples := list(_samples(flags, names, period)):
            blocks.write(samples, folder)
            copied.append(period)
        progress.show("samples", done / len(periods))
    return copied


def _names(url: str, rules: Sequence[Rule]) -> list[str]:
    """Return the names of the metrics that the Prometheus has and the rules read, and do not record themselves."""
    recorded = {rule.record for rule in rules}
    read = {name for rule in rules for name in rule.names}
    names = sorted((read - recorded) & set(blocks.metric_names(url)))
    if "ironport_probe_success" not in names:
        raise ExporterError(f"The Prometheus at {url} has no metrics of ironport-exporter: is it the right one?")
    return names


def _samples(flags: Namespace, names: Sequence[str], period: range) -> Iterator[str]:
    """Yield the samples of a period, those of a step as one at its end, and only of jobs that scrape appliances."""
    for name in names:
        expression = f"last_over_time({name}[{period.step}s])"
        if name == "up":
            expression += f" and on (job) {_OURS}"
        found = blocks.query_range(flags.prometheus, expression, period)
        if found:
            yield openmetrics.header(name, "gauge")
        for series in found:
            labels = {label: value for label, value in series["metric"].items() if label != "__name__"}
            line = openmetrics.labelled(name, labels)
            yield "".join(f"{line} {value} {int(moment)}\n" for moment, value in series["values"])
