"""Fixtures that every test may ask for; `support.leaks` watches that none leaves anything open."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
import trustme

from exporter.lab.history import blocks
from support.built_once import built_once
from support.exporter import Exporter
from support.october import write_october
from support.processes import program
from support.prometheus import Prometheus, SnmpExporter
from support.snmpd import Snmpd, User
from support.status_server import StatusServer

pytest_plugins = ["pytester", "support.leaks"]

os.environ.setdefault("GOGC", "800")  # Prometheus and promtool collect garbage less often: a tenth of their work

FIRST: Final = (
    "lab/backtest/test_trials.py",
    "sources/snmp/test_session.py",
    "web/test_stopping.py",
    "faults/test_faults.py",
    "faults/test_accounting.py",
    "test_loss.py",
    "sources/snmp/test_collect.py",
    "test_bad_appliances.py",
    "web/test_protected_exporter.py",
    "alerts/test_rules.py",
    "dashboards/test_live.py",
    "lab/simulator/test_model.py",
    "test_wheel.py",
    "report/test_incident_card.py",
    "lab/backtest/test_agreement.py",
    "lab/demo/test_command.py",
    "lab/history/test_backfill.py",
    "report/test_collect.py",
    "lab/backtest/test_past.py",
    "tutorial/test_tutorial.py",
    "init/test_command.py",
    "test_mistakes.py",
    "compat/test_commands.py",
)
"""Files to begin with, so that no worker ends long after the others.

First the longest, which works with all processors; then those that mostly wait, and can do so meanwhile; then the
other long ones.
"""


gc.disable()  # what is imported and collected is no garbage: looking at it would take a third of the time


def pytest_collection_finish() -> None:
    """Let the garbage collector look only at what the tests make: the tests themselves stay until the end."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {Path(__file__).parent / name: place for place, name in enumerate(FIRST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


@pytest.fixture(scope="session")
def snmpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    """Run an agent with every object of the MIB, shared by all tests: read it only."""
    agent = Snmpd(tmp_path_factory.mktemp("snmpd"))
    yield agent
    agent.stop()


@pytest.fixture
def start_snmpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Snmpd]]:
    """Start an agent of the test's own, with the arguments of `Snmpd`; it ends with the test."""
    with ExitStack() as agents:

        def start(**arguments: object) -> Snmpd:
            agent = Snmpd(tmp_path_factory.mktemp("snmpd"), **arguments)  # type: ignore[arg-type]
            agents.callback(agent.stop)
            return agent

        yield start


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Return a certificate authority; `StatusServer` takes it."""
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the authority's certificate to a file, for `ca_file` in fleet.yml."""
    file = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


@pytest.fixture
async def status_server(authority: trustme.CA) -> AsyncIterator[StatusServer]:
    """Run an appliance's web server over HTTPS."""
    async with StatusServer(authority) as server:
        yield server


@pytest.fixture
def start_prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Mapping[str, Any]], Prometheus]]:
    """Start a Prometheus server with a configuration; it ends with the test."""
    with ExitStack() as servers:

        def start(config: Mapping[str, Any]) -> Prometheus:
            server = Prometheus(tmp_path_factory.mktemp("prometheus"), config)
            servers.callback(server.stop)
            return server

        yield start


@pytest.fixture
def start_snmp_exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., SnmpExporter]]:
    """Start Prometheus' SNMP exporter, reading as an optional v3 user; it ends with the test."""
    with ExitStack() as exporters:

        def start(user: User | None = None) -> SnmpExporter:
            exporter = SnmpExporter(tmp_path_factory.mktemp("snmp_exporter"), user)
            exporters.callback(exporter.stop)
            return exporter

        yield start


@pytest.fixture
def start_exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Exporter]]:
    """Start the exporter with a configuration and flags; it ends with the test."""
    with ExitStack() as exporters:

        def start(fleet: Mapping[str, Any], *flags: str) -> Exporter:
            exporter = Exporter(tmp_path_factory.mktemp("exporter"), fleet, *flags)
            exporters.callback(exporter.stop)
            return exporter

        yield start


@pytest.fixture(scope="session")
def october_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a Prometheus with a month of several fleets."""
    for name in ("prometheus", "promtool"):
        program(name)
    with blocks.served(built_once(tmp_path_factory, "october", write_october)) as url:
        yield url
