"""Measure what the rules cost a Prometheus that watches many units: the time of each evaluation of each group.

    python benchmarks/rules.py [UNITS] [MINUTES]

A Prometheus scrapes UNITS (100, 24 at least) simulated units every minute. The units are in pools of eight, and
several are under attack. The Prometheus has two weeks of history: the recorded series that rules read over days, and
the samples of the hours that rules read. It evaluates all groups every 30 s for MINUTES (5), whatever their interval.
That changes the number of evaluations but not the cost of one. The table shows for each group its interval, its
number of rules, the median and the longest evaluation in milliseconds, and the longest as a share of the interval.
Let nothing else run on the machine.
"""

from __future__ import annotations

import math
import re
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from exporter.lab.history import blocks  # noqa: E402
from exporter.lab.history.families import families_of_rules  # noqa: E402
from exporter.lab.history.openmetrics import header, labelled  # noqa: E402
from exporter.lab.history.sampling import Sampling, sample_text, target_labels, watched_fleet  # noqa: E402
from exporter.lab.simulator.model import Model  # noqa: E402
from exporter.lab.simulator.scenario_text import parse_scenario  # noqa: E402
from exporter.lab.simulator.topology import Topology, equal_units  # noqa: E402
from exporter.prometheus import rule_files  # noqa: E402
from exporter.prometheus.durations import DAY, HOUR, MINUTE, parse_duration  # noqa: E402 - the path comes first
from support.prometheus import Prometheus, Series, get, parsed  # noqa: E402

RULES = ROOT / "alerts" / "rules"
PATTERN = str(RULES / "*.yml")

EVALUATED = "30s"
HISTORY = 14 * DAY + 2 * HOUR
RECENT = 70 * MINUTE
LONG = frozenset({"ironport_probe_success", "ironport_log_disk_utilization_ratio"})
"""Families that rules read over more than an hour; they go back by LONG_RECENT."""
LONG_RECENT = 6 * HOUR
INCIDENTS = (
    ("flood", "pool=inbound1"),
    ("flood", "pool=inbound3"),
    ("jabberer", "unit=mx10"),
    ("size-bomb", "unit=mx14"),
)
"""The incidents and their places. They have lasted 20 minutes when the measurement begins."""

Labels = Mapping[str, str]
Frames = Mapping[int, bytes]
"""The text of each scrape by minutes since the epoch."""


def main() -> None:
    arguments = dict(enumerate(sys.argv))
    count, minutes = int(arguments.get(1, 100)), int(arguments.get(2, 5))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        topology = equal_units(count)
        begin = int(time.time()) // MINUTE * MINUTE
        write_history(topology, begin, folder / "data")
        frames = write_samples(topology, begin, folder / "data", minutes)
        groups = rule_files.read_groups(PATTERN)
        with serving(frames) as address, prometheus(folder, address) as server:
            print_table(groups, measure(server, minutes))


def write_history(topology: Topology, end: int, data: Path) -> None:
    """Write the series that rules read over days: a sample every 5 minutes, for a bit more than two weeks."""
    places = target_labels(watched_fleet(topology))
    of_units = list(places.values())
    of_pools = [
        dict(each) for each in {tuple((key, unit[key]) for key in ("job", "stream", "pool")) for unit in of_units}
    ]
    features = [{**unit, "feature": f"feature {number}"} for unit in of_units for number in range(8)]
    series = {name: of_pools if name.startswith("pool:") else of_units for name in read_over_days()}
    series["instance:ironport_feature_key_remaining_seconds:last15m"] = features
    series["job:ironport_exporter_targets:count"] = [{"job": of_units[0]["job"]}]
    for period in blocks.periods(end - HISTORY, end - 10 * MINUTE, 5 * MINUTE):
        ends = [f" {20 + 10 * math.sin(instant * 2 * math.pi / DAY):.4f} {instant}\n" for instant in period]
        blocks.write(history_text(series, ends), data)


def read_over_days() -> set[str]:
    """Return the recorded series that rules read over a day or more, or with an offset of a day or more."""
    expressions = "\n".join(rule.expression for rule in rule_files.read_rules(PATTERN))
    days = r"\w+:\w+:\w+(?=\[\d+[dw]\]|\[\w+\] offset \d+d)"
    return set(re.findall(days, expressions))


def history_text(series: Mapping[str, Iterable[Labels]], ends: list[str]) -> Iterator[str]:
    """Yield OpenMetrics text in which every series has the same values."""
    for name, places in series.items():
        yield header(name, "gauge")
        for labels in places:
            begin = labelled(name, labels)
            yield begin + begin.join(ends)


