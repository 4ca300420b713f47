"""The past of a simulated fleet with everything in it that dashboards show: samples, recorded series and alerts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np

from exporter.backtest.alerting import Firing, firings
from exporter.simulator.backfill import EVERY, JOB, Samples, text
from exporter.simulator.model import Model
from exporter.simulator.timeline import parse
from exporter.simulator.topology import Topology
from exporter.simulator.traffic import good_mail, spam
from exporter.tsdb import blocks, openmetrics, recording, rule_files
from exporter.tsdb.rule_files import Rule

MINUTE: Final = 60
HOUR: Final = 3600
WEEK: Final = 7 * 24 * HOUR

_LOOKBACK: Final = 59
"""Seconds that a series outlives its last sample while rules are evaluated: not until the next, as in Prometheus."""

_HISTORY: Final = 300
"""Seconds between samples of the weeks before."""


_MEANS: Final = {
    "pool:ironport_messages_injected:rate1h": 1.0,
    "pool:ironport_injection_connections:rate1h": 1.5,
    "pool:ironport_recipients_rejected:rate1h": 0.5,
    "pool:ironport_recipients_bounce_generated:rate1h": 0.02,
    "pool:ironport_delivery_queue_recipients:mean1h": 20.0,
}
"""The hourly means that are kept for weeks, as multiples of the messages a second that go with them."""


def write(topology: Topology, folder: Path, end: int, length: int, scenarios: Iterable[str], *, days: int = 8) -> None:
    """Write the `length` seconds until `end` to the folder, scenarios counting from their beginning, and their alerts.

    What is usual comes from the same hours a week before, and how busy it gets from `days`, of which there are but the
    hourly means of pools.
    """
    rules = rule_files.read(str(rule_files.own()))
    samples = Samples(topology, 1, EVERY, folder)
    now, before = (_periods(instant - length, instant) for instant in (end, end - WEEK))
    model = Model(topology, 1, end - length, MINUTE)
    for scenario in scenarios:
        model.begin(parse(scenario))
    _write_samples(samples, Model(topology, 1, end - WEEK - length, MINUTE), before)
    _write_samples(samples, model, now)
    for first, last in ((end - days * 24 * HOUR, before[0][0]), (before[-1][-1], now[0][0])):
        _write_weeks(topology, folder, first, last - 1)
    with ThreadPoolExecutor(2) as pool:
        recording.record(folder, rule_files.levels(rules), before + now, pool, _silent, lookback=_LOOKBACK)
    _write_alerts(folder, rules, now)


def _periods(begin: int, end: int) -> list[range]:
    return list(blocks.periods(begin + MINUTE, end, MINUTE))


def _write_samples(samples: Samples, model: Model, periods: Iterable[range]) -> None:
    for period in periods:
        blocks.write(text(samples, model, period), samples.out)


def _write_weeks(topology: Topology, folder: Path, begin: int, end: int) -> None:
    for period in blocks.periods(begin, end, _HISTORY):
        blocks.write(_weeks(topology, period), folder)


def _weeks(topology: Topology, period: range) -> Iterator[str]:
    """Yield the hourly means of pools, from the curve that the simulator's traffic follows."""
    curve = (good_mail(np.array(period)) + spam(np.array(period))) / 2
    for name, share in _MEANS.items():
        yield openmetrics.header(name, "gauge")
        for pool, settings in topology.pools.items():
            labels = {"job": JOB, "pool": pool, "stream": topology.units(pool)[0].stream}
            mean: list[float | None] = (share * curve * (settings.daily_messages or 0) / 86400).tolist()
            yield openmetrics.samples(openmetrics.labelled(name, labels), mean, openmetrics.stamps(period))


def _write_alerts(folder: Path, rules: Sequence[Rule], periods: Sequence[range]) -> None:
    with blocks.served(folder, _LOOKBACK) as url:
        fired = firings(url, rules, periods)
    for period in periods:
        blocks.write(_alerts(fired, period), folder)


def _alerts(fired: Iterable[Firing], period: range) -> Iterator[str]:
    """Yield the series that Prometheus keeps of the alerts that fire."""
    stamps = openmetrics.stamps(period)
    named = [(firing, {"alertname": firing.alert, **firing.labels}) for firing in fired]
    yield openmetrics.header("ALERTS", "gauge")
    for firing, labels in named:
        series = openmetrics.labelled("ALERTS", {**labels, "alertstate": "firing"})
        yield openmetrics.samples(series, _column(firing, period, 1.0), stamps)
    yield openmetrics.header("ALERTS_FOR_STATE", "gauge")
    for firing, labels in named:
        series = openmetrics.labelled("ALERTS_FOR_STATE", labels)
        yield openmetrics.samples(series, _column(firing, period, float(firing.begin)), stamps)


def _column(firing: Firing, period: range, value: float) -> list[float | None]:
    end = firing.lasts_until(period.stop)
    return [value if firing.begin <= time < end else None for time in period]


def _silent(_what: str, _share: float) -> None:
    pass
