"""How long the report of a month takes, for fleets of several sizes: `python benchmarks/reports.py [UNITS ...]`.

Writes the recorded series that a report reads, at their true density, straight into blocks: October 2026, the months
that it is compared with, and thirteen weeks of demand. Then it times the command: from the first query to the files.
Prints a table, and the same as JSON with --json FILE.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from exporter.lab.history import blocks  # noqa: E402 - the path comes first
from exporter.phrases import Phrases  # noqa: E402
from exporter.prometheus.client import InstantSeries, Prometheus, RangeSeries  # noqa: E402
from exporter.prometheus.durations import DAY, WEEK  # noqa: E402
from exporter.prometheus.selection import Selection  # noqa: E402
from exporter.report.collect import ReportFilter  # noqa: E402
from exporter.report.command import write_report  # noqa: E402
from exporter.report.period import Period, month_before, report_period, year_before  # noqa: E402
from support import recorded  # noqa: E402
from support.recorded import ALWAYS, RecordedPool, RecordedSeries, RecordedUnit, Spell  # noqa: E402

ZONE: Final = ZoneInfo("Europe/Berlin")
UNITS_OF_A_POOL: Final = 5
MONTH: Final = report_period("2026-10", datetime(2026, 11, 2, tzinfo=ZONE).timestamp(), ZONE)
LIMITS: Final = {9: 20, 80: 120}
"""Seconds that the report may take, by units."""


class CountingPrometheus(Prometheus):
    """A client that counts its queries."""

    queries = 0

    def query(self, expression: str, time: float, what: str = "") -> list[InstantSeries]:
        self.queries += 1
        return super().query(expression, time, what)

    def query_range(self, expression: str, instants: range, what: str = "") -> list[RangeSeries]:
        self.queries += 1
        return super().query_range(expression, instants, what)


def _wave(scale: float, phase: float) -> recorded.Course:
    """Return a rate with days and weeks in it; each unit has its own phase."""

    def rate(time: int) -> float:
        day, week = (math.sin(2 * math.pi * time / length + phase) for length in (DAY, WEEK))
        return scale * (2 + day + 0.3 * week)

    return rate


def _pools(units: int) -> Iterator[RecordedPool]:
    for number in range(math.ceil(units / UNITS_OF_A_POOL)):
        rate = _wave(20, number)
        late = _wave(40, 3 * number)
        yield RecordedPool(f"pool{number}", messages=rate, delay=lambda time, late=late: max(0.0, late(time) or 0.0))


def _units(units: int, end: int) -> Iterator[RecordedUnit]:
    recent = Spell(end - 8 * DAY, end)
    for number in range(units):
        site = ("east", "west")[number % 2]
        rate = recent.only(_wave(4, number))
        down = Spell(end - number * 3600, end - number * 3600 + 600)
        yield RecordedUnit(
            f"mx{number}", f"pool{number // UNITS_OF_A_POOL}", site=site, up=down.then(0.0, ALWAYS), messages=rate
        )


def _series(units: int, period: Period) -> Iterator[RecordedSeries]:
    if period == MONTH:
        for unit in _units(units, period.instants[-1]):
            yield from unit.series()
        for pool in _pools(units):
            yield from pool.series()
        yield from _alerts(units)
    else:
        for pool in _pools(units):
            yield from (each for each in pool.mail() if each.name.endswith("rate1h"))


def _alerts(units: int) -> Iterator[RecordedSeries]:
    """Yield the alert that fires all the time, and for each unit one that fires for an hour a week."""
    yield RecordedSeries("ALERTS", {"alertname": "IronPortWatchdog", "alertstate": "firing"}, 60, ALWAYS)
    for unit in _units(units, MONTH.instants[-1]):
        labels = {"job": unit.job, "stream": unit.pool, "pool": unit.pool, "instance": unit.name}
        alert = {"alertname": "IronPortUnitSlow", "alertstate": "firing", "severity": "warning"}
        yield RecordedSeries("ALERTS", {**alert, **labels}, 60, lambda time: 1.0 if time % WEEK < 3600 else None)


def _span(period: Period) -> tuple[int, int]:
    return round(period.begin.timestamp()), period.instants[-1]


def _write_part(units: int, period: Period, part: range, folder: Path) -> None:
    recorded.write(_series(units, period), part[0] - 60, part[-1], folder)


def write_history(units: int, folder: Path, workers: ProcessPoolExecutor) -> None:
    summer = Period(datetime(2026, 7, 1, tzinfo=ZONE), month_before(MONTH).begin, month_before(MONTH).begin)
    tasks = [
        workers.submit(_write_part, units, period, part, folder)
        for period in (MONTH, month_before(MONTH), summer, year_before(MONTH))
        for part in blocks.periods(_span(period)[0] + 60, _span(period)[1], 60)
    ]
    for task in tasks:
        task.result()


def measure(units: int) -> dict[str, float]:
    """Return what the report of a fleet took, in seconds."""
    with tempfile.TemporaryDirectory() as work, ProcessPoolExecutor(2) as workers:
        folder, out = Path(work, "data"), Path(work, "out")
        folder.mkdir()
        begin = time.perf_counter()
        write_history(units, folder, workers)
        written = time.perf_counter()
        with blocks.served(folder) as url:
            server = CountingPrometheus(url)
            about = ReportFilter(Selection())
            start = time.perf_counter()
            write_report(server, MONTH, about, Phrases("en"), out, pdf=False)
            took = time.perf_counter() - start
            start = time.perf_counter()
            write_report(server, MONTH, ReportFilter(Selection(sites=("east",))), Phrases("en"), out, pdf=True)
            site = time.perf_counter() - start
    return {
        "units": units,
        "queries": server.queries // 2,
        "report_seconds": round(took, 1),
        "site_and_pdf_seconds": round(site, 1),
        "history_seconds": round(written - begin, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("units", nargs="*", type=int, default=list(LIMITS), help="how many units the fleets have")
    parser.add_argument("--json", type=Path, help="also write the results to this file")
    arguments = parser.parse_args()
    print("| units | queries | report | site, with PDF | limit |\n|---|---|---|---|---|")
    results = []
    for units in arguments.units:
        found = measure(units)
        results.append(found)
        limit = f"{LIMITS[units]} s" if units in LIMITS else ""
        times = (f"{found[name]} s" for name in ("report_seconds", "site_and_pdf_seconds"))
        print("", units, found["queries"], *times, limit, "", sep=" | ", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
