"""What a trial was worth: how soon the right alert came, and what came that should not have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exporter.backtest.alerting import Firing
from exporter.backtest.cases import HOUR, Case
from exporter.backtest.pages import PAGING, pages
from exporter.backtest.simulated import Played, Trial
from exporter.simulator import topology
from exporter.simulator.incident import Truth

AFTERMATH: Final = HOUR
"""Seconds after its end in which an incident still explains alerts: queues drain."""


@dataclass(frozen=True, slots=True)
class Score:
    """The score of one trial: `delay` in seconds from the onset to an expected alert, None for a miss.

    `expected` are the names of the right alerts; without any there is nothing to miss. `wrong` are criticals and
    `false` other alerts that nothing justified; `pages` is how often somebody was paged.
    """

    trial: Trial
    expected: tuple[str, ...]
    delay: float | None
    wrong: tuple[Firing, ...]
    false: tuple[Firing, ...]
    pages: int

    @property
    def missed(self) -> bool:
        """Whether the right alert did not come."""
        return bool(self.expected) and self.delay is None

    @property
    def late(self) -> bool:
        """Whether it took longer than it may."""
        minutes = self.trial.case.minutes
        return minutes is not None and self.delay is not None and self.delay > minutes * 60

    @property
    def faults(self) -> list[str]:
        """What is wrong with it, a few words for each."""
        found = ["missed"] * self.missed + ["late"] * self.late
        found += [f"wrong critical {_named(firing)}" for firing in self.wrong]
        found += [f"false alarm {_named(firing)}" for firing in self.false]
        return found + [f"{self.pages} pages"] * (self.pages > 1)


def score(played: Played) -> Score:
    """Score what was played."""
    case, onset = played.trial.case, played.trial.onset
    streams = {unit.pool: unit.stream for unit in topology.load(case.topology).appliances}
    right = [
        firing.begin - onset for firing in played.fired if firing.begin >= onset and _is_expected(firing, case, played)
    ]
    unjustified = [firing for firing in played.fired if not _is_justified(firing, case, played, streams)]
    return Score(
        trial=played.trial,
        expected=case.expected or tuple(alert.name for alert in _first(played).expected),
        delay=min(right, default=None),
        wrong=tuple(firing for firing in unjustified if firing.severity == PAGING),
        false=tuple(firing for firing in unjustified if firing.severity != PAGING),
        pages=len(pages(played.fired, played.trial.end)),
    )


def _first(played: Played) -> Truth:
    """Return what the trial is about: the first of what happens, or nothing."""
    nothing = Truth(0, "quiet", 0, 0, (), (), (), ())
    return played.truth[0] if played.truth else nothing


def _is_expected(firing: Firing, case: Case, played: Played) -> bool:
    if case.expected:
        return firing.alert in case.expected and _is_there(firing, _first(played))
    expected = {(alert.name, alert.severity) for alert in _first(played).expected}
    return (firing.alert, firing.severity) in expected and _is_there(firing, _first(played))


def _is_there(firing: Firing, truth: Truth) -> bool:
    """Whether the alert names a place that the incident befalls."""
    instance = firing.labels.get("instance", "")
    return firing.labels.get("pool", "") in truth.pools and (not instance or instance in truth.units)


def _is_justified(firing: Firing, case: Case, played: Played, streams: dict[str, str]) -> bool:
    if firing.alert in case.never or firing.begin < played.trial.onset:
        return False
    return _is_expected(firing, case, played) or any(_explains(truth, firing, streams) for truth in played.truth)


def _explains(truth: Truth, firing: Firing, streams: dict[str, str]) -> bool:
    """Whether the incident explains the alert: as the right one where it happened, as one allowed along its stream."""
    if not truth.onset <= firing.begin <= truth.end + AFTERMATH:
        return False
    what = (firing.alert, firing.severity)
    if what in {(alert.name, alert.severity) for alert in truth.expected} and _is_there(firing, truth):
        return True
    allowed = {(alert.name, alert.severity) for alert in truth.allowed}
    return what in allowed and firing.labels.get("stream") in {streams[pool] for pool in truth.pools}


def _named(firing: Firing) -> str:
    place = firing.labels.get("instance") or firing.labels.get("pool", "")
    return f"{firing.alert.removeprefix('IronPort')} {place}".strip()
