"""Every alert has a runbook, and every query and command in the runbooks exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Final

import pytest
import yaml

from exporter.bundle.thresholds import read_thresholds
from exporter.metrics.catalog import FAMILIES
from exporter.prometheus.rule_files import read_rules
from exporter.telemetry import Telemetry
from support.command_line import parse_command_line
from support.completeness import assert_complete
from support.markdown import broken_links, code_lines, links
from support.prometheus import promtool

ALERTS = Path(__file__).parents[2] / "alerts"
INDEX = ALERTS / "README.md"
RUNBOOKS = sorted((ALERTS / "runbooks").glob("*.md"))
PAGES = [INDEX, *RUNBOOKS]

RULES = read_rules(str(ALERTS / "rules" / "*.yml"))
ALERTING = [rule for rule in RULES if rule.alert]
SEVERITIES: dict[str, set[str]] = {}
for rule in ALERTING:
    SEVERITIES.setdefault(rule.alert, set()).add(rule.labels["severity"])

ASYNCOS: Final = {
    "antispamupdate": "118303",
    "bounceconfig": "118410",
    "commit": "AsyncOS 8.5 for Email User Guide, 9-80",
    "deleterecipients": "known by name only, no article of the vendor was found",
    "dnsstatus": "known only by the status page of that name",
    "featurekey": "AsyncOS 12.5 for Security Management, Common Administrative Tasks",
    'grep "Delayed" mail_logs': "117853 for the command, AsyncOS 9.1 for Email User Guide, 38-11, for the log",
    'grep "LDAP" mail_logs': "117853 for the command",
    "hoststatus example.edu": "215929",
    "interfaceconfig": "AsyncOS 9.7 for Email User Guide, 25-56",
    "reboot": "AsyncOS for Email User Guide, System Administration",
    "resume": "118410",
    "resumelistener": "217864",
    "shutdown": "AsyncOS for Email User Guide, System Administration",
    "snmpconfig": "AsyncOS 9.1.2 for Email User Guide, 34-38",
    "status detail": "117834",
    "suspendlistener": "118410",
    "tail mail_logs": "118303 for the command, 118286 for the log",
    "tail updater_logs": "118303",
    "tarpit": "AsyncOS 9.1.2 for Email User Guide, 33-46",
    "tophosts active_rcpts": "215929",
    "topin": "AsyncOS 9.8 for Email User Guide, 35-19",
    "updatenow force": "docs.ces.cisco.com, validate-services-updates",
    "workqueue": "211573",
}
"""The commands of AsyncOS that the pages and the alerts use, each with its source.

