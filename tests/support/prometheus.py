"""The real programs around the exporter: Prometheus, promtool and Prometheus' own SNMP exporter."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml
from prometheus_client.parser import text_string_to_metric_families

from exporter.prometheus import client
from exporter.sources.snmp.mib import MAIL_OBJECTS, SCALARS, TABLES, Object, Oid, Syntax, Table
from support.processes import Process, free_port, program
from support.snmpd import AUTH_PASSPHRASE, COMMUNITY, PRIV_PASSPHRASE, User

Found = TypeVar("Found")
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""Metric name and labels to value."""

PATIENCE: Final = 30.0
"""Seconds within which Prometheus must have discovered and scraped; generous, for a busy machine."""


class Prometheus:
    """A Prometheus server with `config` (the content of prometheus.yml) on a free loopback port, until `stop`.

    Everything here blocks: beside a server in the same event loop, use `asyncio.to_thread`.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.url = f"http://127.0.0.1:{free_port(socket.SOCK_STREAM)}"
        self._file = folder / "prometheus.yml"
        self._file.write_text(yaml.safe_dump(dict(config)))
        self._process = Process(
            [
                program("prometheus"),
                f"--config.file={self._file}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
            ],
            folder / "prometheus.log",
        )
        self._process.wait_until(partial(is_ready, f"{self.url}/-/ready"))

    def stop(self) -> None:
        """End the server."""
        self._process.stop()

    def reload(self, config: Mapping[str, Any]) -> None:
        """Use another configuration from now on."""
        self._file.write_text(yaml.safe_dump(dict(config)))
        os.kill(self._process.pid, signal.SIGHUP)

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Return the labels and the value of each series that the expression gives now."""
        result = client.Prometheus(self.url).query(expression, time.time())
        return [(each["metric"], float(each["value"][1])) for each in result]

    def targets(self) -> list[dict[str, Any]]:
        """Return the active targets, as the API describes them (labels, health, lastError, scrapeUrl)."""
        answer = json.loads(get(f"{self.url}/api/v1/targets?state=active"))
        targets: list[dict[str, Any]] = answer["data"]["activeTargets"]
        return targets

    def until(self, look: Callable[[], Found]) -> Found:
        """Look again and again until what is found is not empty; return it."""
        limit = time.monotonic() + PATIENCE
        while not (found := look()):
            assert time.monotonic() < limit, f"nothing found in {PATIENCE:.0f} s; targets: {self.targets()}"
            time.sleep(0.1)
        return found


class SnmpExporter:
    """Prometheus' SNMP exporter on a free loopback port, until `stop`.

    Its module `ironport` reads our part of the MIB table by table, `ironport_tree` by one walk of all objects.
    `newer` is another release than the installed one.
    """

    def __init__(self, folder: Path, user: User | None = None, newer: Path | None = None) -> None:
        self.url = f"http://127.0.0.1:{free_port(socket.SOCK_STREAM)}"
        file = folder / "snmp.yml"
        tables = snmp_module(user)
        others = [_dotted(each.oid) for each in SCALARS if each.oid[: len(MAIL_OBJECTS)] != MAIL_OBJECTS]
        path = str(newer or program("prometheus-snmp-exporter"))
        modules = {"ironport": tables, "ironport_tree": {**tables, "get": others, "walk": [_dotted(MAIL_OBJECTS)]}}
        file.write_text(yaml.safe_dump(_since_0_23(modules) if _is_since_0_23(path) else modules))
        self._process = Process(
            [
                path,
                f"--config.file={file}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
            ],
            folder / "snmp_exporter.log",
        )
        self._process.wait_until(partial(is_ready, f"{self.url}/"))

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """End the exporter."""
        self._process.stop()

    def probe(self, host: str, port: int) -> Series:
        """Return what it reads from an agent: names as in the MIB, rows labelled by index and name."""
        query = {"target": f"{host}:{port}", "module": "ironport", "auth": "ops"}  # older releases ignore auth
        page = get(f"{self.url}/snmp?{urlencode(query)}")
        return parsed(page)


def promtool(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run promtool; its complaints are in `stdout` and `stderr`, its verdict in `returncode`."""
    return subprocess.run(
        [program("promtool"), *arguments], input=stdin or "", capture_output=True, text=True, timeout=300, check=False
    )


def parsed(page: str) -> Series:
    """Return the series of an exposition in text format."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def snmp_module(user: User | None = None) -> dict[str, Any]:
    """Return a module of snmp.yml (as version 0.21 has it) for the objects of exporter/mib.py."""
    return {
        "get": [_dotted(each.oid) for each in SCALARS],
        "walk": [_dotted(table.label.oid[:-1]) for table in TABLES],
        "metrics": [
            *(_metric(each) for each in SCALARS),
            *(_metric(column, table) for table in TABLES for column in table.columns),
        ],
        **_login(user),
    }


def _is_since_0_23(path: str) -> bool:
    """Whether a release takes credentials by their name, here `ops`. One that Go built as a module tells no version."""
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    version = re.search(r"version (\d+)\.(\d+)", said.stdout + said.stderr)
    return version is None or (int(version[1]), int(version[2])) >= (0, 23)


def _since_0_23(modules: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the content of snmp.yml in its later form."""
    login = modules["ironport"]
    plain = {
        name: {key: module[key] for key in module.keys() - {"version", "auth"}} for name, module in modules.items()
    }
    return {"auths": {"ops": {"version": login["version"], **login["auth"]}}, "modules": plain}


def _metric(column: Object, table: Table | None = None) -> dict[str, Any]:
    # A counter too is a gauge here: prometheus-client's parser would add _total to its name.
    kind = "DisplayString" if column.syntax is Syntax.STRING else "gauge"
    metric: dict[str, Any] = {
        "name": column.name,
        "oid": _dotted(column.oid if table else column.oid[:-1]),
        "type": kind,
        "help": column.name,
    }
    if table:
        metric["indexes"] = [{"labelname": "index", "type": "gauge"}]
        metric["lookups"] = [
            {"labels": ["index"], "labelname": "name", "oid": _dotted(table.label.oid), "type": "DisplayString"}
        ]
    return metric


def _login(user: User | None) -> dict[str, Any]:
    if user is None:
        return {"version": 2, "auth": {"community": COMMUNITY}}
    auth = {"username": user.name, "security_level": user.tool_level}
    if user.auth:
        auth |= {"auth_protocol": user.auth, "password": AUTH_PASSPHRASE}
    if user.priv:
        auth |= {"priv_protocol": user.priv, "priv_password": PRIV_PASSPHRASE}
    return {"version": 3, "auth": auth}


def _dotted(oid: Oid) -> str:
    return ".".join(map(str, oid))


def get(url: str) -> str:
    with urlopen(url, timeout=30) as answer:
        text: str = answer.read().decode()
        return text


def is_ready(url: str) -> bool:
    try:
        return bool(get(url))
    except HTTPError as error:
        error.close()
    except (URLError, ConnectionError, TimeoutError):
        pass
    return False
