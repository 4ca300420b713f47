"""What `ironport-exporter backtest` does without a Prometheus: it plays every case on the simulator."""

from __future__ import annotations

import sys
from argparse import Namespace
from fnmatch import fnmatch

from exporter.errors import UsageError
from exporter.lab.backtest.cases import CASES, Case, quiet
from exporter.lab.backtest.files import rules_of, write_json
from exporter.lab.backtest.score import Score, score
from exporter.lab.backtest.score_report import scores_json, scores_table
from exporter.lab.backtest.simulated import Trial, play
from exporter.lab.history import progress


def backtest(flags: Namespace) -> int:
    """Play the cases that the flags ask for and print their scores; return 1 if anything is wrong with one."""
    trials = [Trial(case, seed, flags.step, flags.drops) for case in _cases(flags) for seed in flags.seed or [1]]
    order = {trial: number for number, trial in enumerate(trials)}
    played = sorted(play(trials, rules_of(flags), progress.show), key=lambda one: order[one.trial])
    scores = [score(one) for one in played]
    print(scores_table(scores))  # noqa: T201 - what the command is for
    write_json(flags.json, scores_json(scores))
    return _conclude(scores)


def _cases(flags: Namespace) -> list[Case]:
    """Return the cases that --only names, or all; raises UsageError for a name that none has."""
    every = CASES if flags.quiet_weeks is None else (*CASES, quiet(flags.quiet_weeks, flags.topology))
    patterns = flags.only or ["*"]
    for pattern in patterns:
        if not any(fnmatch(case.name, pattern) for case in every):
            names = ", ".join(case.name for case in every)
            raise UsageError(f"There is no case {pattern!r}; there are: {names}.")
    return [case for case in every if any(fnmatch(case.name, pattern) for pattern in patterns)]


def _conclude(scores: list[Score]) -> int:
    faulty = [score for score in scores if score.faults]
    print(f"{len(scores) - len(faulty)} of {len(scores)} trials went as they should.", file=sys.stderr)  # noqa: T201
    return 1 if faulty else 0
