"""The rules are up to date, load and pass their tests, and each alert has what a person needs at night."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest
import yaml

from alerts import generate
from exporter.bundle import rule_templates, thresholds
from exporter.bundle.thresholds import TemplateError
from exporter.config.yaml_loader import load_yaml
from exporter.metrics.catalog import FAMILIES
from exporter.prometheus.durations import parse_duration
from exporter.prometheus.rule_files import Rule, read_rules
from exporter.telemetry import Telemetry
from support.completeness import assert_complete

ALERTS: Final = Path(__file__).parents[2] / "alerts"
RULES: Final = sorted((ALERTS / "rules").glob("*.yml"))
TEST_FILES: Final = sorted((ALERTS / "tests").glob("*.yml"))
TESTS: Final = [test for path in TEST_FILES for test in load_yaml(path.read_text())["tests"]]
FOR_THE_FLEET: Final = {"IronPortExporterDown", "IronPortScrapeIntervalTooLong", "IronPortWatchdog"}
"""Alerts that are not about a pool or a unit."""
FOR_DASHBOARDS: Final = {"ironport-dashboards", "ironport-causes"}
"""The groups whose series only dashboards read."""

EVERY_RULE: Final = read_rules(str(ALERTS / "rules" / "*.yml"))
ALERTING: Final = [rule for rule in EVERY_RULE if rule.alert]
RECORDING: Final = [rule for rule in EVERY_RULE if rule.record]
ABOUT_A_PLACE: Final = [rule for rule in ALERTING if rule.alert not in FOR_THE_FLEET]


def _id(rule: Rule) -> str:
    return rule.record or f"{rule.alert.removeprefix('IronPort')}-{rule.labels['severity']}"


def _read(rule: Rule) -> set[str]:
    """Return the metrics and recorded series that the expression reads."""
    return {name for name in rule.names if "ironport_" in name}


each_alert: Final = pytest.mark.parametrize("rule", ALERTING, ids=_id)
each_record: Final = pytest.mark.parametrize("rule", RECORDING, ids=_id)


def _promtool(*arguments: str | Path) -> None:
    result = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def exported() -> set[str]:
    """Return every metric that the exporter gives, of appliances and its own."""
    own = {metric.name for metric in Telemetry().registry.collect()}
    return own | {family.name for family in FAMILIES}


def test_the_committed_rules_are_up_to_date() -> None:
    committed = {path.name: path.read_text() for path in RULES}
    stale = [name for name, text in generate.generated_rules().items() if committed.pop(name, None) != text]
    assert not stale, f"Run alerts/generate.py to write {stale}."
    assert not committed, f"Delete {sorted(committed)} from alerts/rules, or add their templates."


def test_a_threshold_that_no_rule_uses_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"thresholds\.yml has b, which no rule uses: remove it\."):
        rule_templates.refuse_unused({"a": 1, "b": 2}, ["expr: up < <<a>>"])


def test_an_unknown_fragment_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"^<<sky\(\.\.\.\)>> is not in fragments\.yml: add it there"):
        rule_templates.with_fragments("expr:\n  <<sky(up)>>")


def test_a_fragment_takes_arguments_and_indentation() -> None:
    filled = rule_templates.with_fragments("expr: |2\n      <<times_usual(now, then)>>\n    for: 1m\n")
    assert filled == (
        "expr: |2\n        now\n      /\n        clamp_min(last_over_time(then[15m]), <<usual_floor>>)\n    for: 1m\n"
    )


def test_every_fragment_is_used() -> None:
    templates = "".join(path.read_text() for path in (ALERTS / "templates").glob("*.yml"))
    fragments = yaml.safe_load((ALERTS / "fragments.yml").read_text())
    assert not [name for name in fragments if f"<<{name}(" not in templates]


@pytest.mark.parametrize(
    ("alert", "description", "dashboard"),
    [
        ("IronPortUnitSlow", "{{ $labels.instance }} in pool {{ $labels.pool }}", "unit?var-job={}&var-instance={}"),
        ("IronPortPoolSlow", "Pool {{ $labels.pool }}", "triage?var-job={}&var-pool={}"),
        ("IronPortBounceStorm", "Pool {{ $labels.pool }}", "delivery?var-job={}&var-pool={}"),
        ("IronPortJobSlow", "Job {{ $labels.job }}", "triage?var-job={}"),
        ("IronPortAllSlow", "Everything", "triage"),
    ],
)
def test_links_follow_from_the_place_of_an_alert(alert: str, description: str, dashboard: str) -> None:
    block = f"- name: ironport-mailflow\n  - alert: {alert}\n        {description} is slow.\n"
    runbook, link = rule_templates.with_links(block).splitlines()[-2:]
    assert runbook == f"      runbook_url: <<runbooks>>/{alert}.md"
    assert re.sub(r"\{\{ .*? \}\}", "{}", link) == f"      dashboard_url: <<grafana>>/d/ironport-{dashboard}"


def test_a_group_without_dashboards_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"no row for the group ironport-new: add one\."):
        rule_templates.with_links("- name: ironport-new\n  - alert: IronPortNew\n")


def test_an_unknown_threshold_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"^<<sky>> is not in thresholds\.yml: add it there"):
        thresholds.fill("expr: up < <<queue_floor>> + <<sky>>")


def test_the_generator_runs_as_a_script(tmp_path: Path) -> None:
    """The file has to be run from any folder, without an installation of the package."""
    for folder in (ALERTS, ALERTS.parent / "exporter"):
        shutil.copytree(folder, tmp_path / folder.name)
    (tmp_path / "alerts" / "rules" / "queue.yml").write_text("")
    subprocess.run([sys.executable, tmp_path / "alerts" / "generate.py"], check=True, cwd=tmp_path.parent)
    assert (tmp_path / "alerts" / "rules" / "queue.yml").read_text() == (ALERTS / "rules" / "queue.yml").read_text()


def test_every_threshold_is_set_once_below_a_comment() -> None:
    lines = (ALERTS / "thresholds.yml").read_text().splitlines()
    names = [line.partition(":")[0] for line in lines if line and not line.startswith("#")]
    assert len(set(names)) == len(names)
    blocks = "\n".join(lines).split("\n\n")
    bare = [block for block in blocks if ":" in block.splitlines()[-1] and not block.startswith("#")]
    assert not bare


def test_each_threshold_says_when_to_change_it() -> None:
    blocks = (ALERTS / "thresholds.yml").read_text().split("\n\n")
    advice = re.compile(r"\. (Raise|Lower|Set|Change|Keep|Do not)\b")
    numbers = [" ".join(block.splitlines()) for block in blocks if re.search(r"^\w+: [\d.]+$", block, re.MULTILINE)]
    names = [name for name, value in thresholds.read_thresholds().items() if not isinstance(value, str)]
    assert len(numbers) == len(names), "each threshold has a comment of its own"
    assert not [block for block in numbers if not advice.search(block.replace("# ", ""))]


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_prometheus_loads_the_file(path: Path) -> None:
    _promtool("check", "rules", path)


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.stem)
def test_the_rules_pass_their_tests(path: Path) -> None:
    _promtool("test", "rules", path)


def test_every_file_of_rules_has_tests() -> None:
    assert {path.name for path in RULES} <= {path.name for path in TEST_FILES}


def test_every_alert_has_both_kinds_of_tests() -> None:
    checks = [check for test in TESTS for check in test.get("alert_rule_test", ())]
    fired = {
        f"{check['alertname']} ({alert['exp_labels']['severity']})"
        for check in checks
        for alert in check.get("exp_alerts", ())
    }
    alerts = {f"{rule.alert} ({rule.labels['severity']})" for rule in ALERTING}
    assert_complete(fired, alerts, "a test in alerts/tests in which it fires")
    silent = {check["alertname"] for check in checks if not check.get("exp_alerts")}
    quiet = {rule.alert for rule in ALERTING} - {"IronPortWatchdog"}
    assert_complete(silent, quiet, "a test in alerts/tests in which it does not fire")


@each_alert
def test_an_alert_has_severity_texts_and_links(rule: Rule) -> None:
    alert, notes = rule.alert, rule.annotations
    assert re.fullmatch(r"IronPort([A-Z][a-z]+|NPlusOne)+", alert)
    assert rule.labels["severity"] in ("critical", "warning", "info")
    assert set(notes) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert re.fullmatch(r"[A-Z][^{}]*\.", notes["summary"])
    assert re.search(r"\.( \{\{- end \}\})?$", notes["description"])
    links = thresholds.read_thresholds()
    assert notes["runbook_url"] == f"{links['runbooks']}/{alert}.md"
    assert re.fullmatch(re.escape(str(links["grafana"])) + r"/d/ironport-[a-z]+(\?.*)?", notes["dashboard_url"])


@each_alert
def test_texts_round_their_figures(rule: Rule) -> None:
    """Otherwise, a person who was woken at night would read "112.5%" or "14.71k messages"."""
    description = rule.annotations["description"]
    assert not re.search(r"\$value \| humanize(Percentage)? ", description), 'Round first: printf "%.2g" or "%.2f".'


@each_alert
def test_labels_of_a_rule_hold_no_values(rule: Rule) -> None:
    assert not [value for value in rule.labels.values() if "{{" in value]


@pytest.mark.parametrize("rule", ABOUT_A_PLACE, ids=_id)
def test_an_alert_names_and_labels_its_place(rule: Rule) -> None:
    """Inhibition compares labels, and a label that both alerts lack counts as equal."""
    assert "{{ $labels.pool }}" in rule.annotations["description"]
    fired = _expected(rule)
    assert fired, "Add a test in alerts/tests in which it fires."
    by_unit = "$labels.instance" in rule.annotations["dashboard_url"]
    for labels in fired:
        assert {"job", "stream", "pool"} <= labels.keys()
        assert ("instance" in labels) == by_unit


def _expected(rule: Rule) -> Sequence[Mapping[str, str]]:
    """Return the labels with which the alert fires in the tests, without the tests of fleets without labels."""
    return [
        alert["exp_labels"]
        for test in TESTS
        if "without further labels" not in test["name"] and "without any further labels" not in test["name"]
        for check in test.get("alert_rule_test", ())
        for alert in check.get("exp_alerts", ())
        if check["alertname"] == rule.alert and rule.labels.items() <= alert["exp_labels"].items()
    ]


@pytest.mark.parametrize("rule", EVERY_RULE, ids=_id)
def test_a_rule_reads_only_known_series(rule: Rule, exported: set[str]) -> None:
    unknown = _read(rule) - exported - {record.record for record in RECORDING}
    assert not unknown, f"{unknown}: neither in exporter/metrics/catalog.py nor recorded by a rule"


def test_every_recorded_series_is_read() -> None:
    """The tests of the dashboards check the series that only dashboards read."""
    read = set().union(*(_read(rule) for rule in EVERY_RULE))
    assert {rule.record for rule in RECORDING if rule.group not in FOR_DASHBOARDS} <= read


@each_record
def test_recorded_series_are_named_by_convention(rule: Rule) -> None:
    assert re.fullmatch(r"(instance|site|pool|job):ironport_[a-z_]+:[a-z0-9_]+", rule.record)


@pytest.mark.parametrize("rule", EVERY_RULE, ids=_id)
def test_a_rule_names_no_job(rule: Rule) -> None:
    assert not re.search(r"\bjob\s*(=|!)", rule.expression)


def test_groups_are_evaluated_every_five_minutes_or_sooner() -> None:
    assert max(rule.interval for rule in EVERY_RULE) <= 300


@pytest.mark.parametrize("rule", [rule for rule in ALERTING if rule.labels["severity"] == "critical"], ids=_id)
def test_a_critical_alert_waits_five_minutes_at_most(rule: Rule) -> None:
    """A restart of Prometheus forgets a `for` of less than ten minutes: no critical alert may depend on a long one."""
    assert rule.for_seconds <= 300


@pytest.mark.parametrize("rule", EVERY_RULE, ids=_id)
def test_only_recorded_series_are_read_over_days(rule: Rule) -> None:
    """Otherwise every evaluation would read days of raw samples."""
    ranges = re.findall(r"([\w:]+)(?:\{[^}]*\})?\[(\w+)\]", rule.expression)
    assert not [name for name, range_ in ranges if ":" not in name and parse_duration(range_) > 6 * 3600]


def test_slow_series_are_read_through_a_window() -> None:
    """Otherwise they would depend on the lookback of the server, which is five minutes by default."""
    slow = {rule.record: rule.group for rule in RECORDING if rule.interval > 60}
    bare = re.compile(r"((?:instance|site|pool|job):\w+:\w+)(?:\{[^}]*\})?(?![\w{\[])")
    assert slow
    assert [
        (_id(rule), name)
        for rule in EVERY_RULE
        for name in bare.findall(rule.expression)
        if slow.get(name, rule.group) != rule.group
    ] == []
