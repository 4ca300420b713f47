"""The report, the management dashboard and the files of the report show the same figures of one month."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import pytest

from exporter.phrases import Phrases
from exporter.prometheus.client import Prometheus
from exporter.prometheus.selection import Selection
from exporter.report.collect import ReportFilter, collect
from exporter.report.csv_file import csv_text
from exporter.report.json_file import json_text
from exporter.report.model import MonthReport, PoolMonth
from exporter.report.page import write_page
from exporter.report.period import report_period
from exporter.report.summary import five_sentences
from support.grafana import Grafana, Panel, all_of, dashboards, panels
from support.october import BEGIN, END, moment
from support.zones import BERLIN

ONE_SAMPLE: Final = 3e-4
"""Prometheus 2 counts the sample at the left end of the time shown, of about 9,000: the report does not."""

JOB: Final = "ironport"


@pytest.fixture(scope="module")
def month(october_url: str) -> MonthReport:
    period = report_period("2026-10", END, BERLIN)
    return collect(Prometheus(october_url), period, ReportFilter(Selection((JOB,))))


class Dashboard:
    """The management dashboard, which shows October of one job."""

    def __init__(self, url: str, end: int = END) -> None:
        (self._json,) = (each for each in dashboards() if each["uid"] == "ironport-management")
        self._grafana = Grafana(url, end, END - BEGIN)
        self._values = all_of(self._json) | {"job": JOB}

    def panel(self, title: str) -> Panel:
        (found,) = (each for each in panels(self._json) if each.title == title)
        return found

    def value(self, title: str, number: int = 0) -> float:
        (series,) = self._grafana.series(self.panel(title).targets[number], self._values)
        return series[1][-1]

    def by_pool(self, title: str, number: int = 0) -> dict[str, float]:
        target = self.panel(title).targets[number]
        return {labels["pool"]: points[-1] for labels, points in self._grafana.series(target, self._values)}


@pytest.fixture
def dashboard(october_url: str) -> Dashboard:
    return Dashboard(october_url)


def _bounced_share(pool: PoolMonth) -> float:
    """Return the share of the completed recipients; the fleet of the test deletes one in a hundred."""
    delivered, bounced = pool.volume.delivered.value or 0, pool.volume.hard_bounced.value or 0
    return bounced / ((delivered + bounced) / 0.99)


def _figures(pool: PoolMonth) -> Mapping[int, float | None]:
    """Return what the report has for the columns of the dashboard's table of pools."""
    delays = pool.delays
    return {
        0: pool.volume.messages.value,
        1: pool.volume.delivered.value,
        2: _bounced_share(pool),
        3: pool.volume.rejected_share.value,
        4: pool.busiest_hour.messages if pool.busiest_hour else None,
        6: pool.availability.value,
        7: delays.over_60_seconds.value,
        8: delays.over_300_seconds.value,
        9: delays.over_900_seconds.value,
        10: delays.worst.value,
    }


@pytest.mark.parametrize("column", [0, 1, 2, 3, 4, 6, 7, 8, 9, 10])
def test_the_pools_are_those_of_the_dashboard(month: MonthReport, dashboard: Dashboard, column: int) -> None:
    shown = dashboard.by_pool("Pools", column)
    assert shown == {pool.name: pytest.approx(_figures(pool)[column], rel=ONE_SAMPLE) for pool in month.pools}


def test_the_busiest_hour_ends_when_the_dashboard_says(month: MonthReport, dashboard: Dashboard) -> None:
    """The dashboard names the last of equal hours, the report the first: the edge is as busy every day at noon."""
    until = dashboard.by_pool("Pools", 5)["edge"] / 1000
    (edge,) = (pool for pool in month.pools if pool.name == "edge")
    assert edge.busiest_hour
    assert datetime.fromtimestamp(until, BERLIN).strftime("%H:%M") == "13:00"  # after the clock change
    assert edge.busiest_hour.begin.hour + 1 == 14


def test_the_totals_are_those_of_the_dashboard(month: MonthReport, dashboard: Dashboard) -> None:
    for title, figure in (("Rejected", month.month.rejected_share), ("Longest wait", month.delays.worst)):
        assert dashboard.value(title) == pytest.approx(figure.value, rel=ONE_SAMPLE)
    late = (month.delays.over_60_seconds, month.delays.over_300_seconds, month.delays.over_900_seconds)
    assert [dashboard.value("Mail was late", each) for each in range(3)] == [pytest.approx(each.value) for each in late]


def test_the_dashboard_counts_a_chain_twice(month: MonthReport, dashboard: Dashboard) -> None:
    """In the sum over pools the dashboard says so; the report counts the core's mail once."""
    (core,) = (pool for pool in month.pools if pool.name == "core")
    both = (month.month.messages.value or 0) + (core.volume.messages.value or 0)
    assert dashboard.value("Messages") == pytest.approx(both, rel=ONE_SAMPLE)


def test_a_day_is_that_of_the_dashboard(month: MonthReport, october_url: str) -> None:
    """The bar of a day stands where the day begins. Prometheus 2 counts 289 samples of it instead of 288."""
    tenth = Dashboard(october_url, moment(10))
    (day,) = (day for day in month.days if day.begin.day == 10)
    pools = tenth.by_pool("Messages per day")
    assert day.messages.value == pytest.approx(pools["edge"] + pools["outbound"], rel=1 / 288)


# --- the files --------------------------------------------------------------------------------------------------------


def _rows(month: MonthReport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text(month))))


def _json(month: MonthReport) -> Any:
    return json.loads(json_text(month, five_sentences(month, Phrases("en"))))


def _row(rows: list[dict[str, str]], **wanted: str) -> dict[str, str]:
    (found,) = (row for row in rows if wanted.items() <= row.items())
    return found


def test_csv_and_json_hold_the_figures_of_the_report(month: MonthReport) -> None:
    rows, content = _rows(month), _json(month)
    volume = month.month
    figures = {"messages": volume.messages, "rejected": volume.rejected, "rejected_share": volume.rejected_share}
    for name, figure in figures.items():
        row = _row(rows, figure=name, pool="", unit="", begin="2026-10-01T00:00:00+02:00")
        assert float(row["value"]) == pytest.approx(figure.value)
        assert content["month"][name]["value"] == pytest.approx(figure.value)
        assert float(row["coverage"]) == content["month"][name]["coverage"] == 1
    for pool, written in zip(month.pools, content["pools"], strict=True):
        row = _row(rows, figure="messages", pool=pool.name, begin="2026-10-01T00:00:00+02:00")
        assert float(row["value"]) == pytest.approx(pool.volume.messages.value)
        assert written["volume"]["messages"]["value"] == pytest.approx(pool.volume.messages.value)


def test_the_page_holds_the_figures_of_the_report(month: MonthReport) -> None:
    phrases = Phrases("en")
    page = write_page(month, phrases)
    for figure in (month.month.messages, month.month.rejected, *(pool.volume.messages for pool in month.pools)):
        assert figure.value
        assert phrases.number(figure.value) in page


def test_what_nobody_measured_is_an_empty_cell(month: MonthReport) -> None:
    row = _row(_rows(month), figure="messages", pool="", begin="2025-10-01T00:00:00+02:00")
    assert (row["value"], row["coverage"]) == ("", "0.0000")
    assert _json(month)["year_before"]["messages"] == {"value": None, "coverage": 0}
