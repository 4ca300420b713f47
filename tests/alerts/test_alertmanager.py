"""alertmanager.yml in a real Alertmanager: an incident notifies the right people, once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from exporter.prometheus.durations import parse_duration
from exporter.prometheus.rule_files import read_rules
from support.alertmanager import Alertmanager, Inbox, Labels, amtool

ALERTS = Path(__file__).parents[2] / "alerts"
CONFIG = ALERTS / "alertmanager.yml"

RULES = [rule for rule in read_rules(str(ALERTS / "rules" / "*.yml")) if rule.alert]
FIRES = sorted({(rule.alert, rule.labels["severity"]) for rule in RULES})
"""Every alert of the rules with each of its severities."""

CHORES = {
    "CertificateExpiring",
    "FeatureKeyExpired",
    "FeatureKeyExpiring",
    "SpareNotReady",
    "UpdateFailing",
    "VersionMismatch",
    "VersionTooOld",
}
"""The warnings that can wait for days."""


def test_the_configuration_is_valid() -> None:
    checked = amtool("check-config", str(CONFIG))
    assert checked.returncode == 0, checked.stderr


def receiver(name: str, severity: str) -> str:
    if name == "IronPortWatchdog":
        return "deadman"
    if severity == "warning" and name.removeprefix("IronPort") in CHORES:
        return "tickets"
    return {"critical": "pager", "warning": "chat", "info": "nowhere"}[severity]


@pytest.mark.parametrize(("name", "severity"), FIRES)
def test_every_alert_goes_to_its_receiver(name: str, severity: str) -> None:
    labels = [f"alertname={name}", f"severity={severity}", "job=ironport", "stream=inbound", "pool=inbound"]
    routed = amtool("config", "routes", "test", f"--config.file={CONFIG}", *labels)
    assert (routed.returncode, routed.stdout.strip()) == (0, receiver(name, severity))


def routes(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the routes, each with the settings that it inherits."""
    yield tree
    for route in tree.get("routes", []):
        yield from routes({**tree, "routes": [], **route})


def matchers() -> list[str]:
    config = yaml.safe_load(CONFIG.read_text())
    sides = [side for rule in config["inhibit_rules"] for side in (rule["source_matchers"], rule["target_matchers"])]
    routed = [route["matchers"] for route in routes(config["route"]) if "matchers" in route]
    return [matcher for side in (*sides, *routed) for matcher in side]


def test_every_name_in_the_configuration_is_an_alert() -> None:
    patterns = [text.split('"')[1].removeprefix("IronPort").strip("()") for text in matchers() if "alertname" in text]
    named = {name for pattern in patterns for name in pattern.split("|")}
    known = {name.removeprefix("IronPort") for name, _ in FIRES}
    assert named
    assert {name for name in named if not any(re.fullmatch(name, each) for each in known)} == set()


def test_no_inhibition_reaches_another_job() -> None:
    assert all("job" in rule["equal"] for rule in yaml.safe_load(CONFIG.read_text())["inhibit_rules"])


NAME_NO_CAUSE: Final = {
    *("WorkQueueHigh", "WorkQueueDelayHigh", "WorkQueueFillingUp", "DrainRateFalling"),
    *("ResourceConservation", "UnitBackloggedCauseUnknown", "DeliveryBacklog"),
}
"""Alerts that say that mail waits, and not why."""


def matched(side: list[str]) -> set[str]:
    """Return the alerts that one side of an inhibition matches."""
    patterns = [text.split('"')[1].removeprefix("IronPort") for text in side if "alertname" in text]
    names = {name.removeprefix("IronPort") for name, _ in FIRES}
    return {name for name in names if all(re.fullmatch(pattern, name) for pattern in patterns)}


def test_an_alert_that_only_ends_hides_no_cause() -> None:
    """An alert fires for its keep_firing_for after its condition ended. What is new then must reach somebody."""
    ends_later = {rule.alert.removeprefix("IronPort") for rule in RULES if rule.keep_firing_for_seconds}
    for rule in yaml.safe_load(CONFIG.read_text())["inhibit_rules"]:
        sources, targets = matched(rule["source_matchers"]), matched(rule["target_matchers"])
        if "alertname" not in rule["equal"] and sources & ends_later:
            assert targets <= sources | NAME_NO_CAUSE, rule


