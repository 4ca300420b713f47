"""What `explain` prints agrees with the alerts of the project's rules, on a simulated campus that is attacked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from exporter.cli import main
from exporter.explain.explanation import VerdictFinding, explain
from exporter.explain.text import explanation_text
from exporter.incidents.firings import FIRING, Firing
from exporter.lab.backtest.alerting import replay
from exporter.lab.history import blocks
from exporter.lab.history.alerts import SHORT_LOOKBACK
from exporter.lab.history.families import families_of_rules
from exporter.lab.history.sampling import Sampling, write_samples
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.lab.simulator.topology import load_topology
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import MINUTE
from exporter.prometheus.progress import silent
from exporter.prometheus.rule_files import project_rules, read_rules
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
    fleets, scenarios = {"ironport": load_topology("campus")}, map(parse_scenario, SCENARIOS)
    history.write(fleets, folder, END, LENGTH, scenarios, families=history.OF_ALERTS)
    with blocks.served(folder, SHORT_LOOKBACK) as url:
        yield url


def verdicts(url: str, minute: int) -> list[VerdictFinding]:
    """Return every verdict on every place in a minute of the history."""
    _, pools = explain(Prometheus(url), BEGIN + minute * MINUTE, Selection())
    return [each for pool in pools for place in (pool.pool, *pool.units) for each in place.verdicts]


@pytest.mark.parametrize(("alert", "minute", "unit"), SCENARIOS.values(), ids=SCENARIOS)
def test_the_explanation_ends_at_the_alert_that_fires(campus: str, alert: str, minute: int, unit: str) -> None:
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
    assert "\n  mx1  wait: 0 s > 60 s? no\n" in text
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


# --- a new installation, which knows no past --------------------------------------------------------------------------

JABBERER: Final = "jabberer@+20m,unit=ring1,duration=15m"
NEW: Final = {
    # scenario on a ring of two, with ratings or without: as above
    (JABBERER, True): ("IronPortJabbererSuspected", 30, "ring1"),
    (JABBERER, False): ("IronPortUnitBackloggedCauseUnknown", 30, "ring1"),
    ("flood@+60m", True): ("IronPortPoolOverloaded", 70, ""),
    ("flood@+60m", False): ("IronPortPoolBackloggedCauseUnknown", 70, ""),
}

Ring = tuple[str, list[Firing]]
"""The URL of a server with the samples and recorded series of a ring, and the alerts that fired."""


@contextmanager
def ring(folder: Path, without: Set[str]) -> Iterator[Ring]:
    fleet, rules = load_topology("pair"), read_rules(str(project_rules()))
    model, periods = Model(fleet, 1, BEGIN, MINUTE), list(blocks.periods(BEGIN + MINUTE, BEGIN + 75 * MINUTE, MINUTE))
    for scenario in {scenario for scenario, _ in NEW}:
        model.begin(parse_scenario(scenario))
    sampling = Sampling(fleet, 1, families_of_rules(rules) - without, folder)
    for period in periods:
        write_samples(sampling, model, period)
    with ThreadPoolExecutor(2) as pool:
        fired = replay(folder, rules, periods, pool, silent)
    with blocks.served(folder, SHORT_LOOKBACK) as url:
        yield url, fired


@pytest.fixture(scope="module")
def rings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, Ring]]:
    """Give the ring with ratings (True) and without."""
    with (
        ring(tmp_path_factory.mktemp("rated"), set()) as rated,
        ring(tmp_path_factory.mktemp("unrated"), {"ironport_rated_messages_per_second"}) as unrated,
    ):
        yield {True: rated, False: unrated}


@pytest.mark.parametrize(("rated", "alert", "minute", "unit"), [(key[1], *row) for key, row in NEW.items()])
def test_a_new_installation_agrees_too(
    rings: dict[bool, Ring], rated: bool, alert: str, minute: int, unit: str
) -> None:
    url, fired = rings[rated]
    at = BEGIN + minute * MINUTE
    assert [each for each in fired if each.alert == alert and each.begin <= at <= (each.end or at)]
    _, (pool,) = explain(Prometheus(url), at, Selection())
    assert pool.verdict
    assert (pool.verdict.alert, pool.verdict.place.unit) == (alert, unit)


def test_a_new_installation_is_told_what_would_help(rings: dict[bool, Ring]) -> None:
    url, _ = rings[False]
    text = explanation_text(*explain(Prometheus(url), BEGIN + 30 * MINUTE, Selection()))
    assert (
        '"rated" (instance:ironport_rated_messages:rate) is missing: it needs rated_messages_per_hour in fleet' in text
    )
    assert "(pool:ironport_messages_injected:rate1h_usual_high) is missing: it needs a week of history." in text


def test_a_silent_server_is_a_sentence(campus: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--prometheus.url", "http://127.0.0.1:9"]) == 1
    assert "The Prometheus at http://127.0.0.1:9 cannot be reached" in capsys.readouterr().err
