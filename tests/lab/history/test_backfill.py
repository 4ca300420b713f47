from __future__ import annotations

import asyncio
import json
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter import config
from exporter.errors import ExporterError, RequestError
from exporter.lab.history import backfill, blocks
from exporter.lab.history.families import ALL_FAMILIES
from exporter.lab.history.polls import PROBE_DEADLINE, polls
from exporter.lab.history.sampling import Sampling, sample_text, target_labels, watched_fleet
from exporter.lab.simulator.live import LiveFleet
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.noise import generator
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.topology import Topology, load_topology
from exporter.metrics.catalog import UNVERIFIED
from exporter.probe import Prober, probe_result
from exporter.prometheus.client import Prometheus as Server
from exporter.prometheus.rule_files import Rule, read_rules
from exporter.telemetry import Telemetry
from support.prometheus import Prometheus, Series, parsed

START = 1_767_690_000
"""Tuesday, 6 January 2026, 09:00 UTC, 7 h into a block."""

MINUTE, HOUR = 60, 3600

GENERATIONS = """
pools:
  mail: {daily_messages: 1500000}
defaults: {pool: mail, traffic: inbound, rated_messages_per_hour: 140000}
appliances:
  - {name: legacy, asyncos: 4.5.0-639, model: C600}
  - {name: legacy-virtual, asyncos: 4.5.0-639, model: C100V}
  - {name: middle, asyncos: 5.1.0-321, model: C650, site: west}
  - {name: middle-virtual, asyncos: 5.1.0-321, model: C100V}
  - {name: current, asyncos: 10.0.0-203, model: C695, labels: {rack: 'b\\12 "left"'}}
  - {name: current-virtual, asyncos: 10.0.0-203, model: C600V, role: spare}
"""

INCIDENTS = (
    "unit-down@+10m,unit=legacy,duration=10m",
    "reboot@+12m,unit=middle-virtual",
    "snmp-dead@+15m,unit=current,duration=10m",
    "xml-dead@+20m,unit=middle,duration=10m",
    "auth-failure@+5m,unit=legacy-virtual,duration=15m",
    "raid-fault@+8m,unit=current",
    "version-mismatch@+18m,unit=current",
    "blackout@+30m,duration=3m",
    "fan-fault@+2m,unit=middle",
)
LENGTH = 40 * MINUTE

OF_THE_PROBE = ("ironport_probe_d", "ironport_source_duration", "ironport_source_re")
"""Beginnings of the families that say how a probe went, not what it found: times, requests and retries."""

needs_prometheus = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool and prometheus are not installed")


@pytest.fixture(scope="module")
def topology(tmp_path_factory: pytest.TempPathFactory) -> Topology:
    file = tmp_path_factory.mktemp("topology") / "generations.yml"
    file.write_text(GENERATIONS)
    return load_topology(str(file))


@pytest.fixture
def model(topology: Topology) -> Model:
    return eventful(topology)


def eventful(topology: Topology) -> Model:
    model = Model(topology, 1, START)
    for incident in INCIDENTS:
        model.begin(parse_scenario(incident))
    return model


PERIOD = range(START + MINUTE, START + LENGTH + 1, MINUTE)


@pytest.fixture(scope="module")
def written(topology: Topology) -> str:
    """Return the OpenMetrics text of every family in the period."""
    samples = Sampling(topology, 1, ALL_FAMILIES, Path("unused"))
    return "".join(sample_text(samples, eventful(topology), PERIOD)) + "# EOF\n"


@pytest.fixture(scope="module")
def by_instant(written: str) -> dict[int, Series]:
    """Return the series at each instant, as prometheus-client's strict parser reads them."""
    instants: dict[int, Series] = {instant: {} for instant in PERIOD}
    for family in text_string_to_metric_families(written):  # type: ignore[no-untyped-call]  # it has no hints
        for sample in family.samples:
            series = instants[round(float(sample.timestamp))]
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in series
            series[key] = sample.value
    return instants


def labelled(series: Series, labels: dict[str, str]) -> Series:
    """Return the series as Prometheus stores them: with the labels of their target."""
    return {(name, own.union(labels.items())): value for (name, own), value in series.items()}


def of_unit(series: Series, unit: str) -> Series:
    return {key: value for key, value in series.items() if ("instance", unit) in key[1] and key[0] != "up"}


