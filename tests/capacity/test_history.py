"""A fleet is read from a real Prometheus: units, capacities, demand, shares and growth."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from exporter import cli
from exporter.capacity.history import read_fleet
from exporter.capacity.model import Trouble
from exporter.errors import UsageError
from exporter.lab.history import blocks, openmetrics
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import DAY, HOUR, MINUTE, WEEK
from support import logs
from support.compatible import SERVERS, serving

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


ATTACK = {"alertname": "IronPortDistributedAttackSuspected", "alertstate": "firing", **POOL}
RECORDED_SINCE = END - 2 * WEEK - 3 * DAY
"""Before, the rules did not record regular hours yet."""


def mail(time: int) -> float:
    """Return the messages per second in the hour before a time: busy by day, and more each week."""
    by_day = 20 + 15 * math.sin(2 * math.pi * time / DAY)
    return by_day * math.exp(-math.log1p(GROWTH) * (END - time) / WEEK)


def is_attacked(time: int) -> bool:
    """Return whether there is an attack: on a day of the third week before the end, and of the last week."""
    return (END - time) // DAY in (2, 16)


def samples(
    name: str, labels: Mapping[str, str], course: Callable[[int], float | None], times: Sequence[int]
) -> Iterator[str]:
    series = openmetrics.labelled(name, labels)
    values = ((time, course(time)) for time in times)
    yield from (f"{series} {value} {time}\n" for time, value in values if value is not None)


def hours(series: Mapping[str, Mapping[str, str]], shares: Mapping[str, float], times: range) -> Iterator[str]:
    """Yield hourly means with attacks, a week of which has a gap, and those of regular hours."""
    gap = range(END - 2 * WEEK + DAY, END - 2 * WEEK + 3 * DAY)

    def course(share: float, *, regular: bool) -> Callable[[int], float | None]:
        def value(time: int) -> float | None:
            if time in gap or (regular and (is_attacked(time) or time < RECORDED_SINCE)):
                return None
            return share * mail(time) * (5 if is_attacked(time) else 1)

        return value

    for level, suffix in product(("pool", "site"), ("", "_regular")):
        yield openmetrics.header(f"{level}:ironport_messages_injected:rate1h{suffix}", "gauge")
        for place, labels in series.items():
            if ("site" in labels) == (level == "site"):
                name = f"{level}:ironport_messages_injected:rate1h{suffix}"
                yield from samples(name, labels, course(shares[place], regular=bool(suffix)), times)


def at_the_end() -> Iterator[str]:
    """Yield what is read of the end only."""
    instance = {
        "instance:ironport_in_service:bool": {"mx1": 1, "mx2": 1, "mx3": 1, "spare1": 0},
        "ironport_rated_messages_per_second": {"mx1": 30, "spare1": 30},
        "instance:ironport_learned_capacity_messages:rate14d": {"mx2": 25},
        "instance:ironport_learned_rated_messages:rate14d": {"mx1": 1, "mx2": 1, "mx3": 12},
    }
    for name, values in instance.items():
        yield openmetrics.header(name, "gauge")
        for unit, value in values.items():
            yield from samples(name, UNITS[unit], lambda _, value=value: value, range(END - 300, END, 300))  # type: ignore[misc]


def renamed() -> Iterator[str]:
    """Yield that mx1 and mx2 were in a pool of another name a month ago."""
    name = "instance:ironport_in_service:bool"
    yield openmetrics.header(name, "gauge")
    for unit in ("mx1", "mx2"):
        yield from samples(
            name, {**UNITS[unit], "pool": "old"}, lambda _: 1, range(END - 28 * DAY - 300, END - 28 * DAY, 300)
        )


def last_weeks() -> Iterator[str]:
    """Yield what is read of the last two weeks only."""
    name = "instance:ironport_messages_injected:rate3m"
    yield openmetrics.header(name, "gauge")
    for unit, share in SHARES.items():
        begin = END - (2 * DAY if unit == "mx3" else WEEK)
        yield from samples(name, UNITS[unit], lambda time, share=share: share * mail(time), range(begin, END, 300))  # type: ignore[misc]
    name = "instance:ironport_work_queue_exit_messages:rate10m_backlogged"
    yield openmetrics.header(name, "gauge")
    yield from samples(name, UNITS["mx2"], lambda _: 20, range(END - 9 * DAY, END - 9 * DAY + HOUR, 300))
    yield from samples(name, UNITS["mx2"], lambda _: 25, range(END - 6 * DAY, END - 6 * DAY + HOUR, 300))


def troubles() -> Iterator[str]:
    """Yield a morning of trouble, measured in half of the weeks."""
    times = range(END - WEEKS * WEEK // 2, END, 300)
    late = {"1 minute": 6, "5 minutes": 2, "15 minutes": 0}
    yield openmetrics.header("pool:ironport_work_queue_delay_seconds:ratio_over5m", "gauge")
    for over, count in late.items():
        bad = range(times[100], times[100] + 300 * count)
        name = "pool:ironport_work_queue_delay_seconds:ratio_over5m"
        yield from samples(name, {**POOL, "over": over}, lambda time, bad=bad: float(time in bad), times)  # type: ignore[misc]
    backups = (*range(times[50], times[53], 300), *range(times[70], times[71], 300))
    for name in ("work_queue_messages:ratio_backup5m", "not_accepting:ratio5m", "resource_conservation:ratio5m"):
        yield openmetrics.header(f"pool:ironport_{name}", "gauge")
        bad_times = backups if "backup" in name else ()
        yield from samples(f"pool:ironport_{name}", POOL, lambda time, bad=bad_times: float(time in bad), times)  # type: ignore[misc]
    yield openmetrics.header("ALERTS", "gauge")
    attacked = (*range(END - 17 * DAY, END - 16 * DAY, 60), *range(END - 3 * DAY, END - 2 * DAY, 60))
    yield from samples("ALERTS", ATTACK, lambda _: 1, attacked)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    places = {"pool": POOL, "east": {**POOL, "site": "east"}, "west": {**POOL, "site": "west"}}
    shares = {"pool": 1.0, "east": 0.5, "west": 0.5}
    times = range(END - WEEKS * WEEK, END + 1, 300)
    for period in blocks.periods(times[0], END, 300):
        blocks.write(hours(places, shares, period), folder)
    for text in (at_the_end(), renamed(), last_weeks(), troubles()):
        in_one_block = "".join(text)
        blocks.write([in_one_block], folder)
    return folder


@pytest.fixture(scope="module", params=SERVERS)
def url(request: pytest.FixtureRequest, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(request.param, data, tmp_path_factory.mktemp("server")) as url:
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


def test_a_learned_capacity_has_its_day(url: str) -> None:
    (pool,) = read_fleet(Prometheus(url), END, WEEKS, zone=UTC).pools
    assert [unit.learned_on for unit in pool.units] == [None, date(2026, 10, 27), None, None]


def test_demand_leaves_out_attacks(url: str) -> None:
    """That of the last week by its recorded regular hours, that of an older one by the alerts of then."""
    (pool,) = read_fleet(Prometheus(url), END, WEEKS, zone=UTC).pools
    assert [week.begin for week in pool.weekly] == [
        date(2026, 9, 21),
        date(2026, 9, 28),
        date(2026, 10, 5),
        date(2026, 10, 12),
        date(2026, 10, 26),
    ]
    now = pool.weekly[-1].messages_per_hour
    before = [now * (1 + GROWTH) ** -age for age in (5, 4, 3, 2, 0)]
    assert [week.messages_per_hour for week in pool.weekly] == pytest.approx(before, rel=0.01)
    assert [week.coverage for week in pool.weekly] == pytest.approx([1, 1, 1, 6 / 7, 6 / 7], abs=0.02)


def test_demand_is_that_of_a_busy_hour_now(url: str) -> None:
    fleet = read_fleet(Prometheus(url), END, WEEKS, zone=UTC)
    assert fleet.day == date(2026, 11, 2)
    pool = fleet.pools[0]
    assert pool.demand is not None
    assert pool.demand == pytest.approx(pool.weekly[-1].messages_per_hour, rel=0.01)
    assert 0.9 * 35 * HOUR < pool.demand < 35 * HOUR
    assert pool.growth is not None
    assert pool.growth.best == pytest.approx(GROWTH, abs=0.002)


def test_shares_are_those_of_the_busy_hours(url: str) -> None:
    """The mail of mx3 is known for a part of the week."""
    (pool,) = read_fleet(Prometheus(url), END, WEEKS).pools
    shares = {unit.name: unit.share for unit in pool.in_service}
    assert shares["mx3"] == pytest.approx(SHARES["mx3"], abs=0.01)
    assert SHARES["mx1"] <= (shares["mx1"] or 0) <= SHARES["mx1"] / 0.8


def test_each_site_has_the_demand_of_its_units(url: str) -> None:
    (pool,) = read_fleet(Prometheus(url), END, WEEKS).pools
    assert pool.demand is not None
    assert pool.site_demand == pytest.approx({"east": 0.5 * pool.demand, "west": 0.5 * pool.demand}, rel=0.01)


def test_trouble_has_minutes_and_coverage(url: str) -> None:
    (pool,) = read_fleet(Prometheus(url), END, WEEKS).pools
    assert pool.trouble is not None
    assert pool.trouble.coverage == pytest.approx(0.5, abs=0.01)
    assert replace(pool.trouble, coverage=0.5) == Trouble(30, 10, 0, 0, 0, 20, 2, 0.5)


def test_a_pool_that_had_another_name_is_known(url: str) -> None:
    (pool,) = read_fleet(Prometheus(url), END, WEEKS).pools
    assert pool.former == ("old",)


def test_four_weeks_give_no_growth(url: str) -> None:
    """The demand is then the highest one that is known."""
    (pool,) = read_fleet(Prometheus(url), END, 4).pools
    assert pool.growth is None
    assert pool.demand == max(week.messages_per_hour for week in pool.weekly)


def test_a_change_of_the_clock_does_not_move_weeks(url: str) -> None:
    """In Norfolk the day began at the end, and the clock had been changed four weeks before."""
    pool = read_fleet(Prometheus(url), END, WEEKS, zone=ZoneInfo("Pacific/Norfolk")).pools[0]
    last = date(2026, 11, 2)
    assert {(last - week.begin).days % 7 for week in pool.weekly} == {(last - pool.weekly[-1].begin).days % 7}


def test_a_unit_that_moved_counts_in_its_new_pool_only(tmp_path: Path) -> None:
    name = "instance:ironport_in_service:bool"
    moved = (("old", END - 15 * MINUTE, END - 5 * MINUTE), ("inbound", END - 5 * MINUTE, END))
    lines = [openmetrics.header(name, "gauge")]
    for pool, begin, end in moved:
        lines += samples(name, {**UNITS["mx1"], "pool": pool}, lambda _: 1, range(begin, end, MINUTE))
    blocks.write(lines, tmp_path)
    with blocks.served(tmp_path) as url:
        pools = read_fleet(Prometheus(url), END, WEEKS).pools
    assert [(pool.name, [unit.name for unit in pool.units]) for pool in pools] == [("inbound", ["mx1"])]


def test_an_unknown_job_is_named(url: str) -> None:
    with pytest.raises(UsageError, match=r"^There is no job 'other'\. There are: ironport\.$"):
        read_fleet(Prometheus(url), END, WEEKS, jobs=("other",))


def test_the_command_reviews_the_fleet(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--prometheus.url", url, "--at", "2026-11-02T12:00:00Z", "--weeks", "6", "--demand", "inbound=90k/h")
    assert cli.main(["capacity", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "After --demand inbound=90000/h:"
    assert "inbound survives the loss of any one unit until about" in lines[1]
    assert "Only a lower bound is known for mx3: no capacity is configured (rated_messages_per_hour)." in lines
    missing = "The demand of inbound is that of 5 of the last 6 weeks: of the others, too few hours are known."
    assert missing in lines
    assert "Units of inbound were in old before, which is gone: the mail of then does not count for inbound." in lines


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


@pytest.fixture(scope="module")
def plain_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give a server that knows a fleet read by SNMP alone: no arrivals, no ratings, no sites."""
    folder = tmp_path_factory.mktemp("plain")
    name = "instance:ironport_in_service:bool"
    series = (openmetrics.labelled(name, {**TARGET, "instance": unit}) for unit in ("mx1", "mx2"))
    blocks.write([openmetrics.header(name, "gauge"), *(f"{each} 1 {END - 300}\n" for each in series)], folder)
    with blocks.served(folder) as url:
        yield url


def test_without_status_pages_nothing_is_known(plain_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["capacity", "--prometheus.url", plain_url, "--at", "2026-11-02T12:00:00Z"]) == 0
    out = capsys.readouterr().out
    sentence = "The demand of inbound is not known: it needs a week of history from the status pages (XML)."
    assert out.splitlines()[0] == sentence
    (pool,) = read_fleet(Prometheus(plain_url), END, WEEKS).pools
    assert (pool.demand, pool.growth, pool.weekly, pool.trouble, dict(pool.site_demand)) == (None, None, (), None, {})
    assert {(unit.kind, unit.messages_per_hour, unit.share) for unit in pool.units} == {("unknown", None, None)}
