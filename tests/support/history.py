"""A history of a simulated fleet with everything that dashboards show: samples, recorded series and alerts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from exporter.lab.history import blocks, openmetrics, recording
from exporter.lab.history.alerts import SHORT_LOOKBACK, record_alerts
from exporter.lab.history.families import ALL_FAMILIES, families_of_rules
from exporter.lab.history.openmetrics import SampleColumn
from exporter.lab.history.sampling import JOB, Sampling, sample_text, without_collection
from exporter.lab.simulator.incident import Parameter
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.scenario_text import ScenarioRequest
from exporter.lab.simulator.scenarios import SCENARIOS
from exporter.lab.simulator.topology import Topology
from exporter.lab.simulator.traffic import good_mail, spam
from exporter.prometheus import rule_files
from exporter.prometheus.durations import DAY, HOUR, MINUTE, WEEK
from exporter.telemetry import Telemetry

_HISTORY: Final = 300
"""Seconds between the samples of the weeks before."""


_MEANS: Final = {
    "pool:ironport_messages_injected:rate1h": 1.0,
    "pool:ironport_messages_injected:rate1h_regular": 1.0,
    "pool:ironport_injection_connections:rate1h": 1.5,
    "pool:ironport_recipients_rejected:rate1h": 0.5,
    "pool:ironport_recipients_bounce_generated:rate1h": 0.02,
    "pool:ironport_delivery_queue_recipients:mean1h": 300.0,
}
"""The hourly means that are kept for weeks, per message a second. Delivery queues are as long as after newsletters."""


RULES: Final = rule_files.read_rules(str(rule_files.project_rules()))

OF_ALERTS: Final = families_of_rules(RULES) | {"ironport_sender_connections"}
"""What the rules read, and the texts of the alerts: half of the samples."""


EXPORTER: Final = {"job": f"{JOB}-exporter", "instance": "localhost:10125"}
"""The labels of the exporter's own metrics."""


def unscraped(unit: str, offset: int) -> ScenarioRequest:
    """Return the request that all scrapes of a unit fail from `offset` seconds on."""
    restart = SCENARIOS["exporter-restart"]
    of_one = (Parameter("unit", unit, "name", "the unit that gives no samples"), *restart.parameters)
    return ScenarioRequest(replace(restart, scope="unit", parameters=of_one), offset, {"duration": 2 * HOUR})


def write(
    fleets: Mapping[str, Topology],
    folder: Path,
    end: int,
    length: int,
    scenarios: Iterable[ScenarioRequest] = (),
    *,
    days: int = 8,
    families: frozenset[str] = ALL_FAMILIES,
) -> None:
    """Write the `length` seconds until `end` of fleets to the folder, each by the name of its job, and their alerts.

    The scenarios count from the beginning and happen to the first fleet. What is usual, and how busy it gets, comes
    from the `days` before, for which only the hourly means of pools are written. For the months before, only a few busy
    hours are. `families` are the names of those that have samples.
    """
    now = list(blocks.periods(end - length + MINUTE, end, MINUTE))
    models = {job: Model(topology, 1, end - length, MINUTE) for job, topology in fleets.items()}
    for scenario in scenarios:
        next(iter(models.values())).begin(scenario)
    for job, model in models.items():
        _write_samples(Sampling(fleets[job], 1, families, folder), model, now, job)
    _write_exporter(sum(len(fleet.appliances) for fleet in fleets.values()), folder, now)
    _write_weeks(fleets, folder, end - days * DAY, now[0][0] - 1)
    _write_months(fleets, folder, end)
    _write_what_rules_make(folder, now)


def _write_samples(samples: Sampling, model: Model, periods: Iterable[range], job: str) -> None:
    for period in periods:
        parts = sample_text(samples, model, period)
        with without_collection():
            blocks.write((part.replace(f'job="{JOB}"', f'job="{job}"') for part in parts), samples.out)


def _write_exporter(units: int, folder: Path, periods: Sequence[range]) -> None:
    telemetry = Telemetry()
    telemetry.appliances.set(units)
    telemetry.reload_successful.set(1)
    telemetry.reload_timestamp.set(periods[0][0])
    for period in periods:
        blocks.write(_exporter(telemetry, units, period), folder)


