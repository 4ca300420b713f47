"""What the exporter may cost: packets, calls and collections for a probe, objects for an appliance, and its modules.

These are the same on any machine.

After a change that is meant to cost more, raise the budget and say why in the commit. `benchmarks/speed.py` measures
the time.
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import aiohttp
import pytest
import trustme

import exporter
from exporter.config import Appliance, Auth, BasicAuth, MinInterval, TlsSettings, XmlSettings
from exporter.probe import Prober, Result
from exporter.telemetry import Telemetry
from support.appliances import community, snmp_appliance, usm
from support.exporter import Exporter
from support.snmpd import COMMUNITY, V3GET, Snmpd
from support.status_server import PASSWORD, USERNAME, StatusServer

PACKETS: Final = 3
"""From the second probe on, of the appliance of the tests: it has 17 scalars, and 17 rows in six tables."""

CALLS: Final = {"v2c": 500, "v3": 640, "page": 470}
"""Calls of functions of the exporter, for the probe and its text. It takes 476, 617 and 437 with Python 3.11."""

OBJECTS: Final = {"v2c": 45, "v3": 60}
"""Objects that an appliance with SNMP keeps in memory, as the garbage collector counts them. It takes 36 and 48."""

COLLECTIONS: Final = 10
"""Garbage collections during 300 probes, ten at a time. It takes about 2, and 63 with Python's own thresholds."""

OTHER_COMMANDS: Final = {
    "numpy",
    "jinja2",
    "weasyprint",
    *(f"exporter.{package}" for package in ("capacity", "explain", "incidents", "lab", "prometheus", "report")),
}
"""What `serve` never imports: its memory and its start would double."""

SNMPV3: Final = {"pysnmp", "pyasn1", "cryptography"}
"""11 MB that only an exporter takes whose fleet has SNMPv3."""

TELEMETRY: Final = Telemetry()
NOT_REUSED: Final = MinInterval(snmp=0, xml=0)

_PACKAGE: Final = str(Path(exporter.__file__).parent)


@pytest.mark.parametrize("version", OBJECTS)
async def test_a_probe_keeps_to_its_budget(snmpd: Snmpd, version: str) -> None:
    result, calls = await counted(await probed(snmpd, version))
    assert result.complete
    assert sum(reading.requests - reading.retries for reading in result.readings) <= PACKETS
    check(calls, version)


async def test_a_page_keeps_to_its_budget() -> None:
    async with StatusServer(trustme.CA()) as server:
        appliance = Appliance(
            name="mx1",
            address=server.host,
            auth="ops",
            credentials=Auth(xml=BasicAuth.model_validate({"username": USERNAME, "password": PASSWORD})),
            stream="default",
            xml=XmlSettings(port=server.port, tls=TlsSettings(verify=False)),
            min_interval=NOT_REUSED,
        )
        prober = await warmed(Prober(appliance, TELEMETRY))
        result, calls = await counted(prober)
        await prober.close()
    assert result.complete
    check(calls, "page")


@pytest.mark.parametrize("version", OBJECTS)
async def test_appliances_have_most_in_common(snmpd: Snmpd, version: str) -> None:
    probers = [await probed(snmpd, version)]
    gc.collect()
    before = len(gc.get_objects())
    probers += [await probed(snmpd, version) for _ in range(20)]
    gc.collect()
    kept = (len(gc.get_objects()) - before) / 20
    assert kept <= OBJECTS[version]


async def probed(snmpd: Snmpd, version: str) -> Prober:
    """Return the prober of an appliance with SNMP, of which it has learned everything."""
    auth = community() if version == "v2c" else usm(V3GET)
    return await warmed(Prober(snmp_appliance(snmpd.port, auth, min_interval=NOT_REUSED), TELEMETRY))


async def warmed(prober: Prober) -> Prober:
    for _ in range(3):  # the first one learns how many rows there are, the next two make a plan
        (await prober.probe(10)).exposition.text()
    return prober


def check(calls: Counter[CodeType], kind: str) -> None:
    dearest = [f"{count} {code.co_name}" for code, count in calls.most_common(10)]
    assert calls.total() <= CALLS[kind], f"{calls.total()} calls, most of them of {', '.join(dearest)}"


async def counted(prober: Prober) -> tuple[Result, Counter[CodeType]]:
    """Return the result of a probe, and how often each function of the exporter was called for it and its text."""
    calls: Counter[CodeType] = Counter()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(_PACKAGE):
            calls[frame.f_code] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        result = await prober.probe(10)
        result.exposition.text()
    finally:
        sys.setprofile(before)
    return result, calls


async def test_probes_leave_little_to_the_garbage_collector(snmpd: Snmpd, tmp_path: Path) -> None:
    names = [f"mx{number}" for number in range(10)]
    fleet = {
        "auths": {"ops": {"snmp": {"version": "2c", "community": COMMUNITY}}},
        "defaults": {"auth": "ops", "snmp": {"port": snmpd.port}, "min_interval": {"snmp": 0}},
        "appliances": [{"name": name, "address": "127.0.0.1"} for name in names],
    }
    started = Exporter(tmp_path, fleet)
    try:
        async with aiohttp.ClientSession(started.url) as client:
            before = await collections(client)
            for _ in range(30):
                texts = await asyncio.gather(*(text(client, f"/probe?target={name}") for name in names))
                assert all("ironport_probe_success 1" in each for each in texts)
            assert await collections(client) - before <= COLLECTIONS
    finally:
        started.stop()


async def collections(client: aiohttp.ClientSession) -> float:
    """Return how often the garbage collector of the exporter has run."""
    lines = (await text(client, "/metrics")).splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("python_gc_collections_total{"))


async def text(client: aiohttp.ClientSession, path: str) -> str:
    async with client.get(path) as answer:
        return await answer.text()


@pytest.mark.parametrize(
    ("snmp", "unused"),
    [
        ({"version": "2c", "community": "public"}, OTHER_COMMANDS | SNMPV3),
        ({"version": 3, "username": "v3get"}, OTHER_COMMANDS),
    ],
    ids=["v2c", "v3"],
)
def test_the_exporter_starts_without_what_its_fleet_does_not_need(
    tmp_path: Path, snmp: dict[str, str | int], unused: set[str]
) -> None:
    auth = {"snmp": snmp, "xml": {"username": "ops", "password": "secret"}}
    appliance = {"name": "mx1", "address": "192.0.2.1", "auth": "ops"}
    fleet = {"auths": {"ops": auth}, "appliances": [appliance]}
    started = Exporter(tmp_path, fleet, python=(sys.executable, "-X", "importtime"))
    started.stop()
    lines = started.process.output.splitlines()
    imported = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    assert {"aiohttp", "exporter.fleet"} <= imported
    assert not unused & imported


COUNTS_AUTHORITIES: Final = """
import os, ssl, sys
from exporter.cli import main

load = ssl.SSLContext.load_default_certs

def load_and_count(context, *purpose):
    load(context, *purpose)
    print("trusted:", context.cert_store_stats()["x509_ca"])

ssl.SSLContext.load_default_certs = load_and_count
main(sys.argv[1:])
print("file:", os.environ["SSL_CERT_FILE"])
"""


def test_the_start_reads_no_trusted_certificates(ca_file: Path) -> None:
    command = [sys.executable, "-c", COUNTS_AUTHORITIES, "--config.file", str(ca_file)]
    environment = {**os.environ, "PYTHONPATH": str(Path(exporter.__file__).parents[1]), "SSL_CERT_FILE": str(ca_file)}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert "trusted: 0" in said
    assert "trusted: 1" not in said
    assert f"file: {ca_file}" in said
