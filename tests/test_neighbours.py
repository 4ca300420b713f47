"""Prometheus and its SNMP exporter, which operators already run, agree with the exporter."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.metrics.reading import Reading
from exporter.sources.snmp.collect import SnmpSource
from exporter.sources.snmp.mib import SCALARS, TABLES, Syntax
from exporter.telemetry import Telemetry
from support.appliances import community, snmp_appliance, usm
from support.exporter import Exporter
from support.prometheus import Prometheus, SnmpExporter, get, parsed, promtool
from support.snmpd import COMMUNITY, V3GET, Snmpd, User
from support.status_server import PASSWORD, USERNAME, StatusServer

README = Path(__file__).parent.parent / "README.md"


@pytest.mark.parametrize("user", [None, V3GET], ids=["v2c", "v3"])
async def test_the_prometheus_snmp_exporter_reads_the_same_numbers(
    user: User | None, snmpd: Snmpd, start_snmp_exporter: Callable[..., SnmpExporter]
) -> None:
    theirs_exporter = await asyncio.to_thread(start_snmp_exporter, user)
    theirs = await asyncio.to_thread(theirs_exporter.probe, "127.0.0.1", snmpd.port)
    reading = Reading("snmp")
    await SnmpSource(snmp_appliance(snmpd.port, usm(user) if user else community()), Telemetry()).poll(reading)
    compared = 0
    for each in SCALARS:
        if each.syntax is not Syntax.STRING:
            assert theirs[each.name, frozenset()] == reading.items[each.name][()], each.name
            compared += 1
    rows = {(name, dict(labels)["name"]): value for (name, labels), value in theirs.items() if "name" in dict(labels)}
    for table in TABLES:
        for column in table.columns:
            for (name,), value in reading.items[column.name].items():
                assert rows[column.name, name] == value, (column.name, name)
                compared += 1
    assert compared == len(rows) + len([each for each in SCALARS if each.syntax is not Syntax.STRING])


def scrape_configs(exporter: str) -> dict[str, Any]:
    """Return the README's Prometheus configuration, for the exporter at this address, with short intervals."""
    block = re.search(r"```yaml\n(scrape_configs:.*?)```", README.read_text(), re.DOTALL)
    assert block
    config: dict[str, Any] = yaml.safe_load(block[1].replace("localhost:10125", exporter))
    return {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, **config}


def fleet(snmp_port: int, page_port: int) -> dict[str, Any]:
    sites = {"mx1": ("east", "inbound"), "mx2": ("west", "inbound"), "out1": ("east", "outbound")}
    return {
        "auths": {
            "ops": {
                "snmp": {"version": "2c", "community": COMMUNITY},
                "xml": {"username": USERNAME, "password": PASSWORD},
            }
        },
        "defaults": {
            "auth": "ops",
            "snmp": {"port": snmp_port},
            "xml": {"scheme": "http", "port": page_port},
        },
        "appliances": [
            {
                "name": name,
                "address": "127.0.0.1",
                "site": site,
                "pool": pool,
                "traffic": pool,
                "labels": {"rack": "b12"},
            }
            for name, (site, pool) in sites.items()
        ],
    }


async def test_prometheus_scrapes_with_the_jobs_of_the_readme(
    snmpd: Snmpd,
    start_exporter: Callable[[dict[str, Any]], Exporter],
    start_prometheus: Callable[[dict[str, Any]], Prometheus],
) -> None:
    async with StatusServer() as page:
        exporter = await asyncio.to_thread(start_exporter, fleet(snmpd.port, page.port))
        prometheus = await asyncio.to_thread(start_prometheus, scrape_configs(exporter.address))
        await asyncio.to_thread(check_discovered_fleet, prometheus)
        await asyncio.to_thread(check_scraped_series, prometheus, exporter)


def check_discovered_fleet(prometheus: Prometheus) -> None:
    up = prometheus.until(lambda: found if len(found := prometheus.query("up == 1")) == 4 else [])
    assert sorted(labels["instance"] for labels, _ in up if labels["job"] == "ironport") == ["mx1", "mx2", "out1"]
    labels, value = prometheus.query('ironport_work_queue_messages{instance="mx2"}')[0]
    assert value == 45
    assert labels == {
        "__name__": "ironport_work_queue_messages",
        "job": "ironport",
        "instance": "mx2",
        "site": "west",
        "pool": "inbound",
        "stream": "inbound",
        "traffic": "inbound",
        "role": "production",
        "rack": "b12",
    }
    assert prometheus.query("count(ironport_probe_success == 1)")[0][1] == 3
    assert prometheus.query('{__name__=~".+", exported_instance!=""}') == []
    assert prometheus.query("count(ironport_source_complete == 1)")[0][1] == 6
    assert prometheus.query('ironport_exporter_appliances{job="ironport-exporter"}')[0][1] == 3


def check_scraped_series(prometheus: Prometheus, exporter: Exporter) -> None:
    """Prometheus asks for OpenMetrics, which alone has units, and gets the series of the text format."""
    for target, page in (('instance="mx1"', "probe?target=mx1"), ('job="ironport-exporter"', "metrics")):
        prometheus.until(partial(scrapes_all, prometheus, target, f"{exporter.url}/{page}"))
    units = json.loads(get(f"{prometheus.url}/api/v1/targets/metadata?metric=ironport_queue_free_bytes"))["data"]
    assert {(each["type"], each["unit"]) for each in units} == {("gauge", "bytes")}


def scrapes_all(prometheus: Prometheus, target: str, page: str) -> bool:
    """Return whether Prometheus has just the series of the page; the exporter's own begin with the first probes."""
    scraped = prometheus.query(f'{{{target}, __name__!~"up|scrape_.+"}}')
    return sorted(labels["__name__"] for labels, _ in scraped) == sorted(name for name, _ in parsed(get(page)))


async def test_promtool_finds_no_fault(snmpd: Snmpd, start_exporter: Callable[[dict[str, Any]], Exporter]) -> None:
    async with StatusServer() as page:
        exporter = await asyncio.to_thread(start_exporter, fleet(snmpd.port, page.port))
        for path in ("/probe?target=mx1", "/metrics"):
            text = await asyncio.to_thread(get, exporter.url + path)
            checked = await asyncio.to_thread(partial(promtool, "check", "metrics", stdin=text))
            assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", ""), path
            assert len(text) > 1000
