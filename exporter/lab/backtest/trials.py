"""Trials: samples are simulated, the rules record series from them, and alerts fire.

Cases do not influence each other. A history of two weeks is made once for each topology and seed, and each case goes on
from a copy of it. In the history the rules are evaluated every five minutes, in a case as Prometheus would.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from exporter.incidents.firings import Firing
from exporter.lab.backtest.agreement import Agreement, agreement_with_alerts
from exporter.lab.backtest.alerting import HISTORY, PACE, replay
from exporter.lab.backtest.cases import Case
from exporter.lab.history import blocks
from exporter.lab.history.backfill import backfill
from exporter.lab.history.families import ALL_FAMILIES, families_of_rules
from exporter.lab.history.sampling import Sampling, write_samples
from exporter.lab.history.workers import workers
from exporter.lab.simulator import topology
from exporter.lab.simulator.incident import Truth
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.scenario_text import parse_scenario
from exporter.prometheus.durations import HOUR
from exporter.prometheus.progress import Progress, silent
from exporter.prometheus.rule_files import Rule, lookbacks

_BEFORE_ONSET: Final = 2 * HOUR
"""Seconds from the end of the history to the onset.

They begin with a new model, whose counters start at other values: the rules must have got over that.
"""

SKIPPED: Final = range(0)
"""Seconds before the end of the history that it leaves out: none. Tests leave out what their cases do not read."""

WATCHED: Final = HOUR
"""Seconds before the onset in which alerts already count."""

DAYTIME: Final = int(datetime(2026, 3, 11, 10, tzinfo=UTC).timestamp())
NIGHT: Final = int(datetime(2026, 3, 8, 2, tzinfo=UTC).timestamp())
"""When cases begin: in a busy hour of a Wednesday, and in the night of the Sunday before."""

_LATELY: Final = HOUR / 2
"""Seconds before an evaluation. What rules read only from then on, they read from the trial's own samples.

