"""Commands that read from a server give the same JSON on every server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.cli import main
from exporter.prometheus.durations import HOUR
from support.compatible import FLEET_END, SERVERS

AT = datetime.fromtimestamp(FLEET_END, UTC).isoformat()


CAPACITY = {
    "now": [],
    "after a loss": ["--lose", "ring1", "--growth", "20%"],
}


@pytest.mark.parametrize("changes", CAPACITY)
def test_capacity_is_the_same(changes: str, fleet_urls: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for kind, url in fleet_urls.items():
        assert main(["capacity", "--prometheus.url", url, "--at", AT, "--json", *CAPACITY[changes]]) == 0
        found[kind] = capsys.readouterr().out
    assert found == dict.fromkeys(found, found["prometheus"])
    assert json.loads(found["prometheus"])["before"]["pools"][0]["demand_messages_per_hour"] > 0


def test_explanations_have_the_same_outcomes(fleet_urls: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """The figures of windows differ: VictoriaMetrics does not extrapolate rates."""
    found = {}
    for kind, url in fleet_urls.items():
        assert main(["explain", "--prometheus.url", url, "--at", AT, "--json"]) == 0
        (pool,) = json.loads(capsys.readouterr().out)["pools"]
        verdicts = [*pool["verdicts"], *(each for unit in pool["units"].values() for each in unit)]
        found[kind] = [(each["alert"], [one["holds"] for one in each["conditions"]]) for each in verdicts]
    assert found == dict.fromkeys(found, found["prometheus"])
    assert len(found["prometheus"]) > 20


REPORTS = {
    "fleet": [],
    "site": ["--site", "annex"],
    "pool": ["--pool", "ring", "--timezone", "America/New_York"],
}


@pytest.mark.parametrize("part", REPORTS)
def test_a_report_is_the_same(part: str, fleet_urls: dict[str, str], tmp_path: Path) -> None:
    found = {}
    for kind, url in fleet_urls.items():
        chosen = ["--prometheus.url", url, "--month", "2026-03", "--timezone", "Europe/Berlin", *REPORTS[part]]
        assert main(["report", *chosen, "--out", str(tmp_path / kind)]) == 0
        found[kind] = {file.name: file.read_text() for file in (tmp_path / kind).iterdir()}
    assert found == dict.fromkeys(found, found["prometheus"])
    assert sorted(name.rpartition(".")[2] for name in found["prometheus"]) == ["csv", "html", "json"]


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


def test_an_incident_is_the_same(fleet_urls: dict[str, str], tmp_path: Path) -> None:
    during = datetime.fromtimestamp(FLEET_END - 2.5 * HOUR, UTC).isoformat()
    found = {}
    for kind, url in fleet_urls.items():
        chosen = ["--prometheus.url", url, "--at", during, "--timezone", "Europe/Berlin"]
        assert main(["incident", *chosen, "--out", str(tmp_path / kind)]) == 0
        found[kind] = {file.name: file.read_text() for file in (tmp_path / kind).iterdir()}
    assert found == dict.fromkeys(found, found["prometheus"])
    assert "Distributed attack on pool ring" in str(found["prometheus"])
