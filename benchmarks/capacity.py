"""Growth and demand against the simulator: how often ranges of dates hold the truth, and how much odd weeks matter.

    python benchmarks/capacity.py [--seeds 10] [--weeks 13] [--full-way]

For each seed, the campus fleet is simulated with no growth, 0.6 % and 3 % a week. The hourly means of the inbound pool
go straight into the blocks of a Prometheus, which answers the command's own queries with the rules' own expressions.
N+1 is set so that demand passes it in some months. This prints

- for each growth, in how many seeds the range of dates holds the truth;
- how far demand moves with an attack week that the alerts report, with one that they do not, and with a holiday week,
  for several places of the week in the history, the last one too.

The truth is the growth as given, and the demand that the weeks of all seeds have on average: the simulator's mail is
random, and one week alone shows its demand only roughly. The curve is what the simulator's mail is without anything
random; its busy hours have a little less mail, and pass N+1 later. With --full-way it also makes a week of samples,
evaluates all rules, and compares the demand.

Simulating 13 weeks takes 40 s a history. With ten seeds that is about 20 minutes on two cores.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Final

import numpy as np
from numpy.typing import NDArray

from exporter.capacity.demand import weekly_demand
from exporter.capacity.growth import DateRange
from exporter.capacity.history import read_fleet
from exporter.capacity.model import PoolCapacity, until_lost
from exporter.lab.history import backfill, blocks, openmetrics
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.state import Count
from exporter.lab.simulator.topology import Topology, load_topology
from exporter.lab.simulator.traffic import good_mail, spam
from exporter.prometheus import rule_files
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import DAY, HOUR, MINUTE, WEEK
from exporter.prometheus.selection import Selection

START: Final = int(datetime(2026, 3, 2, tzinfo=UTC).timestamp())
"""A Monday."""

STEP: Final = 5 * MINUTE
"""Seconds between two hourly means."""

GROWTHS: Final = {"none": 0.0, "slow": 0.006, "fast": 0.03}
"""Growth a week."""

ROOM: Final = {"none": 1.15, "slow": 1.15, "fast": 1.3}
"""N+1 as a multiple of the true demand at the end of the history."""

ATTACKS: Final = ((9, 120), (38, 180), (82, 240), (107, 60))
"""The hours of the week in which attacks begin, and their minutes."""

REPORTED_AFTER: Final = 5 * MINUTE
REPORTED_FOR: Final = 30 * MINUTE
"""When the alert begins after the attack, and how long it goes on."""

ODD_WEEKS: Final = {
    "attack": [f"flood@+{hour + 1}h,pool=inbound,duration={minutes}m" for hour, minutes in ATTACKS],
    "holiday": ["holiday@+1h"],
}
"""What happens in odd weeks, from an hour before they begin."""

ALLOWED: Final = {"reported attack": 0.03, "attack": 0.03, "holiday": 0.05}
"""How far an odd week may move the demand, as a share of it."""

POOL: Final = "inbound"
Sent = NDArray[np.int64]
"""Messages that a pool has had, from an hour before the beginning, every five minutes."""


@dataclass(frozen=True, slots=True)
class History:
    """What a Prometheus knows of one pool; `job` tells histories apart."""

    job: str
    sent: Sent
    attacked_week: int | None = None
    """The week whose attacks the alerts report."""


def fleet_that_grows(weekly: float, scale: float = 1.0) -> Topology:
    """Return the campus fleet with this growth a week."""
    topology, yearly = load_topology("campus"), (1 + weekly) ** (365 * DAY / WEEK) - 1
    pools = {
        name: pool.model_copy(
            update={"growth_per_year": yearly, "daily_messages": (pool.daily_messages or 0.0) * scale}
        )
        for name, pool in topology.pools.items()
    }
    return topology.model_copy(update={"pools": pools})


def simulate(weekly: float, seed: int, first: int, weeks: int, scenarios: Sequence[str] = ()) -> Sent:
    """Simulate some weeks of a history from the week `first` on."""
    begin = START + first * WEEK - HOUR
    topology = fleet_that_grows(weekly, (1 + weekly) ** first)
    model = Model(topology, seed, begin)
    for text in scenarios:
        model.begin(parse_scenario(text))
    units = [number for number, unit in enumerate(topology.appliances) if unit.pool == POOL]
    sent = []
    for time in range(begin, begin + HOUR + weeks * WEEK + 1, STEP):
        model.advance(time)
        sent.append(model.state.counts[Count.INJ_MSGS][units].sum())
    return np.array(sent)


def with_week(sent: Sent, week: int, odd: Sent) -> Sent:
    """Return the history with another week in place of one of its weeks."""
    each = np.diff(sent)
    begin = (HOUR + week * WEEK) // STEP
    each[begin : begin + WEEK // STEP] = np.diff(odd)[HOUR // STEP :]
    return np.concatenate(([sent[0]], sent[0] + np.cumsum(each)))


def hourly_means(sent: Sent) -> list[float]:
    an_hour = HOUR // STEP
    means: list[float] = ((sent[an_hour:] - sent[:-an_hour]) / HOUR).tolist()
    return means


# --- a Prometheus -----------------------------------------------------------------------------------------------------


def labels(job: str) -> dict[str, str]:
    return {"job": job, "stream": POOL, "pool": POOL}


def write(histories: Sequence[History], weeks: int, folder: Path) -> None:
    """Write the hourly means, the alerts and, at the end, two units."""
    means = {history.job: hourly_means(history.sent) for history in histories}
    for times in blocks.periods(START, START + weeks * WEEK, STEP):
        blocks.write(mail_text(histories, means, times), folder)
    blocks.write(units_text(histories, START + weeks * WEEK), folder)


def mail_text(histories: Sequence[History], means: Mapping[str, list[float]], times: range) -> Iterator[str]:
    name = "pool:ironport_messages_injected:rate1h"
    yield openmetrics.header(name, "gauge")
    first = (times[0] - START) // STEP
    for history in histories:
        column: list[float | None] = [*means[history.job][first : first + len(times)]]
        yield openmetrics.samples(openmetrics.labelled(name, labels(history.job)), column, openmetrics.stamps(times))
    yield openmetrics.header("ALERTS", "gauge")
    for history in histories:
        attack = {"alertname": "IronPortDistributedAttackSuspected", "alertstate": "firing", **labels(history.job)}
        minutes = [time for time in range(times[0], times[-1] + STEP, MINUTE) if fires(history, time)]
        yield openmetrics.samples(
            openmetrics.labelled("ALERTS", attack), [1.0] * len(minutes), openmetrics.stamps(minutes)
        )


def fires(history: History, time: int) -> bool:
    if history.attacked_week is None:
        return False
    week = START + history.attacked_week * WEEK
    begins = ((week + hour * HOUR, minutes * MINUTE) for hour, minutes in ATTACKS)
    return any(begin + REPORTED_AFTER <= time < begin + length + REPORTED_FOR for begin, length in begins)


def units_text(histories: Sequence[History], end: int) -> Iterator[str]:
    name = "instance:ironport_in_service:bool"
    yield openmetrics.header(name, "gauge")
    for history, unit in product(histories, ("mx1", "mx2")):
        yield f"{openmetrics.labelled(name, {**labels(history.job), 'instance': unit})} 1 {end - STEP}\n"


def pools_of(histories: Sequence[History], weeks: int) -> dict[str, PoolCapacity]:
    """Return what the command makes of each history, by its job."""
    with tempfile.TemporaryDirectory() as folder:
        write(histories, weeks, Path(folder))
        with blocks.served(Path(folder)) as url:
            fleet = read_fleet(Prometheus(url), START + weeks * WEEK, weeks, zone=UTC)
    return {pool.job: pool for pool in fleet.pools}


# --- what is measured -------------------------------------------------------------------------------------------------


def true_demand(pools: Iterable[PoolCapacity], weekly: float) -> float:
    """Return the demand at the end that all weeks of all seeds have on average."""
    logarithms = [
        math.log(week.messages_per_hour) + math.log1p(weekly) * (len(pool.weekly) - 1 - number)
        for pool in pools
        for number, week in enumerate(pool.weekly)
    ]
    return math.exp(fmean(logarithms))


def demand_of_the_curve() -> float:
    """Return the demand of a week of the inbound pool without growth and without anything random."""
    times = np.arange(START, START + WEEK, STEP, dtype=float)
    topology = load_topology("campus")
    ham = Model(topology, 1, START).fleet.mail.ham[0]
    flow = (topology.pools[POOL].daily_messages or 0) / DAY * (ham * good_mail(times) + (1 - ham) * spam(times))
    return HOUR * float(np.quantile(np.convolve(np.tile(flow, 2), np.full(12, 1 / 12), "valid")[: len(times)], 0.95))


def weeks_until_passed(supply: float, weekly: float) -> float:
    """Return after how many weeks demand passes a supply that is given as a multiple of it."""
    return math.log(supply) / math.log1p(weekly) if weekly else math.inf


def holds(dates: DateRange, today: date, truth: float) -> bool:
    """Return whether the range of dates holds what happens so many weeks after today; infinity is never."""
    soonest, latest = ((day - today).days / 7 if day else math.inf for day in (dates.soonest, dates.latest))
    return soonest - 1 / 7 <= truth <= latest


def moved(pool: PoolCapacity, usual: PoolCapacity) -> float:
    """Return how far the demand of a pool is from that of the other one, as a share of it."""
    return abs((pool.demand or math.inf) / (usual.demand or math.nan) - 1)


# --- the trials -------------------------------------------------------------------------------------------------------


def grown(seeds: Iterable[int], weeks: int, pool: Executor) -> dict[tuple[str, int], Sent]:
    """Return the histories by growth and seed."""
    trials = list(product(GROWTHS, seeds))
    rates, numbers = [GROWTHS[growth] for growth, _ in trials], [seed for _, seed in trials]
    sent = pool.map(simulate, rates, numbers, [0] * len(trials), [weeks] * len(trials))
    return dict(zip(trials, sent, strict=True))


def odd(seeds: Iterable[int], places: Sequence[int], pool: Executor) -> dict[tuple[str, int, int], Sent]:
    """Return the odd weeks of slowly growing histories, by what happens, the seed and the week."""
    trials = list(product(ODD_WEEKS, seeds, places))
    kinds, numbers, weeks = zip(*trials, strict=True)
    rates, scenarios = [GROWTHS["slow"]] * len(trials), [ODD_WEEKS[kind] for kind in kinds]
    return dict(zip(trials, pool.map(simulate, rates, numbers, weeks, [1] * len(trials), scenarios), strict=True))


def histories_with(
    usual: Mapping[tuple[str, int], Sent], weeks: Mapping[tuple[str, int, int], Sent]
) -> Iterator[History]:
    """Yield all histories: attacks once with the alerts that report them and once without."""
    for (growth, seed), sent in usual.items():
        yield History(f"{growth} {seed}", sent)
    for (kind, seed, week), one in weeks.items():
        sent = with_week(usual["slow", seed], week, one)
        yield History(f"{kind} {seed} {week}", sent)
        if kind == "attack":
            yield History(f"reported attack {seed} {week}", sent, week)


def demand_of(growth: str, pools: Mapping[str, PoolCapacity]) -> float:
    """Return the true demand at the end of the histories of a growth."""
    return true_demand((pool for job, pool in pools.items() if job.startswith(f"{growth} ")), GROWTHS[growth])


def lost(pool: PoolCapacity, supply: float, today: date) -> DateRange:
    """Return when demand passes the supply, which is left when one of the two units is lost."""
    units = tuple(replace(unit, messages_per_hour=supply, kind="rated") for unit in pool.units)
    dates = until_lost(replace(pool, units=units), today)
    if dates is None:
        raise SystemExit(f"There is no growth of {pool.job}.")
    return dates


def report_growth(pools: Mapping[str, PoolCapacity], today: date) -> bool:
    """Print how often the ranges hold the truth; return whether it is nine times in ten for each growth."""
    noise = demand_of("none", pools) / demand_of_the_curve()
    held = []
    for growth, weekly in GROWTHS.items():
        supply = ROOM[growth] * demand_of(growth, pools)
        found = [lost(pool, supply, today) for job, pool in pools.items() if job.startswith(f"{growth} ")]
        print(f"{growth} growth, {weekly:.1%} a week:")
        for what, room in (("the truth", ROOM[growth]), ("the curve", ROOM[growth] * noise)):
            week = weeks_until_passed(room, weekly)
            ranges = [holds(dates, today, week) for dates in found]
            held.append(fmean(ranges))
            print(f"  {sum(ranges)} of {len(ranges)} ranges hold {what}: {f'week {week:.1f}' if weekly else 'never'}")
        print(*map(range_text, found), sep="\n")
    print(f"demand is {noise:.3f} times that of the curve without anything random")
    return min(held) >= 0.9


def range_text(dates: DateRange) -> str:
    days = (dates.soonest, dates.likeliest, dates.latest)
    return "    " + ", ".join(day.isoformat() if day else "over 2 years" for day in days)


def report_odd(pools: Mapping[str, PoolCapacity]) -> bool:
    """Print how far odd weeks move the demand; return whether it is less than is allowed."""
    right = True
    for kind, most in ALLOWED.items():
        shares: dict[int, list[float]] = {}
        for job, pool in pools.items():
            if job.startswith(f"{kind} "):
                seed, week = job.removeprefix(kind).split()
                shares.setdefault(int(week), []).append(moved(pool, pools[f"slow {seed}"]))
        every = [share for found in shares.values() for share in found]
        right &= max(every, default=0.0) < most
        by_week = ", ".join(f"week {week + 1}: {max(found):.2%}" for week, found in sorted(shares.items()))
        print(f"{kind}: moves demand by {max(every, default=0.0):.2%} at most ({by_week}); allowed {most:.0%}")
    return right


def full_way(out: Path) -> tuple[float, float]:
    """Return the demand of the first week from samples and rules, and from the hourly means of the simulator."""
    end = START + WEEK + HOUR
    rules = rule_files.read_rules(str(rule_files.project_rules()))
    needed = [rule for rule in rules if rule.record.startswith(("instance:", "pool:", "job:", "site:"))]
    topology = fleet_that_grows(0.0)
    backfill.backfill(topology, seed=1, seconds=end - START + HOUR, end=end, out=out, rules=needed, pace=MINUTE)
    with blocks.served(out) as url:
        weeks = weekly_demand(Prometheus(url), end, 1, Selection(), "pool")
    (known,) = [found[0] for key, found in weeks.items() if key[-1] == POOL]
    direct = pools_of([History("direct", simulate(0.0, 1, 0, 2))], 2)["direct"]
    return known.messages_per_hour if known else math.nan, direct.weekly[0].messages_per_hour


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds")
    parser.add_argument("--weeks", type=int, default=13, help="the weeks of a history")
    parser.add_argument("--full-way", action="store_true", help="compare with samples and rules, which takes minutes")
    wanted = parser.parse_args()
    seeds, last = range(1, wanted.seeds + 1), wanted.weeks - 1
    with ProcessPoolExecutor() as pool:
        usual = grown(seeds, wanted.weeks, pool)
        weeks = odd(seeds, sorted({last // 6, last // 2, last - 1, last}), pool)
    pools = pools_of(list(histories_with(usual, weeks)), wanted.weeks)
    today = datetime.fromtimestamp(START + wanted.weeks * WEEK, UTC).date()
    results = [report_growth(pools, today), report_odd(pools)]
    if wanted.full_way:
        with tempfile.TemporaryDirectory() as folder:
            through_rules, direct = full_way(Path(folder))
        print(f"demand through samples and rules: {through_rules:.0f}, from the simulator: {direct:.0f}")
        results.append(abs(through_rules / direct - 1) < 0.01)
    return 0 if all(results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