def test_the_history_equals_a_probe_of_each_instant(
    topology: Topology, model: Model, by_instant: dict[int, Series]
) -> None:
    fleet = watched_fleet(topology, ("status", "dnsstatus", "tophosts", "topin"))
    labels = target_labels(fleet)
    up: set[tuple[bool, bool]] = set()
    for now in PERIOD:
        model.advance(now)
        luck = generator(1, 7, now).random((len(fleet.appliances), 2)).tolist()
        for (name, appliance), chances in zip(fleet.appliances.items(), luck, strict=True):
            expected: Series = {}
            if model.view.transport(name).scraped:
                readings = polls(model.view, appliance, chances)
                up.add((readings[0].up, readings[1].up))
                duration = max(reading.duration for reading in readings)
                result = probe_result(appliance, readings, duration, PROBE_DEADLINE, datetime.now(UTC))
                assert not any(result.exposition.unreadable.values())
                expected = labelled(parsed(result.exposition.text().decode()), labels[name])
            assert of_unit(by_instant[now], name) == expected
    assert up == {(True, True), (True, False), (False, True), (False, False)}


def test_the_history_has_the_destinations_that_rest_gives() -> None:
    """The named ones with their class, the busiest of the others, and the remainder, at each instant."""
    topology = load_topology("campus")
    families = frozenset(family.name for family in UNVERIFIED)
    period = range(START + MINUTE, START + 6 * MINUTE, MINUTE)
    models = [Model(topology, 1, START) for _ in range(2)]
    for model in models:
        model.begin(parse_scenario("destination-down@+2m"))
    text = "".join(sample_text(Sampling(topology, 1, families, Path("unused"), rest=True), models[0], period))
    written: dict[int, Series] = {instant: {} for instant in period}
    for family in text_string_to_metric_families(f"{text}# EOF\n"):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            written[round(float(sample.timestamp))][sample.name, frozenset(sample.labels.items())] = sample.value
    fleet = watched_fleet(topology, ("status", "topin"), rest=True)
    labels = target_labels(fleet)
    for now in period:
        models[1].advance(now)
        luck = generator(1, 7, now).random((len(fleet.appliances), 3)).tolist()
        for (name, appliance), chances in zip(fleet.appliances.items(), luck, strict=True):
            readings = polls(models[1].view, appliance, chances)
            result = probe_result(appliance, readings, 1.0, PROBE_DEADLINE, datetime.now(UTC))
            series = {
                key: value for key, value in parsed(result.exposition.text().decode()).items() if key[0] in families
            }
            assert of_unit(written[now], name) == labelled(series, labels[name])
            assert not any(result.exposition.unreadable.values())
            classes = [dict(own).get("class") for metric, own in series if metric == "ironport_destination_connections"]
            assert classes.count("") == 20 + 1
            assert classes.count("clients") >= 3


@pytest.mark.parametrize("minute", [4, 19, 23])
async def test_a_live_probe_finds_what_the_history_has(
    topology: Topology, model: Model, by_instant: dict[int, Series], minute: int, tmp_path: Path
) -> None:
    now = START + minute * MINUTE
    model.advance(now)
    async with LiveFleet(model, snmp="v2c", https=False) as live:
        document = yaml.safe_load(live.fleet_file())
        document["defaults"]["xml"]["pages"] = ["status", "dnsstatus", "tophosts", "topin"]
        file = tmp_path / "fleet.yml"
        file.write_text(yaml.safe_dump(document))
        fleet = config.load(file)
        labels = target_labels(fleet)
        found = await asyncio.gather(*(probed(one, model) for one in fleet.appliances.values()))
    compared = 0
    for name, series in zip(fleet.appliances, found, strict=True):
        history = without_the_probe(of_unit(by_instant[now], name))
        if is_up(history) == is_up(series):  # else chance took a poll from the history
            assert without_the_probe(labelled(series, labels[name])) == history
            compared += 1
    assert compared >= len(topology.appliances) - 2


async def probed(appliance: config.Appliance, model: Model) -> Series:
    """Probe the appliance, again if a page was lost that should have come."""
    prober = Prober(appliance, Telemetry())
    transport = model.view.transport(appliance.name)
    try:
        for _ in range(5):
            result = await prober.probe(5 if transport.snmp else 2)
            snmp, xml = result.readings
            if snmp.complete == transport.snmp and xml.complete == (transport.xml and transport.admits):
                break
        return parsed(result.exposition.text().decode())
    finally:
        await prober.close()