def _exporter(telemetry: Telemetry, units: int, period: range) -> Iterator[str]:
    """Yield what the exporter says of itself while it probes the units once a minute, and all sorts of things occur."""
    families: dict[tuple[str, str], dict[str, SampleColumn]] = {("up", "gauge"): {}}
    families["up", "gauge"][openmetrics.labelled("up", EXPORTER)] = [1.0] * len(period)
    for instant, _ in enumerate(period):
        _probe(telemetry, units)
        for metric in telemetry.registry.collect():
            series = families.setdefault((metric.name, metric.type), {})
            for sample in metric.samples:
                name = openmetrics.labelled(sample.name, {**sample.labels, **EXPORTER})
                series.setdefault(name, [None] * len(period))[instant] = sample.value
    stamps = openmetrics.stamps(period)
    for (name, kind), series in families.items():
        yield openmetrics.header(name, kind)
        for labelled, column in series.items():
            yield openmetrics.samples(labelled, column, stamps)


def _probe(telemetry: Telemetry, units: int) -> None:
    telemetry.probes.labels("complete").inc(units)
    telemetry.probe_duration.observe(0.2)
    telemetry.snmp_round_trip.observe(0.02)
    telemetry.snmp_resent.inc()
    telemetry.xml_requests.labels("200").inc(units)
    telemetry.unknown_values.labels("gauges/conn_in/current").inc()


def _write_weeks(fleets: Mapping[str, Topology], folder: Path, begin: int, end: int) -> None:
    for period in blocks.periods(begin, end, _HISTORY):
        blocks.write(_weeks(fleets, period), folder)


def _weeks(fleets: Mapping[str, Topology], period: range) -> Iterator[str]:
    """Yield the hourly means of pools, from the curve that the simulator's traffic follows."""
    curve = (good_mail(np.array(period)) + spam(np.array(period))) / 2
    stamps = openmetrics.stamps(period)
    for name, share in _MEANS.items():
        yield openmetrics.header(name, "gauge")
        for job, topology in fleets.items():
            for pool in topology.pools:
                labels = {"job": job, "pool": pool, "stream": topology.units(pool)[0].stream}
                mean: list[float | None] = (share * curve * _daily_messages(topology, pool) / DAY).tolist()
                yield openmetrics.samples(openmetrics.labelled(name, labels), mean, stamps)


def _daily_messages(topology: Topology, pool: str) -> float:
    """Return the messages of a day; those of a pool that another one feeds are taken to be as many as that one's."""
    settings = topology.pools[pool]
    return settings.daily_messages or topology.pools[settings.fed_by or pool].daily_messages or 0


def _write_months(fleets: Mapping[str, Topology], folder: Path, end: int) -> None:
    """Write what a busy hour was 4, 8 and 12 weeks before the end: less, so that there is a trend."""
    for weeks in (4, 8, 12):
        blocks.write(_busy_hours(fleets, end - weeks * WEEK + 12 * HOUR, 1 - weeks / 50), folder)


def _busy_hours(fleets: Mapping[str, Topology], time: int, share: float) -> Iterator[str]:
    name, stamps = "pool:ironport_messages_injected:rate1h_busy1w", openmetrics.stamps([time])
    yield openmetrics.header(name, "gauge")
    for job, topology in fleets.items():
        for pool in topology.pools:
            labels = {"job": job, "pool": pool, "stream": topology.units(pool)[0].stream}
            busy = share * 1.5 * _daily_messages(topology, pool) / DAY
            yield openmetrics.samples(openmetrics.labelled(name, labels), [busy], stamps)


def _write_what_rules_make(folder: Path, periods: Sequence[range]) -> None:
    """Write the recorded series and the alerts."""
    with ThreadPoolExecutor(2) as pool:
        recording.record(folder, rule_files.levels(RULES), periods, pool, _silent, lookback=SHORT_LOOKBACK)
    record_alerts(folder, RULES, periods)


def _silent(_what: str, _share: float) -> None:
    pass
