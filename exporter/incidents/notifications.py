"""The notifications of critical alerts that Alertmanager would have sent, by the routes of alerts/alertmanager.yml."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from exporter.incidents.firings import Firing

CALLING: Final = "critical"
"""The severity that calls the person on call."""

GROUPED_BY: Final = ("job", "stream")
"""The labels that alerts of one notification share."""

ALONE: Final = "IronPortExporterDown"
"""The alert that is one notification for all jobs."""

GROUP_WAIT: Final = 30
"""Seconds from the first alert of a group to its notification."""

GROUP_INTERVAL: Final = 300
"""Seconds from a notification to the next time that Alertmanager looks at the group, and so on."""


class Notification(NamedTuple):
    """A notification of critical alerts to the person on call."""

    begin: int
    """When the first of its alerts began to fire, in Unix time."""
    alerts: tuple[str, ...]
    """The alerts that it lists while it lasts."""


def notifications(firings: Iterable[Firing], end: int) -> list[Notification]:
    """Return the notifications by time; all that still fires ends at `end`."""
    groups: dict[tuple[str, ...], list[Firing]] = defaultdict(list)
    for firing in firings:
        if firing.severity == CALLING:
            groups[_group(firing.alert, firing.labels)].append(firing)
    return sorted(one for group in groups.values() for one in _of_group(group, end))


def _group(alert: str, labels: Mapping[str, str]) -> tuple[str, ...]:
    return (alert,) if alert == ALONE else tuple(labels.get(name, "") for name in GROUPED_BY)


def _of_group(group: Sequence[Firing], end: int) -> list[Notification]:
    """Return the notifications of a group. One lasts until Alertmanager looks and finds that no alert of it fires."""
    sent: list[tuple[int, list[str]]] = []
    forgotten = lasts = 0
    for firing in sorted(group, key=lambda firing: firing.begin):
        if not sent or firing.begin > forgotten:
            sent.append((firing.begin, []))
            lasts = 0
        begin, alerts = sent[-1]
        alerts.append(firing.alert)
        lasts = max(lasts, firing.lasts_until(end))
        forgotten = _next_look(begin, lasts)
    return [Notification(begin, tuple(dict.fromkeys(alerts))) for begin, alerts in sent]


def _next_look(begin: int, time: int) -> int:
    """Return when Alertmanager looks at a group that began at `begin` for the first time after `time`."""
    first = begin + GROUP_WAIT
    return first + max(-(-(time - first) // GROUP_INTERVAL), 0) * GROUP_INTERVAL
