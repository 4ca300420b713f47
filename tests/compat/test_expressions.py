"""Expressions that give the same on every server, written as the project writes them.

Servers differ in whether a window includes its left end, in how long a series lasts after its last sample, in how they
extrapolate a rate, and in which functions keep the name of a metric.
"""

from __future__ import annotations

import pytest

from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import HOUR, MINUTE
from support.compatible import BEGIN, GAP, MINUTES, gauge

END = BEGIN + 3 * HOUR
IN_AN_HOUR = [gauge(time) for time in range(END - HOUR + MINUTE, END + MINUTE, MINUTE) if time not in GAP]
"""The values of the gauge in the hour before the end."""

EXPRESSIONS = {
    "count_over_time(ironport_gauge[59m59s999ms])": len(IN_AN_HOUR),
    "sum_over_time(ironport_gauge[59m59s999ms])": sum(IN_AN_HOUR),
    "max_over_time(ironport_gauge[59m59s999ms])": 6,
    "count_over_time(pool:ironport_recorded:rate5m[59m59s999ms])": 12,
    "avg_over_time(pool:ironport_recorded:rate5m[59m59s999ms]) * 3600": 1800,
    "avg_over_time(rate(ironport_counter_total[5m])[59m59s999ms:5m])": 0.5,
    "sum_over_time((ironport_gauge >= bool 3)[29m59s999ms:1m])": sum(
        gauge(time) >= 3 for time in range(END - 29 * MINUTE, END + MINUTE, MINUTE)
    ),
    "quantile_over_time(0.5, ironport_gauge[59m59s999ms])": sorted(IN_AN_HOUR)[len(IN_AN_HOUR) // 2],
    "sum(ironport_nothing) or vector(0)": 0,
    "absent(ironport_nothing)": 1,
    "ironport_gauge / (ironport_gauge > 100) or vector(-1)": -1,
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_server_gives_the_same(expression: str, url: str) -> None:
    (series,) = Prometheus(url).query(expression, END)
    assert float(series["value"][1]) == pytest.approx(EXPRESSIONS[expression])


def test_windows_of_an_hour_tile_time(url: str) -> None:
    hours = range(BEGIN + 2 * HOUR, MINUTES[-1], HOUR)
    (series,) = Prometheus(url).query_range("count_over_time(ironport_gauge[59m59s999ms])", hours)
    assert [int(value) for _, value in series["values"]] == [59, 51, *[60] * (len(hours) - 2)], "10 are missing"