These begin an hour before the first alert that counts. The other half hour is for what rules read before an evaluation
to find the last sample, each for itself.
"""

_PHASE: Final = 37
"""Seconds from a sample to the onset: real incidents do not begin at the moment of a sample."""

_RATED: Final = "ironport_rated_messages_per_second"


@dataclass(frozen=True, slots=True)
class Trial:
    """One case played with one seed."""

    case: Case
    seed: int
    step: int = 60
    """Seconds between samples."""
    drops: float = 0.0
    """Share of the SNMP requests that is dropped at least."""
    explained: bool = False
    """Whether `explain` is asked about it."""
    rest: bool = False
    """Whether the exporter reads the REST interfaces, too, also if the case does not need it."""

    @property
    def onset(self) -> int:
        """When the first scenario begins."""
        return (NIGHT if self.case.night else DAYTIME) + _PHASE

    @property
    def reads_rest(self) -> bool:
        """Whether the exporter reads the REST interfaces."""
        return self.rest or self.case.rest

    @property
    def begin(self) -> int:
        """The time of the last sample of the history."""
        return (NIGHT if self.case.night else DAYTIME) - _BEFORE_ONSET

    @property
    def end(self) -> int:
        """The time of the last sample."""
        return self.begin + _BEFORE_ONSET + self.case.length // self.step * self.step


HistoryKey = tuple[str, int, bool, bool, bool]
"""What tells histories apart: topology, seed, whether ratings are configured, whether mail is bursty, and REST."""


@dataclass(frozen=True, slots=True)
class Played:
    """The outcome of a trial."""

    trial: Trial
    truth: tuple[Truth, ...]
    """What happened."""
    firings: tuple[Firing, ...]
    """The alerts that fired from an hour before the onset until the end."""
    agreement: Agreement | None = None
    """Whether `explain` agrees with them; None if it was not asked."""


def play(trials: Sequence[Trial], rules: Sequence[Rule], progress: Progress, *, pace: int = PACE) -> Iterator[Played]:
    """Play the trials, as many at a time as there are processors, and yield the outcome of each when it has ended.

    In the history the rules are evaluated every `pace` seconds. Raises ExporterError where promtool or Prometheus is
    missing or fails, RequestError for rules that read each other in a circle.
    """
    for name in ("promtool", "prometheus"):
        blocks.program(name)
    with tempfile.TemporaryDirectory(prefix="ironport-backtest-") as name:
        folder = Path(name)
        histories = _make_histories(folder, trials, rules, pace, progress)
        with workers() as pool:
            longest_first = sorted(trials, key=lambda trial: -trial.case.length)
            tasks: list[Future[Played]] = [
                pool.submit(_play, trial, rules, histories[_history_key(trial)] if trial.case.history else None, folder)
                for trial in longest_first
            ]
            for done, task in enumerate(as_completed(tasks), 1):
                played = task.result()
                progress("cases", done / len(tasks))
                yield played


def _history_key(trial: Trial) -> HistoryKey:
    return trial.case.topology, trial.seed, trial.case.rated, trial.case.bursty, trial.reads_rest


def _make_histories(
    folder: Path, trials: Iterable[Trial], rules: Sequence[Rule], pace: int, progress: Progress
) -> dict[HistoryKey, Path]:
    """Return the folders of the histories that the trials start from."""
    wanted: dict[HistoryKey, list[Trial]] = {}
    for trial in trials:
        if trial.case.history:
            wanted.setdefault(_history_key(trial), []).append(trial)
    made: dict[HistoryKey, Path] = {}
    for number, (key, same) in enumerate(wanted.items(), 1):
        made[key] = folder / str(number)
        _make_history(made[key], f"history {number} of {len(wanted)}", same, rules, pace, progress)
    return made


def _make_history(
    out: Path, what: str, trials: Sequence[Trial], rules: Sequence[Rule], pace: int, progress: Progress
) -> None:
    """Write the series from which the rules still read something when the alerts of the trials are watched.

    Each family begins where the rules begin to read it: most of them are read for hours only, few for two weeks.
    """
    case, seed = trials[0].case, trials[0].seed
    watched = min(trial.onset for trial in trials) - WATCHED
    looked_at = lookbacks(rules)
    read = frozenset(name for name, lookback in looked_at.items() if lookback > _LATELY)
    end = DAYTIME - _BEFORE_ONSET
    backfill(
        topology.load_topology(case.topology),
        seed=seed,
        seconds=HISTORY,
        end=end,
        out=out,
        families=read & ALL_FAMILIES,
        without=_not_configured(case),
        since={name: watched - lookback - _LATELY for name, lookback in looked_at.items()},
        skipped=range(end - SKIPPED.stop, end - SKIPPED.start),
        rules=[rule for rule in rules if rule.record in read],
        pace=pace,
        bursty=case.bursty,
        rest=trials[0].reads_rest,
        progress=lambda part, share: progress(f"{what}, {part}", share),
    )


def _not_configured(case: Case) -> frozenset[str]:
    return frozenset() if case.rated else frozenset({_RATED})


def _play(trial: Trial, rules: Sequence[Rule], history: Path | None, folder: Path) -> Played:
    case = trial.case
    fleet = topology.load_topology(case.topology)
    model = Model(fleet, trial.seed, trial.begin, trial.step, bursty=case.bursty)
    for scenario in case.scenarios:
        request = parse_scenario(scenario)
        model.begin(request.at(_BEFORE_ONSET + _PHASE + request.offset))
    truth = tuple(model.truth())
    if trial.drops:
        model.begin(parse_scenario(f"snmp-drops,size={trial.drops},duration={_BEFORE_ONSET + case.length}s"))
    first = trial.begin + trial.step
    if case.blind:
        first = -(-(trial.onset + case.blind) // trial.step) * trial.step
        model.advance(first - trial.step)
    periods = list(blocks.periods(first, trial.end, trial.step))
    with tempfile.TemporaryDirectory(dir=folder) as name, ThreadPoolExecutor(1) as alone:
        out = Path(name)
        if history:
            _link(history, out, trial.begin)
        sampling = Sampling(fleet, trial.seed, families_of_rules(rules) - _not_configured(case), out, trial.reads_rest)
        for period in periods:
            write_samples(sampling, model, period)
        firings = replay(out, rules, periods, alone, silent)
        watched = trial.onset - WATCHED
        agreement = agreement_with_alerts(out, periods, max(watched, first)) if trial.explained else None
    fired = tuple(firing for firing in firings if firing.end is None or firing.end > watched)
    return Played(trial, truth, fired, agreement)


def _link(history: Path, out: Path, until: int) -> None:
    """Link the blocks of the history that end at the time `until` or before into the folder `out`."""
    for block in history.iterdir():
        if json.loads((block / "meta.json").read_text())["maxTime"] <= (until + 1) * 1000:
            shutil.copytree(block, out / block.name, copy_function=os.link)
