"""A fleet is read from a real Prometheus: units, capacities, demand, shares and growth."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from datetime import UTC, date

import pytest

from exporter import cli
from exporter.capacity.history import read_fleet
from exporter.errors import ExporterError
from exporter.lab.history import blocks, openmetrics
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import HOUR, MINUTE, WEEK
from support import logs

pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool and prometheus are not installed")
restore = pytest.fixture(autouse=True)(logs.restored)

END = 1_793_620_800
"""Monday, 2 November 2026, 12:00 UTC."""
WEEKS = 6
GROWTH = 0.02

POOL = {"job": "ironport", "stream": "inbound", "pool": "inbound"}
TARGET = {**POOL, "traffic": "inbound"}
UNITS = {
    "mx1": {**TARGET, "instance": "mx1", "site": "east", "role": "production"},
    "mx2": {**TARGET, "instance": "mx2", "site": "west", "role": "production"},
    "mx3": {**TARGET, "instance": "mx3", "site": "west", "role": "production"},
    "spare1": {**TARGET, "instance": "spare1", "site": "west", "role": "spare"},
}
SHARES = {"mx1": 0.5, "mx2": 0.3, "mx3": 0.2}


def mail(hour: int) -> float:
    """Return the messages per second in an hour before the end: busy by day, and more each week."""
    by_day = 20 + 15 * math.sin(2 * math.pi * hour / 24)
    return by_day * math.exp(-math.log1p(GROWTH) * hour * HOUR / WEEK)


def history(gap: range) -> Iterator[str]:
    """Yield the recorded series of a fleet. The demand has a gap of some hours, which count back from the end."""
    instance = {
        "instance:ironport_in_service:bool": {"mx1": 1, "mx2": 1, "mx3": 1, "spare1": 0},
        "ironport_rated_messages_per_second": {"mx1": 30, "spare1": 30},
        "instance:ironport_learned_capacity_messages:rate14d": {"mx2": 25},
        "instance:ironport_learned_rated_messages:rate14d": {"mx1": 1, "mx2": 1, "mx3": 12},
    }
    for name, values in instance.items():
        yield openmetrics.header(name, "gauge")
        yield from (
            f"{openmetrics.labelled(name, UNITS[unit])} {value} {END - 5 * MINUTE}\n" for unit, value in values.items()
        )
    yield openmetrics.header("pool:ironport_messages_injected:rate1h", "gauge")
    series = openmetrics.labelled("pool:ironport_messages_injected:rate1h", POOL)
    hours = [hour for hour in range(WEEKS * WEEK // HOUR - 1, -1, -1) if hour not in gap]
    yield from (f"{series} {mail(hour)} {END - hour * HOUR}\n" for hour in hours)
    yield openmetrics.header("instance:ironport_messages_injected:rate3m", "gauge")
    for unit, share in SHARES.items():
        series = openmetrics.labelled("instance:ironport_messages_injected:rate3m", UNITS[unit])
        hours = list(range(WEEK // HOUR, -1, -1))
        yield from (f"{series} {share * mail(hour)} {END - hour * HOUR - 30 * MINUTE}\n" for hour in hours)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("history")
    blocks.write(history(gap=range(200, 230)), folder)
    with blocks.served(folder) as url:
        yield url


def test_units_have_the_best_capacity_that_is_known(url: str) -> None:
    (pool,) = read_fleet(Prometheus(url), END, WEEKS).pools
    assert {unit.name: (unit.messages_per_hour, unit.kind) for unit in pool.units} == {
        "mx1": (30 * HOUR, "rated"),
        "mx2": (25 * HOUR, "learned"),
        "mx3": (12 * HOUR, "lower_bound"),
        "spare1": (30 * HOUR, "rated"),
    }
    assert [unit.name for unit in pool.in_service] == ["mx1", "mx2", "mx3"]
    assert (pool.name, pool.stream, pool.traffic, pool.sites) == ("inbound", "inbound", "inbound", ["east", "west"])


def test_demand_is_the_95th_percentile_of_the_hours_of_the_week(url: str) -> None:
    fleet = read_fleet(Prometheus(url), END, WEEKS, zone=UTC)
    hours = sorted(HOUR * mail(hour) for hour in range(WEEK // HOUR))
    assert fleet.day == date(2026, 11, 2)
    assert fleet.pools[0].demand == pytest.approx(hours[158] + 0.65 * (hours[159] - hours[158]))


def test_shares_are_those_of_the_busy_hours(url: str) -> None:
    (pool,) = read_fleet(Prometheus(url), END, WEEKS).pools
    assert {unit.name: unit.share for unit in pool.in_service} == pytest.approx(SHARES)


def test_each_site_has_the_demand_of_its_units(url: str) -> None:
    (pool,) = read_fleet(Prometheus(url), END, WEEKS).pools
    assert pool.demand is not None
    assert pool.site_demand == pytest.approx({"east": 0.5 * pool.demand, "west": 0.5 * pool.demand}, rel=0.01)


def test_a_week_with_too_few_hours_is_left_out_of_growth(url: str) -> None:
    (pool,) = read_fleet(Prometheus(url), END, WEEKS, zone=UTC).pools
    assert [week.begin for week in pool.weekly] == [
        date(2026, 9, 21),
        date(2026, 9, 28),
        date(2026, 10, 5),
        date(2026, 10, 12),
        date(2026, 10, 26),
    ]
    assert pool.growth is not None
    assert pool.growth.best == pytest.approx(GROWTH, abs=0.001)
    assert pool.growth.low <= pool.growth.best <= pool.growth.high


def test_four_weeks_give_no_growth(url: str) -> None:
    (pool,) = read_fleet(Prometheus(url), END, 4).pools
    assert pool.growth is None


def test_another_job_has_no_units(url: str) -> None:
    with pytest.raises(ExporterError, match="has no recorded series of units"):
        read_fleet(Prometheus(url), END, WEEKS, jobs=("other",))


def test_the_command_reviews_the_fleet(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--prometheus.url", url, "--at", "2026-11-02T12:00:00Z", "--weeks", "6", "--demand", "inbound=90k/h")
    assert cli.main(["capacity", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "After --demand inbound=90000/h:"
    assert "inbound survives the loss of any one unit until about" in lines[1]
    assert "Only a lower bound is known for mx3: set rated_messages_per_hour to be sure." in lines


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--config.file", "fleet.yml"), "--config.file has no effect with --prometheus.url."),
        (("--at", "soon"), "'soon' is not a time"),
        (("--weeks", "0"), "'0' is not a number of weeks from 1 to 260."),
    ],
)
def test_wrong_usage_is_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], sentence: str
) -> None:
    assert cli.main(["capacity", "--prometheus.url", "http://localhost:1", *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_flags_of_a_server_need_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["capacity", "--demand", "inbound=1/h", "--weeks", "4"]) == 2
    assert "--weeks has no effect without --prometheus.url." in capsys.readouterr().err