def test_an_alert_ends_at_most_five_minutes_after_its_condition() -> None:
    assert {rule.keep_firing_for_seconds for rule in RULES} == {0, 300}


def durations(route: dict[str, Any]) -> dict[str, timedelta]:
    keys = ("group_wait", "group_interval", "repeat_interval")
    return {key: timedelta(seconds=parse_duration(route[key])) for key in keys}


def test_no_notification_of_the_watchdog_is_skipped() -> None:
    (route,) = [each for each in routes(yaml.safe_load(CONFIG.read_text())["route"]) if each["receiver"] == "deadman"]
    assert durations(route)["repeat_interval"] < durations(route)["group_interval"] <= timedelta(minutes=1)


def test_reminders_come_before_alertmanager_forgets() -> None:
    remembered = timedelta(hours=120)  # the default of --data.retention
    for route in routes(yaml.safe_load(CONFIG.read_text())["route"]):
        assert durations(route)["repeat_interval"] < remembered


def hastened(config: Any, inbox: Inbox) -> Any:
    """Return the configuration with short waits and with its webhooks at `inbox`."""
    waits = {"group_wait": "500ms", "group_interval": "1s"}
    root = config["route"]
    for route in (root, *root["routes"]):
        route |= {key: wait for key, wait in waits.items() if key in route}
        if route["receiver"] == "deadman":
            route["repeat_interval"] = "500ms"  # under group_interval, as in the template
    for each in config["receivers"]:
        for webhook in each.get("webhook_configs", []):
            webhook["url"] = f"http://{inbox.address}/{each['name']}"
    return config


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    box = Inbox()
    yield box
    box.stop()


@pytest.fixture
def alertmanager(inbox: Inbox, tmp_path: Path) -> Iterator[Alertmanager]:
    server = Alertmanager(tmp_path, hastened(yaml.safe_load(CONFIG.read_text()), inbox))
    yield server
    server.stop()


def alert(name: str, severity: str, pool: str = "inbound", **labels: str) -> Labels:
    """Return the labels of an alert of the rules; the default stream is the pool."""
    assert (f"IronPort{name}", severity) in FIRES, f"no rule gives IronPort{name} with severity {severity}"
    place = {"job": "ironport", "stream": pool, "pool": pool}
    return {"alertname": f"IronPort{name}", "severity": severity, **place, **labels}


def labels_of(notification: Any) -> list[Labels]:
    return [each["labels"] for each in notification["alerts"]]


UNITS = [f"mx{number}" for number in range(1, 10)]


def test_an_attack_on_nine_units_is_one_notification(alertmanager: Alertmanager, inbox: Inbox) -> None:
    """Only the verdict on the pool calls somebody; the chat gets only what the attack does not explain."""
    verdict = alert("DistributedAttackSuspected", "critical")
    trouble = alert("PoolInTrouble", "info")
    queues = [alert("WorkQueueHigh", "warning", instance=unit) for unit in UNITS]
    others = [
        alert("WorkQueueHigh", "critical"),
        alert("ResourceConservation", "warning", instance="mx3"),
        alert("JabbererSuspected", "warning", instance="mx1"),
        alert("WorkQueueDelayHigh", "warning", instance="mx1"),
    ]
    fan = alert("FanFailed", "warning", instance="mx5")
    alertmanager.fire(verdict, trouble, *queues, *others, fan)
    alertmanager.until_silent(*queues, *others)
    assert labels_of(inbox.next("pager")) == [verdict]
    assert labels_of(inbox.next("chat")) == [fan]
    assert alertmanager.groups("pager") == [[verdict]]
    assert alertmanager.groups("chat") == [[fan]]


@pytest.mark.parametrize("name", ["PoolOverloaded", "PoolSlow", "PoolBackloggedCauseUnknown"])
def test_every_verdict_on_a_pool_explains_its_queues(alertmanager: Alertmanager, name: str) -> None:
    verdict, trouble = alert(name, "critical"), alert("PoolInTrouble", "info")
    explained = [alert("WorkQueueHigh", "critical"), alert("UnitSlow", "warning", instance="mx1")]
    elsewhere = alert("UnitSlow", "warning", pool="outbound", instance="out1")
    alertmanager.fire(verdict, trouble, *explained, elsewhere)
    alertmanager.until_silent(*explained)
    assert alertmanager.groups("pager") == [[verdict]]
    assert alertmanager.groups("chat") == [[elsewhere]]


