"""Incidents: alerts of one stream that fired at the same time, under the name of the most telling one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from exporter.errors import ExporterError
from exporter.incidents.firings import LONGEST_BLACKOUT, AlertHistory, Firing
from exporter.incidents.notifications import GROUP_WAIT, notifications
from exporter.prometheus.durations import MINUTE
from exporter.prometheus.rule_files import Rule, project_rules, read_rules

AlertLevel = Literal["pool", "unit"]

INCIDENT_VERDICTS: Final[tuple[tuple[AlertLevel, tuple[str, ...]], ...]] = (
    ("pool", ("PoolUnreachable",)),
    ("pool", ("PoolNotAcceptingMail",)),
    ("pool", ("DistributedAttackSuspected",)),
    ("pool", ("PoolOverloaded", "CapacityInsufficient")),
    ("pool", ("PoolSlow",)),
    ("pool", ("PoolBackloggedCauseUnknown",)),
    ("pool", ("WorkQueueHigh", "WorkQueueDelayHigh")),
    ("pool", ("NoMailArriving",)),
    ("pool", ("DeliveryStarved", "DeliveryStalled")),
    ("pool", ("InternalMailDelayed",)),
    ("unit", ("JabbererSuspected",)),
    ("unit", ("UnitOverloaded",)),
    ("unit", ("UnitSlow",)),
    ("unit", ("WorkQueueStalled",)),
    ("unit", ("UnitBackloggedCauseUnknown",)),
    ("unit", ("OutboundAbuseSuspected",)),
    ("unit", ("ConnectionSlotsExhausted",)),
    ("pool", ("DirectoryHarvestSuspected",)),
    ("pool", ("BounceStorm",)),
    ("pool", ("ConnectionFlood",)),
    ("unit", ("UnitUnreachable",)),
    ("unit", ("UnitNotOnline",)),
    ("pool", ("DestinationStuck",)),
    ("pool", ("DeliveryBacklog",)),
    ("unit", ("DeliveryStarved", "DeliveryStalled", "OldestMessageStuck")),
    ("unit", ("WorkQueueHigh", "WorkQueueDelayHigh", "WorkQueueFillingUp")),
    ("unit", ("ResourceConservation",)),
)
"""The alerts that make an incident, because mail is late, lost or refused; the most telling first.

The order is that of the dashboards' verdicts. Alerts that are about work for later (a licence, a release, a fan), about
capacity or about the monitoring itself make no incident. They can explain one.
"""

_RANKS: Final = {
    (level, f"IronPort{name}"): rank
    for rank, (level, names) in enumerate(INCIDENT_VERDICTS)
    for name in reversed(names)
}

GAP: Final = 10 * MINUTE
"""Seconds between two alerts of a stream that still belong to one incident. Time without samples does not count."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Alerts of one stream that belong together. Times are in Unix time."""

    job: str
    stream: str
    verdict: Firing
    """The most telling alert."""
    firings: tuple[Firing, ...]
    """The alerts that make the incident, by their beginning."""
    others: tuple[Firing, ...]
    """Other alerts that fired meanwhile and may explain it."""
    began: int
    """When the first alert began to wait for its `for`: the condition was there."""
    seen: int
    """When the first alert fired."""
    notified: int | None
    """When the person on call was notified; None if nothing critical fired."""
    ended: int | None
    """When the last condition ended: `keep_firing_for` is not counted. None if it goes on."""

    @property
    def severity(self) -> str:
        """The worst severity: critical or warning."""
        return "critical" if any(each.severity == "critical" for each in self.firings) else "warning"

    @property
    def pools(self) -> tuple[str, ...]:
        """The pools of the alerts, the one of the verdict first."""
        return _values("pool", (self.verdict, *self.firings))

    @property
    def units(self) -> tuple[str, ...]:
        """The units that alerts name, those of the verdict first. A verdict on a pool names none."""
        ranked = sorted(self.firings, key=lambda each: _rank(each) or 0)
        return _values("instance", (self.verdict, *ranked))

    def lasts_until(self, now: int) -> int:
        """Return when it ended, or now if it goes on."""
        return now if self.ended is None else self.ended


