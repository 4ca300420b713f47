"""The same rules in VictoriaMetrics: over three hours, vmalert records and fires what Prometheus does."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import pytest
import yaml

from exporter.incidents.firings import ALWAYS
from exporter.lab.history import blocks, recording
from exporter.lab.history.alerts import firings
from exporter.lab.history.families import families_of_rules
from exporter.lab.history.sampling import Sampling, sample_text
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.topology import load_topology
from exporter.prometheus import rule_files
from exporter.prometheus.client import Prometheus
from exporter.prometheus.progress import silent
from support.processes import program
from support.victoria import Labels, VictoriaMetrics, Vmalert, check, replay

RULES: Final = Path(__file__).parents[2] / "alerts" / "rules"
PATTERN: Final = str(RULES / "*.yml")

RECORDED: Final = '{__name__=~"(instance|site|pool|job):.+"}'
LOOKBACK: Final = 59
"""Seconds that a sample counts: less than a minute, so that an old sample never stands for a new one."""

MINUTE, HOUR, WEEK = 60, 3600, 604800

BEGIN: Final = 1_767_690_000
"""Tuesday, 6 January 2026, 09:00 UTC; a time at which the rules of every group are evaluated."""

PERIOD: Final = range(BEGIN, BEGIN + 3 * HOUR, MINUTE)
SAMPLED: Final = range(PERIOD.start - 15, PERIOD.stop - 15, MINUTE)
"""Not at the times of the evaluations, because the two differ in whether a window includes its first instant."""

INCIDENTS: Final = ("jabberer@+70m,unit=mx4,duration=25m", "flood@+2h,pool=inbound")

USUAL: Final = 'pool:ironport_messages_injected:rate1h{job="ironport",pool="inbound",stream="inbound"}'
A_WEEK_AGO: Final = "".join(
    f"{USUAL} 70 {instant}\n" for instant in range(BEGIN - WEEK, PERIOD.stop - WEEK + HOUR, 300)
)
"""The usual mail that the flood is compared with."""

Definition = dict[str, Any]


@dataclass(frozen=True)
class Engine:
    """The results of the rules in one engine."""

    recorded: dict[Labels, dict[int, float]]
    """Values by time of each recorded series; the labels include the name."""
    fired: dict[tuple[str, Labels], int]
    """When each alert first fired, by name and labels."""


def taken() -> list[Definition]:
    """Return the groups of all rule files without keep_firing_for, which old versions of vmalert refuse."""
    return [
        {**group, "rules": [{key: rule[key] for key in rule if key != "keep_firing_for"} for rule in group["rules"]]}
        for group in rule_files.read_groups(PATTERN)
    ]


def some(names: Set[str], *, asking: bool = False, **changes: Any) -> Definition:
    """Return a rule file with the rules that record or alert under these names, and `changes` to their groups.

    Unless `asking`, alerts whose descriptions query other series have no annotations.
    """
    groups = [
        {**group, **changes, "rules": [_quiet(rule, asking) for rule in group["rules"] if _name(rule) in names]}
        for group in taken()
    ]
    return {"groups": [group for group in groups if group["rules"]]}


def _name(rule: Definition) -> str:
    return str(rule.get("record") or rule["alert"])


def _quiet(rule: Definition, asking: bool) -> Definition:
    asks = "| query" in rule.get("annotations", {}).get("description", "")
    return {**rule, "annotations": {}} if asks and not asking else rule


@pytest.fixture(scope="module")
def samples() -> str:
    """Return the samples of a simulated campus in the period, as OpenMetrics text."""
    model = Model(load_topology("campus"), 1, SAMPLED.start - MINUTE, MINUTE)
    for incident in INCIDENTS:
        model.begin(parse_scenario(incident))
    read = families_of_rules(rule_files.read_rules(PATTERN))
    return "".join(sample_text(Sampling(load_topology("campus"), 1, read, Path()), model, SAMPLED))


@pytest.fixture(scope="module")
def prometheus(samples: str, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return the results of Prometheus."""
    program("prometheus")
    folder, rules = tmp_path_factory.mktemp("prometheus"), rule_files.read_rules(PATTERN)
    blocks.write([samples], folder)
    blocks.write([A_WEEK_AGO], folder)
    with ThreadPoolExecutor() as pool:
        recording.record(folder, rule_files.levels(rules), [PERIOD], pool, silent, pace=1, lookback=LOOKBACK)
    with blocks.served(folder, LOOKBACK) as url:
        fired = firings(Prometheus(url), [replace(rule, keep_firing_for_seconds=0.0) for rule in rules], [PERIOD])
        recorded = Prometheus(url).query_range(RECORDED, PERIOD)
    return Engine(
        {
            frozenset(series["metric"].items()): {int(time): float(value) for time, value in series["values"]}
            for series in recorded
        },
        {(each.alert, frozenset(each.labels.items())): each.begin for each in reversed(fired)},
    )