def is_up(series: Series) -> set[tuple[str, float]]:
    return {(dict(labels)["source"], value) for (name, labels), value in series.items() if name == "ironport_source_up"}


def without_the_probe(series: Series) -> Series:
    return {key: value for key, value in series.items() if not key[0].startswith(OF_THE_PROBE)}


def test_nobody_takes_samples_in_a_blackout(by_instant: dict[int, Series]) -> None:
    empty = [(instant - START) // MINUTE for instant, series in by_instant.items() if not series]
    assert empty == [31, 32, 33]


def test_up_is_1_for_a_dead_unit_too(by_instant: dict[int, Series]) -> None:
    series = by_instant[START + 15 * MINUTE]
    up = {dict(labels)["instance"]: value for (name, labels), value in series.items() if name == "up"}
    assert up == {
        "legacy": 1,
        "legacy-virtual": 1,
        "middle": 1,
        "middle-virtual": 1,
        "current": 1,
        "current-virtual": 1,
    }
    assert [value for (name, _), value in of_unit(series, "legacy").items() if name == "ironport_probe_success"] == [0]


def test_same_seed_same_bytes_and_another_seed_others(topology: Topology, written: str) -> None:
    samples = Sampling(topology, 1, ALL_FAMILIES, Path("unused"))
    assert "".join(sample_text(samples, eventful(topology), PERIOD)) + "# EOF\n" == written
    other = Sampling(topology, 2, ALL_FAMILIES, Path("unused"))
    assert "".join(sample_text(other, eventful(topology), PERIOD)) + "# EOF\n" != written


def test_only_the_requested_families_are_written(topology: Topology) -> None:
    samples = Sampling(topology, 1, frozenset({"ironport_uptime_seconds"}), Path("unused"))
    text = "".join(sample_text(samples, eventful(topology), PERIOD[:2]))
    assert {line.partition("{")[0] for line in text.splitlines() if line[0] != "#"} == {"up", "ironport_uptime_seconds"}


RULES = """
groups:
  - name: pool
    interval: 5m
    rules:
      - record: pool:arrivals:rate5m
        expr: sum by (job, pool) (instance:arrivals:rate5m)
        labels: {made: for a test}
      - alert: Quiet
        expr: ironport_open_files > 1e9
  - name: unit
    rules:
      - record: instance:arrivals:rate5m
        expr: rate(ironport_messages_injected_total[5m])
      - record: instance:busy:bool
        expr: instance:arrivals:rate5m > bool 1
      - record: pool:busy:share
        expr: |
          avg by (job, pool) (instance:busy:bool)
          + 0 * sum by (job, pool) (pool:arrivals:rate5m)
"""


@pytest.fixture
def rules(tmp_path: Path) -> list[Rule]:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "some.yml").write_text(RULES)
    (folder / "some_test.yml").write_text("rule_files: [some.yml]\ntests: []\n")
    return read_rules(f"{folder}/*.yml")


@needs_prometheus
def test_prometheus_reads_samples_and_recorded_series(tmp_path: Path, rules: list[Rule]) -> None:
    told: list[tuple[str, float]] = []
    end = int(time.time() - HOUR) // blocks.LENGTH * blocks.LENGTH + HOUR  # an hour in each of two blocks
    data = tmp_path / "data"
    model = backfill.backfill(
        load_topology("pair"),
        seed=3,
        seconds=2 * HOUR,
        end=end,
        out=data,
        rules=rules,
        progress=lambda what, share: told.append((what, share)),
    )
    assert model.time == end
    blocks_made = {path.name for path in data.iterdir()}
    assert all(len(name) == 26 for name in blocks_made), "nothing but blocks, which have ULIDs as names"
    assert {what for what, share in told if share == 1} == {
        "samples",
        *(f"recorded series, level {level} of 3" for level in (1, 2, 3)),
    }
    server = Prometheus(tmp_path, {"global": {}})
    try:
        queues = server.query(f"last_over_time(ironport_work_queue_messages[1m] @ {end})")
        assert {labels["instance"]: value for labels, value in queues} == {
            unit.name: float(str(model.view.snmp_items(unit.name)["workQueueMessages"][()]))
            for unit in model.fleet.topology.appliances
        }
        assert server.query(f"sum(count_over_time(up[2h] @ {end}))") == [({}, 2 * 2 * 60)]
        assert server.query(f"last_over_time(instance:arrivals:rate5m[1m] @ {end - HOUR})") == [
            ({"__name__": "instance:arrivals:rate5m", **labels}, value)
            for labels, value in server.query(f"rate(ironport_messages_injected_total[5m] @ {end - HOUR})")
        ]
        for record, number in {"instance:busy:bool": 60, "pool:arrivals:rate5m": 12, "pool:busy:share": 60}.items():
            counts = {value for _, value in server.query(f"count_over_time({record}[59m30s] @ {end // 300 * 300})")}
            assert counts == {number}
        labels = server.query(f"last_over_time(pool:arrivals:rate5m[5m] @ {end})")[0][0]
        assert labels["made"] == "for a test"
        assert server.query(f"last_over_time(ironport_open_files[5m] @ {end})"), "an alerting rule reads it"
        assert not server.query(f"last_over_time(ironport_fips_mode[5m] @ {end})"), "nothing reads it"
    finally:
        server.stop()