def write_samples(topology: Topology, end: int, data: Path, minutes: int) -> Frames:
    """Write the samples of the last hours, and return the samples of the coming minutes."""
    families = families_of_rules(rule_files.read_rules(PATTERN))
    advance(topology, end - LONG_RECENT, end, Sampling(topology, 1, LONG, data))
    model = advance(topology, end - RECENT, end, Sampling(topology, 1, families - LONG, data))
    coming = range(end + MINUTE, end + (minutes + 10) * MINUTE, MINUTE)
    frames: dict[int, list[str]] = defaultdict(list)
    for line in "".join(sample_text(Sampling(topology, 1, families, data), model, coming)).splitlines():
        if not line.startswith("#"):
            sample, instant = line.rsplit(" ", 1)
            frames[int(instant) // MINUTE].append(sample)
    return {minute: "\n".join([*samples, ""]).encode() for minute, samples in frames.items()}


def advance(topology: Topology, begin: int, end: int, samples: Sampling) -> Model:
    """Write samples from `begin` to `end`; return the model at the end."""
    model = Model(topology, samples.seed, begin - MINUTE, MINUTE)
    for name, place in INCIDENTS:
        model.begin(parse_scenario(f"{name}@+{end - 20 * MINUTE - begin}s,{place},duration=2h"))
    for period in blocks.periods(begin, end, MINUTE):
        blocks.write(sample_text(samples, model, period), samples.out)
    return model


class _Scraped(BaseHTTPRequestHandler):
    def __init__(self, frames: Frames, *arguments: object) -> None:
        self._frames = frames
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(self._frames.get(int(time.time()) // MINUTE, b""))

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serving(frames: Frames) -> Iterator[str]:
    """Serve the samples of the present minute, and yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Scraped, frames))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def prometheus(folder: Path, address: str) -> Iterator[Prometheus]:
    """Run a Prometheus with the history, which scrapes the address and evaluates all rules every 30 s."""
    for file in RULES.glob("*.yml"):
        (folder / file.name).write_text(
            re.sub(r"^  interval: .*", f"  interval: {EVALUATED}", file.read_text(), flags=re.M)
        )
    server = Prometheus(
        folder,
        {
            "global": {"scrape_interval": "60s"},
            "rule_files": [str(folder / file.name) for file in RULES.glob("*.yml")],
            "scrape_configs": [
                {"job_name": "fleet", "honor_labels": True, "static_configs": [{"targets": [address]}]},
            ],
        },
    )
    try:
        yield server
    finally:
        with redirect_stdout(StringIO()):  # its log
            server.stop()


def measure(server: Prometheus, minutes: int) -> dict[str, list[float]]:
    """Return the seconds of each evaluation by the name of the group, and print which alerts fire at the end."""
    seen: dict[str, dict[float, float]] = defaultdict(dict)
    limit = time.monotonic() + minutes * MINUTE
    while time.monotonic() < limit:
        time.sleep(5)
        page = parsed(get(f"{server.url}/metrics"))
        for group, evaluated in by_group(page, "last_evaluation_timestamp_seconds").items():
            seen[group][evaluated] = by_group(page, "last_duration_seconds")[group]
    firing = server.query('count by (alertname) (ALERTS{alertstate="firing"})')
    print(f"{minutes} minutes; firing:", ", ".join(f"{labels['alertname']} {value:g}" for labels, value in firing))
    return {group: list(durations.values()) for group, durations in seen.items()}


def by_group(page: Series, figure: str) -> dict[str, float]:
    """Return a figure of Prometheus itself by the name of the rule group."""
    wanted = f"prometheus_rule_group_{figure}"
    return {dict(labels)["rule_group"].split(";")[1]: value for (name, labels), value in page.items() if name == wanted}


def print_table(groups: Iterable[Mapping[str, Any]], durations: Mapping[str, list[float]]) -> None:
    print("group                          interval rules  evaluations   median  longest  share of the interval")
    for group in groups:
        taken, interval = durations[group["name"]], parse_duration(group["interval"])
        print(
            f"{group['name']:30} {interval:6g} s {len(group['rules']):5} {len(taken):12}"
            f" {1000 * statistics.median(taken):5.0f} ms {1000 * max(taken):5.0f} ms {max(taken) / interval:10.2%}"
        )


if __name__ == "__main__":
    main()
