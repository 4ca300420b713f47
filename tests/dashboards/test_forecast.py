"""The days until N+1 is lost on the capacity review, for pools with various trends of their busy hours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from exporter.lab.history import blocks, openmetrics
from support.grafana import Grafana, all_of, dashboards, panels
from support.processes import program

DAY: Final = 86400
END: Final = int(datetime(2026, 3, 11, 11, tzinfo=UTC).timestamp())
CAPACITY: Final = 112.0
"""Capacity without the largest unit, in messages per second."""

BUSY_HOURS: Final[dict[str, Callable[[float], float]]] = {
    "growing": lambda weeks: 100 - weeks,
    "lately": lambda weeks: 100 - weeks if weeks <= 4 else 96 + 2 * (weeks - 4),
    "hardly": lambda weeks: 100 - 0.01 * weeks,
    "shrinking": lambda weeks: 100 + weeks,
    "shrinking, too late": lambda weeks: 112 + weeks,
    "growing, too late": lambda weeks: 130 - weeks,
}
"""Messages per second so many weeks ago, by pool."""


@pytest.fixture(scope="module")
def forecast(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str | None, str | None]]:
    """Return the cells soonest and latest by pool; the pool "young" has three weeks of history only."""
    for name in ("prometheus", "promtool"):
        program(name)
    folder = tmp_path_factory.mktemp("forecast")
    instants = [END, *(END - week * 7 * DAY + DAY // 2 for week in range(1, 13))]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda instant: blocks.write(_week(instant), Path(folder)), instants))
    (capacity,) = (each for each in dashboards() if each["uid"] == "ironport-capacity")
    (table,) = (panel for panel in panels(capacity) if panel.title == "Pools")
    with blocks.served(folder) as url:
        rows = Grafana(url, END).rows(table, all_of(capacity))
    return {row["Pool"]: (row.get("N+1 lost, soonest"), row.get("N+1 lost, latest")) for row in rows}


def _week(instant: int) -> Iterator[str]:
    weeks = (END - instant) / (7 * DAY)
    known = BUSY_HOURS | ({"young": BUSY_HOURS["growing"]} if weeks <= 3 else {})
    figures = {
        "pool:ironport_messages_injected:rate1h_busy1w": {pool: busy(weeks) for pool, busy in known.items()},
        "pool:ironport_available_capacity_messages:rate_less_unit": dict.fromkeys(known, CAPACITY),
    }
    for name, by_pool in figures.items():
        yield openmetrics.header(name, "gauge")
        for pool, figure in by_pool.items():
            labels = {"job": "ironport", "stream": "mail", "pool": pool}
            yield openmetrics.samples(openmetrics.labelled(name, labels), [figure], openmetrics.stamps([instant]))


@pytest.mark.parametrize(
    ("pool", "soonest", "latest"),
    [
        ("growing", "84", "84"),
        ("lately", "84", "no growth"),
        ("hardly", "over 2 years", "over 2 years"),
        ("shrinking", "no growth", "no growth"),
        ("shrinking, too late", "lost now", "lost now"),
        ("growing, too late", "lost now", "lost now"),
        ("young", None, None),
    ],
)
def test_a_forecast_is_days_or_a_word(
    forecast: dict[str, tuple[str | None, str | None]], pool: str, soonest: str | None, latest: str | None
) -> None:
    assert forecast[pool] == (soonest, latest)
