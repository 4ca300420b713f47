"""What `ironport-exporter backtest --prometheus.url` does: which alerts would have fired in your own fleet's past.

Samples are copied from your Prometheus through its HTTP API into a temporary database, and the rules are evaluated on
that. So your Prometheus does not need to have the rules, and does not have to evaluate them.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

from exporter.errors import UsageError
from exporter.incidents.firings import Firing
from exporter.incidents.notifications import notifications
from exporter.lab.backtest.alerting import HISTORY, replay
from exporter.lab.backtest.files import check_writable, rules_of, write_json
from exporter.lab.backtest.past_report import notifications_table, past_json, past_table, summary_table
from exporter.lab.history import blocks, openmetrics
from exporter.lab.history.workers import workers
from exporter.prometheus import durations, progress
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import DAY, HOUR
from exporter.prometheus.rule_files import Rule

_LEAD: Final = HOUR
"""Seconds before the first alert counts in which the rules are evaluated as often as later.

The longest `for` and `keep_firing_for` are added, so that an alert can fire from the beginning.
"""

_OURS: Final = 'group by (job) (last_over_time({__name__=~"ironport_probe_success|ironport_exporter_build_info"}[1d]))'
"""The jobs that scrape the exporter: for its appliances, and for its own metrics."""


def replay_past(
    server: Prometheus, *, begin: str, end: str, step: int, rules: str | None, json_file: Path | None
) -> int:
    """Print which alerts would have fired in the past that the server knows.

    `step` is in seconds, `rules` a pattern of files. Raises UsageError, ExporterError.
    """
    past = _range(begin, end, step)
    read = rules_of(rules)
    check_writable(json_file)
    for name in ("promtool", "prometheus"):
        blocks.program(name)
    with tempfile.TemporaryDirectory(prefix="ironport-backtest-") as folder:
        found = _found(server, read, past, Path(folder))
    print(_report(found, past.start, past.stop))  # noqa: T201 - what the command is for
    write_json(json_file, past_json(found, past.stop))
    return 0


def _report(found: Sequence[Firing], begin: int, end: int) -> str:
    """Return the tables of the alerts that fired, and a sentence that sums them up."""
    sent = [one for one in notifications(found, end) if one.begin >= begin]
    summary = (
        f"In {durations.format_duration(end - begin)} alerts would have fired {len(found)} times"
        f" and notified the person on call {len(sent)} times;"
        f" {sum(firing.begin < begin for firing in found)} of them already fired when it began."
    )
    tables = [summary_table(found, end), past_table(found, end)] if found else []
    return "\n\n".join([*tables, *([notifications_table(sent)] if sent else []), summary])


def _range(begin: str, end: str, step: int) -> range:
    """Return the range from the first to the last instant in Unix time; both are multiples of the step."""
    now = time.time()
    first, last = (int(durations.parse_moment(text, now) // step * step) for text in (begin, end))
    if first >= last:
        raise UsageError("The past has to begin before it ends: give --from and --to, such as --from 7d --to 0s.")
    return range(first, last, step)


def _found(server: Prometheus, rules: Sequence[Rule], past: range, folder: Path) -> list[Firing]:
    begin, end, step = past.start, past.stop, past.step
    longest = max((rule.for_seconds + rule.keep_firing_for_seconds for rule in rules), default=0)
    lead = int(_LEAD + longest) // step * step
    before = list(blocks.periods(begin - HISTORY, begin - lead - step, step))
    tested = list(blocks.periods(begin - lead, end, step))
    copied = _copy(server, rules, [*before, *tested], folder)
    before, tested = ([period for period in periods if period in copied] for periods in (before, tested))
    with workers() as pool:
        found = replay(folder, rules, tested, pool, progress.show, history=before)
    return [firing for firing in found if firing.end is None or firing.end > begin]


def _copy(server: Prometheus, rules: Sequence[Rule], periods: Sequence[range], folder: Path) -> list[range]:
    """Copy what the rules read, one query at a time, and return the periods for which there are samples."""
    selectors = {name: [name] for name in _names(server, rules)}
    if "up" in selectors:
        selectors["up"] = [f"up{{job={json.dumps(job)}}}" for job in _jobs(server, periods)]
    copied = []
    for done, period in enumerate(periods, 1):
        samples = _samples(server, selectors, period)
        if (first := next(samples, None)) is not None:
            blocks.write(chain([first], samples), folder)
            copied.append(period)
        progress.show("samples", done / len(periods))
    return copied


def _names(server: Prometheus, rules: Sequence[Rule]) -> list[str]:
    """Return the names of the metrics that the rules read and do not record, and that the Prometheus has."""
    recorded = {rule.record for rule in rules}
    read = {name for rule in rules for name in rule.names}
    return sorted((read - recorded) & set(server.metric_names()))


def _jobs(server: Prometheus, periods: Sequence[range]) -> list[str]:
    """Return the exporter's jobs in the periods: `up` of other jobs is not copied."""
    days = range(periods[0].start, periods[-1].stop + DAY, DAY)
    return sorted({series["metric"].get("job", "") for series in server.query_range(_OURS, days)})


def _samples(server: Prometheus, selectors: Mapping[str, Sequence[str]], period: range) -> Iterator[str]:
    """Yield the samples of a period by metric name: of each step the last sample, at the end of the step."""
    for name, those in selectors.items():
        found = [
            series
            for selector in those
            for series in server.query_range(f"last_over_time({selector}[{period.step * 1000 - 1}ms])", period)
        ]
        if found:
            yield openmetrics.header(name, "gauge")
        for series in found:
            labels = {label: value for label, value in series["metric"].items() if label != "__name__"}
            line = openmetrics.labelled(name, labels)
            yield "".join(f"{line} {value} {int(moment)}\n" for moment, value in series["values"])
