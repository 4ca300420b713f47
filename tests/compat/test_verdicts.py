"""The same incidents on the installed Prometheus and on that of today: the same alerts fire at the same minutes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from exporter.incidents.firings import Firing
from exporter.lab.backtest import trials
from exporter.lab.backtest.cases import CASES
from exporter.lab.backtest.files import rules_of
from exporter.prometheus.durations import DAY
from exporter.prometheus.progress import silent
from support.compatible import programs_of_today

SEED: Final = 41
PLAYED: Final = ("jabberer", "flood", "fresh install, flood, rated")
"""A verdict on a unit, a verdict on a pool, and verdicts without any history."""


def fired(names: tuple[str, ...]) -> Mapping[str, list[Firing]]:
    """Return the alerts that fire in the cases, by case."""
    played = [trials.Trial(case, SEED) for case in CASES if case.name in names]
    return {one.trial.case.name: sorted(one.firings, key=str) for one in trials.play(played, rules_of(None), silent)}


def test_alerts_begin_and_end_at_the_same_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "HISTORY", 8 * DAY)
    installed = fired(PLAYED)
    with programs_of_today():
        todays = fired(PLAYED)
    assert todays == installed
    alerts = {name: {each.alert for each in firings} for name, firings in installed.items()}
    assert "IronPortJabbererSuspected" in alerts["jabberer"]
    assert "IronPortDistributedAttackSuspected" in alerts["flood"]
    assert "IronPortPoolOverloaded" in alerts["fresh install, flood, rated"]
