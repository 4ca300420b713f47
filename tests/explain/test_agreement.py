"""What `explain` prints agrees with the alerts of the project's rules, on a simulated campus that is attacked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import pytest

from exporter.cli import main
from exporter.explain.explanation import VerdictFinding, explain
from exporter.incidents.firings import FIRING
from exporter.lab.history import blocks
from exporter.lab.history.alerts import SHORT_LOOKBACK
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.topology import load_topology
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import MINUTE
from exporter.prometheus.selection import Selection
from support import history
from support.processes import program

END: Final = 1_773_252_000
"""18:00 UTC on a Wednesday."""
LENGTH: Final = 192 * MINUTE
BEGIN: Final = END - LENGTH

SCENARIOS: Final = {
    # scenario: (alert, minutes from the beginning of the history to a moment in which it must fire, where)
    "jabberer@+30m,unit=mx2,duration=20m": ("IronPortJabbererSuspected", 42, "mx2"),
    "unit-slow@+75m,unit=mx3,duration=22m": ("IronPortUnitSlow", 95, "mx3"),
    "pool-slow@+120m,pool=inbound,duration=25m": ("IronPortPoolSlow", 143, ""),
    "flood@+175m,pool=inbound": ("IronPortDistributedAttackSuspected", 187, ""),
}


@pytest.fixture(scope="module")
def campus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    for name in ("prometheus", "promtool"):
        program(name)
    folder = tmp_path_factory.mktemp("campus")
    history.write({"ironport": load_topology("campus")}, folder, END, LENGTH, map(parse_scenario, SCENARIOS))
    with blocks.served(folder, SHORT_LOOKBACK) as url:
        yield url


def verdicts(url: str, minute: int) -> list[VerdictFinding]:
    """Return every verdict on every place in a minute of the history."""
    _, pools = explain(Prometheus(url), BEGIN + minute * MINUTE, Selection())
    return [each for pool in pools for place in (pool.pool, *pool.units) for each in place.verdicts]


@pytest.mark.parametrize(("alert", "minute", "unit"), SCENARIOS.values(), ids=SCENARIOS)
def test_the_account_ends_at_the_alert_that_fires(campus: str, alert: str, minute: int, unit: str) -> None:
    _, (pool,) = explain(Prometheus(campus), BEGIN + minute * MINUTE, Selection(pools=("inbound",)))
    assert pool.verdict
    assert (pool.verdict.alert, pool.verdict.place.unit, pool.verdict.state) == (alert, unit, FIRING)
    assert pool.verdict.holds


@pytest.mark.parametrize("minute", [20, 36, 65, 92, 130, 181])
def test_every_alert_agrees_at_any_moment(campus: str, minute: int) -> None:
    """Each group of rules has its own moments of evaluation, so an alert may fire a minute or two later."""
    now, soon = verdicts(campus, minute), verdicts(campus, minute + 2)
    fires = {(each.alert, each.place) for each in (*now, *soon) if each.state == FIRING}
    holding = {(each.alert, each.place) for each in now if each.holds and not each.branch.rule.for_seconds}
    assert holding <= fires
    assert all(each.branch.rule.keep_firing_for_seconds for each in now if each.is_ending)


def test_the_command_prints_text_and_json(campus: str, capsys: pytest.CaptureFixture[str]) -> None:
    at = datetime.fromtimestamp(BEGIN + 42 * MINUTE, UTC).isoformat()
    arguments = ["explain", "--prometheus.url", campus, "--at", at, "--pool", "inbound"]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "One heavy sender on mx2 (IronPortJabbererSuspected, firing)." in text.splitlines()[0]
    assert "\n    One heavy sender (IronPortJabbererSuspected, firing): yes\n" in text
    assert "\n  mx1: wait 0 > 60 s no\n" in text
    assert main([*arguments, "--json"]) == 0
    (pool,) = json.loads(capsys.readouterr().out)["pools"]
    assert pool["verdict"] == {
        "alert": "IronPortJabbererSuspected",
        "unit": "mx2",
        "holds": True,
        "state": "firing",
        "ending": False,
    }
    assert set(pool["units"]) >= {"mx1", "mx2"}


def test_a_silent_server_is_a_sentence(campus: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--prometheus.url", "http://127.0.0.1:9"]) == 1
    assert "The Prometheus at http://127.0.0.1:9 cannot be reached" in capsys.readouterr().err