@needs_prometheus
def test_a_rule_that_prometheus_refuses_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ExporterError, match=r"^Prometheus refuses sum\( up: .*unclosed left parenthesis"):
        make(tmp_path / "data", rules=[Rule("a:b", "sum( up", {}, 60)])


def make(out: Path, **more: Any) -> Model:
    return backfill.backfill(load_topology("pair"), seed=1, end=START, out=out, **{"seconds": HOUR, **more})


@needs_prometheus
def test_live_history_has_the_minutes_of_its_writing(
    tmp_path: Path, rules: list[Rule], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise every rate would fall where the live fleet goes on."""
    monkeypatch.setattr(time, "time", lambda: START + 150.0)
    model = make(tmp_path / "data", rules=rules, live=True)
    assert model.time == START + 120
    monkeypatch.undo()
    with blocks.served(tmp_path / "data") as url:
        for series in ("up", "instance:arrivals:rate5m"):
            counts = Server(url).query(f"count_over_time({series}[119s])", START + 120)
            assert [count["value"][1] for count in counts] == ["2", "2"]


@needs_prometheus
def test_a_family_is_left_out_before_its_time(tmp_path: Path) -> None:
    """It begins with the block that has its time."""
    border = int(START) // blocks.LENGTH * blocks.LENGTH
    late, always, end = "ironport_work_queue_messages", "ironport_messages_injected_total", border + 30 * MINUTE
    backfill.backfill(
        load_topology("pair"),
        seed=1,
        seconds=HOUR,
        end=end,
        out=tmp_path / "data",
        families=frozenset({late, always}),
        since={late: border + 10 * MINUTE},
    )
    with blocks.served(tmp_path / "data") as url:
        for series, first in ((always, end - HOUR + MINUTE), (late, border)):
            found = Server(url).query(f"min_over_time(timestamp({series})[1h:1m])", end)
            assert [int(one["value"][1]) for one in found] == [first, first]


@needs_prometheus
def test_a_block_that_is_skipped_is_not_written(tmp_path: Path) -> None:
    """The model goes through its time all the same."""
    border = int(START) // blocks.LENGTH * blocks.LENGTH
    end = border + 5 * MINUTE
    through = Model(load_topology("pair"), 1, end - 10 * MINUTE)
    through.advance(end)
    written = backfill.backfill(
        load_topology("pair"),
        seed=1,
        seconds=10 * MINUTE,
        end=end,
        out=tmp_path / "data",
        families=frozenset(),
        skipped=range(border - HOUR, border),
    )
    (block,) = (tmp_path / "data").iterdir()
    assert json.loads((block / "meta.json").read_text())["minTime"] == border * 1000
    assert written.view.snmp_items("ring1") == through.view.snmp_items("ring1")


@needs_prometheus
def test_a_folder_that_is_not_empty_stays_untouched(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(RequestError, match="is not empty: name a new one"):
        make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@needs_prometheus
@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"seconds": 59}, r"A history of 59 s has no sample: it must be 60 s at least\."),
        ({"step": 7}, r"A step of 7 s is not possible"),
        ({"scenarios": [parse_scenario("fan-fault,unit=nobody")]}, r"There is no unit nobody"),
    ],
)
def test_an_impossible_history_leaves_no_folder(tmp_path: Path, more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        make(tmp_path / "data", **more)
    assert not (tmp_path / "data").exists()


def test_without_promtool_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExporterError, match="promtool is not on the PATH"):
        make(tmp_path / "data")
    assert not (tmp_path / "data").exists()
