"""Measure the panels with a long range: Capacity review (90 days) and Management summary (30), for nine units.

    python benchmarks/dashboards.py [FOLDER]

FOLDER keeps the simulated history. If it is empty, the history is written first, which takes more than ten minutes.
The program then sends each panel's queries to a Prometheus, as Grafana does with the whole fleet selected and a page
that is 1600 pixels wide. It prints for each panel the number of queries, of points of a line and of series, and the
seconds that all its queries take, one after the other: the median of five runs. It exits with 1 if a panel takes a
second or longer.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from exporter.lab.history import blocks, openmetrics  # noqa: E402
from exporter.lab.history.backfill import backfill  # noqa: E402
from exporter.lab.history.sampling import JOB  # noqa: E402
from exporter.lab.simulator.scenario_text import parse_scenario  # noqa: E402
from exporter.lab.simulator.topology import Topology, load_topology  # noqa: E402
from exporter.prometheus import durations, rule_files  # noqa: E402
from exporter.prometheus.progress import show  # noqa: E402
from exporter.prometheus.rule_files import Rule  # noqa: E402
from support.grafana import Grafana, Panel, Series, all_of, dashboards, panels  # noqa: E402

MINUTE, HOUR, DAY = 60, 3600, 86400
END: Final = int(datetime(2026, 3, 11, 11, tzinfo=UTC).timestamp())
"""A busy hour of a Wednesday."""

LENGTH: Final = 90 * DAY
DAYS: Final = {"ironport-capacity": 90, "ironport-management": 30}
WIDTH: Final = 1600
STEPS: Final = (*(minutes * MINUTE for minutes in (1, 2, 5, 10, 15, 20, 30)), *(hours * HOUR for hours in (1, 2, 3, 6)))
TIMES: Final = 5
LIMIT: Final = 1.0

PACE: Final = 300
"""Seconds between evaluations of all rules: these dashboards read no series that is recorded more often."""

GROWTH: Final = f"growth@+0d,size=1.15,ramp={LENGTH}s,duration={LENGTH + DAY}s"
INCIDENTS: Final = (
    ("jabberer,unit=mx1", 3, 10),
    ("unit-down,unit=mx2,duration=5h", 9, 7),
    ("jabberer,unit=mx4", 12, 15),
    ("dha,pool=inbound", 19, 3),
    ("queue-paused,unit=mx3", 24, 11),
    ("flood,pool=inbound,duration=2h", 31, 9),
    ("pool-slow,pool=outbound", 38, 13),
    ("receiving-suspended,unit=mx5", 44, 14),
    ("jabberer,unit=mx6", 47, 9),
    ("unit-down,unit=out1,duration=9h", 52, 20),
    ("bounce-storm,pool=outbound", 58, 10),
    ("hailstorm,pool=inbound", 61, 8),
    ("jabberer,unit=mx1,size=2.2", 66, 10),
    ("pool-slow,pool=inbound,duration=2h", 72, 10),
    ("outbound-abuse,unit=out2", 75, 2),
    ("flood,pool=inbound,size=2.5", 81, 14),
    ("unit-slow,unit=mx2", 83, 9),
    ("dha,pool=inbound", 86, 4),
    ("jabberer,unit=mx3", 88, 9),
)
"""Incidents of the campus: scenario, day and hour of the history."""

RECOGNISED: Final = 7 * MINUTE
LASTS: Final = 15 * MINUTE
"""Seconds until the alert fires, and until it ends after the incident: about as in the backtest."""


def main() -> None:
    """Print a line for each panel; exit with 1 if one is too slow."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(sys.argv[1] if sys.argv[1:] else scratch)
        if not any(folder.glob("*/meta.json")):
            write(folder)
        with blocks.served(folder) as url:
            slow = measure(url)
    if slow:
        sys.exit(f"Too slow: {', '.join(map(str, slow))}.")


# --- the history ------------------------------------------------------------------------------------------------------