def test_a_slow_unit_after_a_repaired_pool_reaches_the_chat(alertmanager: Alertmanager, inbox: Inbox) -> None:
    """The verdict on the pool only ends. Its queues are short again, so it explains nothing on its units."""
    verdict, trouble = alert("PoolSlow", "critical"), alert("PoolInTrouble", "info")
    slow = alert("UnitSlow", "warning", instance="mx1")
    queue = alert("WorkQueueHigh", "warning", instance="mx1")
    alertmanager.fire(verdict, trouble, slow, queue)
    alertmanager.until_silent(slow, queue)
    alertmanager.end(trouble)
    assert labels_of(inbox.next("chat")) == [slow]
    assert alertmanager.groups("pager") == [[verdict]]


def test_queues_that_drain_after_a_verdict_are_silent(alertmanager: Alertmanager) -> None:
    trouble = alert("PoolInTrouble", "info")
    late = [alert("WorkQueueDelayHigh", "warning", instance=unit) for unit in UNITS]
    alertmanager.fire(trouble, *late, alert("WorkQueueDelayHigh", "critical"))
    alertmanager.until_silent(*late, alert("WorkQueueDelayHigh", "critical"))
    assert alertmanager.groups("pager") == alertmanager.groups("chat") == []


def test_without_a_verdict_the_pools_queue_notifies(alertmanager: Alertmanager) -> None:
    """A fleet without status pages has no arrivals and no verdicts."""
    pool = alert("WorkQueueHigh", "critical")
    units = [alert("WorkQueueHigh", "warning", instance=unit) for unit in UNITS]
    alertmanager.fire(pool, *units)
    alertmanager.until_silent(*units)
    assert alertmanager.groups("pager") == [[pool]]
    assert alertmanager.groups("chat") == []


def test_a_flood_through_two_pools_is_one_notification(alertmanager: Alertmanager, inbox: Inbox) -> None:
    edge = alert("DistributedAttackSuspected", "critical", pool="edge", stream="mail")
    alertmanager.fire(edge, alert("PoolInTrouble", "info", pool="edge", stream="mail"))
    assert labels_of(inbox.next("pager")) == [edge]
    core = [
        alert("DistributedAttackSuspected", "critical", pool="core", stream="mail"),
        alert("WorkQueueDelayHigh", "critical", pool="core", stream="mail"),
        alert("PoolInTrouble", "info", pool="core", stream="mail"),
        alert("UnitOverloaded", "warning", pool="core", stream="mail", instance="core1"),
    ]
    alertmanager.fire(*core)
    alertmanager.until_silent(*(each for each in core if each["severity"] != "info"))
    assert alertmanager.groups("pager") == [[edge]]
    assert alertmanager.groups("chat") == []


def test_a_later_pool_silences_no_other_pool(alertmanager: Alertmanager) -> None:
    core = alert("PoolSlow", "critical", pool="core", stream="mail")
    edge = alert("DistributedAttackSuspected", "critical", pool="edge", stream="mail")
    other = alert("PoolSlow", "critical", pool="core-outbound", stream="outbound")
    trouble = [alert("PoolInTrouble", "info", pool=pool, stream="mail") for pool in ("edge", "core")]
    alertmanager.fire(core, edge, other, *trouble)
    alertmanager.until_silent(core)
    assert alertmanager.groups("pager") == [[edge], [other]]


def test_a_jabberer_is_one_warning(alertmanager: Alertmanager, inbox: Inbox) -> None:
    jabberer = alert("JabbererSuspected", "warning", instance="mx4")
    names = ("WorkQueueHigh", "WorkQueueDelayHigh", "WorkQueueFillingUp", "DrainRateFalling")
    queue = [alert(name, "warning", instance="mx4") for name in names]
    peer = alert("DrainRateFalling", "warning", instance="mx5")
    alertmanager.fire(jabberer, *queue)
    alertmanager.until_silent(*queue)
    assert labels_of(inbox.next("chat")) == [jabberer]
    assert alertmanager.groups("pager") == []
    alertmanager.fire(peer)
    assert peer in alertmanager.groups("chat")[0], "the jabberer does not explain the queue of another unit"


