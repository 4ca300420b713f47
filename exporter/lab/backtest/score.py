"""How well the rules did in a trial: how soon the right alert fired, and which alerts should not have fired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, cast

from exporter.incidents.firings import Firing
from exporter.incidents.notifications import CALLING, notifications
from exporter.lab.backtest.agreement import Agreement
from exporter.lab.backtest.trials import Played, Trial
from exporter.lab.simulator import topology
from exporter.lab.simulator.incident import Alert, Severity, Truth
from exporter.prometheus.durations import HOUR, MINUTE

GRACE: Final = 10 * MINUTE
"""Seconds after the end of an incident in which the right alert is still in time: a restart shows only afterwards."""

AFTERMATH: Final = HOUR
"""Seconds after the end of an incident in which it still explains alerts: queues have to drain."""


@dataclass(frozen=True, slots=True)
class Score:
    """The score of one trial."""

    trial: Trial
    expected: tuple[str, ...]
    """The names of the right alerts. Without any, there is nothing to miss."""
    delay: float | None
    """Seconds from the onset to the first right alert; None if there was none."""
    wrong: tuple[Firing, ...]
    """Critical alerts that nothing justifies."""
    false: tuple[Firing, ...]
    """Other alerts that nothing justifies."""
    notifications: int
    """How many notifications of critical alerts there were."""
    agreement: Agreement | None = None
    """Whether `explain` agrees with the alerts; None if it was not asked."""

    @property
    def missed(self) -> bool:
        return bool(self.expected) and self.delay is None

    @property
    def late(self) -> bool:
        """Whether the right alert took longer than the case allows."""
        minutes = self.trial.case.minutes
        return minutes is not None and self.delay is not None and self.delay > minutes * 60

    @property
    def faults(self) -> list[str]:
        """What went wrong, a few words for each fault."""
        found = ["missed"] * self.missed + ["late"] * self.late
        found += [f"wrong critical {_named(firing)}" for firing in self.wrong]
        found += [f"false alarm {_named(firing)}" for firing in self.false]
        found += [f"notified {self.notifications} times"] * (self.notifications > 1)
        return found + [f"explain: {fault}" for fault in (self.agreement.faults if self.agreement else ())]


def score(played: Played) -> Score:
    subject = _subject(played)
    streams = {unit.pool: unit.stream for unit in topology.load_topology(played.trial.case.topology).appliances}
    right = [firing.begin - played.trial.onset for firing in played.firings if _is_right(firing, subject)]
    reasons = [subject, *played.truth]
    unjustified = [
        firing
        for firing in played.firings
        if firing.alert in played.trial.case.never or not any(_explains(one, firing, streams) for one in reasons)
    ]
    return Score(
        trial=played.trial,
        expected=tuple(alert.name for alert in subject.expected),
        delay=min(right, default=None),
        wrong=tuple(firing for firing in unjustified if firing.severity == CALLING),
        false=tuple(firing for firing in unjustified if firing.severity != CALLING),
        notifications=len(notifications(played.firings, played.trial.end)),
        agreement=played.agreement,
    )


def _subject(played: Played) -> Truth:
    """Return what the right alert is about: the first incident, or all of them if the case has alerts of its own."""
    case = played.trial.case
    if not played.truth:
        return Truth(0, "quiet", 0, 0, (), (), (), ())
    if not case.expected:
        return played.truth[0]
    return replace(
        played.truth[0],
        end=max(truth.end for truth in played.truth),
        pools=tuple(pool for truth in played.truth for pool in truth.pools),
        units=(case.unit,) if case.unit else tuple(unit for truth in played.truth for unit in truth.units),
        expected=case.expected,
        allowed=(),
    )


def _is_right(firing: Firing, truth: Truth) -> bool:
    """Whether the alert is expected, is about what the incident affects, and fires while the incident lasts."""
    return (
        _alert(firing) in truth.expected
        and firing.labels.get("pool", "") in ("", *truth.pools)
        and firing.labels.get("instance", "") in ("", *truth.units)
        and truth.onset <= firing.begin <= truth.end + GRACE
    )


def _explains(truth: Truth, firing: Firing, streams: Mapping[str, str]) -> bool:
    """Whether the incident explains the alert: as an expected one or as an allowed one.

    An alert without a pool is about all pools. Allowed alerts may also fire on other pools of the same stream and their
    units. On the peers of the incident's own units they may fire only if it shifts mail to them.
    """
    pool, unit = firing.labels.get("pool", ""), firing.labels.get("instance", "")
    if not truth.onset <= firing.begin <= truth.end + AFTERMATH:
        return False
    there = pool in ("", *truth.pools) and unit in ("", *truth.units)
    if _alert(firing) in truth.expected and there:
        return True
    along = streams.get(pool) in {streams[one] for one in truth.pools}
    return _alert(firing) in truth.allowed and (there or (along and (truth.shifts or pool not in truth.pools)))


def _alert(firing: Firing) -> Alert:
    return Alert(firing.alert, cast(Severity, firing.severity))


def _named(firing: Firing) -> str:
    place = firing.labels.get("instance") or firing.labels.get("pool", "")
    return f"{firing.alert.removeprefix('IronPort')} {place}".strip()
