"""What `ironport-exporter backtest --prometheus` does: what the rules would have said of your own fleet's past.

Samples are copied from the Prometheus by its HTTP API, which is only read, into a database of our own for as long as
the command runs; rules are evaluated on that. So neither has the Prometheus to know the rules, nor do they load it.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Final

from exporter.errors import ExporterError, UsageError
from exporter.lab.backtest.alerting import Firing, replay
from exporter.lab.backtest.files import rules_of, write_json
from exporter.lab.backtest.notifications import notifications
from exporter.lab.backtest.past_report import pages_table, past_json, past_table, summary_table
from exporter.lab.history import blocks, openmetrics, progress
from exporter.lab.history.workers import workers
from exporter.prometheus import client, durations
from exporter.prometheus.durations import DAY, HOUR
from exporter.prometheus.rule_files import Rule

HISTORY: Final = 15 * DAY
"""Seconds before the past in question that rules read: what was usual two weeks ago, and a little more."""

LEAD: Final = HOUR
"""Seconds before that past, besides those that alerts wait or are kept, in which all is evaluated as in it."""

_OURS: Final = 'group by (job) (last_over_time({__name__=~"ironport_probe_success|ironport_exporter_build_info"}[1d]))'
"""The jobs of the exporter: those that scrape appliances, and its own."""


def replay_past(url: str, *, begin: str, end: str, step: int, rules: str | None, json_file: Path | None) -> int:
    """Print what the alerts would have done in the past that the Prometheus at `url` knows.

    `step` is in seconds, `rules` a pattern of files. Raises UsageError, ExporterError.
    """
    past = _range(begin, end, step)
    read = rules_of(rules)
    for name in ("promtool", "prometheus"):
        blocks.program(name)
    with tempfile.TemporaryDirectory(prefix="ironport-backtest-") as folder:
        found = _found(url, read, past, Path(folder))
    print(_told(found, past.start, past.stop))  # noqa: T201 - what the command is for
    write_json(json_file, past_json(found, past.stop))
    return 0


def _told(found: Sequence[Firing], begin: int, end: int) -> str:
    """Return the tables of what fired, and the sum of it in a sentence."""
    paged = [page for page in notifications(found, end) if page.begin >= begin]
    said = (
        f"In {durations.format_duration(end - begin)} alerts would have fired {len(found)} times"
        f" and paged {len(paged)} times;"
        f" {sum(firing.begin < begin for firing in found)} fired already when it began."
    )
    tables = [summary_table(found, end), past_table(found, end)] if found else []
    return "\n\n".join([*tables, *([pages_table(paged)] if paged else []), said])


def _range(begin: str, end: str, step: int) -> range:
    """Return the past in question in Unix time, from its first to its last instant; both are multiples of the step."""
    now = time.time()
    first, last = (int(_moment(text, now) // step * step) for text in (begin, end))
    if first >= last:
        raise UsageError("The past has to begin before it ends: give --from and --to, such as --from 7d --to 0s.")
    return range(first, last, step)


def _moment(text: str, now: float) -> float:
    """Return the Unix time that is so long ago, or that stands there as in RFC 3339."""
    try:
        return now - durations.parse_duration(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no time: write how long ago (7d), or 2026-03-11T10:00:00Z.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _found(url: str, rules: Sequence[Rule], past: range, folder: Path) -> list[Firing]:
    begin, end, step = past.start, past.stop, past.step
    longest = max((rule.for_seconds + rule.keep_firing_for_seconds for rule in rules), default=0)
    lead = int(LEAD + longest) // step * step
    before = list(blocks.periods(begin - HISTORY, begin - lead - step, step))
    tested = list(blocks.periods(begin - lead, end, step))
    copied = _copy(url, rules, [*before, *tested], folder)
    before, tested = ([period for period in periods if period in copied] for periods in (before, tested))
    with workers() as pool:
        found = replay(folder, rules, tested, pool, progress.show, history=before)
    return [firing for firing in found if firing.end is None or firing.end > begin]


def _copy(url: str, rules: Sequence[Rule], periods: Sequence[range], folder: Path) -> list[range]:
    """Copy what the rules read, one query after the other, and return the periods of which there is anything."""
    selectors = {name: [name] for name in _names(url, rules)}
    if "up" in selectors:
        selectors["up"] = [f"up{{job={json.dumps(job)}}}" for job in _jobs(url, periods)]
    copied = []
    for done, period in enumerate(periods, 1):
        samples = _samples(url, selectors, period)
        if (first := next(samples, None)) is not None:
            blocks.write(chain([first], samples), folder)
            copied.append(period)
        progress.show("samples", done / len(periods))
    return copied


def _names(url: str, rules: Sequence[Rule]) -> list[str]:
    """Return the names of the metrics that the Prometheus has and the rules read, and do not record themselves."""
    recorded = {rule.record for rule in rules}
    read = {name for rule in rules for name in rule.names}
    known = set(client.metric_names(url))
    if "ironport_probe_success" not in known:
        place = client.without_password(url)
        raise ExporterError(f"The Prometheus at {place} has no metrics of ironport-exporter: is it the right one?")
    return sorted((read - recorded) & known)


def _jobs(url: str, periods: Sequence[range]) -> list[str]:
    """Return the exporter's jobs of all the periods: `up` of any other is none of our business."""
    days = range(periods[0].start, periods[-1].stop + DAY, DAY)
    return sorted({series["metric"].get("job", "") for series in client.query_range(url, _OURS, days)})


def _samples(url: str, selectors: Mapping[str, Sequence[str]], period: range) -> Iterator[str]:
    """Yield the samples of a period by metric name, those of a step as one at its end."""
    for name, those in selectors.items():
        found = [
            series
            for selector in those
            for series in client.query_range(url, f"last_over_time({selector}[{period.step}s])", period)
        ]
        if found:
            yield openmetrics.header(name, "gauge")
        for series in found:
            labels = {label: value for label, value in series["metric"].items() if label != "__name__"}
            line = openmetrics.labelled(name, labels)
            yield "".join(f"{line} {value} {int(moment)}\n" for moment, value in series["values"])
