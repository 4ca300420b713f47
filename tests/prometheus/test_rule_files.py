from __future__ import annotations

import os
from pathlib import Path

import pytest

from exporter.errors import RequestError
from exporter.prometheus.rule_files import (
    Rule,
    depending_on,
    levels,
    lookbacks,
    project_rules,
    read_by_alerts,
    read_groups,
    read_rules,
)

RULES = """
groups:
  - name: pool
    interval: 5m
    rules:
      - record: pool:arrivals:rate5m
        expr: sum by (job, pool) (instance:arrivals:rate5m)
        labels: {made: for a test}
      - alert: Quiet
        expr: pool:arrivals:rate5m == 0
        for: 1m30s
        keep_firing_for: 1h
        labels: {severity: warning}
        annotations: {summary: No mail arrives.}
  - name: unit
    rules:
      - record: instance:arrivals:rate5m
        expr: rate(ironport_messages_injected_total[5m])
      - record: instance:busy:bool
        expr: instance:arrivals:rate5m > bool 1
      - record: pool:busy:share
        expr: |
          avg by (job, pool) (instance:busy:bool)
          + 0 * sum by (job, pool) (pool:arrivals:rate5m)
"""


@pytest.fixture
def rules(tmp_path: Path) -> list[Rule]:
    (tmp_path / "some.yml").write_text(RULES)
    (tmp_path / "some_test.yml").write_text("rule_files: [some.yml]\ntests: []\n")
    return read_rules(f"{tmp_path}/*.yml")


def test_a_rule_has_the_settings_of_its_group(rules: list[Rule]) -> None:
    recording, alerting, usual = rules[:3]
    assert (recording.record, recording.alert, recording.interval) == ("pool:arrivals:rate5m", "", 300)
    assert dict(recording.labels) == {"made": "for a test"}
    assert (alerting.alert, alerting.record) == ("Quiet", "")
    assert (alerting.for_seconds, alerting.keep_firing_for_seconds) == (90, 3600)
    assert dict(alerting.annotations) == {"summary": "No mail arrives."}
    assert (usual.group, usual.interval, usual.for_seconds, usual.keep_firing_for_seconds) == ("unit", 60, 0, 0)


def test_groups_can_be_read_as_plain_values(tmp_path: Path) -> None:
    (tmp_path / "some.yml").write_text(RULES)
    first, second = read_groups(f"{tmp_path}/*.yml")
    assert (first["name"], first["interval"]) == ("pool", "5m")
    assert second["rules"][0]["record"] == "instance:arrivals:rate5m"


def test_each_group_has_its_own_offset(rules: list[Rule]) -> None:
    offsets = {rule.group: rule.offset for rule in rules}
    assert 0 <= offsets["pool"] < 300
    assert 0 <= offsets["unit"] < 60
    assert len({(rule.group, rule.offset) for rule in rules}) == len(offsets)


def test_a_rule_comes_after_the_rules_it_reads(rules: list[Rule]) -> None:
    assert [[rule.record for rule in level] for level in levels(rules)] == [
        ["instance:arrivals:rate5m"],
        ["instance:busy:bool", "pool:arrivals:rate5m"],
        ["pool:busy:share"],
    ]


def test_rules_depend_on_what_others_record(rules: list[Rule]) -> None:
    found = depending_on(rules, "pool:arrivals:rate5m")
    assert {rule.record or rule.alert for rule in found} == {"pool:busy:share", "Quiet"}
    assert depending_on(rules, "nothing") == []


def test_alerts_need_only_what_they_read(rules: list[Rule]) -> None:
    needed = {"Quiet", "pool:arrivals:rate5m", "instance:arrivals:rate5m"}
    assert {rule.record or rule.alert for rule in read_by_alerts(rules)} == needed
    found = {rule.record for rule in read_by_alerts(read_rules(str(project_rules())))}
    assert "instance:ironport_messages_injected:rate3m" in found
    assert not {name for name in found if name.startswith("instance:ironport_suspect:")}


def test_demand_of_the_project_depends_on_alerts() -> None:
    found = {rule.record or rule.alert for rule in depending_on(read_rules(str(project_rules())), "ALERTS")}
    assert {"pool:ironport_messages_injected:rate1h_regular", "IronPortCapacityNotNPlusOne"} <= found
    assert "IronPortDistributedAttackSuspected" not in found


def test_a_series_matters_as_long_as_all_its_readers_look_back(rules: list[Rule]) -> None:
    found = lookbacks(rules)
    assert found["pool:arrivals:rate5m"] == 90 + 3600, "as long as the alert waits and goes on"
    assert found["instance:arrivals:rate5m"] == found["pool:arrivals:rate5m"]
    assert found["ironport_messages_injected_total"] == found["instance:arrivals:rate5m"] + 300


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("up", 0),
        ("max_over_time(up[5m]) > rate(sent_total[1h30m])", 5400),
        ("last_over_time(up[15m] offset 6d23h30m)", 604_800 - 1800 + 900),
        ("max_over_time(rate(sent_total[5m])[1w:1m])", 604_800),
        ('answers{code=~"[2-5]00"}', 0),
    ],
)
def test_a_rule_looks_back_by_its_windows_and_offsets(expression: str, seconds: float) -> None:
    assert Rule("a:x", expression, {}, 60).lookback == seconds


def test_rules_in_a_circle_are_refused() -> None:
    rules = [Rule("a:x", "b:x + 1", {}, 60), Rule("b:x", "a:x", {}, 60)]
    with pytest.raises(RequestError, match=r"^These rules read each other in a circle: a:x, b:x\.$"):
        levels(rules)


@pytest.mark.parametrize(
    "text",
    [
        "groups: 5",
        "- groups",
        "groups: [{name: x, rules: [{record: a}]}]",
        "groups: [{rules: [{record: a, expr: b}]}]",
        "groups: [{name: x, interval: soon, rules: []}]",
        "groups: [{name: x, rules: [{alert: a, expr: b, for: long}]}]",
        "groups: [{name: x}]",
        "a: [",
        "[" * 2000,
        "",
    ],
)
def test_another_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yml").write_text(text)
    with pytest.raises(RequestError, match=r"bad\.yml cannot be read as a rule file"):
        read_rules(str(tmp_path / "*.yml"))


def test_a_pipe_is_no_rule_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yml")
    with pytest.raises(RequestError, match=r"pipe\.yml cannot be read \(Not a regular file\)\. Name rule files\.$"):
        read_rules(str(tmp_path / "*.yml"))


def test_a_pattern_without_a_file_is_refused() -> None:
    with pytest.raises(RequestError, match=r"^No file matches nowhere/\*\.yml\. Name rule files"):
        read_rules("nowhere/*.yml")


def test_the_projects_rules_are_found_and_ordered() -> None:
    pattern = project_rules()
    assert pattern is not None
    rules = read_rules(pattern)
    assert {rule.alert for rule in rules} >= {"IronPortJabbererSuspected", "IronPortDistributedAttackSuspected"}
    assert sum(map(len, levels(rules))) == sum(bool(rule.record) for rule in rules)
