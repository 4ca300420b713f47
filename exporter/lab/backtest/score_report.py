"""Scores, as a Markdown table for people and as JSON for programs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from exporter.lab.backtest.agreement import Agreement
from exporter.lab.backtest.cases import CASES
from exporter.lab.backtest.past_report import firing_json, markdown_table
from exporter.lab.backtest.score import Score


def scores_table(scores: Iterable[Score]) -> str:
    """Return the scores, a row for each case, with the minutes to the right alert for each seed."""
    by_case: dict[str, list[Score]] = defaultdict(list)
    for score in scores:
        by_case[score.trial.case.name].append(score)
    order = {case.name: number for number, case in enumerate(CASES)}
    rows = [["case", "fleet", "right alert", "minutes to it", "at most", "notified", "faults"]]
    names = sorted(by_case, key=lambda name: order.get(name, len(order)))
    return markdown_table([*rows, *(_row(sorted(by_case[name], key=lambda score: score.trial.seed)) for name in names)])


def _row(scores: Sequence[Score]) -> list[str]:
    case = scores[0].trial.case
    faults = [f"{fault} (seed {score.trial.seed})" for score in scores for fault in score.faults]
    return [
        case.name,
        case.topology,
        " or ".join(name.removeprefix("IronPort") for name in scores[0].expected) or "none",
        ", ".join(_minutes(score) for score in scores),
        "" if case.minutes is None else f"{case.minutes:g}",
        ", ".join(str(score.notifications) for score in scores),
        "; ".join(faults) or "none",
    ]


def _minutes(score: Score) -> str:
    if not score.expected:
        return "-"
    return "missed" if score.delay is None else f"{score.delay / 60:.1f}"


def agreement_sentence(asked: Sequence[Agreement]) -> str:
    """Return how often `explain` was asked in all trials, and how often it disagreed."""
    faults = sum(len(one.faults) for one in asked)
    return (
        f"explain was asked at {sum(one.moments for one in asked):,} moments and judged"
        f" {sum(one.verdicts for one in asked):,} verdicts, {sum(one.active for one in asked):,} of them with an alert"
        f" that was pending or firing; {faults or 'none'} disagreed with the alerts."
    )


def scores_json(scores: Iterable[Score]) -> list[dict[str, Any]]:
    """Return the scores for JSON; delays in seconds."""
    return [
        {
            "case": score.trial.case.name,
            "seed": score.trial.seed,
            "step": score.trial.step,
            "drops": score.trial.drops,
            "expected": list(score.expected),
            "delay": score.delay,
            "limit": None if score.trial.case.minutes is None else score.trial.case.minutes * 60,
            "notifications": score.notifications,
            "wrong": [firing_json(firing) for firing in score.wrong],
            "false": [firing_json(firing) for firing in score.false],
            "agreement": score.agreement and asdict(score.agreement),
        }
        for score in scores
    ]
