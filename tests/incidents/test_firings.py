"""What is read back of the series ALERTS, on a real Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.incidents.firings import AlertHistory, Firing, alert_history
from exporter.lab.history import blocks, openmetrics
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import HOUR, MINUTE

BEGIN = 1_760_000_400
END = BEGIN + 6 * HOUR
PLACE = {"job": "ironport", "stream": "mail", "pool": "inbound", "severity": "warning"}


def minutes(first: int, last: int, step: int = 1) -> set[int]:
    return set(range(BEGIN + first * MINUTE, BEGIN + last * MINUTE + 1, step * MINUTE))


DARK = minutes(121, 150)
SERIES = {
    ("IronPortWatchdog", "firing", ""): minutes(1, 360) - DARK,
    ("IronPortUnitSlow", "pending", "mx1"): minutes(10, 14),
    ("IronPortUnitSlow", "firing", "mx1"): minutes(15, 40) | minutes(60, 70),
    ("IronPortPoolSlow", "firing", ""): minutes(100, 170) - DARK,
    ("IronPortUpdateFailing", "firing", "mx2"): minutes(200, 360, step=5),
    ("IronPortFanFailed", "firing", "mx2"): minutes(220, 240),
    ("IronPortFanFailed", "firing", "mx1"): minutes(220, 240),
    ("SomebodyElses", "firing", "mx1"): minutes(10, 20),
}


def text() -> Iterator[str]:
    instants = range(BEGIN, END + 1, MINUTE)
    yield openmetrics.header("ALERTS", "gauge")
    for (alert, state, unit), present in SERIES.items():
        labels = {"alertname": alert, "alertstate": state, **PLACE, **({"instance": unit} if unit else {})}
        column: list[float | None] = [1.0 if instant in present else None for instant in instants]
        yield openmetrics.samples(openmetrics.labelled("ALERTS", labels), column, openmetrics.stamps(instants))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("alerts")
    blocks.write(text(), folder)
    with blocks.served(folder) as address:
        yield address


@pytest.fixture(scope="module")
def found(url: str) -> AlertHistory:
    return alert_history(Prometheus(url), BEGIN, END, 'job="ironport"')


def minutes_of(firings: Iterable[Firing], alert: str) -> list[tuple[int, int | None]]:
    return [
        ((each.begin - BEGIN) // MINUTE, None if each.end is None else (each.end - BEGIN) // MINUTE)
        for each in firings
        if each.alert == alert
    ]


def test_begin_end_and_pending_are_right_to_the_minute(found: AlertHistory) -> None:
    assert minutes_of(found.firings, "IronPortUnitSlow") == [(15, 41), (60, 71)]
    first = found.firings[0]
    assert first.pending == BEGIN + 10 * MINUTE
    assert first.labels == {**PLACE, "instance": "mx1"}


def test_a_blackout_of_the_rules_does_not_end_an_alert(found: AlertHistory) -> None:
    assert minutes_of(found.firings, "IronPortPoolSlow") == [(100, 171)]
    assert found.blackouts(BEGIN, END) == [(BEGIN + 120 * MINUTE, BEGIN + 150 * MINUTE)]
    assert found.coverage_since(BEGIN) == pytest.approx(330 / 360)
    assert found.coverage_since(BEGIN + 180 * MINUTE) == 1


def test_a_rule_of_five_minutes_fires_without_gaps(found: AlertHistory) -> None:
    assert minutes_of(found.firings, "IronPortUpdateFailing") == [(200, None)]


def test_alerts_of_others_are_left_out(found: AlertHistory) -> None:
    assert {each.alert for each in found.firings} == {
        "IronPortUnitSlow",
        "IronPortPoolSlow",
        "IronPortUpdateFailing",
        "IronPortFanFailed",
    }


class BackwardPrometheus(Prometheus):
    """Gives the series in the opposite order, as another server may."""

    def query_range(self, *arguments: Any) -> list[Any]:
        return [*reversed(super().query_range(*arguments))]


def test_alerts_that_began_together_are_in_the_same_order_from_every_server(url: str, found: AlertHistory) -> None:
    backward = alert_history(BackwardPrometheus(url), BEGIN, END, 'job="ironport"')
    assert backward.firings == found.firings
