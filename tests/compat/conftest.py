"""The servers that the tests of this folder run against, each with the same samples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.topology import load_topology
from exporter.prometheus.durations import HOUR
from support import history
from support.api_server import ApiServer, forwarding
from support.compatible import FLEET_END, SERVERS, TODAY, serving, write_samples
from support.processes import program

_IN_OWN_RUN: Final = ("ansible", "further_labels", "kubernetes", "scale_out", "verdicts", "web_config")
"""Tests that need the programs of tests/compat/build, or that take minutes."""

collect_ignore = [] if TODAY else [f"test_{name}.py" for name in _IN_OWN_RUN]


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the database that each server has."""
    program("promtool")
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder)
    return folder


@pytest.fixture(scope="session", params=SERVERS)
def kind(request: pytest.FixtureRequest) -> str:
    """Return the kind of a server."""
    return str(request.param)


@pytest.fixture(scope="session")
def url(kind: str, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a server and return its URL."""
    with serving(kind, samples, tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture(scope="session")
def fleet_urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run each server on six hours of a fleet with a flood, and a proxy with a path prefix; return the URLs by kind."""
    program("promtool")
    data = tmp_path_factory.mktemp("fleet")
    history.write({"ironport": load_topology("pair")}, data, FLEET_END, 6 * HOUR, [parse_scenario("flood@+3h")])
    with ExitStack() as running:
        urls = {kind: running.enter_context(serving(kind, data, tmp_path_factory.mktemp("server"))) for kind in SERVERS}
        proxy = running.enter_context(ApiServer(forwarding(urls["prometheus"])))
        yield {**urls, "proxy": f"{proxy.url}/prometheus"}