def write(folder: Path) -> None:
    """Write the history to the folder: samples, recorded series, and the alerts that the incidents should cause."""
    campus = load_topology("campus")
    requests = [
        parse_scenario(GROWTH),
        *(parse_scenario(text).at(day * DAY + hour * HOUR) for text, day, hour in INCIDENTS),
    ]
    backfill(
        campus,
        seed=1,
        seconds=LENGTH,
        end=END,
        out=folder,
        scenarios=requests,
        families=frozenset(),
        rules=needed(),
        pace=PACE,
        progress=show,
    )
    for text, day, hour in INCIDENTS:
        for period in blocks.periods(*_fires(text, day, hour), MINUTE):
            blocks.write(_alerts(campus, text, period), folder)


def needed() -> list[Rule]:
    """Return the rules that the panels need. Every unit has a rating, so that nothing has to be learned."""
    rules = [
        rule
        for rule in rule_files.read_rules(str(rule_files.project_rules()))
        if rule.record and "_learned_" not in rule.record
    ]
    read = {name for panel in asked() for target in panel.targets for name in re.findall(r"[\w:]+", target["expr"])}
    while True:
        found = [rule for rule in rules if rule.record in read]
        more = read.union(*(rule.names for rule in found))
        if more == read:
            return found
        read = more


def _fires(text: str, day: int, hour: int) -> tuple[int, int]:
    onset = END - LENGTH + day * DAY + hour * HOUR
    return onset + RECOGNISED, int(onset + _duration(text) + LASTS)


def _duration(text: str) -> float:
    request = parse_scenario(text)
    (default,) = (each.default for each in request.scenario.parameters if each.name == "duration")
    return float(request.values.get("duration", default))


def _alerts(campus: Topology, text: str, period: range) -> Iterator[str]:
    """Yield the series of the alert that the scenario should cause."""
    request = parse_scenario(text)
    place = {name: str(request.values[name]) for name in ("unit", "pool") if name in request.values}
    (unit, *_) = (each for each in campus.appliances if place.get("unit", each.name) == each.name)
    pool = place.get("pool", unit.pool)
    labels = {"job": JOB, "stream": pool, "pool": pool, "alertstate": "firing"}
    if "unit" in place:
        labels["instance"] = unit.name
    yield openmetrics.header("ALERTS", "gauge")
    for alert in request.scenario.expected[:1]:
        series = openmetrics.labelled("ALERTS", {"alertname": alert.name, "severity": alert.severity, **labels})
        yield openmetrics.samples(series, [1.0] * len(period), openmetrics.stamps(period))


# --- the panels -------------------------------------------------------------------------------------------------------


def asked() -> list[Panel]:
    """Return the panels of these dashboards that have queries."""
    return [panel for each in dashboards() if each["uid"] in DAYS for panel in panels(each) if panel.targets]


def measure(url: str) -> list[Panel]:
    """Print a line for each panel, and return those that are too slow."""
    chosen = {each["uid"]: all_of(each) for each in dashboards()}
    print("panel                                              queries  points  series  seconds")
    slow = []
    for panel in asked():
        taken, series = zip(*(timed(url, panel, chosen[panel.uid]) for _ in range(TIMES)), strict=True)
        seconds, points = statistics.median(taken), max((len(values) for _, values in series[0]), default=0)
        print(f"{panel!s:50} {len(panel.targets):7} {points:7} {len(series[0]):7} {seconds:8.3f}", flush=True)
        slow += [panel] if seconds >= LIMIT else []
    return slow


def timed(url: str, panel: Panel, chosen: Mapping[str, str]) -> tuple[float, list[Series]]:
    """Return the seconds that the panel's queries take, and their series."""
    length = DAYS[panel.uid] * DAY
    begin, series = time.perf_counter(), []
    for target in panel.targets:
        grafana = Grafana(url, END, length, _step(panel, length, durations.parse_duration(target["interval"])))
        series += grafana.series(target, chosen)
    return time.perf_counter() - begin, series


def _step(panel: Panel, length: int, least: float) -> int:
    """Return the seconds between points: one point for each pixel, rounded as Grafana does."""
    pixels = WIDTH * panel.json["gridPos"]["w"] / 24
    return max(min(STEPS, key=lambda step: abs(step - length / pixels)), int(least))


if __name__ == "__main__":
    main()
