"""What `ironport-exporter backtest` does without --prometheus.url: it plays the cases on the simulator."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from exporter.errors import UsageError, suggestion
from exporter.lab.backtest.cases import CASES, Case, quiet_case
from exporter.lab.backtest.files import check_writable, rules_of, write_json
from exporter.lab.backtest.score import Score, score
from exporter.lab.backtest.score_report import agreement_sentence, scores_json, scores_table
from exporter.lab.backtest.trials import Trial, play
from exporter.prometheus import progress


def play_cases(
    only: Sequence[str],
    *,
    seeds: Sequence[int],
    quiet_weeks: int | None,
    topology: str,
    bursty: bool,
    drops: float,
    explained: bool,
    rest: bool,
    step: int,
    rules: str | None,
    json_file: Path | None,
) -> int:
    """Play the cases that a pattern of `only` matches and print their scores; return 1 if anything is wrong with one.

    `drops` is the share of SNMP requests that are lost, `step` the seconds between samples, `rules` a pattern of files.
    If `explained`, `explain` must agree with the alerts. With `rest`, the exporter reads the REST interfaces, too.
    """
    cases = CASES if quiet_weeks is None else (*CASES, quiet_case(quiet_weeks, topology, bursty=bursty))
    trials = [Trial(case, seed, step, drops, explained, rest) for case in _chosen(cases, only) for seed in seeds]
    check_writable(json_file)
    order = {trial: number for number, trial in enumerate(trials)}
    played = sorted(play(trials, rules_of(rules), progress.show), key=lambda one: order[one.trial])
    scores = [score(one) for one in played]
    print(scores_table(scores))  # noqa: T201 - what the command is for
    write_json(json_file, scores_json(scores))
    return _exit_code(scores)


def _chosen(cases: Sequence[Case], patterns: Sequence[str]) -> list[Case]:
    """Return the cases that a pattern matches; raises UsageError for a pattern that matches none."""
    names = [case.name for case in cases]
    for pattern in patterns:
        if not any(fnmatch(name, pattern) for name in names):
            hint = suggestion(pattern, names) or " `ironport-exporter backtest --list` lists them."
            raise UsageError(f"There is no case {pattern!r}.{hint}")
    return [case for case in cases if any(fnmatch(case.name, pattern) for pattern in patterns)]


def _exit_code(scores: list[Score]) -> int:
    faulty = [score for score in scores if score.faults]
    print(f"{len(scores) - len(faulty)} of {len(scores)} trials went as they should.", file=sys.stderr)  # noqa: T201
    if asked := [score.agreement for score in scores if score.agreement]:
        print(agreement_sentence(asked), file=sys.stderr)  # noqa: T201
    return 1 if faulty else 0
