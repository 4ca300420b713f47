"""What-if against the simulator: the predicted load of each unit, and what the changed fleet then shows.

    python benchmarks/whatif.py [--weeks 4] [--seeds 1] [--even-senders]

Each case simulates a fleet for some weeks, and then the changed fleet for as many weeks more. The last week before the
change gives the demand and the share of each unit, from which the capacity model predicts the busy-hour load of each
unit. That is compared with the 95th percentile of the hourly means of the weeks after the change. For each unit it
prints the prediction with the error that it admits, what was seen, the error, and how much of that the demand explains.

The simulated load balancer keeps each sender on one unit, and the heaviest of the 20,000 senders has 3 % of the mail of
its pool. Which unit a change gives it to is chance. With --even-senders all have the same mail, and only the other
errors are left.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from exporter.capacity.change import Add, Change, Lose, LoseSite, Move, what_if
from exporter.capacity.model import FleetCapacity, PoolCapacity, UnitCapacity, UnitLoad, loads
from exporter.capacity.tables import aligned
from exporter.lab.simulator import traffic
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.state import Count
from exporter.lab.simulator.topology import Topology, Unit, load_topology
from exporter.prometheus.durations import HOUR, WEEK

START = datetime(2026, 3, 2, tzinfo=UTC)
NEWCOMER = "joining "
"""Begins the name of the place that waits for a unit in the pool that it moves to."""

LIMIT = 0.05
"""The largest error of a load that is right, as a share of the load."""

Hours = Mapping[str, NDArray[np.float64]]
"""Messages that each unit took in each hour."""

CASES: tuple[tuple[str, tuple[Change, ...]], ...] = (
    ("campus", (Add("spare1", "inbound"),)),
    ("campus", (Add("spare1", "inbound"), Move("out2", "inbound"))),
    ("campus", (Lose("mx3"),)),
    ("campus", (LoseSite("east"),)),
    ("mixed", (Lose("big2"),)),
    ("mixed", (Lose("small1"),)),
    ("rings", (Lose("core2"),)),
    ("rings", (LoseSite("north"),)),
    ("rings", (Move("edge4", "core"),)),
)


@dataclass(frozen=True, slots=True)
class Compared:
    """The load of a unit as it was predicted and as it was seen."""

    pool: str
    load: UnitLoad
    seen: float
    """Busy-hour load, as a share of the capacity."""
    demand_error: float
    """How far the predicted demand of the pool is from the one seen, as a share of it."""

    @property
    def error(self) -> float:
        return (self.load.ratio or 0.0) / self.seen - 1

    @property
    def is_right(self) -> bool:
        return abs(self.error) <= LIMIT

    @property
    def is_as_admitted(self) -> bool:
        return self.is_right or abs((self.load.ratio or 0.0) - self.seen) <= self.load.give_or_take


def simulate(topology: Topology, seed: int, begin: float, weeks: int) -> Hours:
    """Simulate a fleet for some weeks."""
    model = Model(topology, seed, begin)
    totals = [model.state.counts[Count.INJ_MSGS].copy()]
    for hour in range(1, weeks * WEEK // HOUR + 1):
        model.advance(begin + hour * HOUR)
        totals.append(model.state.counts[Count.INJ_MSGS].copy())
    return dict(zip(model.fleet.names, np.diff(totals, axis=0).T.astype(float), strict=True))


def with_places(topology: Topology, changes: Iterable[Change]) -> Topology:
    """Return the fleet with a place for each unit in the pool that it moves to.

    The place takes no mail before the move. So each sender that a change does not concern stays on its unit.
    """
    moved = {change.unit: change.pool for change in changes if isinstance(change, Move)}
    places = [
        unit.model_copy(update={"name": NEWCOMER + unit.name, "pool": moved[unit.name], "role": "spare"})
        for unit in topology.appliances
        if unit.name in moved
    ]
    return topology.model_copy(update={"appliances": (*topology.appliances, *places)})


def changed(topology: Topology, changes: Sequence[Change]) -> Topology:
    """Return the fleet after the changes: a unit that leaves a pool keeps its place, but takes no mail."""
    units = (unit.model_copy(update={"role": role(unit, changes)}) for unit in topology.appliances)
    return topology.model_copy(update={"appliances": tuple(units)})


def role(unit: Unit, changes: Iterable[Change]) -> Literal["production", "spare"]:
    for change in changes:
        match change:
            case Add(name) if name == unit.name:
                return "production"
            case Move(name) if NEWCOMER + name == unit.name:
                return "production"
            case Move(name) | Lose(name) if name == unit.name:
                return "spare"
            case LoseSite(site) if site == unit.site:
                return "spare"
    return unit.role


def measured(topology: Topology, hours: Hours) -> FleetCapacity:
    """Return the capacity model of a fleet, from the last week of its hours."""
    week = {name: figures[-WEEK // HOUR :] for name, figures in hours.items()}
    return FleetCapacity(START.date(), tuple(measured_pool(topology, pool, week) for pool in topology.pools))


def measured_pool(topology: Topology, name: str, week: Hours) -> PoolCapacity:
    """Return a pool with its demand, and with the share of each unit in the hours that reach it."""
    units = [unit for unit in topology.units(name) if not unit.name.startswith(NEWCOMER)]
    total = np.sum([week[unit.name] for unit in units], axis=0)
    demand = float(np.quantile(total, 0.95))
    busy = total >= demand
    capacities = tuple(
        UnitCapacity(
            unit.name,
            unit.rated_messages_per_hour,
            "rated",
            unit.site,
            unit.role,
            in_service=unit.role == "production",
            share=float(week[unit.name][busy].sum() / total[busy].sum()) if unit.role == "production" else None,
        )
        for unit in units
    )
    return PoolCapacity(name, units[0].stream, units[0].traffic, capacities, demand)


def play(case: tuple[str, tuple[Change, ...]], seed: int, weeks: int, even: bool) -> list[Compared]:
    """Simulate a fleet before and after its changes, and compare what was predicted with what was seen."""
    if even:
        traffic._ZIPF = 0.0  # type: ignore[misc]
    name, changes = case
    before, begin = with_places(load_topology(name), changes), START.timestamp()
    predicted = what_if(measured(before, simulate(before, seed, begin, weeks)), changes).after
    after = changed(before, changes)
    return list(compared(predicted, after, simulate(after, seed, begin + weeks * WEEK, weeks)))


def compared(predicted: FleetCapacity, after: Topology, hours: Hours) -> Iterator[Compared]:
    for pool in predicted.pools:
        total = np.sum([hours[unit.name] for unit in after.units(pool.name)], axis=0)
        error = (pool.demand or 0.0) / float(np.quantile(total, 0.95)) - 1
        for load in loads(pool):
            own = hours.get(NEWCOMER + load.unit.name, hours[load.unit.name])
            seen = float(np.quantile(own, 0.95)) / (load.unit.messages_per_hour or 1.0)
            yield Compared(pool.name, load, seen, error)


def row(one: Compared) -> tuple[str, ...]:
    predicted = f"{one.load.ratio:.1%} ± {one.load.give_or_take:.1%}" if one.load.error else f"{one.load.ratio:.1%}"
    return (
        f"  {one.load.unit.name} in {one.pool}",
        predicted,
        f"{one.seen:.1%}",
        f"{one.error:+.1%}",
        f"{one.demand_error:+.1%}",
        "" if one.is_right else "as admitted" if one.is_as_admitted else "WRONG",
    )


def report(trials: Sequence[tuple[Any, int]], results: Iterable[list[Compared]]) -> list[Compared]:
    """Print a table for each trial, and return all units."""
    every: list[Compared] = []
    for ((name, changes), seed), units in zip(trials, results, strict=True):
        heads = (f"{name}, seed {seed}: {' '.join(map(str, changes))}", "predicted", "seen", "error", "by demand", "")
        print(*aligned([heads, *map(row, units)]), "", sep="\n")
        every += units
    return every


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weeks", type=int, default=4, help="the weeks before and after the change")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds")
    parser.add_argument("--even-senders", action="store_true", help="all senders have the same mail")
    wanted = parser.parse_args()
    trials = list(product(CASES, range(1, wanted.seeds + 1)))
    with ProcessPoolExecutor() as pool:
        cases, seeds = zip(*trials, strict=True)
        same = ([value] * len(trials) for value in (wanted.weeks, wanted.even_senders))
        units = report(trials, pool.map(play, cases, seeds, *same))
    errors = sorted(abs(one.error) for one in units)
    right, admitted = sum(one.is_right for one in units), sum(one.is_as_admitted for one in units)
    print(
        f"{right} of {len(units)} units within {LIMIT:.0%}, {admitted} within that or the error that was admitted;"
        f" median error {errors[len(errors) // 2]:.1%}, largest {errors[-1]:.1%},"
        f" mean {np.mean([one.error for one in units]):+.1%}"
    )
    return 0 if admitted >= 0.9 * len(units) else 1


if __name__ == "__main__":
    raise SystemExit(main())
