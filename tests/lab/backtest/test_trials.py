from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exporter.cli import main
from exporter.lab.backtest import command, trials
from exporter.lab.backtest.cases import CASES, Case, quiet_case
from exporter.prometheus.durations import DAY, HOUR, MINUTE
from exporter.prometheus.progress import silent
from exporter.prometheus.rule_files import read_rules

pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool and prometheus are not installed")

SEED = "71"
"""None of the published seeds."""

NAMED = {case.name: case for case in CASES}

VERDICTS = ("jabberer", "flood", "unit-slow", "pool-slow", "queue-paused", "mail-stopped", "unit-down")
WITHOUT_HISTORY = ("fresh install, flood", "second server from mid-attack, flood")
PLAYED = (
    *(replace(NAMED[name], topology="trio") for name in (*VERDICTS, *WITHOUT_HISTORY)),
    # Without a history, because that of six units takes longer than all other cases. Its alert is then another one.
    replace(NAMED["three of six flooded"], history=False, expected=NAMED["fresh install, flood, rated"].expected),
    Case(
        "silence",
        ("lb-toggle,duration=30m", "exporter-restart@+45m", "blackout@+60m,duration=10m"),
        90 * MINUTE,
        topology="trio",
    ),
)
"""Cases that show each kind of verdict and each kind of silence, on a fleet whose history takes a third of the time."""


def test_every_incident_is_found_and_named_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules compare with the same hour a week before: seven days of history say what the published fifteen do.

    Of these days the verdicts read the first hours and the last 26; the mail goes on between.
    """
    monkeypatch.setattr(trials, "HISTORY", 7 * DAY)
    monkeypatch.setattr(trials, "SKIPPED", range(26 * HOUR, 152 * HOUR))
    monkeypatch.setattr(command, "CASES", PLAYED)
    file = tmp_path / "scores.json"
    code = main(["backtest", "--seed", SEED, "--json", str(file)])
    said = capsys.readouterr()
    assert code == 0, said.out
    scores: list[dict[str, Any]] = json.loads(file.read_text())
    assert {score["case"] for score in scores} == {case.name for case in PLAYED}
    assert f"{len(PLAYED)} of {len(PLAYED)} trials went as they should." in said.err
    assert all(f"| {case.name} " in said.out for case in PLAYED)
    assert {score["case"] for score in scores if score["notifications"]} == {
        *("flood", "three of six flooded", "pool-slow", "mail-stopped"),
        *("fresh install, flood", "second server from mid-attack, flood"),
    }


def test_a_fault_ends_the_command_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the right rule the incident is missed, and the command says so."""
    (tmp_path / "rules.yml").write_text(
        "groups: [{name: a, rules: [{alert: IronPortBounceStorm, expr: ironport_work_queue_messages > 500}]}]"
    )
    rules = str(tmp_path / "*.yml")
    assert main(["backtest", "--rules", rules, "--only", "fresh install, jabberer, rated"]) == 1
    said = capsys.readouterr()
    assert "| missed " in said.out
    assert "false alarm BounceStorm mx1 (seed 1)" in said.out
    assert "0 of 1 trials went as they should." in said.err


def test_a_case_that_does_not_exist_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "--only", "jaberer"]) == 2
    assert "There is no case 'jaberer'. Did you mean jabberer?" in capsys.readouterr().err


def test_only_a_bursty_case_has_a_bursty_fleet(tmp_path: Path) -> None:
    """Some hundred recipients of such a fleet wait for a destination that is always down."""
    (tmp_path / "rules.yml").write_text(
        "groups: [{name: a, rules: [{alert: Waiting, expr: sum(ironport_delivery_queue_recipients) > 650}]}]"
    )
    rules = read_rules(str(tmp_path / "*.yml"))
    both = [Case(str(bursty), (), 600, topology="pair", history=False, bursty=bursty) for bursty in (False, True)]
    played = trials.play([trials.Trial(case, 1) for case in both], rules, silent)
    assert {one.trial.case.name: bool(one.firings) for one in played} == {"False": False, "True": True}


def test_only_a_trial_with_rest_reads_it(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(
        'groups: [{name: a, rules: [{alert: Read, expr: "count(ironport_source_up{source=\\"rest\\"} == 1) > 6"}]}]'
    )
    case = Case("quiet", (), 600, history=False)
    both = [trials.Trial(case, 1, rest=rest) for rest in (False, True)]
    played = trials.play(both, read_rules(str(tmp_path / "*.yml")), silent)
    assert {one.trial.rest: bool(one.firings) for one in played} == {False: False, True: True}


def test_quiet_weeks_say_that_they_are_bursty() -> None:
    assert quiet_case(3, "pair", bursty=True).name == "3 bursty quiet weeks, pair"
    assert quiet_case(3, "pair", bursty=False).name == "3 quiet weeks, pair"