A bare number is an article of the vendor's support documentation for the Email Security Appliance. None of the commands
was tried on a unit.
"""

WORDS: Final = {
    *("mx1", "inbound", "east", "example.edu"),  # placeholders of a unit, a pool, a site, a destination
    *("timeout", "refused", "unreachable", "resolve", "auth", "tls", "http_status"),  # reasons of ironport_source_error
    *("snmp", "xml", "rest", "priv"),  # sources, and a key of fleet.yml
    *("none", "memory_shortage", "queue_space_shortage", "queue_full"),  # of ironport_resource_conservation
    *("attempted", "no_ac", "faulty", "dns", "5xx"),  # other label values
    *("ironport", "maintenance", "global", "scrape_interval", "scrape_interval: 1m"),
    *("rated_messages_per_hour", "minimum_version", "scrape_timeout", "v3get", "<>"),
    *("http_sd_configs", "scheme: https"),
    *(
        "check",
        "ssh admin@mx1",
        "python alerts/generate.py",
        "python benchmarks/rules.py",
        "promtool check config",
        "amtool check-config",
        "systemctl reload prometheus",
        "--config.file",
    ),
    *("promql", "asyncos", "sh", "runbooks/NAME.md", "thresholds.yml", "alertmanager.yml", "<-"),
    *("templates/", "fragments.yml", "rules/", "tests/", "runbooks/"),
    *("ca_file", "fingerprint_sha256", "oldest_seconds"),
    *("site", "connection_limit", "keep_firing_for", "interval", "ironport-mailflow"),
    *("-replay.timeFrom", "-datasource.queryStep=0"),  # of vmalert
    "http://localhost:10125/",
    *("destinations", "internal"),  # of fleet.yml
    *(
        "--label team=mail",
        "--probes --config.file fleet.yml",
        "--runbooks.url",
        "--thresholds.file /etc/ironport-thresholds.yml",
        "/etc/ironport-thresholds.yml",
        "/etc/ironport/alerts/runbooks",
        "/etc/ironport/alerts/thresholds.yml",
        "bundle",
        "ironport-exporter backtest --prometheus.url http://localhost:9090 --rules '/etc/ironport/alerts/rules/*.yml'",
    ),  # of the command bundle
}
"""Other words that the pages put into backticks."""


def wrong(check: Callable[[Path], Collection[str]], pages: Iterable[Path] = PAGES) -> dict[str, Collection[str]]:
    """Return the findings of a check by page."""
    return {page.name: found for page in pages if (found := check(page))}


def test_alerts_and_runbooks_match() -> None:
    assert_complete(
        (f"{runbook.stem}.md" for runbook in RUNBOOKS), (f"{alert}.md" for alert in SEVERITIES), "alerts/runbooks"
    )


def test_every_runbook_has_its_four_parts() -> None:
    for runbook in RUNBOOKS:
        text = runbook.read_text()
        assert text.startswith(f"# {runbook.stem}\n")
        assert re.findall(r"^## (.*)", text, re.MULTILINE) == ["Meaning", "Impact", "Diagnosis", "Mitigation"], runbook


def test_every_runbook_has_the_severities_of_its_alert() -> None:
    for runbook in RUNBOOKS:
        stated = ", ".join(re.findall(r"^Severity: ([a-z, ]+)\.", runbook.read_text(), re.M))
        assert set(stated.split(", ")) == SEVERITIES[runbook.stem], f"State the severities in {runbook}."


def test_what_a_runbook_says_to_replace_is_in_it() -> None:
    texts = {file.stem: file.read_text() for file in RUNBOOKS}
    replaced = [
        (stem, name)
        for stem, text in texts.items()
        for line in re.findall(r"^Severity: .*Replace (.*)", text, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", line)
    ]
    assert len(replaced) > len(RUNBOOKS) / 2
    assert [(stem, name) for stem, name in replaced if texts[stem].count(name) < 2] == []


def test_the_index_leads_to_every_runbook() -> None:
    assert {f"runbooks/{runbook.name}" for runbook in RUNBOOKS} <= set(links(INDEX))


STATED: Final = [
    ("BounceStorm", "bounce_factor", "more than {:g} times as many"),
    ("CertificateExpiring", "certificate_seconds", "expires in less than {days:.0f} days"),
    ("ConnectionFlood", "connection_flood_ratio", "more than {:g} times as many"),
    ("ConnectionSlotsExhausted", "slots_ratio", "More than {:.0%} of the inbound connections"),
    ("ConnectionSlotsExhausted", "slow_session_seconds", "longer than {:g} seconds"),
    ("DeliveryBacklog", "delivery_recipients", "the limit is {:,.0f} recipients."),
    ("DeliveryStalled", "stalled_recipients", "More than {:,.0f} recipients wait"),
    ("DestinationStuck", "stuck_recipients", "or when no more than {:g} recipients wait"),
    ("DirectoryHarvestSuspected", "harvest_factor", "more than {:g} times as many"),
    ("DirectoryHarvestSuspected", "harvest_ratio", "more than {:.0%} of all recipients"),
    ("DistributedAttackSuspected", "attack_ratio", "more than {:g} times as much for 5 minutes"),
    ("FeatureKeyExpired", "key_expired_seconds", "within the last {days:.0f} days"),
    ("FeatureKeyExpiring", "key_seconds", "expires within {days:.0f} days"),
    ("FeatureKeyExpiring", "key_last_seconds", "when {days:.0f} days are left"),
    ("JabbererSuspected", "jabber_ratio", "more than {:g} times as much mail as its peers"),
    ("LogDiskFilling", "log_disk_ratio", "more than {:.0%} full."),
    (
        "LogDiskFilling",
        "log_disk_watch_ratio",
        "more than {:.0%} full and, at the rate of the last 3 hours, will be full within a day",
    ),
    ("MemoryNearConservation", "memory_ratio_newer", "it fires above {:.0%} on these"),
    ("MemoryNearConservation", "memory_ratio_older", "above {:.0%} on older ones."),
    ("OutboundAbuseSuspected", "abuse_bounce_ratio", "More than {:.0%} of its finished recipients"),
    ("OutboundAbuseSuspected", "abuse_peers_ratio", "more than {:g} times as much"),
    ("PoolSlow", "service_ratio", "less than {:.0%} of the mail that it is rated for"),
    ("QueueSpaceLow", "queue_space_ratio", "more than {:.0%} of the queue space of the unit"),
    ("SpareNotReady", "spare_key_seconds", "has expired or expires within {days:.0f} days"),
    ("TemperatureHigh", "temperature_ambient", "{:.0f} for the ambient air"),
    ("TemperatureHigh", "temperature_backplane", "{:.0f} for the backplane"),
    ("TemperatureHigh", "temperature_cpu", "fires above {:.0f} degrees C for a CPU"),
    ("TemperatureHigh", "temperature_riser", "{:.0f} for a riser card"),
    ("UnitSlow", "crawl_ratio", "for 3 minutes less than {:.0%}."),
    ("UnitSlow", "service_ratio", "For 6 minutes the unit has handled less than {:.0%} of the mail"),
    ("UpdateFailing", "update_failures", "at least {:.0f} times in 6 hours"),
    ("WorkQueueDelayHigh", "delay_seconds", "more than {minutes:.0f} minutes in the work queue of the unit"),
    ("WorkQueueDelayHigh", "delay_critical_seconds", "more than {minutes:.0f} minutes on every unit of the pool"),
    ("WorkQueueFillingUp", "filling_messages", "more than {:,.0f} messages in half an hour"),
    ("WorkQueueHigh", "queue_high_seconds", "rated to handle in {:.0f} seconds"),
    ("WorkQueueHigh", "queue_high_floor", "and more than {:,.0f}. If the rating"),
    ("WorkQueueHigh", "queue_high_messages", "the limit is {:,.0f} messages."),
    ("WorkQueueStalled", "stalled_ratio", "fewer than {:.0%} of the arrivals"),
]
"""Thresholds that the runbooks state, and the words around them."""


@pytest.mark.parametrize(("alert", "threshold", "words"), STATED)
def test_a_runbook_states_the_threshold_that_is_set(alert: str, threshold: str, words: str) -> None:
    value = float(read_thresholds()[threshold])
    expected = words.format(value, minutes=value / 60, days=value / 86400).replace("%", " %")
    assert expected in " ".join((ALERTS / "runbooks" / f"IronPort{alert}.md").read_text().split())


def test_a_mitigation_says_if_it_depends() -> None:
    subject = "The|An?|It|You|There|One|All|Most|Your|Somebody|No|Only"
    statement = re.compile(rf"^(?:\d+\.|-) (?=(?:{subject})\b)([^.]*): ", re.MULTILINE)
    assert wrong(lambda page: statement.findall(page.read_text().partition("## Mitigation")[2]), RUNBOOKS) == {}


def test_every_link_leads_somewhere() -> None:
    assert wrong(broken_links) == {}


def test_every_code_block_has_a_checked_language() -> None:
    checked = {"promql", "asyncos", "sh", "yaml"}
    assert wrong(lambda page: {*re.findall(r"^ *```(\w*)$", page.read_text(), re.MULTILINE)[::2]} - checked) == {}


KNOWN = {
    *(family.name for family in FAMILIES),
    *(rule.record for rule in RULES if rule.record),
    *(f"{metric.name}_total" if metric.type == "counter" else metric.name for metric in Telemetry().registry.collect()),
}


def test_every_metric_exists() -> None:
    assert wrong(lambda page: {*re.findall(r"(?:\w+:)?\bironport_\w+(?::\w+)?", page.read_text())} - KNOWN) == {}


TARGET_LABELS: Final = {"instance", "job", "site", "pool", "stream", "traffic", "role"}
"""What /sd gives every target."""


def test_every_label_in_a_query_exists() -> None:
    labels = {family.name: set(family.labels) for family in FAMILIES}
    labels |= {"ALERTS": {"alertname", "alertstate", "severity"}}
    for line in (line for page in PAGES for line in code_lines(page, "promql")):
        for name, picked in re.findall(r"([\w:]+)\{([^}]*)\}", line):
            used = set(re.findall(r"(\w+)(?:=~|!=|!~|=)", picked))
            assert used <= labels.get(name, set()) | TARGET_LABELS, line


def test_every_query_is_valid(tmp_path: Path) -> None:
    queries = [line for page in PAGES for line in code_lines(page, "promql")]
    file = tmp_path / "rules.yml"
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    checked = promtool("check", "rules", str(file))
    assert checked.returncode == 0, checked.stderr


COMMANDS: Final = {*ASYNCOS, *(command.split()[0] for command in ASYNCOS)}
"""The commands as sentences name them: with or without arguments."""


def test_every_command_of_the_appliance_is_known() -> None:
    assert wrong(lambda page: {*code_lines(page, "asyncos")} - ASYNCOS.keys()) == {}


def test_every_command_in_a_sentence_is_known() -> None:
    assert wrong(lambda page: {*re.findall(r"`([^`]+)`", prose(page))} - COMMANDS - WORDS - KNOWN) == {}


def test_every_command_in_an_alert_is_known() -> None:
    texts = [rule.annotations["description"] for rule in ALERTING]
    assert {command for text in texts for command in re.findall(r"`([^`]+)`", text)} <= COMMANDS


def test_every_known_command_is_used() -> None:
    used = {line for page in PAGES for line in code_lines(page, "asyncos")}
    named = {word for page in PAGES for word in re.findall(r"`([^`]+)`", prose(page))}
    assert ASYNCOS.keys() <= used | named


def prose(page: Path) -> str:
    return re.sub(r"^ *```.*?```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def test_every_command_of_the_exporter_exists() -> None:
    typed = [
        shlex.split(line) for page in PAGES for line in code_lines(page, "sh") if line.startswith("ironport-exporter")
    ]
    for _, *arguments in typed:
        parse_command_line(arguments)
    assert {arguments[0] for _, *arguments in typed} == {"bundle", "check", "probe", "sd"}


def test_every_other_command_is_of_a_known_program() -> None:
    programs = {"ironport-exporter", "cp", "curl", "promtool", "amtool", "vmalert"}
    assert wrong(lambda page: {line.split()[0] for line in code_lines(page, "sh")} - programs) == {}
