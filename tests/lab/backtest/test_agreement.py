"""`explain` is compared with the alerts, on a small history that is written here and in a case that is played."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from exporter.cli import main
from exporter.explain.tree import Tree, tree_of
from exporter.lab.backtest import agreement, command
from exporter.lab.backtest.cases import CASES
from exporter.lab.history import blocks, openmetrics
from exporter.prometheus.durations import MINUTE
from exporter.prometheus.rule_files import project_rules, read_rules

pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool and prometheus are not installed")

BEGIN: Final = 1_773_230_400
MINUTES: Final = range(BEGIN, BEGIN + 30 * MINUTE, MINUTE)
REFUSING: Final = MINUTES[5:10]
UNIT: Final = {"job": "ironport", "stream": "inbound", "pool": "inbound", "instance": "mx1"}
CONSERVATION: Final = "instance:ironport_resource_conservation:bool"


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Return a folder with the series of a unit that is in resource conservation for five minutes."""
    recorded = {rule.record: rule for rule in read_rules(str(project_rules()))}

    def lines() -> Iterator[str]:
        for name in ("instance:ironport_in_service:bool", CONSERVATION):
            yield openmetrics.header(name, "gauge")
            for minute in MINUTES:
                value = int(name != CONSERVATION or minute in REFUSING)
                yield f"{openmetrics.labelled(name, UNIT)} {value} {minute + recorded[name].offset}\n"

    blocks.write(lines(), tmp_path)
    return tmp_path


def asked(history: Path) -> agreement.Agreement:
    return agreement.agreement_with_alerts(history, [MINUTES], BEGIN + MINUTE)


def test_explain_agrees_where_both_read_the_same_rules(history: Path) -> None:
    found = asked(history)
    assert found.faults == ()
    assert found.active > 0
    assert found.verdicts > 10 * found.moments


def test_a_verdict_that_is_not_what_the_alert_is_is_told(history: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_tree() -> Tree:
        rules = read_rules(str(project_rules()))
        return tree_of(
            [replace(rule, expression=rule.expression.replace(f"{CONSERVATION} == 1", CONSERVATION)) for rule in rules]
        )

    monkeypatch.setattr(agreement, "read_tree", other_tree)
    (fault, *_) = asked(history).faults
    assert fault == "03-11 12:01:00, ResourceConservation (warning) on mx1: pending instead of holds and pending"


def test_the_command_asks_explain(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    case = next(case for case in CASES if case.name == "fresh install, jabberer, rated")
    monkeypatch.setattr(command, "CASES", (replace(case, topology="trio", length=12 * MINUTE),))
    assert main(["backtest", "--explain"]) == 0
    said = capsys.readouterr().err
    assert re.search(
        r"explain was asked at \d+ moments and judged [\d,]+ verdicts, \d+ of them with an alert that ", said
    )
    assert "was pending or firing; none disagreed with the alerts." in said


def test_only_the_rules_of_the_project_can_be_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "--explain", "--rules", "x"]) == 2
    assert (
        "--explain has no effect with --rules: `explain` knows the project's rules. Leave it out."
        in capsys.readouterr().err
    )
