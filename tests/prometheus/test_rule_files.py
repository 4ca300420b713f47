from __future__ import annotations

from pathlib import Path

import pytest

from exporter.errors import RequestError
from exporter.prometheus.rule_files import Rule, levels, own, read

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
    return read(f"{tmp_path}/*.yml")


def test_a_rule_has_what_its_file_and_its_group_say(rules: list[Rule]) -> None:
    recording, alerting, usual = rules[:3]
    assert (recording.record, recording.alert, recording.interval) == ("pool:arrivals:rate5m", "", 300)
    assert dict(recording.labels) == {"made": "for a test"}
    assert (alerting.alert, alerting.record, alerting.hold, alerting.keep) == ("Quiet", "", 90, 3600)
    assert (usual.group, usual.interval, usual.hold, usual.keep) == ("unit", 60, 0, 0)


def test_a_group_has_an_offset_of_its_own_within_its_interval(rules: list[Rule]) -> None:
    offsets = {rule.group: rule.offset for rule in rules}
    assert 0 <= offsets["pool"] < 300
    assert 0 <= offsets["unit"] < 60
    assert len({(rule.group, rule.offset) for rule in rules}) == len(offsets)


def test_a_rule_comes_after_those_whose_series_it_reads(rules: list[Rule]) -> None:
    assert [[rule.record for rule in level] for level in levels(rules)] == [
        ["instance:arrivals:rate5m"],
        ["instance:busy:bool", "pool:arrivals:rate5m"],
        ["pool:busy:share"],
    ]


def test_rules_that_wait_for_each_other_are_refused() -> None:
    rules = [Rule("a:x", "b:x + 1", {}, 60), Rule("b:x", "a:x", {}, 60)]
    with pytest.raises(RequestError, match=r"^These rules wait for each other: a:x, b:x\.$"):
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
        "",
    ],
)
def test_a_file_without_rules_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yml").write_text(text)
    with pytest.raises(RequestError, match=r"bad\.yml cannot be read as a rule file"):
        read(str(tmp_path / "*.yml"))


def test_a_pattern_without_a_file_is_told() -> None:
    with pytest.raises(RequestError, match=r"^No file is called nowhere/\*\.yml: name rule files"):
        read("nowhere/*.yml")


def test_the_projects_own_rules_are_found_and_can_be_put_in_order() -> None:
    pattern = own()
    assert pattern is not None
    rules = read(pattern)
    assert {rule.alert for rule in rules} >= {"IronPortJabbererSuspected", "IronPortDistributedAttackSuspected"}
    assert sum(map(len, levels(rules))) == sum(bool(rule.record) for rule in rules)
