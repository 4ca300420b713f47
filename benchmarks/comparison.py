"""Compare the project's rules with simpler ones on the same simulated incidents: how soon, and how many false alarms.

    git clone https://github.com/grafana/promql-anomaly-detection
    python benchmarks/comparison.py --anomaly 'promql-anomaly-detection/rules/*.yml' --seed 31 --weeks 1

This prints the table of docs/backtest.md. The other rules are those of benchmarks/other_rules.yml and, with
`--anomaly`, those of Grafana's framework for anomaly detection. They are evaluated on the same samples.

- The minutes to the first alert count from the onset: the first alert of severity warning or critical on a unit or pool
  of the incident, as the median of the seeds. "never" means that there was none while the incident lasted.
- The minutes to the right alert are those of `ironport-exporter backtest`. Only the project's rules name a cause.
- Every alert of any severity in the quiet weeks is a false alarm, once for each unit or pool.

One seed with one week of each kind takes about a quarter of an hour on two cores.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from exporter.lab.backtest.cases import CASES, Case, quiet_case  # noqa: E402 - the path comes first
from exporter.lab.backtest.past_report import markdown_table  # noqa: E402
from exporter.lab.backtest.score import GRACE, score  # noqa: E402
from exporter.lab.backtest.trials import Played, Trial, play  # noqa: E402
from exporter.prometheus import progress  # noqa: E402
from exporter.prometheus.durations import WEEK  # noqa: E402
from exporter.prometheus.rule_files import Rule, project_rules, read_rules  # noqa: E402

COMPARED: Final = (
    *("jabberer", "flood", "hailstorm", "outbound-abuse", "unit-slow", "pool-slow", "size-bomb", "dha"),
    *("slow-connections", "bounce-storm", "destination-down", "unit-down", "snmp-dead"),
)
"""The names of the cases."""

OTHERS: Final = ROOT / "benchmarks" / "other_rules.yml"
OURS: Final = "ours, any alert"

PACE: Final = 60
"""Seconds between evaluations of the other rules in the history: the framework counts samples."""

_INPUT: Final = '{__name__=~"anomaly:queue|anomaly:arrivals",anomaly_name!=""'
_EARLIER: Final = re.compile(r"(?<![\])\w:])([a-z_]+(?::\w+)+) offset (\w+)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--anomaly", metavar="GLOB", help="rule files of Grafana's framework")
    parser.add_argument("--seed", type=int, action="append", metavar="N", help="may be repeated; 1 without it")
    parser.add_argument("--weeks", type=int, default=2, help="quiet weeks of each kind for each seed; 2 without it")
    chosen = parser.parse_args()
    ours, others = read_rules(str(project_rules())), other_rules(chosen.anomaly)
    cases = compared_cases(chosen.weeks)
    trials = [Trial(case, seed) for case in cases for seed in chosen.seed or [1]]
    played = together(play(trials, ours, progress.show), play(trials, others, progress.show, pace=PACE))
    print(table(cases, played, [*ours, *others]))


def other_rules(anomaly: str | None) -> list[Rule]:
    return [*read_rules(str(OTHERS)), *(map(adapted, read_rules(anomaly)) if anomaly else ())]


def adapted(rule: Rule) -> Rule:
    """Return a rule of the framework in a form that a history can evaluate; it means the same.

    A history finds the order of the rules by the names that they read, so the input needs its names. It keeps a sample
    every five minutes, and has a short lookback: what reads one sample of another day reads the last of five minutes.
    """
    named = rule.expression.replace('{anomaly_name!=""', _INPUT)
    return replace(rule, expression=_EARLIER.sub(r"last_over_time(\1[5m] offset \2)", named))


def compared_cases(weeks: int) -> list[Case]:
    quiet = (quiet_case(weeks, "campus", bursty=bursty) for bursty in (False, True))
    return [*(case for case in CASES if case.name in COMPARED), *quiet]


def together(ours: Iterable[Played], others: Iterable[Played]) -> list[Played]:
    """Return the trials with the alerts of both."""
    firings = {one.trial: one.firings for one in ours}
    return [replace(one, firings=(*firings[one.trial], *one.firings)) for one in others]


def table(cases: Sequence[Case], played: Sequence[Played], rules: Sequence[Rule]) -> str:
    """Return the Markdown table: a row for each incident and each kind of quiet weeks, a column for each rule."""
    names = list(dict.fromkeys(name for rule in rules if rule.alert for name in columns(rule)))
    rows = [row(case, [one for one in played if one.trial.case == case], names) for case in cases]
    return markdown_table([["", "ours, right alert", *names], *rows])


def columns(rule: Rule) -> list[str]:
    """Return the columns of the alerts of a rule."""
    strategy = rule.labels.get("anomaly_strategy")
    return [f"{strategy}, {name}" for name in ("queue", "arrivals")] if strategy else [column(rule.alert, rule.labels)]


def column(alert: str, labels: Mapping[str, str]) -> str:
    if alert.startswith("IronPort"):
        return OURS
    return labels.get("rule") or f"{labels['anomaly_strategy']}, {labels['anomaly_name']}"


def row(case: Case, played: Sequence[Played], names: Sequence[str]) -> list[str]:
    if not case.scenarios:
        kind = f"{'bursty ' * case.bursty}quiet weeks"
        return [f"{kind}: false alarms a week", "", *(f"{alarms_a_week(played, name):.1f}" for name in names)]
    delays = [[first_alert(one, name) for one in played] for name in names]
    return [f"{case.name}: minutes", median([score(one).delay for one in played]), *map(median, delays)]


def first_alert(played: Played, name: str) -> float | None:
    """Return the seconds from the onset to the first alert of a column about the incident; None if there is none."""
    truth = played.truth[0]
    begins = [
        firing.begin
        for firing in played.firings
        if column(firing.alert, firing.labels) == name
        and firing.severity != "info"
        and firing.labels.get("pool") in truth.pools
        and firing.labels.get("instance", "") in ("", *truth.units)
        and truth.onset <= firing.begin <= truth.end + GRACE
    ]
    return min(begins) - truth.onset if begins else None


def median(delays: Sequence[float | None]) -> str:
    """Return the median in minutes, and in how many of the trials there was an alert if not in all."""
    known = [delay / 60 for delay in delays if delay is not None]
    if not known:
        return "never"
    often = f" ({len(known)} of {len(delays)})" if len(known) < len(delays) else ""
    return f"{statistics.median(known):.1f}{often}"


def alarms_a_week(played: Sequence[Played], name: str) -> float:
    weeks = sum(one.trial.case.length for one in played) / WEEK
    return sum(column(firing.alert, firing.labels) == name for one in played for firing in one.firings) / weeks


if __name__ == "__main__":
    main()
