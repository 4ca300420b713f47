"""Two exporters and two servers share 200 appliances, as docs/scale-out.md says, and send to VictoriaMetrics."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from exporter.incidents.firings import Firing
from exporter.lab.backtest.alerting import replay
from exporter.lab.backtest.files import rules_of
from exporter.lab.history import blocks
from exporter.lab.history.families import families_of_rules
from exporter.lab.history.sampling import Sampling, sample_text
from exporter.lab.simulator.live import LiveFleet
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.topology import Topology, equal_units
from exporter.prometheus import client
from exporter.prometheus.durations import MINUTE
from exporter.prometheus.progress import silent
from support.exporter import PROJECT, Exporter
from support.processes import program
from support.prometheus import Prometheus, get, parsed
from support.simulated import START, STEP
from support.victoria import VictoriaMetrics

SHARD: Final = PROJECT / "deploy" / "prometheus" / "shard.yml"
SHARDS: Final = 2
SCRAPES: Final = 4
"""How often each appliance is scraped at least."""

PATIENCE: Final = 180.0
"""Seconds within which that must be done: 40 on a quiet machine."""


def shard_of(pool: str) -> int:
    """Return the number of the server that scrapes the pool, as `hashmod` computes it."""
    return int.from_bytes(hashlib.md5(pool.encode(), usedforsecurity=False).digest()[8:]) % SHARDS


def configuration(number: int, exporter: str, store: str) -> dict[str, Any]:
    """Return the configuration of a server: the example with its number, and what is in other places here."""
    text = SHARD.read_text().replace('"0"', f'"{number}"').replace("localhost:10125", exporter)
    config: dict[str, Any] = yaml.safe_load(text)
    config["global"] |= {"scrape_interval": "10s"}
    del config["rule_files"], config["alerting"]
    return config | {"remote_write": [{"url": f"{store}/api/v1/write", "queue_config": {"batch_send_deadline": "1s"}}]}


def fleet_of(live: LiveFleet) -> dict[str, Any]:
    """Return the configuration of the exporters, which poll for each probe: so polls can be counted."""
    fleet: dict[str, Any] = yaml.safe_load(live.fleet_file())
    fleet["defaults"]["min_interval"] = {"snmp": 0, "xml": 0}
    return fleet


def awaited(look: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < limit, f"not so after {PATIENCE:.0f} s"
        time.sleep(0.5)


async def test_each_appliance_is_scraped_once(
    tmp_path: Path,
    start_exporter: Callable[[Mapping[str, Any]], Exporter],
    start_prometheus: Callable[[Mapping[str, Any]], Prometheus],
) -> None:
    topology = equal_units(200)
    async with LiveFleet(Model(topology, 1, START, STEP), snmp="v2c", https=False) as live:
        await live.step()
        await asyncio.to_thread(check_sharing, topology, fleet_of(live), tmp_path, start_exporter, start_prometheus)


def check_sharing(
    topology: Topology,
    fleet: Mapping[str, Any],
    folder: Path,
    start_exporter: Callable[[Mapping[str, Any]], Exporter],
    start_prometheus: Callable[[Mapping[str, Any]], Prometheus],
) -> None:
    store = VictoriaMetrics(folder)
    try:
        exporters = [start_exporter(fleet) for _ in range(SHARDS)]
        servers = [
            start_prometheus(configuration(number, exporter.address, store.url))
            for number, exporter in enumerate(exporters)
        ]
        samples = f'count_over_time(ironport_probe_success{{job="ironport"}}[10m]) >= {SCRAPES}'
        awaited(lambda: len(stored(store, samples)) >= len(topology.appliances))
        assert [scraped_by(server) for server in servers] == [
            sorted(unit.name for unit in topology.appliances if shard_of(unit.pool) == number)
            for number in range(SHARDS)
        ]
        polls = sum(map(pages_fetched, exporters))
        scrapes = sum(value for server in servers for _, value in server.query("sum(count_over_time(up[10m]))"))
        assert polls <= scrapes + len(topology.appliances), "those of one round may not have ended"
        series = stored(store, "ironport_work_queue_messages")
    finally:
        store.stop()
    assert sorted(labels["instance"] for labels in series) == sorted(unit.name for unit in topology.appliances)
    assert {labels["pool"]: int(labels["shard"]) for labels in series} == {
        pool: shard_of(pool) for pool in topology.pools
    }


def stored(store: VictoriaMetrics, expression: str) -> list[dict[str, str]]:
    """Return the labels of the series that the expression gives now."""
    store.flush()
    return [series["metric"] for series in client.Prometheus(store.url).query(expression, time.time())]


def scraped_by(server: Prometheus) -> list[str]:
    """Return the appliances that are targets of a server."""
    return sorted(each["labels"]["instance"] for each in server.targets() if each["labels"]["job"] == "ironport")


def pages_fetched(exporter: Exporter) -> float:
    """Return how many status pages the exporter has asked for."""
    own = parsed(get(f"{exporter.url}/metrics"))
    return sum(value for (name, _), value in own.items() if name == "ironport_exporter_xml_requests_total")


BEGIN: Final = blocks.LENGTH * 27_270
"""A morning."""
PERIOD: Final = range(BEGIN, BEGIN + 90 * MINUTE, MINUTE)
INCIDENTS: Final = ("jabberer@+40m,unit=mx50,duration=25m", "pool-slow@+40m,pool=inbound3", "unit-down@+50m,unit=mx120")


@pytest.fixture(scope="module")
def fired(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Sequence[Firing]]:
    """Return the alerts that fire on one server with all samples, and on those that share them."""
    program("promtool")
    topology = equal_units(200)
    read = families_of_rules(rules_of(None))
    model = Model(topology, 1, PERIOD.start - MINUTE, MINUTE)
    for incident in INCIDENTS:
        model.begin(parse_scenario(incident))
    text = "".join(sample_text(Sampling(topology, 1, read, Path()), model, PERIOD)).splitlines(keepends=True)
    places = {f'pool="{pool}"': shard_of(pool) for pool in topology.pools}

    def part(number: int) -> Iterator[str]:
        return (line for line in text if line.startswith("#") or places[pool_in(line)] == number)

    return {
        "one": alerts(text, tmp_path_factory.mktemp("one")),
        "shared": [each for number in range(SHARDS) for each in alerts(part(number), tmp_path_factory.mktemp("shard"))],
    }


def pool_in(line: str) -> str:
    """Return the label of the pool, as the sample has it."""
    begin = line.index('pool="')
    return line[begin : line.index('"', begin + len('pool="')) + 1]


def alerts(text: Iterator[str] | Sequence[str], folder: Path) -> list[Firing]:
    blocks.write(text, folder)
    with ThreadPoolExecutor(1) as alone:
        return list(replay(folder, rules_of(None), [PERIOD], alone, silent))


def test_shards_give_the_verdicts_of_one_server(fired: Mapping[str, Sequence[Firing]]) -> None:
    assert sorted(fired["shared"], key=str) == sorted(fired["one"], key=str)
    assert {
        ("IronPortJabbererSuspected", "inbound7", "mx50"),
        ("IronPortPoolSlow", "inbound3", None),
        ("IronPortUnitUnreachable", "inbound15", "mx120"),
    } <= {(each.alert, each.labels["pool"], each.labels.get("instance")) for each in fired["one"]}