def test_a_stalled_queue_is_one_warning(alertmanager: Alertmanager) -> None:
    """It also explains a backlog whose cause is unknown."""
    stalled = alert("WorkQueueStalled", "warning", instance="mx4")
    names = ("UnitBackloggedCauseUnknown", "WorkQueueHigh", "WorkQueueDelayHigh", "WorkQueueFillingUp")
    explained = [alert(name, "warning", instance="mx4") for name in names]
    alertmanager.fire(stalled, *explained)
    alertmanager.until_silent(*explained)
    assert alertmanager.groups("chat") == [[stalled]]


def test_a_unit_in_maintenance_notifies_nobody(alertmanager: Alertmanager) -> None:
    """Its peers and its pool still do, and so does a unit of the same name in another fleet."""
    planned = alert("UnitInMaintenance", "info", instance="mx2")
    names = ("UnitUnreachable", "SnmpDown", "JabbererSuspected", "UpdateFailing")
    own = [alert(name, "warning", instance="mx2") for name in names]
    others = [
        alert("UnitOverloaded", "warning", instance="mx3"),
        alert("FanFailed", "warning", instance="mx2", job="branch"),
    ]
    pool = alert("PoolUnreachable", "critical")
    alertmanager.fire(planned, *own, *others, pool)
    alertmanager.until_silent(*own)
    assert alertmanager.groups("pager") == [[pool]]
    assert alertmanager.groups("tickets") == []
    assert sorted(alertmanager.groups("chat"), key=str) == sorted(([each] for each in others), key=str)


def test_a_pool_in_maintenance_notifies_nobody(alertmanager: Alertmanager) -> None:
    """Its spare still does, and so do the later pools of the stream."""
    planned = alert("PoolInMaintenance", "info", pool="edge", stream="mail")
    own = [
        alert("PoolUnreachable", "critical", pool="edge", stream="mail"),
        alert("CapacityNotNPlusOne", "warning", pool="edge", stream="mail"),
    ]
    spare = alert("SpareNotReady", "warning", pool="edge", stream="mail", instance="spare1")
    later = alert("NoMailArriving", "critical", pool="core", stream="mail")
    alertmanager.fire(planned, *own, spare, later)
    alertmanager.until_silent(*own)
    assert alertmanager.groups("pager") == [[later]]
    assert alertmanager.groups("tickets") == [[spare]]
    assert alertmanager.groups("chat") == []


def test_an_unreachable_unit_is_one_warning(alertmanager: Alertmanager) -> None:
    unit = alert("UnitUnreachable", "warning", instance="mx2")
    sources = [
        alert("SnmpDown", "warning", instance="mx2"),
        alert("XmlDown", "warning", instance="mx2"),
        alert("RestDown", "warning", instance="mx2"),
        alert("AuthenticationFailed", "warning", instance="mx2"),
        alert("SnmpFlaky", "info", instance="mx2"),
    ]
    peer = alert("XmlDown", "warning", instance="mx3")
    alertmanager.fire(unit, *sources, peer)
    alertmanager.until_silent(*sources)
    assert sorted(each["alertname"] for each in alertmanager.groups("chat")[0]) == [
        "IronPortUnitUnreachable",
        "IronPortXmlDown",
    ]


def test_a_web_interface_that_is_down_is_one_warning(alertmanager: Alertmanager) -> None:
    page = alert("XmlDown", "warning", instance="mx2")
    rest = alert("RestDown", "warning", instance="mx2")
    alone = alert("RestDown", "warning", instance="mx3")
    alertmanager.fire(page, rest, alone)
    alertmanager.until_silent(rest)
    assert sorted((each["alertname"], each["instance"]) for group in alertmanager.groups("chat") for each in group) == [
        ("IronPortRestDown", "mx3"),
        ("IronPortXmlDown", "mx2"),
    ]


def test_an_unreachable_pool_is_one_notification(alertmanager: Alertmanager) -> None:
    """A silenced alert still silences others."""
    pool = alert("PoolUnreachable", "critical")
    units = [alert("UnitUnreachable", "warning", instance=unit) for unit in UNITS]
    sources = [alert("AuthenticationFailed", "warning", instance=unit) for unit in UNITS]
    elsewhere = alert("UnitUnreachable", "warning", pool="outbound", instance="out1")
    alertmanager.fire(pool, *units, *sources, elsewhere)
    alertmanager.until_silent(*units, *sources)
    assert alertmanager.groups("pager") == [[pool]]
    assert alertmanager.groups("chat") == [[elsewhere]]


