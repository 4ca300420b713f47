"""How often somebody would have been paged, by the routes of alerts/alertmanager.yml."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from exporter.lab.backtest.alerting import Firing, Labels

PAGING: Final = "critical"
"""The severity that pages."""

GROUPED_BY: Final = ("job", "stream")
ALONE: Final = "IronPortExporterDown"
"""The labels that make alerts one page, and the alert that is one page for all jobs."""

GROUP_WAIT: Final = 30
GROUP_INTERVAL: Final = 300
"""Seconds from the first alert of a group to its page, and from there to each time that Alertmanager looks again."""


Page = tuple[int, tuple[str, ...]]
"""When somebody was paged, and the alerts that it told of while it lasted."""


def pages(fired: Iterable[Firing], end: int) -> list[Page]:
    """Return the pages by time; `end` ends all that still fires."""
    groups: dict[tuple[str, ...], list[Firing]] = defaultdict(list)
    for firing in fired:
        if firing.severity == PAGING:
            groups[_group(firing.alert, firing.labels)].append(firing)
    return sorted(page for group in groups.values() for page in _of_group(group, end))


def _group(alert: str, labels: Labels) -> tuple[str, ...]:
    return (alert,) if alert == ALONE else tuple(labels.get(name, "") for name in GROUPED_BY)


def _of_group(group: Sequence[Firing], end: int) -> list[Page]:
    """Return the pages of a group: one lasts until Alertmanager looks and finds nothing of it firing."""
    result: list[tuple[int, list[str]]] = []
    forgotten = lasts = 0
    for firing in sorted(group, key=lambda firing: firing.begin):
        if not result or firing.begin > forgotten:
            result.append((firing.begin, []))
            lasts = 0
        paged, alerts = result[-1]
        alerts.append(firing.alert)
        lasts = max(lasts, firing.lasts_until(end))
        forgotten = _next_look(paged, lasts)
    return [(begin, tuple(dict.fromkeys(alerts))) for begin, alerts in result]


def _next_look(paged: int, time: int) -> int:
    """Return when Alertmanager looks at the group for the first time after the time."""
    first = paged + GROUP_WAIT
    return first + max(-(-(time - first) // GROUP_INTERVAL), 0) * GROUP_INTERVAL
