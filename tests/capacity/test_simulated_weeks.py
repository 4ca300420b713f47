"""Demand and growth of simulated weeks, as `benchmarks/capacity.py` measures them for many seeds."""

from __future__ import annotations

import shutil
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime

import pytest

from benchmarks import capacity
from exporter.capacity.model import PoolCapacity
from exporter.prometheus.durations import WEEK

pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool and prometheus are not installed")

WEEKS = 6
ODD = WEEKS - 2


@pytest.fixture(scope="module")
def pools() -> dict[str, PoolCapacity]:
    with ProcessPoolExecutor(2) as pool:
        odd = {
            (kind, 1, ODD): pool.submit(capacity.simulate, 0.006, 1, ODD, 1, capacity.ODD_WEEKS[kind])
            for kind in capacity.ODD_WEEKS
        }
        usual = capacity.simulate(0.006, 1, 0, WEEKS)
        weeks = {key: task.result() for key, task in odd.items()}
    return capacity.pools_of(list(capacity.histories_with({("slow", 1): usual}, weeks)), WEEKS)


def test_the_range_of_dates_holds_the_truth(pools: dict[str, PoolCapacity]) -> None:
    demand = capacity.demand_of_the_curve() * 1.006 ** (WEEKS - 1)
    today = datetime.fromtimestamp(capacity.START + WEEKS * WEEK, UTC).date()
    dates = capacity.lost(pools["slow 1"], 1.15 * demand, today)
    assert capacity.holds(dates, today, capacity.weeks_until_passed(1.15, 0.006))


@pytest.mark.parametrize("kind", capacity.ALLOWED)
def test_an_odd_week_hardly_moves_demand(pools: dict[str, PoolCapacity], kind: str) -> None:
    odd = pools[f"{kind} 1 {ODD}"]
    assert capacity.moved(odd, pools["slow 1"]) < capacity.ALLOWED[kind]
    if kind == "attack":
        assert odd.weekly[ODD].messages_per_hour > 1.05 * pools["slow 1"].weekly[ODD].messages_per_hour
