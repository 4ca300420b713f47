"""Commands that read from a server give the same JSON on every server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from multiprocessing import resource_tracker
from pathlib import Path

import pytest

from exporter.cli import main
from exporter.prometheus.durations import HOUR
from support.compatible import FLEET_END, SERVERS

AT = datetime.fromtimestamp(FLEET_END, UTC).isoformat()

DECIMALS = 6
"""Servers differ in more decimals, because they add in another order."""


@pytest.fixture(scope="module", autouse=True)
def _resource_tracker() -> None:
    """Start the process that Python keeps, once it has spawned others, until it ends: no test leaves it behind."""
    resource_tracker.ensure_running()


def rounded(content: object) -> object:
    match content:
        case dict():
            return {name: rounded(value) for name, value in content.items()}
        case list():
            return [rounded(value) for value in content]
        case float():
            return round(content, DECIMALS)
    return content


CAPACITY = {
    "now": [],
    "after a loss": ["--lose", "ring1", "--growth", "20%"],
}


@pytest.mark.parametrize("changes", CAPACITY)
def test_capacity_is_the_same(changes: str, fleet_urls: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for kind, url in fleet_urls.items():
        assert main(["capacity", "--prometheus.url", url, "--at", AT, "--json", *CAPACITY[changes]]) == 0
        found[kind] = rounded(json.loads(capsys.readouterr().out))
    assert found == dict.fromkeys(found, found["prometheus"])
    assert "demand" in str(found["prometheus"])


def test_backtest_is_the_same(fleet_urls: dict[str, str], tmp_path: Path) -> None:
    since = datetime.fromtimestamp(FLEET_END - 4 * HOUR, UTC).isoformat()
    found = {}
    for kind in SERVERS:
        file = tmp_path / f"{kind}.json"
        arguments = ["--prometheus.url", fleet_urls[kind], "--from", since, "--to", AT, "--json", str(file)]
        assert main(["backtest", *arguments]) == 0
        found[kind] = json.loads(file.read_text())
    assert found == dict.fromkeys(found, found["prometheus"])
    assert "IronPortPoolOverloaded" in {alert["alert"] for alert in found["prometheus"]["alerts"]}
