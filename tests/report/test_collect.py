"""A month is collected from a real Prometheus, also where data are missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache

import pytest

from exporter.errors import ExporterError, UsageError
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import DAY, HOUR
from exporter.prometheus.selection import Selection
from exporter.report.collect import ReportFilter, collect
from exporter.report.model import NOT_MEASURED, Figure, MonthReport, Outage, PoolMonth
from exporter.report.period import report_period
from support.october import BEGIN, END, FIRST_HALF, GAP, LATE, MX1_DOWN, REFUSED, SECOND_HALF, moment
from support.recorded import Spell
from support.zones import BERLIN

HOURS = 31 * 24 + 1
"""Of October in Berlin, where the clocks go back."""

Collect = Callable[..., MonthReport]


@pytest.fixture(scope="module")
def report(october_url: str) -> Collect:
    @cache
    def of(*jobs: str, month: str = "2026-10", now: int = END, **chosen: tuple[str, ...]) -> MonthReport:
        about = ReportFilter(Selection(jobs, **chosen))
        return collect(Prometheus(october_url), report_period(month, now, BERLIN), about)

    return of


class near:  # noqa: N801 - reads like a function
    """Equal to a figure with about this value and this coverage."""

    def __init__(self, value: float, coverage: float = 1.0) -> None:
        self.value, self.coverage = value, coverage

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Figure)
        close = other.value == pytest.approx(self.value) and other.coverage == pytest.approx(self.coverage, abs=1e-3)
        return bool(close)

    def __repr__(self) -> str:
        return f"near({self.value}, {self.coverage})"


def pool(month: MonthReport, name: str) -> PoolMonth:
    (found,) = (each for each in month.pools if each.name == name)
    return found


def in_berlin(spell: Spell) -> tuple[datetime, datetime]:
    begin, end = (datetime.fromtimestamp(time, BERLIN) for time in (spell.begin, spell.end))
    return begin, end


def test_mail_of_a_chain_counts_once(report: Collect) -> None:
    month = report("ironport")
    messages = {each.name: each.volume.messages.value or 0 for each in month.pools}
    assert messages["core"] == pytest.approx(0.8 * messages["edge"])
    assert month.month.messages == near(messages["edge"] + messages["outbound"])
    assert [each.name for each in month.pools if each.counts_in_total] == ["edge", "outbound"]
    assert pool(month, "core").stream == "inbound"


def test_recipients_of_a_chain_count_once_in_the_share(report: Collect) -> None:
    month = report("ironport")
    edge, outbound = pool(month, "edge").volume, pool(month, "outbound").volume
    assert (pool(month, "core").volume.rejected.value, outbound.rejected.value) == (0, 0)
    assert month.month.rejected_share.value == pytest.approx(edge.rejected_share.value)


def test_the_days_add_up_to_the_month(report: Collect) -> None:
    month = report("ironport")
    assert sum(day.messages.value or 0 for day in month.days) == pytest.approx(month.month.messages.value)
    assert sum(day.rejected.value or 0 for day in month.days) == pytest.approx(month.month.rejected.value)


def test_the_day_of_the_clock_change_has_25_hours(report: Collect) -> None:
    days = pool(report("ironport"), "outbound").days
    assert [day.messages for day in days] == [near(2 * HOUR * (25 if day.begin.day == 25 else 24)) for day in days]


def test_the_share_rejected_is_that_of_pools_that_reject(report: Collect) -> None:
    month = report("ironport")
    assert month.month.rejected_share == near(0.2)
    assert pool(month, "core").volume.rejected_share == near(0.0)


def test_outbound_mail_is_missing_in_the_month_before(report: Collect) -> None:
    month = report("ironport")
    inbound = pool(month, "edge").volume.messages.value or 0
    outbound = pool(month, "outbound").volume.messages.value or 0
    assert month.month_before.messages == near(9 * 30 * DAY, inbound / (inbound + outbound))
    assert pool(month, "outbound").month_before is None
    assert month.year_before.messages == NOT_MEASURED


def test_the_busiest_hour_lies_around_the_highest_rate(report: Collect) -> None:
    busiest = pool(report("ironport"), "edge").busiest_hour
    assert busiest
    assert busiest.messages == pytest.approx(15 * HOUR)
    assert busiest.begin == datetime(2026, 10, 1, 13, tzinfo=BERLIN)  # an hour until noon UTC


def test_availability_is_that_of_the_service_and_of_units(report: Collect) -> None:
    month = report("ironport")
    refused = 1 - 0.5 / HOURS
    assert pool(month, "edge").availability == near(refused)
    assert pool(month, "core").availability == near(1.0)
    assert month.availability == near(refused)
    units = {unit.name: unit for unit in month.units}
    assert units["mx2"].availability == near(refused)
    assert units["mx1"].availability == near(1 - (0.5 + 40 / 60) / HOURS)
    assert units["mx1"].outages == (Outage(*in_berlin(MX1_DOWN)), Outage(*in_berlin(REFUSED)))


def test_delays_are_in_minutes_with_the_worst(report: Collect) -> None:
    month = report("ironport")
    assert month.delays.over_60_seconds == near(60)
    assert month.delays.over_300_seconds == near(10)
    assert month.delays.over_900_seconds == near(10)
    assert month.delays.worst == near(1000)
    assert month.delays.worst_pool == "edge"
    assert month.delays.worst_at == datetime(2026, 10, 12, 10, 35, tzinfo=BERLIN)
    assert [day.begin.day for day in month.days if day.late.value] == [in_berlin(LATE)[0].day]


def test_incidents_have_units_and_the_longest_wait(report: Collect) -> None:
    month = report("ironport")
    (incident,) = month.incidents
    assert month.incidents_coverage == pytest.approx(1)
    assert (incident.verdict, incident.severity, incident.notified) == ("JabbererSuspected", "warning", None)
    assert (incident.job, incident.pool, incident.units) == ("ironport", "edge", ("mx1",))
    assert incident.begin == datetime(2026, 10, 12, 10, 1, tzinfo=BERLIN)
    assert incident.end == datetime(2026, 10, 12, 10, 56, tzinfo=BERLIN)
    assert incident.worst_wait == 1000


def test_incidents_of_other_sites_are_left_out(report: Collect) -> None:
    assert len(report("ironport", sites=("east",)).incidents) == 1
    assert report("ironport", sites=("west",)).incidents == ()


def test_refusing_is_counted_in_minutes(report: Collect) -> None:
    month = report("ironport")
    assert pool(month, "edge").trouble.refusing == near(30)
    assert pool(month, "core").trouble.refusing == near(0)


def test_a_week_without_samples_is_no_data(report: Collect) -> None:
    month = report("gap")
    hours = HOURS - (GAP.end - GAP.begin) // HOUR
    assert month.month.messages == near(10 * HOUR * hours, hours / HOURS)
    assert month.availability == near(1.0, hours / HOURS)
    assert [day.begin.day for day in month.days if day.messages == NOT_MEASURED] == [*range(5, 12)]
    (unit,) = month.units
    assert unit.unknown == (Outage(*in_berlin(GAP)),)
    assert month.changes == ()


def test_half_a_month_of_history_is_half_a_month(report: Collect) -> None:
    """Prometheus keeps 15 days by default."""
    month = report("half")
    hours = (END - SECOND_HALF.begin) // HOUR
    assert month.month.messages == near(10 * HOUR * hours, hours / HOURS)
    assert month.delays.over_60_seconds == near(0, hours / HOURS)
    assert month.changes == ()


def test_a_running_month_ends_now(report: Collect) -> None:
    month = report("ironport", now=moment(20, 12, 30))
    assert not month.scope.is_over
    assert month.scope.until == datetime(2026, 10, 20, 12, tzinfo=BERLIN)
    assert pool(month, "outbound").volume.messages == near(2 * HOUR * (19 * 24 + 12))


@pytest.mark.parametrize("job", ["renamed", "renamed-in-stream"])
def test_a_pool_with_a_new_name_leaves_no_gap(report: Collect, job: str) -> None:
    month = report(job)
    assert month.month.messages == near(10 * HOUR * HOURS)
    first = (FIRST_HALF.end - BEGIN) / HOUR
    assert pool(month, "old").volume.messages == near(10 * HOUR * first, first / HOURS)
    assert pool(month, "new").volume.messages.coverage == pytest.approx(1 - first / HOURS, abs=1e-3)
    assert [(each.kind, each.before, each.after) for each in month.changes] == [("pool_renamed", "old", "new")]


def test_a_pool_with_a_new_name_is_compared_with_the_old(report: Collect) -> None:
    assert report("renamed").month_before.messages == near(5 * 30 * DAY)


def test_changes_of_units_are_dated(report: Collect) -> None:
    changes = [(each.time, each.kind, each.unit, each.before, each.after) for each in report("units").changes]
    noon = datetime(2026, 10, 16, 12, tzinfo=BERLIN)
    assert changes == [
        (datetime(2026, 10, 8, 3, tzinfo=BERLIN), "release", "mx1", "15.0.0-104", "16.0.0-054"),
        (noon, "unit_added", "mx3", None, "inbound"),
        (noon, "unit_removed", "mx2", "inbound", None),
        (datetime(2026, 10, 21, 9, tzinfo=BERLIN), "role", "mx4", "spare", "production"),
    ]


def test_without_xml_there_is_availability_but_no_mail(report: Collect) -> None:
    month = report("snmp")
    assert month.month.messages == month.delays.worst == NOT_MEASURED
    assert month.busiest_hour is None
    assert month.availability == near(1.0)
    assert [each.name for each in month.pools] == ["inbound"]


def test_pools_of_two_jobs_stay_apart(report: Collect) -> None:
    month = report("gap", "half")
    assert [(each.job, each.name) for each in month.pools] == [("gap", "inbound"), ("half", "inbound")]
    amounts = [each.volume.messages.value or 0 for each in month.pools]
    assert month.month.messages.value == pytest.approx(sum(amounts))


def test_mail_of_a_site_is_that_of_its_units(report: Collect) -> None:
    month, of_all = report("ironport", sites=("east",)), report("ironport")
    edge = pool(of_all, "edge").volume.messages.value or 0
    assert pool(month, "edge").volume.messages.value == pytest.approx(0.6 * edge, rel=1e-3)
    assert {unit.name for unit in month.units} == {"core1", "mx1"}
    assert pool(month, "edge").availability == near(1 - (0.5 + 40 / 60) / HOURS)
    assert month.whole_pool == ("delays", "capacity")


def test_a_name_that_is_not_there_is_explained(report: Collect) -> None:
    with pytest.raises(UsageError) as caught:
        report("ironport", pools=("egde",))
    assert str(caught.value) == (
        "In 2026-10 there is no pool 'egde'. Did you mean edge? There were: core, edge, inbound, new, old, outbound."
    )


def test_names_that_never_meet_are_explained(report: Collect) -> None:
    with pytest.raises(UsageError, match="nothing is left of job 'ironport', pool 'core', site 'west'"):
        report("ironport", pools=("core",), sites=("west",))


def test_a_month_before_any_history_is_explained(report: Collect) -> None:
    with pytest.raises(ExporterError, match="no samples of ironport-exporter in 2025-10: name a month"):
        report(month="2025-10")