def test_a_pool_without_scrapes_is_one_notification(alertmanager: Alertmanager) -> None:
    pool = alert("PoolNotScraped", "critical")
    units = [alert("UnitNotScraped", "warning", instance=unit) for unit in UNITS]
    alertmanager.fire(pool, *units)
    alertmanager.until_silent(*units)
    assert alertmanager.groups("pager") == [[pool]]


def test_a_pool_without_mail_is_one_notification(alertmanager: Alertmanager) -> None:
    pool = alert("PoolNotAcceptingMail", "critical")
    units = [alert("UnitNotOnline", "warning", instance=unit) for unit in UNITS]
    alertmanager.fire(pool, *units)
    alertmanager.until_silent(*units)
    assert alertmanager.groups("pager") == [[pool]]


def test_critical_silences_only_its_own_warning(alertmanager: Alertmanager) -> None:
    critical = alert("CapacityInsufficient", "critical")
    same = {**critical, "severity": "warning"}
    other_pool = {**same, "pool": "outbound", "stream": "outbound"}
    other_name = {**same, "alertname": "IronPortCapacityNotNPlusOne"}
    other_unit = {**same, "instance": "mx1"}
    alertmanager.fire(critical, same, other_pool, other_name, other_unit)
    alertmanager.until_silent(same)
    assert alertmanager.silent() == [same]


def test_incidents_at_two_sites_are_two_notifications(alertmanager: Alertmanager, inbox: Inbox) -> None:
    """Pools with different streams, and fleets with different jobs, are different incidents."""
    incidents = [
        alert("DistributedAttackSuspected", "critical", pool="east"),
        alert("DistributedAttackSuspected", "critical", pool="west"),
        alert("PoolSlow", "critical", pool="west", job="branch"),
    ]
    west = alert("UnitSlow", "warning", pool="west", instance="mx1", job="third")
    alertmanager.fire(*incidents, west)
    sent = [labels_of(inbox.next("pager")) for _ in incidents]
    assert all([each] in sent for each in incidents)
    assert alertmanager.silent() == []


def test_a_growing_incident_stays_one_notification(alertmanager: Alertmanager, inbox: Inbox) -> None:
    overloaded = alert("PoolOverloaded", "critical", pool="edge", stream="mail")
    alertmanager.fire(overloaded)
    notification = inbox.next("pager")
    short = alert("CapacityInsufficient", "critical", pool="core", stream="mail")
    alertmanager.fire(short)
    again = inbox.next("pager")
    assert (labels_of(notification), again["groupKey"]) == ([overloaded], notification["groupKey"])
    assert {each["alertname"] for each in labels_of(again)} == {
        "IronPortPoolOverloaded",
        "IronPortCapacityInsufficient",
    }


def test_a_dead_exporter_is_one_notification(alertmanager: Alertmanager, inbox: Inbox) -> None:
    """The exporter is a target of two jobs and belongs to no pool."""
    down = {"alertname": "IronPortExporterDown", "severity": "critical"}
    jobs = [{**down, "job": job} for job in ("ironport", "ironport-exporter")]
    alertmanager.fire(*jobs)
    assert labels_of(inbox.next("pager")) == jobs
    assert alertmanager.groups("pager") == [jobs]


def test_the_watchdog_notifies_while_it_fires(alertmanager: Alertmanager, inbox: Inbox) -> None:
    watchdog = next(rule for rule in RULES if rule.alert == "IronPortWatchdog")
    labels = {"alertname": "IronPortWatchdog", **watchdog.labels}
    alertmanager.fire(labels)
    for _ in range(3):
        assert labels_of(inbox.next("deadman")) == [labels]


def test_information_reaches_nobody(alertmanager: Alertmanager) -> None:
    reboot = alert("UnitRebooted", "info", instance="mx1")
    alertmanager.fire(reboot)
    assert alertmanager.groups("nowhere") == [[reboot]]
    assert [alertmanager.groups(each) for each in ("pager", "chat", "tickets", "deadman")] == [[], [], [], []]
