from __future__ import annotations

import pytest

from dashboards.source import verdicts
from exporter.incidents.firings import AlertHistory, Firing
from exporter.incidents.incidents import INCIDENT_VERDICTS, find_incidents
from exporter.prometheus.durations import HOUR, MINUTE

MINUTES = range(60, 100_020, 60)
NOT_ABOUT_MAIL = {
    *("PoolNotScraped", "UnitNotScraped", "AuthenticationFailed", "XmlDown", "RestDown", "SnmpDown"),
    *("CapacityNotNPlusOne", "PoolInTrouble"),
}


def fired(
    alert: str, begin: int, end: int | None, *, severity: str = "warning", pending: int | None = None, **labels: str
) -> Firing:
    place = {"job": "ironport", "stream": "mail", "pool": "inbound", "severity": severity, **labels}
    return Firing(f"IronPort{alert}", place, begin, end, pending)


def history(*firings: Firing) -> AlertHistory:
    return AlertHistory(firings, frozenset(MINUTES), MINUTES)


def test_verdicts_are_in_the_order_of_the_dashboards() -> None:
    shown = [(each.level, tuple(name.removeprefix("IronPort") for name in each.alerts)) for each in verdicts.VERDICTS]
    about_mail = [row for row in shown if row[0] != "job" and not NOT_ABOUT_MAIL & set(row[1])]
    assert list(INCIDENT_VERDICTS) == about_mail


def test_the_verdict_on_the_pool_names_the_incident() -> None:
    (incident,) = find_incidents(
        history(
            fired("WorkQueueHigh", 600, 2400, instance="mx1"),
            fired("JabbererSuspected", 660, 2400, instance="mx2", pending=540),
            fired("DistributedAttackSuspected", 720, 4200, severity="critical", pending=480),
        )
    )
    assert incident.verdict.alert == "IronPortDistributedAttackSuspected"
    assert (incident.began, incident.seen, incident.notified) == (480, 600, 750)
    assert incident.units == ("mx2", "mx1")
    assert incident.severity == "critical"


def test_an_incident_ends_with_its_condition_not_with_the_alert() -> None:
    attack = fired("DistributedAttackSuspected", 720, 4200, severity="critical")
    (incident,) = find_incidents(history(attack))
    assert incident.ended == 4200 - 5 * 60


def test_an_incident_that_goes_on_has_no_end() -> None:
    (incident,) = find_incidents(history(fired("UnitSlow", 600, None, instance="mx1"), fired("PoolSlow", 900, 3000)))
    assert incident.ended is None
    assert incident.lasts_until(5000) == 5000


def test_pools_of_one_stream_are_one_incident() -> None:
    edge = fired("DistributedAttackSuspected", 600, 6000, severity="critical", pool="edge")
    core = fired("PoolOverloaded", 900, 6000, severity="critical", pool="core")
    (incident,) = find_incidents(history(edge, core))
    assert incident.pools == ("edge", "core")


@pytest.mark.parametrize(("dark", "incidents"), [(2, 2), (25, 1), (60, 1), (90, 2)])
def test_an_hour_without_samples_is_no_gap(dark: int, incidents: int) -> None:
    """The alert is back nine minutes after the first sample or, after two minutes without, after eleven."""
    end, again = 3000, 3000 + (dark + 9 + 2 * (dark < 5)) * MINUTE
    unscraped = frozenset(range(end + MINUTE, end + dark * MINUTE + 1, MINUTE))
    down = [fired("UnitUnreachable", *time, instance="mx1") for time in ((600, end), (again, again + HOUR))]
    every = frozenset(MINUTES)
    assert len(find_incidents(AlertHistory(tuple(down), every, MINUTES, {"ironport": every - unscraped}))) == incidents


def test_other_streams_and_later_alerts_are_other_incidents() -> None:
    first = fired("UnitUnreachable", 600, 3000, instance="mx1")
    later = fired("UnitUnreachable", 3000 + 10 * 60 + 60, 9000, instance="mx1")
    elsewhere = fired("UnitUnreachable", 600, 3000, instance="out1", stream="outbound", pool="outbound")
    assert [(each.stream, each.began) for each in find_incidents(history(first, later, elsewhere))] == [
        ("mail", 600),
        ("outbound", 600),
        ("mail", 3660),
    ]


def test_work_for_later_makes_no_incident_but_may_explain_one() -> None:
    raid = fired("RaidDegraded", 300, None, instance="mx1")
    assert not find_incidents(history(raid))
    (incident,) = find_incidents(history(raid, fired("UnitSlow", 600, 3000, instance="mx1")))
    assert incident.others == (raid,)


def test_only_warnings_call_nobody() -> None:
    (incident,) = find_incidents(history(fired("UnitSlow", 600, 3000, instance="mx1")))
    assert incident.notified is None
    assert incident.severity == "warning"
