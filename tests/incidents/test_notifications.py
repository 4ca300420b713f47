from __future__ import annotations

import yaml

from exporter.incidents.firings import Firing
from exporter.incidents.notifications import ALONE, CALLING, GROUP_INTERVAL, GROUP_WAIT, GROUPED_BY, notifications
from exporter.project_files import project_folder
from exporter.prometheus.durations import parse_duration

END = 100_000


def critical(alert: str, begin: int, end: int | None, **labels: str) -> Firing:
    place = {"job": "mail", "stream": "in", "pool": "p", **labels}
    return Firing(alert, {"severity": "critical", **place}, begin, end)


def test_overlapping_alerts_of_a_stream_are_one_notification() -> None:
    fired = [critical("A", 0, 1000, pool="edge"), critical("B", 500, None, pool="core"), critical("A", 5000, 6000)]
    assert notifications(fired, END) == [(0, ("A", "B"))]


def test_another_stream_or_job_is_another_notification() -> None:
    fired = [critical("A", 0, 100), critical("A", 50, 100, stream="out"), critical("A", 60, 100, job="other")]
    assert [begin for begin, _ in notifications(fired, END)] == [0, 50, 60]


def test_an_alert_that_returns_early_is_no_new_notification() -> None:
    """Alertmanager looks at 30 s, 330 s, 630 s, ... after the first alert, and so on after the next notification."""
    first, back = critical("A", 0, 100), critical("A", 330, 400)
    again = critical("A", 631, None)
    assert [begin for begin, _ in notifications([first, back, again], END)] == [0, 631]
    assert [begin for begin, _ in notifications([first, critical("A", 331, None)], END)] == [0, 331]
    assert [begin for begin, _ in notifications([critical("A", 0, 630), again], END)] == [0, 631]
    assert [begin for begin, _ in notifications([critical("A", 0, 631), critical("A", 900, None)], END)] == [0]


def test_warnings_and_infos_call_nobody() -> None:
    assert not notifications(
        [Firing("A", {"severity": severity}, 0, None) for severity in ("warning", "info", "none")], END
    )


def test_exporter_down_is_one_notification_for_all_jobs() -> None:
    assert len(notifications([critical(ALONE, 0, 100), critical(ALONE, 50, 100, job="other", stream="")], END)) == 1


def test_notifications_are_grouped_as_in_alertmanager_yml() -> None:
    folder = project_folder("alerts")
    assert folder is not None
    root = yaml.safe_load((folder / "alertmanager.yml").read_text())["route"]
    (pager,) = (route for route in root["routes"] if route["receiver"] == "pager")
    assert pager["matchers"] == [f'severity="{CALLING}"']
    assert pager["group_by"] == list(GROUPED_BY)
    assert parse_duration(pager.get("group_interval", root["group_interval"])) == GROUP_INTERVAL
    assert parse_duration(pager["group_wait"]) == GROUP_WAIT
    (alone,) = pager["routes"]
    assert alone["matchers"] == [f'alertname="{ALONE}"']
    assert alone["group_by"] == ["alertname"]