def find_incidents(history: AlertHistory) -> list[Incident]:
    """Return the incidents of a time, by their beginning.

    How long alerts keep firing after their condition ended is read from the project's rules.
    """
    tails = _tails()
    streams: dict[tuple[str, str], list[Firing]] = defaultdict(list)
    for firing in history.firings:
        if _rank(firing) is not None:
            streams[firing.labels.get("job", ""), firing.labels.get("stream", "")].append(firing)
    found = [_incident(group, history, tails) for those in streams.values() for group in _groups(those, history, tails)]
    return sorted(found, key=lambda each: (each.began, each.stream))


def _rank(firing: Firing) -> int | None:
    """Return how telling an alert is, 0 for the most telling; None if it makes no incident."""
    level: AlertLevel = "unit" if firing.labels.get("instance") else "pool"
    return None if firing.severity == "info" else _RANKS.get((level, firing.alert))


def _tails() -> dict[tuple[str, str], int]:
    """Return the `keep_firing_for` of each alert in seconds, by name and severity."""
    return {(rule.alert, rule.labels.get("severity", "")): int(rule.keep_firing_for_seconds) for rule in alert_rules()}


def alert_rules() -> list[Rule]:
    """Return the project's alerting rules; raises ExporterError where they are not installed."""
    pattern = project_rules()
    if pattern is None:
        raise ExporterError("The rule files are missing in this installation: install ironport-exporter again.")
    return [rule for rule in read_rules(pattern) if rule.alert]


def _groups(
    firings: Iterable[Firing], history: AlertHistory, tails: Mapping[tuple[str, str], int]
) -> list[list[Firing]]:
    """Return the alerts of a stream in groups that touch."""
    groups: list[list[Firing]] = []
    reach = 0
    for firing in sorted(firings, key=_since):
        if not groups or _is_apart(firing, reach, history):
            groups.append([])
            reach = 0
        groups[-1].append(firing)
        end = _condition_end(firing, tails)
        reach = max(reach, history.minutes[-1] if end is None else end)
    return groups


def _is_apart(firing: Firing, reach: int, history: AlertHistory) -> bool:
    """Return whether an alert came too late to belong to those whose conditions ended at `reach`."""
    gap = _since(firing) - reach
    if gap <= GAP:
        return False
    dark = history.unscraped(firing.labels.get("job", ""), reach, _since(firing))
    return gap - min(sum(end - begin for begin, end in dark), LONGEST_BLACKOUT) > GAP


def _since(firing: Firing) -> int:
    return firing.begin if firing.pending is None else firing.pending


def _condition_end(firing: Firing, tails: Mapping[tuple[str, str], int]) -> int | None:
    if firing.end is None:
        return None
    return max(firing.begin, firing.end - tails.get((firing.alert, firing.severity), 0))


def _incident(group: Sequence[Firing], history: AlertHistory, tails: Mapping[tuple[str, str], int]) -> Incident:
    verdict = min(group, key=lambda each: (_rank(each), each.begin))
    ends = [_condition_end(each, tails) for each in group]
    ended = None if None in ends else max(end for end in ends if end is not None)
    began, last = min(map(_since, group)), history.minutes[-1]
    job, stream = (verdict.labels.get(label, "") for label in ("job", "stream"))
    sent = notifications(group, last)
    return Incident(
        job,
        stream,
        verdict,
        tuple(sorted(group, key=lambda each: each.begin)),
        _others(history, verdict, group, range(began, last if ended is None else ended)),
        began,
        min(each.begin for each in group),
        sent[0].begin + GROUP_WAIT if sent else None,
        ended,
    )


def _others(history: AlertHistory, verdict: Firing, group: Sequence[Firing], time: range) -> tuple[Firing, ...]:
    """Return the alerts about the same pools, or about the job, that fired in the time and make no incident."""
    pools = {each.labels.get("pool") for each in (verdict, *group)} | {None}
    return tuple(
        firing
        for firing in history.firings
        if _rank(firing) is None
        and firing.labels.get("job") == verdict.labels.get("job")
        and firing.labels.get("pool") in pools
        and firing.begin < time.stop
        and firing.lasts_until(time.stop) > time.start
    )


def _values(label: str, firings: Iterable[Firing]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for each in firings if (value := each.labels.get(label))))