@pytest.fixture(scope="module")
def victoria(samples: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Return the results of vmalert: it replays the recording rules level by level, then the alerts."""
    folder = tmp_path_factory.mktemp("victoria")
    server = VictoriaMetrics(folder)
    try:
        server.add(samples + A_WEEK_AGO)
        for level in rule_files.levels(rule_files.read_rules(PATTERN)):
            replay(server, some({rule.record for rule in level}), PERIOD, folder)
        replay(server, some({rule.alert for rule in rule_files.read_rules(PATTERN) if rule.alert}), PERIOD, folder)
        fired = server.samples('ALERTS{alertstate="firing"}', PERIOD)
        yield Engine(server.samples(RECORDED, PERIOD), {_alert(labels): min(times) for labels, times in fired.items()})
    finally:
        server.stop()


def _alert(labels: Labels) -> tuple[str, Labels]:
    added = {"__name__", "alertname", "alertstate", "alertgroup"}
    return dict(labels)["alertname"], frozenset(pair for pair in labels if pair[0] not in added)


def test_vmalert_loads_the_files(tmp_path: Path) -> None:
    """Version 1.79 of Debian 12 does not know keep_firing_for."""
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": taken()}))
    checked = check(str(tmp_path / "*.yml"))
    assert checked.returncode == 0, checked.stderr
    refused = re.findall(r"unknown fields in rule: (.*)", check(PATTERN).stderr)
    assert set(refused) <= {"keep_firing_for"}


def test_recorded_series_agree(prometheus: Engine, victoria: Engine) -> None:
    """The means over two hours agree; single values need not.

    A rate over 3 minutes covers 2 intervals, extrapolated, in Prometheus, and 3 intervals in VictoriaMetrics.
    """
    assert {dict(labels)["__name__"] for labels in prometheus.recorded} >= {
        "instance:ironport_work_queue_slow:bool",
        "pool:ironport_work_queue_exit_messages:ratio_rated_backlogged3m",
        "pool:ironport_messages_injected:rate1h_usual_high",
    }
    assert names(victoria) == names(prometheus)
    with_values = {labels for labels in prometheus.recorded if not has_figures_in_words(labels)}
    assert {labels for labels in victoria.recorded if not has_figures_in_words(labels)} == with_values
    compared = {labels: means(prometheus.recorded[labels], victoria.recorded[labels]) for labels in with_values}
    assert {
        (name, *figures) for labels, figures in compared.items() if not near(name := dict(labels)["__name__"], *figures)
    } == set()


def names(engine: Engine) -> set[tuple[str, str]]:
    """Return the names of the recorded series, with what causes are about."""
    return {(dict(labels)["__name__"], dict(labels).get("about", "")) for labels in engine.recorded}


def has_figures_in_words(labels: Labels) -> bool:
    """Return whether a label has figures, such as "2 of 6 units": as single values, they need not agree."""
    return re.fullmatch(r"pool:ironport_(cause|counted_units|more):info", dict(labels)["__name__"]) is not None


def means(values: dict[int, float], others: dict[int, float]) -> tuple[float, float, float, float]:
    """Return the means of both at the times that both have, the mean size of the first, and the share of its times.

    From an hour on, when there are samples for every window.
    """
    settled = {time: value for time, value in values.items() if time > PERIOD.start + HOUR}
    both = settled.keys() & others.keys()
    size = fmean(map(abs, settled.values()))
    return fmean(values[time] for time in both), fmean(others[time] for time in both), size, len(both) / len(settled)


def near(name: str, mean: float, other: float, size: float, share: float) -> bool:
    least = 1 if "_seconds:" in name else 0.01
    return share > 0.9 and abs(mean - other) <= 0.05 * size + least


def test_the_alerts_are_the_same_within_two_minutes(prometheus: Engine, victoria: Engine) -> None:
    assert {key for key in victoria.fired if key[0] != ALWAYS} == prometheus.fired.keys()
    assert {
        (alert, begin, victoria.fired[alert])
        for alert, begin in prometheus.fired.items()
        if abs(victoria.fired[alert] - begin) > 2 * MINUTE
    } == set()


def test_verdicts_name_the_right_place(victoria: Engine) -> None:
    verdicts = ("Jabberer", "Attack", "Overloaded", "Slow", "CauseUnknown")
    found = {
        (alert, dict(labels)["pool"], dict(labels).get("instance"))
        for alert, labels in victoria.fired
        if any(word in alert for word in verdicts)
    }
    assert found == {
        ("IronPortJabbererSuspected", "inbound", "mx4"),
        ("IronPortDistributedAttackSuspected", "inbound", None),
    }


NOW = """\
# TYPE ironport_resource_conservation gauge
ironport_resource_conservation_level{{{unit}}} 12 {now}
ironport_resource_conservation_refusing{{{unit}}} 0 {now}
ironport_resource_conservation{{{unit},reason="none"}} 0 {now}
ironport_resource_conservation{{{unit},reason="memory_shortage"}} 1 {now}
instance:ironport_resource_conservation:bool{{{unit}}} 1 {now}
pool:ironport_messages_injected:ratio_usual3m{{{pool}}} 2.5 {now}
pool:ironport_attack_arrivals:bool{{{pool}}} 1 {now}
pool:ironport_work_queue_exit_messages:ratio_rated_backlogged3m{{{pool}}} 0.97 {now}
pool:ironport_work_queue_troubled:bool{{{pool}}} 1 {now}
ironport_sender_connections{{{unit},sender="203.0.113.66",listener="Incoming"}} 120 {now}
pool:ironport_work_queue_backlogged:count{{{pool}}} 4 {now}
pool:ironport_units_reachable:count{{{pool}}} 6 {now}
ironport_memory_utilization_ratio{{{unit}}} 0.7123 {now}
ironport_tls_certificate_expiry_timestamp_seconds{{{unit},verified_by="ca"}} {expiry} {now}
"""


FILLED_IN: Final = {
    f"IronPort{each}"
    for each in (
        "ResourceConservation",
        "DistributedAttackSuspected",
        "MemoryNearConservation",
        "CertificateExpiring",
    )
}


def test_descriptions_are_filled_in(tmp_path: Path) -> None:
    """In live operation, because a replay cannot run the queries of descriptions."""
    pool = 'job="ironport",stream="inbound",pool="inbound"'
    with ExitStack() as started:
        server = VictoriaMetrics(tmp_path)
        started.callback(server.stop)
        unit, now = f'{pool},instance="mx1"', int(time.time())
        server.add(NOW.format(pool=pool, unit=unit, now=now, expiry=now + 241 * HOUR))
        rules = some(FILLED_IN, asking=True, interval="1s")
        for group in rules["groups"]:
            group["rules"] = [{**rule, "for": "0s"} for rule in group["rules"]]
        vmalert = Vmalert(server, rules, tmp_path)
        started.callback(vmalert.stop)
        found = vmalert.descriptions(len(FILLED_IN))
    assert found["IronPortResourceConservation"].startswith(
        "mx1 in pool inbound is in resource conservation, level 12 of 60, because of memory_shortage. Senders try"
    )
    assert "Pool inbound gets 2.5 times the mail" in found["IronPortDistributedAttackSuspected"]
    assert " Units with waiting mail: 4 of 6. " in found["IronPortDistributedAttackSuspected"]
    assert found["IronPortDistributedAttackSuspected"].endswith(" Heavy sender: 203.0.113.66 (120 connections).")
    assert "mx1 in pool inbound used 71% of its memory" in found["IronPortMemoryNearConservation"]
    assert "mx1 in pool inbound expires in 10 days." in found["IronPortCertificateExpiring"]
